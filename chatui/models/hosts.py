"""What leads to a server besides its address: API keys, headers, certificates, proxies. None of it is ever shown.

Secrets live in objects without a repr of their contents, and get into a request at the last moment, below every client that
prints, logs or traces its settings.
"""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from chatui.config import HostConfig
from chatui.errors import ConfigError, Unauthorized
from chatui.models.ollama_hosts import is_loopback
from chatui.text import clean_line

#: Under which a key lies in the keyring, by the name of its variable: `keyring set chatui OPENAI_API_KEY`.
KEYRING_SERVICE = "chatui"


def find_key(*variables: str) -> str | None:
    """Return an API key from the first variable that is set, else from the keyring, else None. May wait for the keyring."""
    found = _find(*variables)
    return found[0] if found else None


def key_place(*variables: str) -> str | None:
    """Say where the API key is that `find_key` finds, and never what it is: "in NAME", or "NAME in the keyring"."""
    found = _find(*variables)
    return found[1] if found else None


def _find(*variables: str) -> tuple[str, str] | None:
    """The key, and where it is."""
    for variable in variables:
        if key := os.environ.get(variable, "").strip():
            return key, f"in {clean_line(variable, 80)}"
    try:
        import keyring
    except ImportError:  # an extra
        return None
    for variable in variables:
        try:
            stored: str | None = keyring.get_password(KEYRING_SERVICE, variable)
        except Exception:  # noqa: S112 - a keyring that is locked or has no backend holds none; backends raise what they like
            continue
        if stored:
            return stored, f"{clean_line(variable, 80)} in the keyring"
    return None


def needed_key(who: str, *variables: str) -> str:
    """Return an API key.

    Args:
        who: Who wants it, as a sentence begins.
        variables: The environment variables that may hold it.

    Raises:
        Unauthorized: There is none. Names the variable.
    """
    key = find_key(*variables)
    if key is None:
        variable = clean_line(variables[0], 80)
        raise Unauthorized(
            f"{who} wants an API key, and {variable} is not set.",
            f"Set {variable}, or keep the key in the keyring:"
            f' `pip install "chatui[keyring]"`, then `keyring set {KEYRING_SERVICE} {variable}`.',
        )
    return key


def basic(url: str) -> str | None:
    """The `Authorization` of the user and password in a URL, None where it has none."""
    parts = urlsplit(url)
    if not parts.username:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def check_headers(name: str, host: HostConfig) -> None:
    """Refuse headers that HTTP cannot carry, before a client does so with their values in its words.

    Raises:
        ConfigError: One of them; names it, and not its value.
    """
    for key, value in host.headers.items():
        plain = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
        if not plain or not value.isascii() or not value.isprintable():
            raise ConfigError(
                f'The header "{clean_line(key, 40)}" in [hosts.{name}] cannot be sent.',
                "Names are letters, digits and dashes; values are printable ASCII.",
            )


def certificates(name: str, host: HostConfig) -> ssl.SSLContext | None:
    """The certificates of `ca_file`, None where the host has none of its own.

    Raises:
        ConfigError: The file cannot be read, or holds none.
    """
    if host.ca_file is None:
        return None
    path = Path(host.ca_file).expanduser()
    try:
        return ssl.create_default_context(cafile=str(path))
    except (OSError, ValueError) as error:
        reason = "is no file of certificates (PEM)" if isinstance(error, ssl.SSLError) else "cannot be read"
        raise ConfigError(
            f"ca_file in [hosts.{name}], {clean_line(str(path), 200)}, {reason}.", "Check the file."
        ) from None


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for a URL. None stands before this machine, whatever it says.

    Raises:
        ValueError: What it names is no address. The client says so with an error of another kind, and with parts of the address.
    """
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    whole = proxy if "://" in proxy else f"http://{proxy}"
    try:
        usable = bool(urlsplit(whole).hostname) and urlsplit(whole).port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("the address of the proxy is none")
    return whole


class Secrets:
    """The headers that go to one server and to no other, also where it redirects to another.

    Args:
        url: The server's whole URL.
        headers: They, with their values.
        drop: Headers that a client adds of its own accord and that must not go out.
    """

    def __init__(self, url: str, headers: Mapping[str, str], drop: tuple[str, ...] = ()) -> None:
        self._origin = _origin(url)
        self._headers = dict(headers)
        self._drop = drop

    def apply(self, request: Any) -> None:
        """Put them into a request (of httpx or of its like)."""
        for name in self._drop:
            request.headers.pop(name, None)
        if _origin(str(request.url)) == self._origin:
            request.headers.update(self._headers)
        else:
            # A client that follows a redirect copies what the first request had.
            for name in self._headers:
                request.headers.pop(name, None)

    async def hook(self, request: Any) -> None:
        """Do so as an event hook of an asynchronous client."""
        self.apply(request)


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
