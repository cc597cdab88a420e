from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.scripted import ScriptedModels, by_topic


def test_what_is_remembered_of_one_user_reaches_no_other(run: Run, models: ScriptedModels) -> None:
    added = run("-u", "anna", "memory", "add", "I live in Bremen.", "--json").json
    assert added.keys() == {"memory_id", "user", "text", "created_at", "source_thread_id"}
    assert run("-u", "anna", "memory", "list", "--json").json == [added]
    assert run("-u", "ben", "memory", "list", "--json").json == []
    run("-u", "anna", "ask", "Where do I live?")
    assert "Bremen" in str(models.asked[-1][0].text)
    run("-u", "ben", "ask", "Where do I live?")
    assert len(models.asked[-1]) == 1
    run("-u", "ben", "memory", "forget", added["memory_id"]).failed(2, "ben has no memory")
    run("-u", "anna", "memory", "edit", added["memory_id"][:8], "I live in Kiel.")
    assert "Kiel" in run("-u", "anna", "memory").out
    run("-u", "anna", "memory", "forget", added["memory_id"])
    assert run("--all-users", "memory", "list", "--json").json == []
    assert run("users", "--json").json == [
        {"user": "anna", "threads": 1, "messages": 2},
        {"user": "ben", "threads": 1, "messages": 2},
    ]


def test_a_memory_of_another_user_is_told_whose_it_is(run: Run) -> None:
    memory = run("-u", "bob jones", "memory", "add", "I live in Bremen.", "--json").json
    short = memory["memory_id"][:8]
    assert short in run("memory", "list").out
    assert run("memory", "--json").json == [memory]
    for line in (["forget", short], ["edit", short, "I live in Kiel."]):
        run("memory", *line).failed(
            2, f'default has no memory that begins with "{short}".', "say `-u 'bob jones'` before"
        )
    run("memory", "forget", "nothing").failed(2, "`chatui memory list`")
    run("memory", "forget", "").failed(2, "`chatui memory list`")
    assert run("memory", "list", "--json").json == [memory]
    assert run("-u", "bob jones", "memory", "forget", short).code == 0


def test_a_user_s_strategy_is_printed_and_set(run: Run, models: ScriptedModels) -> None:
    assert run("memory", "strategy").out == "default: tokens:auto\n"
    assert run("-u", "anna", "memory", "strategy", "window:1").out == "anna: window:1\n"
    run("-u", "anna", "memory", "strategy", "windows").failed(2, "no memory strategy")
    thread = run("-u", "anna", "ask", "One", "--json").json["thread_id"]
    run("ask", "-t", thread, "Two")
    assert [str(message.text) for message in models.asked[-1]] == ["Two"]
    assert run("memory", "strategy").out == "default: tokens:auto\n"
    assert run("-u", "anna", "memory", "strategy", "default").out == "anna: tokens:auto\n"


def test_recall_by_embeddings_is_set_made_and_told(run: Run, models: ScriptedModels) -> None:
    models.embeds = by_topic
    run("-u", "anna", "ask", "My puppy is called Bruno.")
    assert models.embedded == []
    assert "Recall for anna: by full text." in run("-u", "anna", "memory").out
    assert run("-u", "anna", "memory", "recall", "off").out == "anna: by full text\n"
    told = run("-u", "anna", "memory", "recall", "nomic-embed-text", "--make").out
    assert told.startswith("anna: by embeddings of ollama:nomic-embed-text, compared ")
    assert told.endswith("; 2 of 2 messages have one\n")
    assert "of ollama:nomic-embed-text" in run("-u", "anna", "memory").out
    assert run("-u", "ben", "memory", "recall").out == "ben: by full text\n"
    run("-u", "anna", "memory", "recall", "google:gemini").failed(1, "no embeddings")
    thread = run("-u", "anna", "ask", "--json", "Hello.").json["thread_id"]
    # What a shell command says is compared from then on, too.
    assert "4 of 4 messages" in run("-u", "anna", "memory", "recall").out
    first, second = run("show", thread, "--json").json["messages"]
    assert first["sent"] is None
    assert second["sent"]["recall"] == ""


def test_show_tells_what_was_recalled(run: Run, models: ScriptedModels, database: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[memory]\nstrategy = "recall"\nembedding = "ollama:nomic-embed-text"\n')
    models.embeds = by_topic
    run("--config", str(config), "ask", "My puppy is called Bruno.")
    thread = run("--config", str(config), "ask", "--json", "Which pet have I got?").json["thread_id"]
    sent = run("show", thread, "--json").json["messages"][1]["sent"]
    assert sent["recall"] == "by embeddings of ollama:nomic-embed-text, and by full text"
    item = next(item for item in sent["recalled"] if "Bruno" in item["text"])
    assert 0 < item["tokens"] <= sent["tokens"]["recalled"]
    assert item["likeness"] > 0.9


def test_where_the_embedding_model_is_missing_one_line_says_so(
    run: Run, models: ScriptedModels, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[memory]\nstrategy = "recall"\nembedding = "ollama:nomic-embed-text"\n')
    done = run("--config", str(config), "ask", "Hello.")
    assert (done.code, done.out) == (0, "Hello there.\n")
    assert done.err == "chatui: Recall is by full text: ollama:nomic-embed-text is not there.\n"


def test_whether_facts_are_proposed_is_a_users_own(run: Run) -> None:
    assert run("-u", "anna", "memory", "propose").out == "anna: off\n"
    assert run("-u", "anna", "memory", "propose", "on").out == "anna: on\n"
    assert run("-u", "ben", "memory", "propose").out == "ben: off\n"
    run("memory", "propose", "perhaps").failed(2, "neither on nor off")


def test_what_takes_longer_is_made_behind_the_command(
    run: Run, models: ScriptedModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[str, ...]] = []
    monkeypatch.setattr("chatui.cli.behind.go_on", lambda session, *command: begun.append(command))
    monkeypatch.setattr("chatui.cli.ask._MOMENT", 0.05)
    config = tmp_path / "config.toml"
    config.write_text('[memory]\nembedding = "ollama:nomic-embed-text"\n')
    models.embeds = by_topic
    assert run("--config", str(config), "-u", "anna", "ask", "Hello.").code == 0
    assert begun == []

    async def never(ref: object, texts: object) -> list[list[float]]:
        await asyncio.Event().wait()
        return []

    models.embed = never  # type: ignore[method-assign]
    assert run("--config", str(config), "-u", "anna", "ask", "Hello.").out == "Hello there.\n"
    assert begun == [("-u", "anna", "memory", "recall", "--make")]
