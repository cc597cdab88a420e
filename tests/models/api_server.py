"""A server that speaks as OpenAI, Anthropic or Google do, and does what a test says.

    with ApiServer() as server:
        server.replies.append(sse(openai_piece("Hel"), gate, openai_end()))     # the next POST; gate is a threading.Event

It is the scripted Ollama server with other paths; steps of a reply are as there.
"""

from __future__ import annotations

import json
from typing import Any

from langchain_core.messages import AIMessageChunk, HumanMessage

from chatui.config import Config, HostConfig
from chatui.models import Models, OpenModel, parse_ref
from tests.ollama_server import OllamaServer, Reply, Step, answer

PROVIDERS = ("openai", "anthropic", "google")
#: Where each is asked for a reply.
PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "google": "/v1beta/models/m:streamGenerateContent?alt=sse",
}

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def event(data: dict[str, Any] | str, name: str | None = None) -> bytes:
    """One server-sent event, as HTTP sends it."""
    text = data if isinstance(data, str) else json.dumps(data)
    line = (f"event: {name}\n" if name else "") + f"data: {text}\n\n"
    return b"%x\r\n%s\r\n" % (len(line.encode()), line.encode())


def sse(*steps: Step) -> Reply:
    """A streaming reply that ends well."""
    return [_HEAD, *steps, END]


def openai_piece(text: str | None, reason: str | None = None, **delta: str) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text, **delta}, "finish_reason": reason}
    return event({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


def openai_end(reason: str = "stop") -> bytes:
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    last = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": usage}
    return openai_piece("", reason) + event(last) + event("[DONE]")


def anthropic_start() -> bytes:
    message: dict[str, Any] = {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "m",
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 1},
    }
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return event({"type": "message_start", "message": message}, "message_start") + event(block, "content_block_start")


def anthropic_piece(text: str) -> bytes:
    delta = {"type": "text_delta", "text": text}
    return event({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta")


def anthropic_end(reason: str = "end_turn") -> bytes:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return (
        event({"type": "content_block_stop", "index": 0}, "content_block_stop")
        + event(
            {"type": "message_delta", "delta": delta, "usage": {"input_tokens": 7, "output_tokens": 2}}, "message_delta"
        )
        + event({"type": "message_stop"}, "message_stop")
    )


def google_piece(text: str, reason: str | None = None) -> bytes:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 2, "totalTokenCount": 9}
    return event({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"})


class ApiServer(OllamaServer):
    """Answers GETs by path, and POSTs from `replies` in turn; without one there it answers 500."""

    def __init__(self) -> None:
        super().__init__()
        self.replies: list[Reply] = []
        self.answers = {
            ("GET", "/v1/models"): answer(200, {"object": "list", "data": [{"id": "m", "max_model_len": 2048}]}),
        }

    def reply(self, method: str, path: str) -> Reply:
        """The next reply."""
        if method == "POST":
            return self.replies.pop(0) if self.replies else answer(500, {"error": {"message": "no reply is scripted"}})
        return super().reply(method, path.partition("?")[0])


def hosted(server: OllamaServer, provider: Any = "openai", **more: Any) -> Models:
    return Models(Config(hosts={"box": HostConfig(url=server.url, provider=provider, **more)}))


def listing(provider: str) -> dict[tuple[str, str], Reply]:
    if provider == "google":
        model = {"name": "models/m", "inputTokenLimit": 2048, "supportedGenerationMethods": ["generateContent"]}
        other = {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]}
        return {("GET", "/v1beta/models"): answer(200, {"models": [other, model]})}
    return {("GET", "/v1/models"): answer(200, {"data": [{"id": "m"}]})}


def whole(provider: str, reason: str | None = None) -> Reply:
    if provider == "openai":
        return sse(openai_piece("Hel"), openai_piece("lo"), openai_end(reason or "stop"))
    if provider == "anthropic":
        pieces = (anthropic_start(), anthropic_piece("Hel"), anthropic_piece("lo"))
        return sse(*pieces, anthropic_end(reason or "end_turn"))
    return sse(google_piece("Hel"), google_piece("lo", reason or "STOP"))


def begun(provider: str) -> list[bytes]:
    """A reply's first piece, without an end."""
    first = {
        "openai": openai_piece("Hel"),
        "anthropic": anthropic_start() + anthropic_piece("Hel"),
        "google": google_piece("Hel"),
    }
    return [_HEAD, first[provider]]


async def ask(models: Models, reference: str = "openai@box:m") -> tuple[OpenModel, list[AIMessageChunk]]:
    opened = await models.open(parse_ref(reference))
    chunks: list[AIMessageChunk] = []
    try:
        async for part in opened.chat.astream([HumanMessage("Hi")]):
            chunks.append(part)
    except Exception as error:
        raise opened.explain(error, began=bool(chunks)) from error
    return opened, chunks


def text(chunks: list[AIMessageChunk]) -> str:
    return "".join(str(chunk.text) for chunk in chunks)
