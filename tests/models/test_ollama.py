"""Ollama over the scripted server: what a real one answers, and which model is chosen."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from chatui.config import Config, OllamaConfig
from chatui.errors import (
    NoModel,
    UnknownModel,
)
from chatui.models import Models, parse_ref
from chatui.models import registry as registry_module
from chatui.models.ollama import Ollama
from tests.models.asking import SMOL, ask, merged
from tests.ollama_server import (
    DROP,
    OllamaServer,
    answer,
    cut_off,
    done,
    piece,
    recorded,
    stream,
    tags,
)


async def test_what_is_installed(models: Models) -> None:
    model = (await models.list())[0]
    assert (model.model, model.size, model.parameters) == ("ollama:smol:latest", 98362761, "134.52M")
    assert (model.quantization, model.capabilities, model.loaded) == ("Q4_1", ["completion"], True)
    # What is in force, not the most that the model could have.
    assert model.context_length == 64


async def test_the_recorded_reply_streams(models: Models, server: OllamaServer) -> None:
    chunks = await ask(models)
    assert "".join(str(part.text) for part in chunks) == "The capital of France is Paris."
    usage = next(part.usage_metadata for part in chunks if part.usage_metadata)
    assert (usage["input_tokens"], usage["output_tokens"]) == (16, 8)
    opened = await models.open(SMOL)
    assert opened.ending(merged(chunks)) == "stop"
    assert opened.context_length == 64
    body = server.asked[0]
    assert body["truncate"] is False, "the server would drop the oldest messages silently"
    assert body["options"]["num_predict"] > 0
    assert "think" not in body or body["think"] is None


async def test_a_stream_that_ends_early_is_lost(models: Models, server: OllamaServer) -> None:
    server.chats.append(cut_off("The", " capital"))
    opened = await models.open(SMOL)
    assert opened.ending(merged(await ask(models))) == "lost"


async def test_a_reply_cut_by_the_limit_is_known(models: Models, server: OllamaServer) -> None:
    server.chats.append(stream("The", ending=done("length")))
    opened = await models.open(SMOL)
    assert opened.ending(merged(await ask(models))) == "length"


async def test_thinking_is_asked_of_those_who_can(models: Models, server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=["completion", "thinking"])
    server.chats.append(stream(piece("", thinking="Hm."), "Paris."))
    chunks = await ask(models)
    assert server.asked[0]["think"] is True
    assert [part.additional_kwargs.get("reasoning_content") for part in chunks][0] == "Hm."


async def test_an_older_server_tells_capabilities_elsewhere(models: Models, server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=None)
    await models.open(SMOL)
    assert server.requests[-2].path == "/api/show"


async def test_names_count_in_any_case(models: Models) -> None:
    assert (await models.open(parse_ref("SMOL:Latest"))).ref.name == "SMOL:Latest"


async def test_a_server_that_does_not_tell_what_is_loaded(models: Models, server: OllamaServer) -> None:
    server.answers["GET", "/api/ps"] = recorded("nopath")
    assert (await models.list())[0].loaded is None
    assert (await models.open(SMOL)).context_length is None


async def test_the_client_is_not_imported_on_the_loop_that_draws_the_screen(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(Ollama, "_make_chat", lambda *args: seen.append(threading.get_ident()))
    await models.open(SMOL)
    assert len(seen) == 1
    assert seen != [threading.get_ident()]


async def test_cancelling_hangs_up_at_once(models: Models, server: OllamaServer) -> None:
    server.chats.append(stream("The", threading.Event()))
    opened = await models.open(SMOL)
    async with aclosing(opened.chat.astream([HumanMessage("Hi")])) as chunks:  # type: ignore[type-var]
        assert (await anext(chunks)).text == "The"
    assert await asyncio.to_thread(server.hung_up.wait, 5)


async def test_cancelling_before_the_first_token_hangs_up_too(models: Models, server: OllamaServer) -> None:
    server.chats.append(stream(threading.Event(), "never"))
    task = asyncio.create_task(ask(models))
    await asyncio.to_thread(server.wait_for, "/api/chat")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.hung_up.wait, 5)


async def test_a_model_that_is_not_installed(models: Models) -> None:
    with pytest.raises(UnknownModel) as caught:
        await models.open(parse_ref("nope"))
    assert "chatui models pull ollama:nope" in caught.value.advice
    assert caught.value.model == "ollama:nope"


async def test_details_without_the_licence_text(models: Models) -> None:
    shown = await models.show(SMOL)
    assert (shown["parameters"], shown["quantization"], shown["context_length"]) == ("134.52M", "Q4_1", 8192)
    assert shown["licence"] == "apache-2.0"


class TestChoice:
    async def test_the_thread_s_model_comes_first(self, models: Models) -> None:
        assert str(await models.choose("embedded:default")) == "embedded:smollm2-135m"

    async def test_then_the_configured_one(self, server: OllamaServer) -> None:
        models = Models(Config(model="llama3", ollama=OllamaConfig(host=server.url)))
        assert str(await models.choose(None)) == "ollama:llama3"

    async def test_then_the_first_of_ollama_that_can_chat(self, models: Models, server: OllamaServer) -> None:
        model, family = {"name": "smol:latest"}, {"family": "nomic-bert"}
        embeddings = [{"name": "embed", "capabilities": ["embedding"]}, {"name": "old-embed", "details": family}]
        server.answers["GET", "/api/tags"] = answer(200, {"models": [*embeddings, model]})
        assert str(await models.choose(None)) == "ollama:smol:latest"

    async def test_then_the_embedded_one(self, dead_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry_module, "embedded_present", lambda: True)
        monkeypatch.setattr(registry_module, "embedded_available", lambda: True)
        models = Models(Config(ollama=OllamaConfig(host=dead_host)))
        assert str(await models.choose(None)) == "embedded:smollm2-135m"

    async def test_else_there_is_none_and_it_says_how_to_get_one(self, dead_host: str) -> None:
        models = Models(Config(ollama=OllamaConfig(host=dead_host)))
        with pytest.raises(NoModel) as caught:
            await models.choose(None)
        assert "pull" in caught.value.advice or "pip install" in caught.value.advice

    @pytest.mark.parametrize(
        ("reply", "words"),
        [
            (answer(401, ""), "wants an API key"),
            (answer(200, "<html>", "text/html"), "is not an Ollama reply"),
            ([DROP], "closed the connection"),
        ],
        ids=["key", "page", "dropped"],
    )
    async def test_a_server_that_somebody_named_and_that_fails_is_told_of(
        self, models: Models, server: OllamaServer, reply: list[Any], words: str
    ) -> None:
        server.answers["GET", "/api/tags"] = reply
        with pytest.raises(NoModel) as caught:
            await models.choose(None)
        assert words in caught.value.advice

    async def test_a_server_without_models_is_none(self, models: Models, server: OllamaServer) -> None:
        server.answers["GET", "/api/tags"] = answer(200, {"models": []})
        with pytest.raises(NoModel):
            await models.choose(None)


async def test_an_unknown_named_host() -> None:
    with pytest.raises(Exception, match='no host named "gpu"'):
        await Models(Config()).open(parse_ref("ollama@gpu:llama3"))
