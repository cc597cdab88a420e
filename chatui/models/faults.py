"""What shows in a failure of any server, whatever it speaks."""

from __future__ import annotations

import re

#: Words of an error that is about TLS.
TLS = re.compile(r"certificate|ssl|tls|wrong_version", re.IGNORECASE)


def is_page(body: str) -> bool:
    """Whether a body is a web page, as a proxy or another program answers."""
    return body.lstrip()[:15].lower().startswith(("<!doctype", "<html"))
