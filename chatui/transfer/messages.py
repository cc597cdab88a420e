"""Between a source's messages and LangChain's. Importing this imports LangChain."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    messages_from_dict,
)

from chatui.storage.index import FACTS
from chatui.transfer.records import SourceMessage

#: What a role is called by the programs that we read.
ROLES = {
    "human": "user",
    "user": "user",
    "ai": "assistant",
    "assistant": "assistant",
    "aimessagechunk": "assistant",
    "model": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}


def to_langchain(record: SourceMessage, message_id: str, created_at: str, model: str | None) -> BaseMessage:
    """Return a message of a source as LangChain has it, with our facts in its metadata.

    Args:
        record: The message.
        message_id: Its id in our file.
        created_at: Its time.
        model: Who said it, as a reference of ours or as the source names it.
    """
    facts: dict[str, Any] = {"created_at": created_at}
    if record.message is not None:
        original: BaseMessage = record.message
        metadata = {key: value for key, value in original.response_metadata.items() if key != FACTS}
        own = original.response_metadata.get(FACTS)
        facts = {**facts, **own} if isinstance(own, dict) else facts
        if isinstance(original, AIMessage) and model:
            facts.setdefault("model", model)
        update = {"id": message_id, "response_metadata": _plain({**metadata, FACTS: facts})}
        return original.model_copy(update=update)
    if record.attachments:
        facts["attachments"] = record.attachments
    if record.seconds is not None:
        facts["seconds"] = record.seconds
    kwargs: dict[str, Any] = {"id": message_id, "response_metadata": {FACTS: facts}}
    if record.extra:
        kwargs["additional_kwargs"] = dict(record.extra)
    if record.role == "assistant":
        if model:
            facts["model"] = model
        if record.reasoning:
            kwargs.setdefault("additional_kwargs", {})["reasoning_content"] = record.reasoning
        if record.usage is not None:
            given, made = record.usage
            kwargs["usage_metadata"] = {"input_tokens": given, "output_tokens": made, "total_tokens": given + made}
        calls = [{"name": call.name, "args": call.arguments, "id": call.id} for call in record.tool_calls]
        return AIMessage(_plain(record.text), tool_calls=calls, **_plain(kwargs))
    if record.role == "tool":
        return ToolMessage(_plain(record.text), tool_call_id=record.tool_call_id, name=record.name, **_plain(kwargs))
    kind = SystemMessage if record.role == "system" else HumanMessage
    return kind(_plain(record.text), **_plain(kwargs))


def from_dict(value: Any) -> BaseMessage:
    """Return the message that `messages_to_dict` or `dumpd` made this of, in any of their generations.

    Raises:
        ValueError: It is none; says why.
    """
    if not isinstance(value, dict):
        raise ValueError("it is no message")
    if value.get("lc") == 1:
        names, data = value.get("id"), value.get("kwargs")
        if not isinstance(names, list) or not names or not str(names[0]).startswith("langchain"):
            raise ValueError("it is no message of LangChain's")
        kind = str(names[-1]).removesuffix("Chunk").removesuffix("Message").lower()
    else:
        kind, data = str(value.get("type")), value.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("content"), str | list):
        raise ValueError("it is no message")
    try:
        # Never LangChain's own loader of constructors: a file does not choose what is constructed.
        kind = {"aimessagechunk": "ai", "humanmessagechunk": "human"}.get(kind.lower(), kind.lower())
        (message,) = messages_from_dict([{"type": kind, "data": {key: data[key] for key in data if key != "type"}}])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"it is no message that LangChain knows ({type(error).__name__})") from None
    return message


def role_of(message: BaseMessage) -> str:
    """Return the role of one of LangChain's messages as we call it."""
    kind = message.role if isinstance(message, ChatMessage) else message.type
    return ROLES.get(kind.lower(), "user")


def arguments_of(value: Any) -> dict[str, Any]:
    """Return a tool's arguments as an object, whatever form the source keeps them in."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = json.loads(value)
    return value if isinstance(value, dict) else {"input": value}


def _plain(value: Any) -> Any:
    """Leave out what no database can hold: halves of surrogate pairs."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not value.isascii() else value
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
