"""A chat model that does what a test says: streams, pauses until it is let go, fails, hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import Field

from chatui.config import Parameters
from chatui.errors import ModelError, ServerFault, UnknownModel
from chatui.models import ModelRef, parse_ref

#: A step of a script: a text to stream, an exception to raise, an event to wait for, or a chunk as it is.
Step = str | BaseException | asyncio.Event | AIMessageChunk
Script = Sequence[Step] | Callable[[list[BaseMessage]], Sequence[Step]]


#: Words that mean the same to `by_topic`.
TOPICS = (
    ("dog", "puppy", "hound", "pet", "bruno"),
    ("live", "city", "home", "bremen", "kiel"),
    ("code", "python", "sort", "list"),
    ("cook", "bread", "dough", "oven"),
)


def by_topic(text: str) -> list[float]:
    """A vector that tells what a text is about: texts without a word in common may be alike."""
    words = [word.strip(".,?!:'").lower() for word in text.split()]
    about = [float(sum(word in topic for word in words)) for topic in TOPICS]
    return [*about, 0.05 + 0.001 * len(words)]


class ScriptedChat(BaseChatModel):
    """Streams the steps of a script; `asked` holds what each call was sent."""

    script: Any
    asked: list[list[BaseMessage]]
    closed: list[bool]
    asked_with: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError("the engine streams")

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        self.asked.append(list(messages))
        self.asked_with.append(kwargs)
        steps = self.script(messages) if callable(self.script) else self.script
        try:
            for step in steps:
                if isinstance(step, BaseException):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, AIMessageChunk):
                    yield ChatGenerationChunk(message=step)
                else:
                    yield ChatGenerationChunk(message=AIMessageChunk(content=step))
            words = sum(len(str(message.text).split()) for message in messages)
            usage = UsageMetadata(input_tokens=words, output_tokens=len(steps), total_tokens=words + len(steps))
            yield ChatGenerationChunk(
                message=AIMessageChunk(content="", usage_metadata=usage, response_metadata={"done": True})
            )
        finally:
            self.closed.append(True)


class ScriptedModel:
    """An opened model around a script."""

    def __init__(self, ref: ModelRef, chat: ScriptedChat) -> None:
        self.ref = ref
        self.chat = chat
        self.context_length: int | None = 8192
        self.takes = frozenset({"temperature", "num_ctx"})
        self.thinks: bool | None = False
        self.longest: int | None = None
        self.in_force = None
        self.first_token_seconds = 30.0
        self.idle_seconds = 30.0
        self.loaded: bool | None = None
        self.is_loaded: Callable[[], Awaitable[bool | None]] | None = None
        self.carries: Callable[[Mapping[str, Any]], bool] | None = None
        self.tools: bool | None = None

    def arguments(self, parameters: Parameters) -> dict[str, Any]:
        return {"temperature": parameters.temperature} if parameters.temperature is not None else {}

    def explain(self, error: BaseException, *, began: bool) -> ModelError:
        return ServerFault(f"The scripted model failed: {error}.", "What came is kept." if began else "Try again.")

    def ending(self, metadata: dict[str, Any]) -> Literal["stop", "length", "lost"]:
        if not metadata.get("done"):
            return "lost"
        return "length" if metadata.get("done_reason") == "length" else "stop"


class ScriptedModels:
    """Stands where `chatui.models.Models` does. Set `script` before each turn."""

    def __init__(self, script: Script = ("Hello", " there.")) -> None:
        self.chat = ScriptedChat(script=script, asked=[], closed=[])
        self.model = ScriptedModel(parse_ref("ollama:scripted"), self.chat)
        self.failing: Exception | None = None
        self.capabilities = ["completion", "vision"]
        #: Makes a vector of a text; None for an embedding model that is not there.
        self.embeds: Callable[[str], list[float]] | None = None
        self.embedded: list[tuple[str, list[str]]] = []

    @property
    def script(self) -> Script:
        script: Script = self.chat.script
        return script

    @script.setter
    def script(self, script: Script) -> None:
        self.chat.script = script

    @property
    def asked(self) -> list[list[BaseMessage]]:
        """What each call was sent."""
        return self.chat.asked

    async def choose(self, thread_model: str | None) -> ModelRef:
        return parse_ref(thread_model or "ollama:scripted")

    async def open(self, ref: ModelRef) -> ScriptedModel:
        if self.failing is not None:
            raise self.failing
        self.model.ref = ref
        return self.model

    async def embed(self, ref: ModelRef, texts: Sequence[str]) -> list[list[float]]:
        if self.embeds is None:
            raise UnknownModel(f"{ref} is not there.", model=str(ref))
        self.embedded.append((str(ref), list(texts)))
        return [self.embeds(text) for text in texts]

    async def show(self, ref: ModelRef) -> dict[str, Any]:
        return {"capabilities": self.capabilities}

    async def close(self) -> None:
        """Nothing to close."""
