"""Asking a model as the engine does."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk, HumanMessage

from chatui.config import Parameters
from chatui.models import ModelRef, Models, parse_ref

SMOL = parse_ref("ollama:smol")
NONE_SET = Parameters()


async def ask(models: Models, ref: ModelRef = SMOL, parameters: Parameters = NONE_SET) -> list[AIMessageChunk]:
    """Ask, and raise what the engine would show."""
    opened = await models.open(ref)
    chunks: list[AIMessageChunk] = []
    try:
        async for part in opened.chat.astream([HumanMessage("Hi")], **opened.arguments(parameters)):
            chunks.append(part)
    except Exception as error:
        raise opened.explain(error, began=bool(chunks)) from error
    return chunks


def merged(chunks: list[AIMessageChunk]) -> dict[str, Any]:
    return {key: value for part in chunks for key, value in part.response_metadata.items()}
