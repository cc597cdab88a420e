"""How requests reach a server: what its client has no argument for is done here, below it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import httpx

from chatui.models.hosts import Secrets, basic, proxy_for

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
        key: An API key, or what looks for it when it is first needed; credentials in the URL come before it.
        headers: Further headers, for this server alone.
        trusted: Certificates to trust instead of the system's.

    Raises:
        ImportError, OSError, ValueError: A variable for proxies or certificates cannot be used.
    """

    def __init__(
        self,
        url: str,
        key: str | Callable[[], str | None] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(verify=trusted or _certificates(urlsplit(url).scheme), proxy=proxy_for(url))
        self._url = url
        self._key = key
        self._headers = dict(headers or {})
        self._secrets: Secrets | None = None

    async def _find_secrets(self) -> Secrets:
        # A keyring may ask its owner: not on the loop that draws the screen.
        key = await asyncio.to_thread(self._key) if callable(self._key) else self._key
        authorization = basic(self._url) or (f"Bearer {key}" if key else None)
        mine = {"Authorization": authorization} if authorization else {}
        # The Python client sends OLLAMA_API_KEY to any server.
        return Secrets(self._url, {**mine, **self._headers}, drop=("Authorization",))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the answer, whose body is still to come."""
        url = request.url
        if self._secrets is None:
            self._secrets = await self._find_secrets()
        self._secrets.apply(request)
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
