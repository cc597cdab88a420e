"""What a reply cost, in LangChain's way of telling it: the counts of a reply's chunks add up to those of the whole.

Not every server tells it so, and not every integration mends that: some say with each chunk what all has cost so far.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage, subtract_usage
from langchain_core.outputs import ChatGenerationChunk


class Counted(BaseChatModel):
    """Goes before an integration's class, and makes what its replies cost add up."""

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async with aclosing(by_chunk(super()._astream(messages, stop, run_manager, **kwargs))) as chunks:
            async for chunk in chunks:
                yield chunk


async def by_chunk(chunks: AsyncIterator[ChatGenerationChunk]) -> AsyncGenerator[ChatGenerationChunk]:
    """Pass a reply's chunks on, and make totals so far into what each adds. Closing this closes them.

    Args:
        chunks: They, as an integration makes them: an asynchronous generator.
    """
    told: UsageMetadata | None = None
    async with aclosing(chunks) as source:  # type: ignore[type-var]
        async for chunk in source:
            if isinstance(chunk.message, AIMessageChunk) and (usage := chunk.message.usage_metadata):
                more = _beyond(usage, told)
                told = add_usage(told, more)
                chunk.message.usage_metadata = more
            yield chunk


def _beyond(usage: UsageMetadata, told: UsageMetadata | None) -> UsageMetadata:
    """What of a total was not told before. A count that is left out the second time stays as it was."""
    more = subtract_usage(usage, told)
    # A total over counts of which one was left out is none.
    return cast("UsageMetadata", {**more, "total_tokens": more["input_tokens"] + more["output_tokens"]})
