"""What a model cannot be sent is left out of what it is asked, and told: over the scripted server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from chatui.config import Config, OllamaConfig
from chatui.conversation.attachments import read
from chatui.conversation.engine import Conversation
from chatui.conversation.events import Finished, Note
from chatui.conversation.library import Library
from chatui.errors import Unsupported
from chatui.models import Models
from chatui.models.ollama import carries
from chatui.storage import Store
from tests.conversation.conftest import run, say
from tests.ollama_server import OllamaServer, answer, tags
from tests.pictures import png

EYES, BLIND, TOOLS = "ollama:eyes", "ollama:blind", "ollama:tools"


def installed(**capabilities: list[str]) -> Any:
    """An answer of /api/tags: models by name, with what each can do."""
    entries: list[Any] = []
    for name, can in capabilities.items():
        body = tags(name, capabilities=["completion", *can])[0]
        assert isinstance(body, bytes)
        entries += json.loads(body.partition(b"\r\n\r\n")[2])["models"]
    return answer(200, {"models": entries})


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    with OllamaServer() as server:
        server.answers["GET", "/api/tags"] = installed(eyes=["vision"], blind=[], tools=["tools"])
        yield server


@pytest.fixture
async def conversation(server: OllamaServer, tmp_path: Path) -> AsyncIterator[Conversation]:
    config = Config(model=EYES, memory="full", ollama=OllamaConfig(host=server.url))
    models = Models(config)
    library = Library(Store.open(tmp_path / "chatui.db"), models, config)
    yield library.conversation()
    await library.close()
    await models.close()


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    path.write_bytes(png(size=1200))
    return path


def sees(server: OllamaServer, *capabilities: str) -> None:
    """What the server tells of a model when it is asked for it alone."""
    server.answers["POST", "/api/show"] = answer(200, {"capabilities": ["completion", *capabilities]})


def notes(events: list[Any]) -> list[str]:
    return [event.text for event in events if isinstance(event, Note)]


async def test_an_image_is_not_sent_to_a_model_without_vision_that_goes_on_in_the_thread(
    conversation: Conversation, server: OllamaServer, cat: Path
) -> None:
    sees(server, "vision")
    await say(conversation.send("What is it?", attachments=[read(cat)]))
    assert len(server.asked[0]["messages"][0]["images"]) == 1
    sees(server)
    events = await run(conversation.send("Sure?", model=BLIND))
    assert isinstance(events[-1], Finished)
    sent = server.asked[1]["messages"]
    assert not any(message.get("images") for message in sent)
    assert sent[0]["content"].split("\n")[1:] == ["What is it?", "🖼 cat.png 640×480 1 kB (not sent)"]
    assert notes(events) == ["ollama:blind cannot take cat.png 640×480 1 kB of #1; only its name is sent."]
    # The thread still has it: back at a model that sees, it goes again, and nothing is said.
    events = await run(conversation.send("And now?", model=EYES))
    assert notes(events) == []
    assert len(server.asked[2]["messages"][0]["images"]) == 1


async def test_a_prompt_with_an_image_is_never_answered_again_by_a_model_without_vision(
    conversation: Conversation, server: OllamaServer, cat: Path
) -> None:
    sees(server, "vision")
    answered = await say(conversation.send("What is it?", attachments=[read(cat)]))
    sees(server)
    with pytest.raises(Unsupported, match="ollama:blind takes no images"):
        await run(conversation.regenerate(answered.node_id, model=BLIND))
    assert len(server.asked) == 1


async def test_what_a_memory_strategy_leaves_out_is_not_told_twice(
    conversation: Conversation, server: OllamaServer, cat: Path
) -> None:
    sees(server, "vision")
    await conversation.memory.set_strategy("window:1")
    await say(conversation.send("What is it?", attachments=[read(cat)]))
    assert notes(await run(conversation.send("Sure?", model=BLIND))) == ["2 older messages are not sent: #1 to #2."]


ELSEWHERE = {"type": "image_url", "image_url": {"url": "https://pictures.test/cat.png"}}
PAPER = {"type": "file", "base64": "AAAA", "mime_type": "application/pdf", "extras": {"name": "paper.pdf"}}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "x"}


async def test_images_by_address_and_files_which_the_client_refuses_are_named_instead(
    conversation: Conversation, server: OllamaServer
) -> None:
    content: Any = [{"type": "text", "text": "Look"}, ELSEWHERE, PAPER]
    answered: Any = [THOUGHT, {"type": "text", "text": "I see."}]
    await conversation.add([HumanMessage(content, id="p"), AIMessage(answered, id="a")])
    events = await run(conversation.send("Sure?"))
    assert isinstance(events[-1], Finished), "no ValueError of the client"
    assert notes(events) == ["ollama:eyes cannot take image and paper.pdf of #1; only their names are sent."]
    first, second, _ = server.asked[0]["messages"]
    assert "paper.pdf (not sent)" in first["content"]
    assert not first.get("images")
    # What another provider's model thought is no attachment, and nothing to tell.
    assert second["content"].strip() == "I see."


CALL: list[BaseMessage] = [
    HumanMessage("Weather in Bremen?", id="1"),
    AIMessage("", id="2", tool_calls=[{"name": "weather", "args": {"city": "Bremen"}, "id": "c1"}]),
    ToolMessage("Rain, 9 °C", tool_call_id="c1", name="weather", id="3"),
    AIMessage("It rains.", id="4"),
]


async def test_calls_of_tools_go_to_a_model_that_knows_tools(conversation: Conversation, server: OllamaServer) -> None:
    await conversation.add(CALL)
    events = await run(conversation.send("And tomorrow?", model=TOOLS))
    assert notes(events) == []
    _, call, result, *_ = server.asked[0]["messages"]
    assert call["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"city": "Bremen"}}
    assert (result["role"], result["content"]) == ("tool", "Rain, 9 °C")
    assert "tools" not in server.asked[0] or not server.asked[0]["tools"], "no tool is ever offered"


async def test_calls_of_tools_go_as_text_to_a_model_that_knows_none(
    conversation: Conversation, server: OllamaServer
) -> None:
    await conversation.add(CALL)
    events = await run(conversation.send("And tomorrow?", model=BLIND))
    assert notes(events) == ["ollama:blind knows no tools; the calls and results of #2 to #3 are sent as text."]
    sent = server.asked[0]["messages"]
    assert [(message["role"], message["content"]) for message in sent] == [
        ("user", "Weather in Bremen?"),
        ("assistant", '[weather({"city": "Bremen"})]'),
        ("user", "[result of weather]\nRain, 9 °C"),
        ("assistant", "It rains."),
        ("user", "And tomorrow?"),
    ]
    assert not any(message.get("tool_calls") for message in sent)
    assert [message.role for message in conversation.branch()][1:3] == ["assistant", "tool"], (
        "the thread has them as they were"
    )


async def test_an_older_server_that_tells_no_abilities_is_sent_all(
    conversation: Conversation, server: OllamaServer, cat: Path
) -> None:
    server.answers["GET", "/api/tags"] = tags("eyes", capabilities=None)
    server.answers["POST", "/api/show"] = answer(200, {})
    await conversation.add(CALL)
    events = await run(conversation.send("What is it?", attachments=[read(cat)]))
    assert notes(events) == []
    assert len(server.asked[0]["messages"][-1]["images"]) == 1
    assert server.asked[0]["messages"][2]["role"] == "tool"


@pytest.mark.parametrize(
    ("block", "can"),
    [
        ({"type": "text", "text": "x"}, True),
        ({"type": "tool_use", "id": "1"}, True),
        ({"type": "image", "base64": "AAAA", "mime_type": "image/png"}, True),
        ({"type": "image", "source_type": "base64", "data": "AAAA"}, True),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, True),
        ({"type": "image_url", "image_url": "data:image/png;base64,AAAA"}, True),
        (ELSEWHERE, False),
        ({"type": "image_url", "image_url": 7}, False),
        ({"type": "image", "url": "https://pictures.test/cat.png"}, False),
        (PAPER, False),
        ({"type": "audio", "base64": "AAAA"}, False),
        ({}, False),
    ],
)
async def test_what_the_client_takes_is_what_is_said_to_be_carried(
    conversation: Conversation, server: OllamaServer, block: dict[str, Any], can: bool
) -> None:
    """Images must be base64 in the request; addresses and files raise ValueError in the client."""
    from langchain_ollama import ChatOllama

    assert carries(block, sees=True) is can
    assert carries(block, sees=False) is (can and not str(block["type"]).startswith("image"))
    convert = ChatOllama(model="x", base_url=server.url)._convert_messages_to_ollama_messages
    if can:
        assert convert([SystemMessage("x"), HumanMessage([block])])
    elif block is not ELSEWHERE:  # which it would take for base64, and the server would refuse
        with pytest.raises((ValueError, KeyError)):
            convert([HumanMessage([block])])
