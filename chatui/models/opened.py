"""What the engine is given: a chat model that is ready to be asked, and what is known about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from chatui.config import Parameters
from chatui.errors import ModelError
from chatui.models.refs import ModelRef

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Ending = Literal["stop", "length", "lost"]


class ModelInfo(msgspec.Struct, frozen=True):
    """A model as lists show it. `size` is bytes, `context_length` tokens; None and [] where the provider does not say."""

    model: str
    size: int | None = None
    parameters: str | None = None
    quantization: str | None = None
    context_length: int | None = None
    capabilities: list[str] = []
    loaded: bool | None = None

    @property
    def can_chat(self) -> bool:
        """Whether it answers messages: one for embeddings alone does not. Older servers tell no capabilities."""
        return not self.capabilities or "completion" in self.capabilities


class PullProgress(msgspec.Struct, frozen=True):
    """How far fetching a model is. `completed` and `total` are bytes, None where unknown."""

    status: str
    completed: int | None = None
    total: int | None = None


class OpenModel(msgspec.Struct, frozen=True, eq=False):
    """A model that is ready to be asked.

    Attributes:
        ref: Which model.
        chat: Asked with `chat.astream(messages)`.
        context_length: The tokens that prompt and reply may have together, None where unknown.
        first_token_seconds: How long it may load or queue before its first token.
        idle_seconds: How long it may stand still once its reply has begun.
        explain: Turns what the model raised into a sentence; `began` says that some of the reply had come.
        ending: Says from a reply's whole `response_metadata` how it ended.
        arguments: Turns parameters into what `chat.astream` is given beside the messages.
        takes: The names of the parameters that it can be asked with; the system prompt is a message, and no matter of the model.
        thinks: Whether it can think before it answers; None where unknown.
        longest: The most tokens that its context can have, None where unknown.
        in_force: Asks which context is in force now that the model is loaded; None where nobody can say.
        loaded: Whether it was in its server's memory when it was opened; None where that is not told.
        is_loaded: Says whether its server has it in memory, None where that is not told; None where nobody can be asked.
        carries: Says whether a content block can be sent to it; None where all can, as far as known.
        tools: Whether it knows calls of tools and their results; None where unknown.
    """

    ref: ModelRef
    chat: BaseChatModel
    context_length: int | None
    first_token_seconds: float
    idle_seconds: float
    explain: Explain
    ending: Callable[[dict[str, Any]], Ending]
    arguments: Callable[[Parameters], dict[str, Any]] = lambda _: {}
    takes: frozenset[str] = frozenset()
    thinks: bool | None = None
    longest: int | None = None
    in_force: Callable[[], Awaitable[int | None]] | None = None
    loaded: bool | None = None
    is_loaded: Callable[[], Awaitable[bool | None]] | None = None
    carries: Callable[[Mapping[str, Any]], bool] | None = None
    tools: bool | None = None


if TYPE_CHECKING:
    from typing import Protocol

    class Explain(Protocol):
        """The type of `OpenModel.explain`."""

        def __call__(self, error: BaseException, *, began: bool) -> ModelError:
            """Return the error to show."""
            ...
