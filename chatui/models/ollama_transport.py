"""How requests reach a server: what its client has no argument for is done here, below it."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from chatui.models.ollama_hosts import is_loopback

#: Seconds to wait before asking a busy server again: a queue that is full answers 503 at once, and is often short.
_PAUSES = (0.2, 0.8)
_BUSY = (502, 503)


class Transport(httpx.AsyncHTTPTransport):
    """The way to one server.

    - Each chat request says `"truncate": false`. By default the server drops the oldest messages of a history that does
      not fit, and says nothing: 280 tokens into a context of 128 are answered with 200. So told it answers 400, which
      becomes a sentence.
    - Credentials are put in here, so that the client that LangChain prints and traces has none.
    - A busy server (502, 503) is asked again, twice; nothing has come from it then.
    - No proxy stands before this machine, whatever the environment says.

    Args:
        url: The server's whole URL, with credentials if it has some.
        key: An API key; credentials in the URL come before it.

    Raises:
        ImportError, OSError, ValueError: A variable for proxies or certificates cannot be used.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urlsplit(url)
        direct = is_loopback(url) or proxy_bypass(parts.netloc.rpartition("@")[2])
        super().__init__(verify=_certificates(parts.scheme), proxy=None if direct else _proxy(parts.scheme))
        self._authorization = f"Bearer {key}" if key else None
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._origin = (parts.scheme, parts.hostname, parts.port)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the answer, whose body is still to come."""
        url = request.url
        # A redirect to another server gets no credentials.
        if self._authorization and (url.scheme, url.host, url.port or _port(url.scheme)) == self._origin:
            request.headers["Authorization"] = self._authorization
        if url.path.endswith("/api/chat"):
            request = await _without_truncation(request)
        response = await super().handle_async_request(request)
        for pause in _PAUSES:
            if response.status_code not in _BUSY:
                break
            await response.aclose()
            await asyncio.sleep(pause)
            response = await super().handle_async_request(request)
        return response


async def _without_truncation(request: httpx.Request) -> httpx.Request:
    body = json.loads(await request.aread())
    body["truncate"] = False
    content = json.dumps(body).encode()
    headers = request.headers.copy()
    headers["Content-Length"] = str(len(content))
    return httpx.Request(request.method, request.url, headers=headers, content=content, extensions=request.extensions)


def _certificates(scheme: str) -> ssl.SSLContext:
    """The certificates to trust: none, and at no cost, where no TLS is spoken; else those that the environment names."""
    return httpx.create_ssl_context() if scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _proxy(scheme: str) -> str | None:
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
