from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage

from chatui.errors import NoModel, ServerFault
from tests.cli.conftest import Run
from tests.scripted import ScriptedModels


def test_a_turn_is_streamed_and_saved(run: Run) -> None:
    done = run("ask", "Say hello")
    assert (done.code, done.out, done.err) == (0, "Hello there.\n", "")
    (thread,) = run("threads", "--json").json
    assert (thread["title"], thread["message_count"], thread["user"]) == ("Say hello", 2, "default")


def test_json_is_what_the_readme_says(run: Run) -> None:
    found = run("ask", "Say hello", "--json").json
    assert list(found) == ["thread_id", "checkpoint_id", "model", "text", "reasoning", "usage", "seconds"]
    assert (found["model"], found["text"], found["reasoning"]) == ("ollama:scripted", "Hello there.", "")
    assert found["usage"] == {"input_tokens": 2, "output_tokens": 2, "total_tokens": 4}
    assert found["seconds"] >= 0
    shown = run("show", found["thread_id"], "--json").json
    assert shown["checkpoint_id"] == found["checkpoint_id"] == shown["messages"][-1]["checkpoint_id"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "prompt"),
    [
        (["Summarise"], b"a text\n", "Summarise\n\na text"),
        ([], b"only this\n\n", "only this"),
        (["Just me"], b"", "Just me"),
        (["Just me"], b"\n \n", "Just me"),
        (["Not UTF-8"], b"\xff\xfe", "Not UTF-8\n\n\ufffd\ufffd"),
        (["Bytes \udcff"], None, "Bytes \ufffd"),
    ],
)
def test_what_is_sent(run: Run, models: ScriptedModels, arguments: list[str], stdin: bytes | None, prompt: str) -> None:
    assert run("ask", *arguments, stdin=stdin).code == 0
    assert [message.text for message in models.asked[0]] == [prompt]


@pytest.mark.parametrize("stdin", [None, b"", b"\n\n"])
def test_nothing_to_ask(run: Run, database: Path, stdin: bytes | None) -> None:
    run("ask", stdin=stdin).failed(2, "There is nothing to ask.", "pipe it in")
    assert not database.parent.exists()


def test_going_on(run: Run, models: ScriptedModels) -> None:
    first = run("ask", "One", "--json").json["thread_id"]
    second = run("ask", "Two", "--json").json["thread_id"]
    assert run("ask", "-c", "Three", "--json").json["thread_id"] == second
    assert run("ask", "-t", first[:8], "Four", "--json").json["thread_id"] == first
    assert run("ask", "-t", "two", "Five", "--json").json["thread_id"] == second
    assert [message.text for message in models.asked[-1]] == ["Two", "Hello there.", "Three", "Hello there.", "Five"]


def test_going_on_from_an_earlier_message_makes_an_alternative(run: Run, models: ScriptedModels) -> None:
    first = run("ask", "One", "--json").json
    run("ask", "-c", "Two")
    models.script = ["Other."]
    other = run("ask", "-c", "Three", "--at", first["checkpoint_id"], "--json").json
    assert [message.text for message in models.asked[-1]] == ["One", "Hello there.", "Three"]
    tree = run("tree", first["thread_id"], "--json").json
    texts = [
        (node["text"], node["alternative"], node["alternatives"], node["on_active_path"]) for node in tree["nodes"]
    ]
    assert texts == [
        ("One", 1, 1, True),
        ("Hello there.", 1, 1, True),
        ("Two", 1, 2, False),
        ("Hello there.", 1, 1, False),
        ("Three", 2, 2, True),
        ("Other.", 1, 1, True),
    ]
    assert tree["active_checkpoint_id"] == other["checkpoint_id"]


def test_a_system_prompt_is_a_setting_of_the_thread(run: Run, models: ScriptedModels) -> None:
    run("ask", "One", "-s", "Be brief.")
    run("ask", "-c", "Two")
    for sent in models.asked:
        assert sent[0] == SystemMessage("Be brief.", id=sent[0].id)
    assert [node["role"] for node in run("show", "One", "--json").json["messages"]] == ["user", "assistant"] * 2


def test_a_model_is_chosen_by_the_option(run: Run) -> None:
    assert run("ask", "One", "-m", "ollama:other", "--json").json["model"] == "ollama:other"
    assert run("threads", "--json").json[0]["model"] == "ollama:other"
    # The thread's own model answers from then on.
    assert run("ask", "-c", "Two", "--json").json["model"] == "ollama:other"


def test_nothing_is_saved_if_asked(run: Run, database: Path) -> None:
    done = run("ask", "Secret", "--no-save", "--json")
    assert done.json["text"] == "Hello there."
    assert (done.json["thread_id"], done.json["checkpoint_id"]) == (None, None)
    assert not database.parent.exists()


def test_a_thread_can_be_gone_on_with_unsaved(run: Run, models: ScriptedModels, database: Path) -> None:
    thread = run("ask", "One", "--json").json["thread_id"]
    before = run("tree", thread, "--json").out
    content = database.read_bytes()
    done = run("ask", "-c", "Two", "--no-save", "--json").json
    assert (done["thread_id"], done["checkpoint_id"]) == (thread, None)
    assert [message.text for message in models.asked[-1]] == ["One", "Hello there.", "Two"]
    assert database.read_bytes() == content
    assert run("tree", thread, "--json").out == before


def test_what_is_streamed_is_clean(run: Run, models: ScriptedModels) -> None:
    models.script = ["a\x1b]0;", "owned\x07b\x9b31m", "\u202e [/x] [bold]\n"]
    assert run("ask", "One").out == "a]0;ownedb31m [/x] [bold]\n"
    assert run("ask", "One", "--json").json["text"] == "a]0;ownedb31m [/x] [bold]\n"


def test_a_failure_keeps_the_prompt_and_says_so(run: Run, models: ScriptedModels) -> None:
    models.script = [ServerFault("The server is ill.", "Give it tea.")]
    done = run("ask", "Precious prompt")
    assert (done.code, done.out) == (1, "")
    first, second = done.err.splitlines()
    assert first == "chatui: The server is ill. Give it tea."
    (thread,) = run("threads", "--json").json
    assert second == f"chatui: The prompt is kept in the thread {thread['thread_id']}."
    assert [message["text"] for message in run("show", "Precious prompt", "--json").json["messages"]] == [
        "Precious prompt"
    ]


def test_a_failure_in_the_middle_keeps_what_came(run: Run, models: ScriptedModels) -> None:
    models.script = ["Half a", RuntimeError("boom")]
    done = run("ask", "One")
    assert (done.code, done.out) == (1, "Half a\n")
    assert "boom" in done.err
    assert "The prompt and what came are kept" in done.err
    messages = run("show", "One", "--json").json["messages"]
    assert (messages[-1]["text"], messages[-1]["interrupted"]) == ("Half a", "failed")
    # Asking again goes on behind it.
    models.script = ["Whole."]
    assert run("ask", "-c", "Again").out == "Whole.\n"
    assert [m.text for m in models.asked[-1] if isinstance(m, HumanMessage)] == ["One", "Again"]


def test_a_failure_prints_no_json(run: Run, models: ScriptedModels) -> None:
    models.script = ["Half a", RuntimeError("boom")]
    done = run("ask", "One", "--json")
    assert (done.code, done.out) == (1, "")


def test_without_a_model_nothing_is_written(run: Run, models: ScriptedModels, monkeypatch: pytest.MonkeyPatch) -> None:
    async def choose(thread_model: str | None) -> None:
        raise NoModel("No model is here.", "Install one.")

    monkeypatch.setattr(models, "choose", choose)
    run("ask", "One", "-s", "Be brief.").failed(1, "No model is here. Install one.")
    assert run("threads", "--json").json == []


def test_a_reply_cut_by_the_limit_is_said(run: Run, models: ScriptedModels) -> None:
    models.script = ["Cut", AIMessageChunk(content="", response_metadata={"done_reason": "length"})]
    done = run("ask", "One")
    assert (done.code, done.out) == (0, "Cut\n")
    assert done.err == "chatui: The reply was cut off by the limit of tokens.\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["x", "-t", "nowhere"], 'There is no thread "nowhere".'),
        (["x", "-c"], "There is no thread to continue yet."),
        (["x", "-t", "a", "-c"], "only one can be given"),
        (["x", "--at", "y"], "--at needs a thread."),
        (["x", "--nope"], "No such option: --nope"),
        (["x", "y"], "unexpected extra argument"),
        (["x", "-m", ""], "odel"),
    ],
)
def test_wrong_usage_writes_nothing(run: Run, database: Path, arguments: list[str], word: str) -> None:
    run("ask", *arguments).failed(2, word, "chatui")
    assert not database.exists()


def test_an_unknown_checkpoint_writes_nothing(run: Run) -> None:
    thread = run("ask", "One", "--json").json["thread_id"]
    before = run("tree", thread, "--json").out
    run("ask", "-c", "Two", "--at", "nowhere").failed(2, 'no checkpoint "nowhere"')
    run("ask", "-c", "Two", "--at", "").failed(2)
    assert run("tree", thread, "--json").out == before


def test_what_is_not_sent_is_said_on_stderr(run: Run, models: ScriptedModels) -> None:
    run("ask", "word " * 1000)
    models.model.context_length = 600
    done = run("ask", "-c", "And now?")
    assert done.err == "chatui: 2 older messages are not sent: #1 to #2.\n"
    assert done.out == "Hello there.\n"


def test_a_reply_of_thinking_only_says_so(run: Run, models: ScriptedModels) -> None:
    """Some models think, and end without a word: that is no empty line without a reason."""
    models.script = [AIMessageChunk(content="", additional_kwargs={"reasoning_content": "Hm, Paris?"})]
    done = run("ask", "One")
    assert (done.code, done.out) == (0, "")
    assert done.err == "chatui: The model thought, and gave no answer. Ask again, or see what it thought with --json.\n"
    found = run("ask", "Two", "--json").json
    assert (found["text"], found["reasoning"]) == ("", "Hm, Paris?")
    shown = run("show", "Two")
    assert shown.out.splitlines()[-1] == "[the model thought, and gave no answer; --json shows what it thought]"
    message = run("show", "Two", "--json").json["messages"][-1]
    assert (message["text"], message["reasoning"], message["interrupted"]) == ("", "Hm, Paris?", None)
    models.script = [AIMessageChunk(content="", additional_kwargs={"reasoning_content": "Hm."}), "Paris."]
    assert run("ask", "Three").err == ""
