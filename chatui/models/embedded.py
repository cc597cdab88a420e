"""A small real model in our own process, through llama.cpp, so that a fresh machine can chat before any server is installed.

`xllamacpp` is an extra. What is set below was found by running it; the comments say what went wrong without.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from queue import SimpleQueue
from typing import Any, ClassVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel, agenerate_from_stream, generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage, SystemMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from chatui.errors import ContextTooLong, MissingExtra, ModelError, ServerFault, UnknownModel
from chatui.models.opened import Ending, ModelInfo, OpenModel
from chatui.models.refs import DEMO_NAME, ModelRef
from chatui.models.weights import weights_path
from chatui.text import clean, clean_line

#: Tokens of prompt and reply together.
CONTEXT_LENGTH = 4096
#: Such a small model seldom ends by itself.
MAX_TOKENS = 1024
#: Without one it derails at once, and answers in any language.
SYSTEM_PROMPT = "You are a helpful assistant. Answer in English, clearly and briefly."

_SLOTS = 2
_STOP_SECONDS = 10.0
_END = object()


class _Server:
    """One loaded model a file and process."""

    _loaded: ClassVar[dict[str, _Server]] = {}
    _loading = threading.Lock()
    _running: ClassVar[dict[threading.Thread, threading.Event]] = {}

    def __init__(self, path: str) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = path
        params.n_ctx = CONTEXT_LENGTH
        params.n_parallel = _SLOTS
        # Else the context is split between the slots.
        params.kv_unified = True
        # Else it writes over the screen.
        params.verbosity = -1
        params.warmup = params.fit_params = params.ui = params.endpoint_slots = False
        params.cache_ram_mib = 0
        # A loopback port always opens: nothing else on the machine may use it.
        params.api_keys = [secrets.token_hex(16)]
        for cpu in (params.cpuparams, params.cpuparams_batch):
            cpu.n_threads = max(1, (os.cpu_count() or 2) // 2)
            cpu.poll = 0
        self.server = xllamacpp.Server(params)

    @classmethod
    def get(cls, path: str) -> _Server:
        """Return the loaded model of a file; loads it at the first call, for about a second."""
        with cls._loading:
            if path not in cls._loaded:
                cls._loaded[path] = cls(path)
            return cls._loaded[path]

    @classmethod
    def run(cls, work: Callable[[], None], cancel: threading.Event) -> None:
        """Generate in a thread of its own, which the end of the program can stop."""

        def generate() -> None:
            try:
                work()
            finally:
                cls._running.pop(threading.current_thread(), None)

        thread = threading.Thread(target=generate, daemon=True, name="chatui-embedded")
        cls._running[thread] = cancel
        thread.start()

    @classmethod
    def shut_down(cls) -> None:
        """Stop every generation and free the models. Leaving Python while one runs aborts the process (exit code 134)."""
        end = time.monotonic() + _STOP_SECONDS
        for cancel in list(cls._running.values()):
            cancel.set()
        for thread in list(cls._running):
            thread.join(max(0.0, end - time.monotonic()))
        if not cls._running:
            cls._loaded.clear()


atexit.register(_Server.shut_down)


class EmbeddedChat(BaseChatModel):
    """A LangChain chat model over llama.cpp in this process."""

    model_path: str
    temperature: float = 0.2
    max_tokens: int = MAX_TOKENS

    @property
    def _llm_type(self) -> str:
        return "embedded-llama-cpp"

    def _generate_into(
        self,
        put: Callable[[Any], None],
        cancel: threading.Event,
        messages: list[BaseMessage],
        stop: list[str] | None,
    ) -> None:
        """Generate, handing each item of llama.cpp's to `put`, then the error if there was one, then the end."""

        def each(item: Any) -> bool:
            put(item)
            return cancel.is_set()  # True stops the generation

        if not any(isinstance(message, SystemMessage) for message in messages):
            messages = [SystemMessage(SYSTEM_PROMPT), *messages]
        request: dict[str, Any] = {
            "messages": convert_to_openai_messages(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }
        if stop:
            request["stop"] = stop
        try:
            server = _Server.get(self.model_path)
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

        _Server.run(lambda: self._generate_into(put, cancel, messages, stop), cancel)
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
        _Server.run(lambda: self._generate_into(items.put, cancel, messages, stop), cancel)
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
        return generate_from_stream(self._stream(messages, stop, run_manager))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await agenerate_from_stream(self._astream(messages, stop, run_manager))


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
    text = choice["delta"].get("content") or ""
    metadata = {"finish_reason": choice["finish_reason"]} if choice.get("finish_reason") else {}
    if not text and not metadata:
        return None
    return ChatGenerationChunk(message=AIMessageChunk(content=text, response_metadata=metadata))


async def open_embedded(ref: ModelRef) -> OpenModel:
    """Return an embedded model, loaded and ready.

    Raises:
        MissingExtra: `xllamacpp` is not installed.
        UnknownModel: Its weights are not here.
        ServerFault: They cannot be loaded.
    """
    path = weights_path(ref)
    try:
        import xllamacpp  # noqa: F401 - only whether it is there
    except ImportError:
        raise MissingExtra(
            "The embedded model needs the extra `embedded`.", 'Install it with `pip install "chatui[embedded]"`.'
        ) from None
    if not path.is_file():
        if ref.name == DEMO_NAME:
            raise UnknownModel(
                "The demo model is not on this machine.", f"Fetch it with `chatui models pull {ref}`.", model=str(ref)
            )
        raise UnknownModel(
            f"There is no file {clean_line(str(path))}.", "Check the path behind embedded:.", model=str(ref)
        )
    try:
        await asyncio.to_thread(_Server.get, str(path))
    except RuntimeError as error:
        raise ServerFault(
            f"{clean_line(str(path))} cannot be loaded: {clean_line(str(error), 200)}.",
            "Is it a GGUF file of a chat model?",
        ) from None
    return OpenModel(
        ref=ref,
        chat=EmbeddedChat(model_path=str(path)),
        context_length=CONTEXT_LENGTH,
        first_token_seconds=300.0,
        idle_seconds=60.0,
        explain=_explain,
        ending=_ending,
    )


def _explain(error: BaseException, *, began: bool) -> ModelError:
    text = clean(str(error))
    if "context" in text.lower() and "exceed" in text.lower():
        return ContextTooLong(
            f"The messages do not fit into the demo model's {CONTEXT_LENGTH} tokens.",
            "Shorten the prompt, or go on from an earlier message.",
        )
    kept = "What came is kept; try again." if began else "Try again."
    return ServerFault(f"The embedded model failed: {clean_line(text, 200) or type(error).__name__}.", kept)


def _ending(metadata: dict[str, Any]) -> Ending:
    reason = metadata.get("finish_reason")
    return "lost" if reason is None else "length" if reason == "length" else "stop"


def info(ref: ModelRef) -> ModelInfo:
    """Return what lists show of an embedded model that is here."""
    path = weights_path(ref)
    known = ref.name == DEMO_NAME
    return ModelInfo(
        model=str(ref),
        size=path.stat().st_size,
        parameters="134.52M" if known else None,
        quantization="Q4_1" if known else None,
        context_length=CONTEXT_LENGTH,
        capabilities=["completion"],
        loaded=str(path) in _Server._loaded,
    )


def details(ref: ModelRef) -> dict[str, Any]:
    """Return what is known of an embedded model, as plain data.

    Raises:
        UnknownModel: Its weights are not here.
    """
    path = weights_path(ref)
    if not path.is_file():
        raise UnknownModel(
            f"{clean_line(str(ref))} is not on this machine.",
            f"Fetch it with `chatui models pull {ref}`.",
            model=str(ref),
        )
    known = info(ref)
    return {
        "model": known.model,
        "path": str(path),
        "size": known.size,
        "parameters": known.parameters,
        "quantization": known.quantization,
        "context_length": known.context_length,
        "capabilities": known.capabilities,
        "licence": "Apache-2.0" if ref.name == DEMO_NAME else None,
    }
