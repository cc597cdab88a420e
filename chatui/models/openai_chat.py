"""LangChain's ChatOpenAI, which keeps what a model thinks, and counts once. Importing this imports the extra `openai`."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI

from chatui.models.counting import Counted


class Chat(Counted, ChatOpenAI):
    """Servers of OpenAI's kind stream thoughts in a field of their own, which LangChain's class throws away.

    Some say with each chunk how many tokens there were so far, which it would add up.
    """

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        made = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        choices = chunk.get("choices")
        if made is not None and choices and isinstance(made.message, AIMessageChunk):
            delta = choices[0].get("delta") or {}
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            if isinstance(thought, str):
                made.message.additional_kwargs["reasoning_content"] = thought
        return made
