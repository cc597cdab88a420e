"""The one thing to say to Ollama that its client has no argument for: do not truncate."""

from __future__ import annotations

import json

import httpx


class NoTruncation(httpx.AsyncHTTPTransport):
    """Adds `"truncate": false` to each chat request.

    By default the server drops the oldest messages of a history that does not fit, and says nothing: 280 tokens into a
    context of 128 are answered with 200. So told it answers 400, which becomes a sentence.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, a chat request with the addition."""
        if request.url.path.endswith("/api/chat"):
            body = json.loads(await request.aread())
            body["truncate"] = False
            content = json.dumps(body).encode()
            headers = request.headers.copy()
            headers["Content-Length"] = str(len(content))
            request = httpx.Request(
                request.method, request.url, headers=headers, content=content, extensions=request.extensions
            )
        return await super().handle_async_request(request)
