"""Addresses of Ollama servers, in every form that people write them.

The Python client takes `localhost` or `myhost` (no scheme, no port) as nothing at all and asks 127.0.0.1, and does not know that
0.0.0.0 is no address to connect to. So it is always given a whole URL.
"""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import SplitResult, urlsplit, urlunsplit

from chatui.errors import ConfigError
from chatui.text import clean_line

DEFAULT_PORT = 11434
_PORTS = {"http": 80, "https": 443}


def base_url(configured: str | None) -> str:
    """Return the server's URL: the configured one, else `OLLAMA_HOST`, else this machine's.

    Args:
        configured: `host` of the config file's `[ollama]`, in any common form: localhost, host, host:port, a URL with or
            without a path, 0.0.0.0, IPv6.

    Raises:
        ConfigError: It is no address.
    """
    if configured:
        return normalise(configured, "host in [ollama]")
    named = os.environ.get("OLLAMA_HOST", "").strip().strip("\"'")
    return normalise(named, "OLLAMA_HOST") if named else f"http://127.0.0.1:{DEFAULT_PORT}"


def normalise(address: str, source: str) -> str:
    """Return an address as a whole URL without a trailing slash.

    Without a scheme it is http and Ollama's port; with one, the scheme's own port, as the server itself reads it.

    Raises:
        ConfigError: It is no address. Says `source`, and shows no credentials.
    """
    written = address.strip()
    whole = written if "://" in written else f"//{_bracketed(written)}"
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, SplitResult("", "", "", "", "")
    scheme = parts.scheme or "http"
    if not host or scheme not in _PORTS or any(sign.isspace() for sign in host):
        shown = clean_line(written.rpartition("@")[2], 80)
        raise ConfigError(f'{source} is "{shown}", which is no address.', "Write it as http://HOST:PORT.")
    if host in ("0.0.0.0", "::"):  # where a server listens everywhere; here it is asked # noqa: S104
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    if port is None:
        port = _PORTS[scheme] if parts.scheme else DEFAULT_PORT
    shown_host = f"[{host}]" if ":" in host else host
    credentials, at, _ = parts.netloc.rpartition("@")
    return urlunsplit((scheme, f"{credentials}{at}{shown_host}:{port}", parts.path.rstrip("/"), "", ""))


def _bracketed(address: str) -> str:
    """Put brackets round a bare IPv6 address, whose colons would be read as a port's."""
    try:
        return f"[{ipaddress.IPv6Address(address)}]"
    except ValueError:
        return address


def without_credentials(url: str) -> str:
    """Return a URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def shown(url: str) -> str:
    """Return a URL as it may be shown: cleaned, and without user and password."""
    return clean_line(without_credentials(url))


def is_loopback(url: str) -> bool:
    """Say whether a URL leads to this machine, so that no proxy may come between."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
