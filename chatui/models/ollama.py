"""Ollama: what is installed there, opened as a LangChain chat model.

Asking what there is goes over httpx alone: the Python client drops the capabilities and context lengths that the server
tells. The chat model is langchain-ollama's, with what it leaves open set: a whole URL, time limits, no proxy before this
machine, and no silent truncation of long histories.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from chatui.config import OllamaConfig
from chatui.errors import ConfigError, PullFailed, UnknownModel
from chatui.models import ollama_hosts
from chatui.models.ollama_errors import explain, from_status
from chatui.models.opened import Ending, ModelInfo, OpenModel, PullProgress
from chatui.models.refs import ModelRef
from chatui.text import clean, clean_line

if TYPE_CHECKING:
    import httpx
    from langchain_ollama import ChatOllama

#: A model that never ends by itself must not run for ever.
MAX_TOKENS = 8192
#: Seconds for looking round: a list must not wait for a host that is away.
_LOOK_SECONDS = 2.0
_PULL_IDLE_SECONDS = 120.0


class Ollama:
    """One server.

    Args:
        config: Its address and the limits.
    """

    def __init__(self, config: OllamaConfig) -> None:
        self._config = config
        self._transports: list[httpx.AsyncBaseTransport] = []
        self._opened: dict[tuple[str, bool], ChatOllama] = {}

    @property
    def url(self) -> str:
        """The server's whole URL, which may hold credentials.

        Raises:
            ConfigError: The configured address, or `OLLAMA_HOST`, is none.
        """
        return ollama_hosts.base_url(self._config.host)

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
        return [_info(entry, running) for entry in _entries(tags)]

    async def _running(self) -> dict[str, int | None]:
        """The loaded models and the context that is in force for each: not the most the model could have."""
        entries = _entries(await self._ask("GET", "/api/ps", seconds=_LOOK_SECONDS))
        return {str(entry.get("name")): _whole(entry.get("context_length")) for entry in entries}

    async def open(self, ref: ModelRef) -> OpenModel:
        """Return an installed model, ready to be asked.

        Raises:
            ModelError: The server does not answer, or has no such model.
        """
        tags = await self._ask("GET", "/api/tags", model=str(ref))
        names = {ref.name, f"{ref.name}:latest"}
        entry = next((entry for entry in _entries(tags) if entry.get("name") in names), None)
        if entry is None:
            installed = bool(_entries(tags))
            raise UnknownModel(
                f"Ollama at {self.shown_url} has no model {clean_line(ref.name)}.",
                f"Fetch it with `chatui models pull {clean_line(str(ref))}`{', or choose another' if installed else ''}."
                " Other providers are named in front, as in embedded:smollm2-135m.",
                model=str(ref),
            )
        capabilities = entry.get("capabilities")
        if capabilities is None:  # servers before 0.30 tell them here only
            capabilities = (await self.show(ref)).get("capabilities") or []
        running = await self._running()
        chat = self._chat(ref, thinking="thinking" in capabilities)
        return OpenModel(
            ref=ref,
            chat=chat,
            context_length=running.get(str(entry["name"])),
            first_token_seconds=self._config.first_token_seconds,
            idle_seconds=self._config.idle_seconds,
            explain=partial(explain, url=self.shown_url, model=clean_line(str(ref))),
            ending=_ending,
        )

    def _chat(self, ref: ModelRef, *, thinking: bool) -> ChatOllama:
        if (ref.name, thinking) in self._opened:
            return self._opened[ref.name, thinking]
        try:
            # Importing it reads OLLAMA_HOST, proxy and certificate variables, and raises where one is wrong.
            from langchain_ollama import ChatOllama
        except (ImportError, OSError, ValueError) as error:
            raise _bad_environment(error) from error
        chat = ChatOllama(
            model=ref.name,
            base_url=self.url,
            # Without it what a model thinks is thrown away; with it other models answer 400.
            reasoning=True if thinking else None,
            num_predict=MAX_TOKENS,
            async_client_kwargs={"transport": self._transport(), "timeout": self._limits(read=None)},
            sync_client_kwargs={"trust_env": False},
        )
        self._opened[ref.name, thinking] = chat
        return chat

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

    async def pull(self, ref: ModelRef) -> AsyncGenerator[PullProgress]:
        """Fetch a model. Closing the generator disconnects; pulling again goes on where it was.

        Raises:
            ModelError: The server does not answer.
            PullFailed: It cannot fetch the model; its errors come inside of the stream.
        """
        import httpx

        model = clean_line(str(ref))
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
                        raise PullFailed(
                            f"{model} cannot be fetched: {clean_line(str(error), 300)}.", "Check the name."
                        )
                    status = clean_line(str(step.get("status", "")), 80)
                    yield PullProgress(status, _whole(step.get("completed")), _whole(step.get("total")))
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise explain(error, url=self.shown_url, model=model, began=False) from error

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        seconds: float | None = None,
        model: str = "",
    ) -> dict[str, Any]:
        """Ask something that is answered at once.

        Raises:
            ModelError: The server does not answer, or not as Ollama does.
        """
        import httpx

        limits = self._limits(read=30.0) if seconds is None else httpx.Timeout(seconds)
        try:
            async with self._client(limits) as client:
                response = await client.request(method, path, json=body)
            if response.status_code != httpx.codes.OK:
                raise from_status(response.status_code, response.text, url=self.shown_url, model=clean_line(model))
            answer = response.json()
            if not isinstance(answer, dict):
                raise json.JSONDecodeError("not an object", response.text, 0)
        except (httpx.HTTPError, ValueError, OSError, ImportError) as error:
            if isinstance(error, ImportError):
                raise _bad_environment(error) from error
            raise explain(error, url=self.shown_url, model=clean_line(model), began=False) from error
        return answer

    def _client(self, limits: httpx.Timeout) -> httpx.AsyncClient:
        import httpx

        key = os.environ.get("OLLAMA_API_KEY")
        return httpx.AsyncClient(
            base_url=self.url,
            timeout=limits,
            transport=self._transport(keep=False),
            headers={"Authorization": f"Bearer {key}"} if key else None,
        )

    def _limits(self, *, read: float | None) -> httpx.Timeout:
        """Time limits. A reply has none between its bytes here: the engine watches it, and knows loading from standing still."""
        import httpx

        return httpx.Timeout(connect=self._config.connect_seconds, read=read, write=30.0, pool=5.0)

    def _transport(self, *, keep: bool = True) -> httpx.AsyncBaseTransport:
        from chatui.models.ollama_transport import NoTruncation

        parts = urlsplit(self.url)
        direct = ollama_hosts.is_loopback(self.url) or proxy_bypass(parts.hostname or "")
        proxies = {} if direct else getproxies()
        transport = NoTruncation(proxy=proxies.get(parts.scheme) or proxies.get("all"), trust_env=not direct)
        if keep:
            self._transports.append(transport)
        return transport

    async def close(self) -> None:
        """Close the connections."""
        for transport in self._transports:
            await transport.aclose()
        self._transports.clear()
        self._opened.clear()


def _bad_environment(error: BaseException) -> ConfigError:
    """Name the variable that makes Ollama's client fail at its very import."""
    suspects = ["OLLAMA_HOST", "SSL_CERT_FILE", "SSL_CERT_DIR"]
    suspects += [name for name in os.environ if name.lower().endswith("_proxy")]
    present = [name for name in suspects if os.environ.get(name)]
    named = " or ".join(present) or "the environment"
    return ConfigError(
        f"Ollama's client cannot start: {clean_line(str(error), 200)}.",
        f"Check or unset {named}, and start chatui again.",
    )


def _entries(answer: dict[str, Any]) -> list[dict[str, Any]]:
    models = answer.get("models")
    return [entry for entry in models if isinstance(entry, dict)] if isinstance(models, list) else []


def _info(entry: dict[str, Any], running: dict[str, int | None]) -> ModelInfo:
    details = entry.get("details") or {}
    name = str(entry.get("name", ""))
    return ModelInfo(
        model=f"ollama:{clean_line(name)}",
        size=_whole(entry.get("size")),
        parameters=clean_line(str(details.get("parameter_size") or "")) or None,
        quantization=clean_line(str(details.get("quantization_level") or "")) or None,
        context_length=running.get(name) or _whole(details.get("context_length")),
        capabilities=[clean_line(str(word)) for word in entry.get("capabilities") or []],
        loaded=name in running,
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _ending(metadata: dict[str, Any]) -> Ending:
    # A stream that ends without `done` raises nothing in the client: the connection was lost.
    if not metadata.get("done"):
        return "lost"
    return "length" if metadata.get("done_reason") == "length" else "stop"
