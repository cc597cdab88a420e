from __future__ import annotations

from tests.cli.conftest import Run
from tests.scripted import ScriptedModels


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


def test_a_user_s_strategy_is_printed_and_set(run: Run, models: ScriptedModels) -> None:
    assert run("memory", "strategy").out == "default: tokens:auto\n"
    assert run("-u", "anna", "memory", "strategy", "window:1").out == "anna: window:1\n"
    run("-u", "anna", "memory", "strategy", "windows").failed(2, "no memory strategy")
    thread = run("-u", "anna", "ask", "One", "--json").json["thread_id"]
    run("ask", "-t", thread, "Two")
    assert [str(message.text) for message in models.asked[-1]] == ["Two"]
    assert run("memory", "strategy").out == "default: tokens:auto\n"
    assert run("-u", "anna", "memory", "strategy", "default").out == "anna: tokens:auto\n"
