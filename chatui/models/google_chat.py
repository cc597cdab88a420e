"""LangChain's ChatGoogleGenerativeAI, with a way to the server that is ours. Importing this imports the extra `google`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_google_genai import ChatGoogleGenerativeAI

#: The answers to what is being asked now.
_answers: ContextVar[list[httpx.Response]] = ContextVar("answers")


class Transport(httpx.AsyncHTTPTransport):
    """The way to the server.

    Only where it is given one does Google's client send its requests by httpx, though aiohttp is installed; by that they would
    go without our secrets and our rules for proxies.
    """

    def close(self) -> None:
        """Do nothing: the client's synchronous half, which is never used, is given the same."""


async def remember(response: httpx.Response) -> None:
    """Keep an answer, as an event hook of the client, so that it can be closed."""
    if (answers := _answers.get(None)) is not None:
        answers.append(response)


class Chat(ChatGoogleGenerativeAI):
    """Hangs up when its stream is closed. The generators of Google's client refer to each other, and would keep the line."""

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        answers: list[httpx.Response] = []
        _answers.set(answers)
        try:
            async with aclosing(super()._astream(messages, stop, run_manager, **kwargs)) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    yield chunk
        finally:
            for answer in answers:
                await answer.aclose()
