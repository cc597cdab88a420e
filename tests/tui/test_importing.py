from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import Static

from chatui.tui.importing import ImportDialog, read_words
from tests.tui.conftest import Window, plain

DATA = Path(__file__).parents[1] / "data" / "imports"
CHATGPT = DATA / "chatgpt-export" / "conversations.json"


def dialog(chat: Window) -> ImportDialog:
    screen = chat.app.screen
    assert isinstance(screen, ImportDialog)
    return screen


def text(chat: Window) -> str:
    return plain(dialog(chat).query_one("#import-text", Static))


async def test_a_file_is_looked_at_and_then_imported(chat: Window) -> None:
    await chat.write(f"/import {CHATGPT}")
    await chat.until(lambda: dialog(chat).state == "asked")
    assert text(chat).splitlines()[:2] == ["chatgpt: 3 threads, 17 messages.", "New: 3 threads, 17 messages."]
    assert "conversations.json, element 2: It has no messages." in text(chat)
    assert chat.screen.library.threads() == [], "looking writes nothing"
    await chat.press("enter")
    await chat.until(lambda: dialog(chat).state == "done")
    assert "Imported: 3 threads, 17 messages." in text(chat)
    await chat.press("escape")
    titles = {thread.title for thread in chat.screen.library.threads()}
    assert titles == {"Forked story", "Picture & tools", "עברית"}
    (forked,) = (thread for thread in chat.screen.library.threads() if thread.title == "Forked story")
    await chat.screen.open(forked.thread_id)
    assert chat.texts()[-1] == "The hat wore the fox. THE END (funny)."
    await chat.write(f"/import {CHATGPT}")
    await chat.until(lambda: dialog(chat).state == "asked")
    assert "Nothing of it is new." in text(chat)
    await chat.press("enter")
    assert dialog(chat).state == "asked", "there is nothing to import"


@pytest.mark.parametrize(
    ("path", "told"), [("nowhere.json", "There is no file"), (str(CHATGPT.with_name("README.md")), "no known kind")]
)
async def test_what_cannot_be_imported_is_told(chat: Window, path: str, told: str) -> None:
    await chat.write(f"/import {path}")
    await chat.until(lambda: dialog(chat).state == "done")
    assert told in text(chat)
    await chat.press("escape")
    assert not isinstance(chat.app.screen, ImportDialog)


async def test_closing_stops_it(chat: Window) -> None:
    await chat.write(f"/import {DATA}")
    await chat.press("escape")
    assert not isinstance(chat.app.screen, ImportDialog)
    await chat.write("/import")
    assert any("/import PATH" in toast for toast in chat.toasts())
    assert chat.screen.library.threads() == []


@pytest.mark.parametrize(
    ("text", "path", "split", "mapped"),
    [
        ("a b.json", "a b.json", None, {}),
        ('"a b.json"', "a b.json", None, {}),
        ("a b.json --split {user}--{thread}", "a b.json", "{user}--{thread}", {}),
        ("x--split.db --split={user}/{thread} --map user=who --map title=name", "x--split.db", "{user}/{thread}", None),
        ("a --map user=who", "a", None, {"user": "who"}),
    ],
)
def test_the_options_of_the_shell_stand_behind_the_path(
    text: str, path: str, split: str | None, mapped: dict[str, str] | None
) -> None:
    name, wanted = read_words(text)
    assert (name, wanted.split) == (path, split)
    assert wanted.map == ({"user": "who", "title": "name"} if mapped is None else mapped)


async def test_names_of_sessions_tell_the_user(chat: Window, tmp_path: Path) -> None:
    message = {"type": "human", "data": {"content": "Hello"}}
    (tmp_path / "anna--first.json").write_text(json.dumps([message]))
    await chat.write(f"/import {tmp_path / 'anna--first.json'} --split {{user}}--{{thread}}")
    await chat.until(lambda: dialog(chat).state == "asked")
    await chat.press("enter")
    await chat.until(lambda: dialog(chat).state == "done")
    assert [thread.user for thread in chat.screen.library.threads()] == ["anna"]
    await chat.press("escape")
    await chat.write("/import x.json --map nothing")
    await chat.until(lambda: "says nothing" in chat.toasts()[-1])
    await chat.write("/import x.json --split")
    await chat.until(lambda: "needs a value" in chat.toasts()[-1])
