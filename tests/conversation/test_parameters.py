from __future__ import annotations

from typing import Any

import pytest

from chatui.config import Config, Parameters
from chatui.conversation.parameters import FIELDS, NAMES, parse, resolve, written
from chatui.errors import UsageError
from tests.conversation.conftest import Bench, say

MODEL = "ollama:scripted"


def test_every_parameter_has_a_place_on_the_screen() -> None:
    assert Parameters.__struct_fields__ == NAMES


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("temperature", "0.7", 0.7),
        ("temperature", " 2 ", 2.0),
        ("Top-P", "0.9", 0.9),
        ("top_k", "40", 40),
        ("num_ctx", "8,192", 8192),
        ("seed", "0", 0),
        ("thinking", "HIGH", "high"),
        ("keep_alive", "-1", -1),
        ("keep_alive", "1h30m", "1h30m"),
        ("stop", "END", ["END"]),
        ("stop", '["a", "é天"]', ["a", "é天"]),
        ("system_prompt", " Be brief.\n", " Be brief.\n"),
        ("system_prompt", "", ""),
        ("temperature", "", None),
        ("temperature", "default", None),
    ],
)
def test_what_is_typed_is_read(name: str, text: str, value: Any) -> None:
    assert parse(name, text) == value
    if value not in (None, "") and name != "system_prompt":
        assert parse(name, written(name.lower().replace("-", "_"), value)) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("temperature", "2.1"),
        ("temperature", "-1"),
        ("temperature", "warm"),
        ("temperature", "nan"),
        ("temperature", "1e400"),
        ("top_p", "1.01"),
        ("top_k", "1.5"),
        ("seed", "-1"),
        ("num_ctx", "63"),
        ("num_predict", "0"),
        ("repeat_penalty", "0"),
        ("keep_alive", "soon"),
        ("keep_alive", "-2"),
        ("thinking", "deep"),
        ("stop", '["a", ""]'),
        ("stop", "[broken"),
        ("stop", '{"[red]x[/]": 1'.replace("{", "[")),
    ],
)
def test_what_it_cannot_be_is_refused_in_one_sentence(name: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(name, text)
    assert str(caught.value).startswith(f"{name} must be ")
    assert next(field.allowed for field in FIELDS if field.name == name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_parameter_is_named() -> None:
    with pytest.raises(UsageError, match='no parameter "warmth"'):
        parse("warmth", "1")


def test_the_nearest_value_is_in_force() -> None:
    config = Config(system_prompt="The file's.", parameters=Parameters(top_k=1, top_p=0.1, seed=1, num_ctx=1024))
    found = resolve(
        config,
        thread={"top_k": 4, "memory": "full"},
        model={"top_k": 3, "top_p": 0.3},
        user={"top_k": 2, "top_p": 0.2, "seed": 2},
    )
    values = found.values
    assert (values.top_k, values.top_p, values.seed, values.num_ctx) == (4, 0.3, 2, 1024)
    assert values.system_prompt == "The file's."
    sources = [found.sources[name] for name in ("top_k", "top_p", "seed", "num_ctx", "system_prompt", "temperature")]
    assert sources == ["thread", "model", "user", "default", "default", "model's own"]


def test_what_another_version_stored_is_left_out_where_it_would_be_refused() -> None:
    found = resolve(Config(), thread={"temperature": 9, "thinking": "sideways"}, user={"temperature": 1})
    assert (found.values.temperature, found.sources["temperature"]) == (1.0, "user")
    assert found.values.thinking is None


async def test_the_values_in_force_reach_the_model(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await conversation.settings.change("user", temperature=0.1, system_prompt="The user's.")
    await say(conversation.send("one"))
    await conversation.settings.change("model", MODEL, temperature=0.2)
    await say(conversation.send("two"))
    await conversation.settings.change("thread", temperature=0.3, system_prompt="Mine.")
    await say(conversation.send("three"))
    await say(bench.library.conversation().send("elsewhere"))
    chat = bench.models.chat
    assert [asked["temperature"] for asked in chat.asked_with] == [0.1, 0.2, 0.3, 0.2]
    assert [str(sent[0].text) for sent in chat.asked] == ["The user's.", "The user's.", "Mine.", "The user's."]


async def test_a_thread_may_have_no_system_prompt_although_its_user_has_one(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await conversation.settings.change("user", system_prompt="The user's.")
    await conversation.settings.change("thread", system_prompt="")
    await say(conversation.send("one"))
    assert [message.type for message in bench.models.asked[0]] == ["human"]
    await conversation.settings.change("thread", system_prompt=None)
    assert conversation.system_prompt() == "The user's."


async def test_a_refused_value_changes_nothing(bench: Bench) -> None:
    settings = bench.library.conversation().settings
    with pytest.raises(UsageError, match="temperature must be"):
        await settings.change("thread", top_k=1, temperature=3)
    assert settings.of("thread") == {}
    with pytest.raises(UsageError, match="not known yet"):
        await settings.change("model", None, top_k=1)


async def test_a_system_prompt_of_the_row_is_the_threads_own(bench: Bench) -> None:
    """As importers, and chatui before there were settings, wrote it."""
    conversation = bench.library.conversation()
    await say(conversation.send("one"))
    store = bench.library._store
    async with store.database.transaction() as connection:
        await store.threads.update(connection, conversation.thread_id, system_prompt="Old.")
    assert conversation.settings.of("thread") == {"system_prompt": "Old."}
    await conversation.settings.change("thread", system_prompt=None)
    assert conversation.system_prompt() == ""


async def test_a_copied_thread_keeps_its_settings(bench: Bench) -> None:
    conversation = bench.library.conversation()
    head = await say(conversation.send("one"))
    await conversation.settings.change("thread", temperature=0.3)
    copied = await conversation.upkeep.copy_out(head.node_id)
    assert bench.library.conversation(copied.thread_id).settings.of("thread") == {"temperature": 0.3}


async def test_presets_are_kept_under_a_name(bench: Bench) -> None:
    settings = bench.library.conversation().settings
    await settings.save_preset("Exact", {"temperature": 0.0, "top_k": 1})
    await settings.save_preset("kind", {"temperature": 1.0})
    await settings.save_preset("connection", {"seed": 1})
    assert settings.presets()["Exact"] == {"temperature": 0.0, "top_k": 1}
    for name in ("kind", "connection"):
        await settings.save_preset(name, None)
    library = await bench.reopen()
    assert list(library.conversation().settings.presets()) == ["Exact"]
    with pytest.raises(UsageError, match="nothing to save"):
        await settings.save_preset("x", {})


async def test_what_a_model_does_not_take_is_said(bench: Bench) -> None:
    from chatui.conversation.events import Note
    from tests.conversation.conftest import run

    conversation = bench.library.conversation()
    await conversation.settings.change("thread", thinking="high", seed=1, top_k=2)
    notes = [event.text for event in await run(conversation.send("one")) if isinstance(event, Note)]
    assert notes == [
        "ollama:scripted cannot think before it answers; it is not asked to.",
        "ollama:scripted takes no top_k and no seed.",
    ]
    # A default for all models is no wish for this one.
    await conversation.settings.change("thread", thinking=None, seed=None, top_k=None)
    await conversation.settings.change("user", thinking="high", seed=1)
    assert not any(isinstance(event, Note) for event in await run(conversation.send("two")))
