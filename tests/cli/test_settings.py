from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.scripted import ScriptedModels

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_a_thread_is_given_parameters(run: Run, models: ScriptedModels) -> None:
    thread = run("ask", "Rome", "--json").json["thread_id"]
    found = run("set", "Rome", "temperature=0.2", "num-ctx=8192", "system_prompt=Be brief = short.", "--json").json
    assert (found["thread_id"], found["model"]) == (thread, "ollama:scripted")
    assert found["parameters"]["temperature"] == {"value": 0.2, "source": "thread"}
    assert found["parameters"]["top_p"] == {"value": None, "source": "model's own"}
    run("ask", "-c", "And now?")
    assert models.chat.asked_with[-1]["temperature"] == 0.2
    assert str(models.asked[-1][0].text) == "Be brief = short."
    printed = run("set", "Rome").out
    assert printed.startswith("model           ollama:scripted\n")
    assert re.search(r"^num_ctx +8192 +thread$", printed, re.MULTILINE)
    run("set", "Rome", "temperature=", "system_prompt=")
    run("ask", "-c", "And now?")
    assert "temperature" not in models.chat.asked_with[-1]
    assert models.asked[-1][0].type == "human"


def test_defaults_of_a_model_and_of_a_user(run: Run, models: ScriptedModels) -> None:
    run("ask", "Rome")
    run("set", "Rome", "temperature=0.2", "--for-model")
    run("set", "Rome", "temperature=0.3", "top_k=7", "--for-user")
    run("ask", "Oslo")
    assert models.chat.asked_with[-1]["temperature"] == 0.2
    sources = run("set", "Oslo", "--json").json["parameters"]
    assert (sources["temperature"]["source"], sources["top_k"]["source"]) == ("model", "user")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["temperature=7"], "temperature must be a number from 0 to 2, not 7."),
        (["temperature"], "has no =. Write it as in temperature=0.2."),
        (["warmth=1"], 'There is no parameter "warmth".'),
        (["seed=1", "--for-model", "--for-user"], "only one can be given"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_changed(run: Run, arguments: list[str], words: str) -> None:
    run("ask", "Rome")
    run("set", "Rome", "top_k=3", *arguments).failed(2, words)
    assert run("set", "Rome", "--json").json["parameters"]["top_k"]["value"] is None


def test_the_fields_are_documented(run: Run) -> None:
    run("ask", "Rome")
    found = run("set", "Rome", "--json").json
    (documented,) = re.findall(r"^\| `set` \| (.*) \|$", README, re.MULTILINE)
    assert ", ".join(found) in documented
    for name in found["parameters"]:
        assert f"`{name}`" in README


def test_another_context_announces_the_reload_set_or_taken_away(run: Run) -> None:
    run("ask", "One")
    reload = "chatui: From the next message on the model is loaded anew, for the other context.\n"
    assert run("set", "One", "num_ctx=8192").err == reload
    assert run("set", "One", "num_ctx=8192").err == ""
    assert run("set", "One", "num_ctx=", "--json").err == reload
    run("ask", "-c", "Two")
    done = run("set", "One", "num_ctx=2048", "--for-user")
    assert done.err.startswith("chatui: This thread keeps the context that it began with")
    entry = run("set", "One", "--json").json["parameters"]["num_ctx"]
    assert entry == {"value": None, "source": "first reply"}


def test_the_model_and_the_strategy_of_a_thread_and_of_its_user(run: Run, models: ScriptedModels) -> None:
    thread = run("-u", "anna", "ask", "One", "--json").json["thread_id"]
    run("set", thread, "temperature=0.5", "memory=windows").failed(2, "no memory strategy")
    assert run("set", thread, "--json").json["parameters"]["temperature"]["value"] is None, "nothing was set"
    assert run("set", thread, "--json").json["parameters"]["memory"] == {"value": "tokens:auto", "source": "default"}
    assert run("set", thread, "memory=window:1", "--json").json["parameters"]["memory"] == {
        "value": "window:1",
        "source": "thread",
    }
    run("set", thread, "--for-user", "memory=window:2", "model=ollama:other")
    assert "window:1  thread" in run("set", thread).out
    assert run("set", thread, "--for-user", "--json").json["parameters"]["memory"]["value"] == "window:2"
    run("set", thread, "memory=", "model=")
    found = run("set", thread, "--json").json
    assert (found["model"], found["parameters"]["memory"]) == ("ollama:other", {"value": "window:2", "source": "user"})
    assert run("-u", "anna", "ask", "Two", "--json").json["model"] == "ollama:other"
    assert run("-u", "ben", "ask", "Three", "--json").json["model"] == "ollama:scripted"
    run("set", thread, "--for-model", "memory=full").failed(2, "no memory of its own")
