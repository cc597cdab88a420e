"""The variables of the environment that reach every HTTP client: certificates, proxies, Ollama's address.

Ollama's Python client reads them when it is imported, and a bad one raises there. They are looked at one by one, so that each is
named; none of their values is shown but paths of files, as an address may hold a password.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies

import msgspec

from chatui.errors import ChatuiError
from chatui.models import ollama_hosts
from chatui.models.hosts import proxy_for
from chatui.models.ollama_errors import bad_environment
from chatui.text import clean_line

_PROXIES = ("http", "https", "all")


class Trouble(msgspec.Struct, frozen=True):
    """A variable that keeps a client from starting.

    Attributes:
        variable: Its name.
        reason: What is wrong with it, as what follows its name in a sentence.
        fix: What to do besides correcting it, "" for nothing.
    """

    variable: str
    reason: str
    fix: str = ""


def troubles() -> list[Trouble]:
    """Return the variables that keep a client from starting. Imports httpx, and Ollama's client as the proof."""
    found = [*_certificates(), *_proxies(), *_ollama_host()]
    if not found:
        try:
            importlib.import_module("ollama")
        except Exception as error:
            known = bad_environment(error)
            found.append(Trouble("the environment", f"stops Ollama's client ({type(error).__name__})", known.advice))
    return found


def _certificates() -> Iterator[Trouble]:
    import httpx

    try:
        httpx.create_ssl_context()
    except OSError as error:
        # The second counts only without the first.
        name = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        path = clean_line(os.environ.get(name, ""), 200)
        reason = (
            "which cannot be read" if isinstance(error, FileNotFoundError | PermissionError) else "which holds none"
        )
        yield Trouble(name, f"names {path} for certificates, {reason}")


def _proxies() -> list[Trouble]:
    import httpx

    found = []
    for kind, value in getproxies().items():
        if kind not in _PROXIES:
            continue
        name = _variable(f"{kind}_proxy")
        address = value if "://" in value else f"http://{value}"
        try:
            if not urlsplit(address).hostname:
                raise ValueError(kind)
            httpx.HTTPTransport(verify=False, proxy=address).close()
        except ImportError:
            reason = "names a SOCKS proxy, which needs a package that is not installed"
            found.append(Trouble(name, reason, 'Add it: pip install "httpx[socks]".'))
        except (ValueError, OSError, httpx.InvalidURL):
            found.append(Trouble(name, "is no address of a proxy"))
    if not found:
        try:
            # It reads what is excepted from them too.
            httpx.Client(verify=False).close()  # noqa: S501
        except (ImportError, ValueError, OSError, httpx.InvalidURL):
            found.append(Trouble(_variable("no_proxy"), "has an exception that is no host"))
    return found


def _ollama_host() -> Iterator[Trouble]:
    value = os.environ.get("OLLAMA_HOST", "")
    try:
        if value.strip().strip("\"'"):
            ollama_hosts.base_url(None)
            # The client takes it as it stands, with quotes and all.
            _ = urlsplit(f"//{value.partition('://')[2] or value}").port
    except (ChatuiError, ValueError):
        yield Trouble("OLLAMA_HOST", "is no address", "Write it as http://HOST:PORT.")


def proxy_before(url: str) -> str | None:
    """Say which proxy stands before a URL, as "HTTPS_PROXY (http://proxy:3128)", without credentials; None for none."""
    try:
        proxy = proxy_for(url)
    except ValueError:  # one of the troubles
        return None
    if proxy is None:
        return None
    proxies = getproxies()
    scheme = urlsplit(url).scheme
    name = _variable(f"{scheme if proxies.get(scheme) else 'all'}_proxy")
    return f"{name} ({ollama_hosts.shown(proxy)})"


def proxy_variables() -> list[str]:
    """Return the names of the variables for proxies that are set, those for exceptions too."""
    return sorted(name for name, value in os.environ.items() if value and name.lower().endswith("_proxy"))


def _variable(name: str) -> str:
    """The variable's name as it is set: the one in small letters comes first. The system's own settings have none."""
    return next((one for one in (name, name.upper()) if os.environ.get(one)), "the system's settings")
