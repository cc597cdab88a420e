"""Ollama: what is installed there, opened as a LangChain chat model.

Asking what there is goes over httpx alone: the Python client drops the capabilities and context lengths that the server
tells. The chat model is langchain-ollama's, with what it leaves open set: a whole URL, time limits, and a transport of our
own below it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from chatui.config import HostConfig, OllamaConfig, Parameters
from chatui.errors import ModelError, UnknownModel
from chatui.models import ollama_hosts
from chatui.models.embeddings import vectors_of
from chatui.models.hosts import certificates, check_headers, needed_key
from chatui.models.ollama_errors import bad_environment, explain, from_status, pull_broken, pull_failed
from chatui.models.opened import Ending, ModelInfo, OpenModel, PullProgress
from chatui.models.refs import ModelRef
from chatui.text import clean, clean_line

if TYPE_CHECKING:
    import httpx
    from langchain_ollama import ChatOllama

    from chatui.models.ollama_transport import Transport

#: A model that never ends by itself must not run for ever.
MAX_TOKENS = 8192
#: The parameters that stand among the options of a request.
_OPTIONS = ("temperature", "top_p", "top_k", "seed", "num_ctx", "num_predict", "repeat_penalty")
#: Seconds for looking round: a list must not wait for a host that is away.
_LOOK_SECONDS = 2.0
#: Seconds for what is asked about one model, whose server is known to be there.
_ANSWER_SECONDS = 15.0
_PULL_IDLE_SECONDS = 120.0
#: Seconds for what may have to load a model first.
_LOAD_SECONDS = 120.0


class Ollama:
    """One server.

    Args:
        config: Its address and the limits.
        name: The name of the host where it is a named one, and `config` its table.
    """

    def __init__(self, config: OllamaConfig | HostConfig, name: str | None = None) -> None:
        self._config = config
        self._name = name
        self._transports: list[Transport] = []
        self._opened: dict[tuple[str, bool], ChatOllama] = {}

    @property
    def url(self) -> str:
        """The server's whole URL, which may hold credentials.

        Raises:
            ConfigError: The configured address, or `OLLAMA_HOST`, is none.
        """
        if isinstance(self._config, HostConfig):
            return ollama_hosts.normalise(self._config.url, f"url in [hosts.{self._name}]")
        return ollama_hosts.base_url(self._config.host)

    @property
    def is_named(self) -> bool:
        """Whether somebody said where the server is."""
        return isinstance(self._config, HostConfig) or bool(self._config.host or os.environ.get("OLLAMA_HOST"))

    @property
    def shown_url(self) -> str:
        """The URL as it may be shown."""
        return ollama_hosts.shown(self.url)

    async def version(self) -> str:
        """Return the server's version.

        Raises:
            ModelError: It does not answer.
        """
        answer = await self._ask("GET", "/api/version", seconds=_LOOK_SECONDS)
        return clean_line(str(answer.get("version", "")))

    async def list(self) -> list[ModelInfo]:
        """Return the installed models.

        Raises:
            ModelError: The server does not answer.
        """
        tags = await self._ask("GET", "/api/tags", seconds=_LOOK_SECONDS)
        running = await self._running()
        return [_info(entry, running, self._name) for entry in _entries(tags)]

    async def _running(self) -> dict[str, int | None] | None:
        """The loaded models and the context that is in force for each, not the most it could have; None where it is not told."""
        try:
            entries = _entries(await self._ask("GET", "/api/ps", seconds=_LOOK_SECONDS))
        except ModelError:  # older servers and lookalikes have no such page; models can be listed and asked without
            return None
        return {str(entry.get("name")): _whole(entry.get("context_length")) for entry in entries}

    async def open(self, ref: ModelRef) -> OpenModel:
        """Return an installed model, ready to be asked.

        Raises:
            ModelError: The server does not answer, or has no such model.
        """
        tags = await self._ask("GET", "/api/tags", model=str(ref))
        # The server itself takes names in any case.
        names = {ref.name.casefold(), f"{ref.name}:latest".casefold()}
        entry = next((entry for entry in _entries(tags) if str(entry.get("name")).casefold() in names), None)
        if entry is None:
            installed = bool(_entries(tags))
            raise UnknownModel(
                f"Ollama at {self.shown_url} has no model {clean_line(ref.name)}.",
                f"Fetch it with `chatui models pull {clean_line(str(ref))}`{', or choose another' if installed else ''}."
                " Other providers are named in front, as in embedded:smollm2-135m (extra `embedded`).",
                model=str(ref),
            )
        capabilities = entry.get("capabilities")
        if capabilities is None:  # servers before 0.30 tell them here only
            capabilities = (await self.show(ref)).get("capabilities") or []
        running = await self._running()
        name, thinks = str(entry["name"]), "thinking" in capabilities
        chat = await self._chat(ref, thinking=thinks)
        return OpenModel(
            ref=ref,
            chat=chat,
            context_length=(running or {}).get(name),
            first_token_seconds=self._config.first_token_seconds,
            idle_seconds=self._config.idle_seconds,
            explain=partial(explain, url=self.shown_url, model=clean_line(str(ref))),
            ending=_ending,
            arguments=partial(arguments, thinks=thinks),
            takes=frozenset({*_OPTIONS, "keep_alive", "stop", *(["thinking"] if thinks else [])}),
            thinks=thinks,
            longest=_whole((entry.get("details") or {}).get("context_length")),
            in_force=partial(self._in_force, name),
            loaded=None if running is None else name in running,
            is_loaded=partial(self.is_loaded, str(entry["name"])),
            carries=partial(carries, sees="vision" in capabilities or not capabilities),
            tools="tools" in capabilities if capabilities else None,
        )

    async def _in_force(self, name: str) -> int | None:
        return (await self._running() or {}).get(name)

    async def _chat(self, ref: ModelRef, *, thinking: bool) -> ChatOllama:
        if (ref.name, thinking) not in self._opened:
            # The first time imports the client, for a second or two: not on the loop that draws the screen.
            self._opened[ref.name, thinking] = await asyncio.to_thread(self._make_chat, ref, thinking)
        return self._opened[ref.name, thinking]

    def _make_chat(self, ref: ModelRef, thinking: bool) -> ChatOllama:
        import httpx

        url = ollama_hosts.without_credentials(self.url)
        try:
            # Importing it reads OLLAMA_HOST, proxy and certificate variables, and raises where one is wrong.
            from langchain_ollama import ChatOllama
        except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
            raise bad_environment(error) from error
        transport = self._transport()
        self._transports.append(transport)
        return ChatOllama(
            model=ref.name,
            base_url=url,
            # Without it what a model thinks is thrown away; with it other models answer 400.
            reasoning=True if thinking else None,
            num_predict=MAX_TOKENS,
            client_kwargs={"timeout": self._limits(read=None), "trust_env": False},
            async_client_kwargs={"transport": transport},
        )

    async def show(self, ref: ModelRef) -> dict[str, Any]:
        """Return what the server tells of a model, as plain data, without its weights' tensors and its licence's text.

        Raises:
            ModelError: The server does not answer, or has no such model.
        """
        answer = await self._ask("POST", "/api/show", {"model": ref.name}, model=str(ref))
        details, known = answer.get("details") or {}, answer.get("model_info") or {}
        context = next((value for key, value in known.items() if key.endswith(".context_length")), None)
        return {
            "model": str(ref),
            "family": details.get("family"),
            "parameters": details.get("parameter_size"),
            "quantization": details.get("quantization_level"),
            "context_length": context,
            "capabilities": answer.get("capabilities") or [],
            "licence": known.get("general.license"),
            "template": clean(str(answer.get("template", ""))),
            "defaults": clean(str(answer.get("parameters", ""))),
        }

    async def embed(self, ref: ModelRef, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Return a vector for each text; what of one is too long for the model is left out.

        Raises:
            UnknownModel: The server has no such model.
            Unsupported: It makes no vectors.
            ModelError: The server does not answer, or not as Ollama does.
        """
        body = {"model": ref.name, "input": list(texts), "truncate": True}
        answer = await self._ask("POST", "/api/embed", body, model=str(ref), read=_LOAD_SECONDS)
        return vectors_of(answer, len(texts), str(ref))

    async def pull(self, ref: ModelRef) -> AsyncGenerator[PullProgress]:
        """Fetch a model. Closing the generator disconnects; pulling again goes on where it was.

        Raises:
            ModelError: The server does not answer.
            PullFailed: It cannot fetch the model; its errors come inside of the stream.
        """
        import httpx

        model, status = clean_line(str(ref)), ""
        try:
            async with (
                self._client(self._limits(read=_PULL_IDLE_SECONDS)) as client,
                client.stream("POST", "/api/pull", json={"model": ref.name}) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    body = (await response.aread()).decode(errors="replace")
                    raise from_status(response.status_code, body, url=self.shown_url, model=model)
                async for line in response.aiter_lines():
                    if not line.strip():
                        continue
                    step = json.loads(line)
                    if error := step.get("error"):
                        raise pull_failed(str(error), model)
                    status = clean_line(str(step.get("status", "")), 80)
                    yield PullProgress(status, _whole(step.get("completed")), _whole(step.get("total")))
        except httpx.TransportError as error:
            if status:
                raise pull_broken(model) from error
            raise explain(error, url=self.shown_url, model=model, began=False) from error
        except (httpx.HTTPError, AttributeError, ValueError) as error:  # what comes is no JSON, or no object
            raise explain(error, url=self.shown_url, model=model, began=False) from error
        if status != "success":
            raise pull_broken(model)

    async def remove(self, ref: ModelRef) -> None:
        """Remove an installed model from the server.

        Raises:
            ModelError: The server does not answer, has no such model, or does not let it go.
        """
        await self._ask("DELETE", "/api/delete", {"model": ref.name}, model=str(ref), answers=False)

    async def is_loaded(self, name: str) -> bool | None:
        """Say whether a model is loaded now; None where the server does not tell."""
        running = await self._running()
        return None if running is None else name in running

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        seconds: float | None = None,
        read: float = _ANSWER_SECONDS,
        model: str = "",
        answers: bool = True,
    ) -> dict[str, Any]:
        """Ask something that is answered at once.

        Args:
            method: The HTTP method.
            path: The path below the server's URL.
            body: What is sent, as JSON.
            seconds: How long all of it may take; without it each step has its own limit.
            read: How long the server may say nothing.
            model: The reference of the model that it is about, for the sentence if it fails.
            answers: Whether an answer has a body.

        Raises:
            ModelError: The server does not answer, or not as Ollama does.
        """
        import httpx

        try:
            async with (
                asyncio.timeout(seconds) if seconds else nullcontext(),
                self._client(self._limits(read=read)) as client,
            ):
                response = await client.request(method, path, json=body)
            if response.status_code != httpx.codes.OK:
                raise from_status(response.status_code, response.text, url=self.shown_url, model=clean_line(model))
            if not answers:
                return {}
            answer = response.json()
            if not isinstance(answer, dict):
                raise json.JSONDecodeError("not an object", response.text, 0)
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise explain(error, url=self.shown_url, model=clean_line(model), began=False) from error
        return answer

    def _client(self, limits: httpx.Timeout) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            base_url=ollama_hosts.without_credentials(self.url),
            timeout=limits,
            transport=self._transport(),
            trust_env=False,
            follow_redirects=True,
        )

    def _transport(self) -> Transport:
        """A way to the server.

        Raises:
            ConfigError: A variable of the environment stands in the way.
        """
        from chatui.models.ollama_transport import Transport

        url = self.url
        trusted, headers = None, dict[str, str]()
        key: str | Callable[[], str | None] | None = os.environ.get("OLLAMA_API_KEY")
        if isinstance(self._config, HostConfig):
            name, variable = str(self._name), self._config.api_key_env
            check_headers(name, self._config)
            trusted, headers = certificates(name, self._config), self._config.headers
            # The general key is for the general server.
            key = partial(needed_key, f"The host {name}", variable) if variable else None
        try:
            return Transport(url, key, headers=headers, trusted=trusted)
        except (ImportError, OSError, ValueError) as error:
            raise bad_environment(error) from error

    def _limits(self, *, read: float | None) -> httpx.Timeout:
        """Time limits. A reply has none between its bytes here: the engine watches it, and knows loading from standing still."""
        import httpx

        return httpx.Timeout(connect=self._config.connect_seconds, read=read, write=30.0, pool=5.0)

    async def close(self) -> None:
        """Close the connections."""
        for transport in self._transports:
            await transport.aclose()
        self._transports.clear()
        self._opened.clear()


def arguments(parameters: Parameters, *, thinks: bool) -> dict[str, Any]:
    """Turn parameters into what `ChatOllama.astream` is given beside the messages.

    Args:
        parameters: What is set.
        thinks: Whether the model can think; one that cannot answers 400 when it is asked to.
    """
    options = {name: value for name in _OPTIONS if (value := getattr(parameters, name)) is not None}
    # These take the place of the chat model's own options, the limit of tokens among them.
    options.setdefault("num_predict", MAX_TOKENS)
    if parameters.stop:
        options["stop"] = list(parameters.stop)
    asked: dict[str, Any] = {"options": options}
    if thinks and parameters.thinking is not None:
        asked["reasoning"] = {"off": False, "on": True}.get(parameters.thinking, parameters.thinking)
    if parameters.keep_alive is not None:
        asked["keep_alive"] = parameters.keep_alive
    return asked


def carries(block: Mapping[str, Any], *, sees: bool) -> bool:
    """Say whether a block of a message's content can be sent.

    The client raises ValueError for images by URL, for files and for kinds that it does not know; the server answers 400 to images
    for a model without eyes.

    Args:
        block: The block.
        sees: Whether the model sees images.
    """
    kind = block.get("type")
    if kind == "image_url":
        url = block.get("image_url")
        url = url.get("url") if isinstance(url, dict) else url
        return sees and isinstance(url, str) and url.startswith("data:") and "," in url
    if kind == "image":
        source = block.get("base64") or (block.get("data") if block.get("source_type") == "base64" else None)
        return sees and isinstance(source, str)
    return kind in ("text", "tool_use")


def _entries(answer: dict[str, Any]) -> list[dict[str, Any]]:
    models = answer.get("models")
    return [entry for entry in models if isinstance(entry, dict)] if isinstance(models, list) else []


def _info(entry: dict[str, Any], running: dict[str, int | None] | None, host: str | None) -> ModelInfo:
    details = entry.get("details") or {}
    name = str(entry.get("name", ""))
    capabilities = entry.get("capabilities")
    if capabilities is None and "bert" in str(details.get("family")):
        capabilities = ["embedding"]  # older servers tell none, and this family cannot chat
    return ModelInfo(
        model=str(ModelRef("ollama", clean_line(name), host)),
        size=_whole(entry.get("size")),
        parameters=clean_line(str(details.get("parameter_size") or "")) or None,
        quantization=clean_line(str(details.get("quantization_level") or "")) or None,
        context_length=(running or {}).get(name) or _whole(details.get("context_length")),
        capabilities=[clean_line(str(word)) for word in capabilities or []],
        loaded=None if running is None else name in running,
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _ending(metadata: dict[str, Any]) -> Ending:
    # A stream that ends without `done` raises nothing in the client: the connection was lost.
    if not metadata.get("done"):
        return "lost"
    return "length" if metadata.get("done_reason") == "length" else "stop"
