"""LangChain's ChatAnthropic, which counts the prompt too. Importing this imports the extra `anthropic`."""

from __future__ import annotations

from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_anthropic.chat_models import _create_usage_metadata
from langchain_core.messages import AIMessageChunk

from chatui.models.counting import Counted


class Chat(Counted, ChatAnthropic):
    """Servers may tell the prompt's tokens at the beginning alone, as llama.cpp does, and LangChain's class reads the end."""

    def _make_message_chunk_from_anthropic_event(self, event: Any, **kwargs: Any) -> tuple[AIMessageChunk | None, Any]:
        chunk, block = super()._make_message_chunk_from_anthropic_event(event, **kwargs)
        if chunk is not None and event.type == "message_start":
            chunk.usage_metadata = _create_usage_metadata(event.message.usage)
        return chunk, block
