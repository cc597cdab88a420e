"""The recorded replies of a real Ollama 0.32, replayed byte for byte: what comes out is what the recording says.

What is expected is read from each recording here, and never from what chatui once made of it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chatui.config import Config, HostConfig, OllamaConfig
from chatui.errors import BadReply, ModelError, PullFailed, ServerFault, UnknownModel, Unsupported
from chatui.models import Models, parse_ref
from chatui.models.ollama import Ollama
from tests.models.asking import SMOL, ask, merged
from tests.ollama_server import DATA, OllamaServer, real_stream, recorded


def text(name: str) -> str:
    """The body of a recording."""
    return (DATA / f"{name}.http").read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")[2].decode()


def body(name: str) -> Any:
    return json.loads(text(name))


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / "chat_stream.ndjson").read_text().splitlines()]


async def failed(models: Models, server: OllamaServer, name: str) -> ModelError:
    """The error that a recorded answer to a chat becomes."""
    server.chats.append(recorded(name))
    with pytest.raises(ModelError) as caught:
        await ask(models)
    return caught.value


async def version(models: Models, server: OllamaServer) -> None:
    assert await Ollama(OllamaConfig(host=server.url)).version() == body("version")["version"]


async def listed(models: Models, server: OllamaServer) -> None:
    """Capabilities and the context, which the Python client drops, among the rest."""
    (tag,) = body("tags")["models"]
    (model,) = await models.list()
    assert model.model == f"ollama:{tag['name']}"
    assert model.size == tag["size"]
    assert model.parameters == tag["details"]["parameter_size"]
    assert model.quantization == tag["details"]["quantization_level"]
    assert model.capabilities == tag["capabilities"]
    opened = await models.open(SMOL)
    assert opened.longest == tag["details"]["context_length"]
    assert opened.thinks is ("thinking" in tag["capabilities"])
    assert opened.tools is ("tools" in tag["capabilities"])


async def running(models: Models, server: OllamaServer) -> None:
    (loaded,) = body("ps")["models"]
    (model,) = await models.list()
    assert (model.model, model.loaded) == (f"ollama:{loaded['name']}", True)
    assert model.context_length == loaded["context_length"]
    opened = await models.open(SMOL)
    assert opened.context_length == loaded["context_length"]
    assert opened.in_force is not None
    assert await opened.in_force() == loaded["context_length"]


async def shown(models: Models, server: OllamaServer) -> None:
    said, found = body("show"), await models.show(SMOL)
    assert found["family"] == said["details"]["family"]
    assert found["parameters"] == said["details"]["parameter_size"]
    assert found["quantization"] == said["details"]["quantization_level"]
    assert found["capabilities"] == said["capabilities"]
    assert found["context_length"] == said["model_info"][f"{said['details']['family']}.context_length"]
    assert found["template"] == said["template"]
    assert found["licence"] == said["model_info"]["general.license"]


async def root(models: Models, server: OllamaServer) -> None:
    """What "/" says is a greeting: as an answer to anything else it is no Ollama."""
    assert text("root").strip() == "Ollama is running"
    server.answers["GET", "/api/tags"] = recorded("root")
    with pytest.raises(BadReply):
        await models.open(SMOL)


async def compatible(models: Models, server: OllamaServer) -> None:
    """The same server, asked as an OpenAI-compatible one."""
    server.answers["GET", "/v1/models"] = recorded("v1models")
    other = Models(
        Config(
            ollama=OllamaConfig(host=server.url),
            hosts={"box": HostConfig(url=f"{server.url}/v1", provider="openai")},
        )
    )
    found = [model.model for model in await other.list() if model.model.startswith("openai@box:")]
    assert found == [f"openai@box:{entry['id']}" for entry in body("v1models")["data"]]
    await other.close()


async def streamed(models: Models, server: OllamaServer) -> None:
    server.chats.append(real_stream())
    chunks = await ask(models)
    said = lines()
    assert [str(part.text) for part in chunks if part.text] == [
        line["message"]["content"] for line in said if line["message"]["content"]
    ]
    (usage,) = [part.usage_metadata for part in chunks if part.usage_metadata]
    assert usage["input_tokens"] == said[-1]["prompt_eval_count"]
    assert usage["output_tokens"] == said[-1]["eval_count"]
    facts = merged(chunks)
    for name in ("done", "done_reason", "load_duration", "eval_duration", "eval_count", "total_duration"):
        assert facts[name] == said[-1][name], name
    assert not any(part.tool_calls or part.additional_kwargs.get("reasoning_content") for part in chunks)


async def unknown(models: Models, server: OllamaServer) -> None:
    error = await failed(models, server, "chat404")
    assert isinstance(error, UnknownModel)
    assert "not found" in body("chat404")["error"]
    assert error.model == str(SMOL)


async def without_tools(models: Models, server: OllamaServer) -> None:
    error = await failed(models, server, "chat_tools400")
    assert isinstance(error, Unsupported)
    assert "does not support tools" in body("chat_tools400")["error"]
    assert error.title == "ollama:smol cannot use tools."


async def without_thinking(models: Models, server: OllamaServer) -> None:
    error = await failed(models, server, "think400")
    assert isinstance(error, Unsupported)
    assert "does not support thinking" in body("think400")["error"]
    assert error.title == "ollama:smol cannot think aloud."


async def no_json(models: Models, server: OllamaServer) -> None:
    error = await failed(models, server, "badjson")
    assert isinstance(error, ServerFault)
    assert body("badjson")["error"] in error.title


async def no_body(models: Models, server: OllamaServer) -> None:
    error = await failed(models, server, "emptybody")
    assert isinstance(error, ServerFault)
    assert body("emptybody")["error"] in error.title


async def no_such_path(models: Models, server: OllamaServer) -> None:
    assert text("nopath").strip() == "404 page not found"
    assert isinstance(await failed(models, server, "nopath"), BadReply)
    server.answers["POST", "/api/show"] = recorded("nopath")
    with pytest.raises(BadReply):
        await models.show(parse_ref("smol"))


async def pull(models: Models, server: OllamaServer) -> None:
    """The error comes in the body, after 200."""
    steps = [json.loads(line) for line in text("pull_fail").splitlines() if line.strip()]
    seen = []
    with pytest.raises(PullFailed) as caught:
        async for step in models.pull(SMOL):
            seen.append(step.status)
    assert seen == [step["status"] for step in steps if "status" in step]
    assert steps[-1]["error"][:60] in caught.value.title


REPLAYS: dict[str, Callable[[Models, OllamaServer], Awaitable[None]]] = {
    "badjson.http": no_json,
    "chat404.http": unknown,
    "chat_stream.ndjson": streamed,
    "chat_tools400.http": without_tools,
    "emptybody.http": no_body,
    "nopath.http": no_such_path,
    "ps.http": running,
    "pull_fail.http": pull,
    "root.http": root,
    "show.http": shown,
    "tags.http": listed,
    "think400.http": without_thinking,
    "v1models.http": compatible,
    "version.http": version,
}


def test_every_recording_is_replayed() -> None:
    assert {path.name for path in DATA.iterdir() if path.suffix != ".md"} == set(REPLAYS)


@pytest.mark.parametrize("name", REPLAYS)
async def test_a_recording_comes_out_as_it_is(models: Models, server: OllamaServer, name: str) -> None:
    await REPLAYS[name](models, server)
