"""What the big APIs have in common: a key, a list of models over HTTP, and a LangChain integration that is an extra.

Their clients get an HTTP client of ours, below which the secrets go in: what LangChain prints and traces has none.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
from collections.abc import AsyncGenerator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from chatui.config import HostConfig, Parameters
from chatui.errors import MissingExtra, ModelError, PullFailed, UnknownModel
from chatui.models import ollama_hosts
from chatui.models.api_errors import bad_settings, explain
from chatui.models.arguments import renamed
from chatui.models.hosts import Secrets, basic, certificates, check_headers, needed_key, proxy_for
from chatui.models.opened import Ending, ModelInfo, OpenModel, PullProgress
from chatui.models.refs import ModelRef
from chatui.text import clean_line

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

#: Where a client insists on a key and the server wants none; it never goes out.
NO_KEY = "none"
_LOOK_SECONDS = 2.0
_ANSWER_SECONDS = 15.0


class Api:
    """One server of a provider: its service, or a named host that speaks as it does.

    Args:
        config: The host's table, None for the provider's service.
        name: The host's name, None for the provider's service.
    """

    provider: ClassVar[str]
    title: ClassVar[str]
    default_url: ClassVar[str]
    url_variable: ClassVar[str | None] = None
    key_variables: ClassVar[tuple[str, ...]]
    #: The package of LangChain's integration.
    package: ClassVar[str]
    #: What of a server's list are its models, and the key of each one's name.
    models_path: ClassVar[str] = "/models"
    #: The headers by which keys are sent, which nothing but ours may.
    key_headers: ClassVar[tuple[str, ...]] = ("Authorization",)
    #: Of each parameter that its models take, by what name.
    parameters: ClassVar[Mapping[str, str]]

    def __init__(self, config: HostConfig | None, name: str | None) -> None:
        self._config = config
        self._limits = config or HostConfig(url="")
        self._name = name
        self._key: str | None = None
        self._opened: dict[str, BaseChatModel] = {}

    # What each provider says for itself.

    def authorize(self, key: str) -> dict[str, str]:
        """The headers that carry a key."""
        return {"Authorization": f"Bearer {key}"}

    def entries(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        """The models in a server's list, each with its `id`."""
        data = answer.get("data")
        return [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []

    def info(self, entry: dict[str, Any]) -> ModelInfo:
        """One of them as lists show it."""
        return ModelInfo(model=self.reference(str(entry.get("id", ""))))

    def make(self, name: str, facts: ModelInfo | None) -> BaseChatModel:
        """Import LangChain's integration and make the chat model. Runs in a thread."""
        raise NotImplementedError

    def ending(self, metadata: dict[str, Any]) -> Ending:
        """Say how a reply ended."""
        raise NotImplementedError

    # What they share.

    def reference(self, name: str) -> str:
        """The full reference of a model of this server."""
        return str(ModelRef(self.provider, clean_line(name), self._name))

    @property
    def url(self) -> str:
        """The server's whole URL, which may hold credentials.

        Raises:
            ConfigError: It is none.
        """
        if self._config is not None:
            return ollama_hosts.normalise(self._config.url, f"url in [hosts.{self._name}]")
        if self.url_variable and (set_to := os.environ.get(self.url_variable, "").strip()):
            return ollama_hosts.normalise(set_to, self.url_variable)
        return self.default_url

    @property
    def plain_url(self) -> str:
        """The URL as clients are told it: without user and password."""
        return ollama_hosts.without_credentials(self.url)

    @property
    def who(self) -> str:
        """The server, as a sentence begins or goes on."""
        return f"{self.title} at {ollama_hosts.shown(self.url)}" if self._name is None else f"The host {self._name}"

    @property
    def _variables(self) -> tuple[str, ...]:
        """Where the key is; none where the host wants none."""
        if self._config is None:
            return self.key_variables
        return (self._config.api_key_env,) if self._config.api_key_env else ()

    def _find_key(self) -> str | None:
        if self._key is None and self._variables:
            self._key = needed_key(self.who, *self._variables)
        return self._key

    def secrets(self) -> Secrets:
        """What goes into each request, and to this server alone. The key was found before."""
        headers: dict[str, str] = {}
        if self._key:
            headers |= self.authorize(self._key)
        if authorization := basic(self.url):
            headers["Authorization"] = authorization
        if self._config is not None:
            headers |= self._config.headers
        return Secrets(self.url, headers, drop=self.key_headers)

    def client_arguments(self) -> dict[str, Any]:
        """The arguments for an HTTP client, of httpx or of its like.

        Raises:
            ConfigError: The host's certificates or headers, or a variable of the environment, cannot be used.
        """
        import httpx

        if self._config is not None:
            check_headers(str(self._name), self._config)
        trusted = certificates(str(self._name), self._config) if self._config is not None else None
        try:
            return {
                "verify": trusted or httpx.create_ssl_context(),
                "proxy": proxy_for(self.url),
                # A redirect to another server would take the prompt there; it is told instead.
                "follow_redirects": False,
                # Neither .netrc nor proxies that are no proxies for this server.
                "trust_env": False,
                "event_hooks": {"request": [self.secrets().hook]},
            }
        except (ImportError, OSError, ValueError) as error:
            raise bad_settings(error, self.who) from error

    def limits(self, read: float | None) -> dict[str, float | None]:
        """Time limits. A reply has none between its bytes here: the engine watches it, and knows loading from standing still."""
        return {"connect": self._limits.connect_seconds, "read": read, "write": 30.0, "pool": 5.0}

    async def list(self) -> list[ModelInfo]:
        """Return the server's models.

        Raises:
            ChatuiError: It does not answer, or wants a key that is not there.
        """
        return [self.info(entry) for entry in self.entries(await self._get(self.models_path))]

    async def _get(self, path: str) -> dict[str, Any]:
        import httpx

        await asyncio.to_thread(self._find_key)
        arguments = await asyncio.to_thread(self.client_arguments)
        try:
            async with (
                asyncio.timeout(_LOOK_SECONDS if self._name else _ANSWER_SECONDS),
                httpx.AsyncClient(**arguments, timeout=httpx.Timeout(**self.limits(_ANSWER_SECONDS))) as client,
            ):
                response = await client.get(f"{self.plain_url}{path}")
            response.raise_for_status()
            answer = response.json()
            if not isinstance(answer, dict):
                raise json.JSONDecodeError("not an object", response.text, 0)
        except (httpx.HTTPError, ValueError, OSError, ImportError) as error:
            raise self._explain(error, model="", began=False) from error
        return answer

    async def open(self, ref: ModelRef) -> OpenModel:
        """Return a model, ready to be asked. Of a named host its list is asked for what is known of the model.

        Raises:
            ChatuiError: The extra or the key is missing, or the named host does not answer.
        """
        if importlib.util.find_spec(self.package) is None:
            raise MissingExtra(
                f"{clean_line(str(ref))} needs the extra `{self.provider}`.",
                f'Install it with `pip install "chatui[{self.provider}]"`.',
            )
        await asyncio.to_thread(self._find_key)
        facts = await self._facts(ref) if self._name is not None else None
        if ref.name not in self._opened:
            # The first time imports the client, for a second or two: not on the loop that draws the screen.
            self._opened[ref.name] = await asyncio.to_thread(self._make, ref.name, facts)
        chat = self._opened[ref.name]
        profile: dict[str, Any] = getattr(chat, "profile", None) or {}
        context = profile.get("max_input_tokens") if facts is None and self._config is None else None
        return OpenModel(
            ref=ref,
            chat=chat,
            context_length=facts.context_length if facts is not None else context,
            first_token_seconds=self._limits.first_token_seconds,
            idle_seconds=self._limits.idle_seconds,
            explain=partial(self._explain, model=clean_line(str(ref))),
            ending=self.ending,
            arguments=self.arguments,
            takes=frozenset(self.parameters),
        )

    def arguments(self, parameters: Parameters) -> dict[str, Any]:
        """Turn parameters into what the chat model's `astream` is given beside the messages."""
        return renamed(parameters, self.parameters)

    def _make(self, name: str, facts: ModelInfo | None) -> BaseChatModel:
        try:
            return self.make(name, facts)
        except (ImportError, OSError, ValueError) as error:
            raise bad_settings(error, self.who) from error

    async def _facts(self, ref: ModelRef) -> ModelInfo | None:
        """What the server's list says of a model. Some servers have no list, and some take names that are not in theirs."""
        try:
            found = await self.list()
        except UnknownModel:  # 404: no list
            return None
        # llama.cpp serves its one model under any name.
        mine = [model for model in found if model.model == self.reference(ref.name) or len(found) == 1]
        return mine[0] if mine else None

    async def show(self, ref: ModelRef) -> dict[str, Any]:
        """Return what the server's list tells of a model, as plain data.

        Raises:
            ChatuiError: It does not answer, or has no such model.
        """
        entry = next((one for one in self.entries(await self._get(self.models_path)) if one["id"] == ref.name), None)
        if entry is None:
            raise UnknownModel(
                f"{self.who} has no model {clean_line(ref.name)}.", "`chatui models` lists them.", model=str(ref)
            )
        plain = {key: value for key, value in entry.items() if isinstance(value, str | int | float) and key != "id"}
        return {"model": str(ref), "context_length": self.info(entry).context_length, **plain}

    def pull(self, ref: ModelRef) -> AsyncGenerator[PullProgress]:
        """Refuse: these servers fetch nothing when told to.

        Raises:
            PullFailed: Always.
        """
        raise PullFailed(f"{self.who} cannot fetch models.", "Add the model on the server itself.")

    async def remove(self, ref: ModelRef) -> None:
        """Refuse: what these servers hold is not removed from here.

        Raises:
            ModelError: Always.
        """
        raise ModelError(f"{self.who} lets nobody remove models from here.", "Remove the model on the server itself.")

    def _explain(self, error: BaseException, *, model: str, began: bool) -> ModelError:
        variable = self._variables[0] if self._variables else None
        named = f"[hosts.{self._name}]" if self._name else None
        return explain(error, who=self.who, model=model, variable=variable, table=named, began=began)

    async def close(self) -> None:
        """Forget the clients, whose connections close with them."""
        for chat in self._opened.values():
            await self.close_chat(chat)
        self._opened.clear()

    async def close_chat(self, chat: BaseChatModel) -> None:
        """Close a chat model's connections."""
