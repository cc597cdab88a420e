from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from textual.widgets import Static

from tests.conversation.test_crash import leave_partial
from tests.tui.conftest import Window, plain, window

FIRST_PAINT = """
import asyncio, sys
from pathlib import Path
from chatui.config import Config
from chatui.conversation.library import Library
from chatui.models import Models
from chatui.storage import Store
from chatui.tui.app import ChatApp

class Probe(ChatApp):
    def _started(self):
        # Called once the first paint is done, before anything else is imported.
        text = "".join(segment.text for strip in self.screen._compositor.render_strips() for segment in strip)
        print("PAINTED", "Sort by two keys" in text, "Then say where" in text, file=sys.__stdout__)
        print("BETWEEN", [widget.id for widget in self.screen.query_one("#main").children], file=sys.__stdout__)
        print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.__stdout__)
        self.exit(0)

async def main():
    config = Config()
    library = Library(Store.open(Path(sys.argv[1])), Models(config), config)
    app = Probe(library, config)
    await app.run_async(headless=True, size=(120, 40))
    await library.close()

asyncio.run(main())
"""


def python(script: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, on a file."""
    command = [sys.executable, "-c", script, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])


def test_nothing_heavy_is_loaded_at_first_paint(seeded: Path) -> None:
    done = python(FIRST_PAINT, seeded)
    lines = dict(
        line.split(" ", 1) for line in done.stdout.splitlines() if line.startswith(("PAINTED", "BETWEEN", "LOADED"))
    )
    assert lines["PAINTED"] == "True True", done.stderr
    assert lines["BETWEEN"] == "['empty', 'transcript', 'prompt-box']"
    loaded = set(lines["LOADED"].split())
    assert {"textual", "chatui"} <= loaded
    heavy = {
        "langgraph",
        "langchain_core",
        "langchain",
        "langchain_ollama",
        "pydantic",
        "ollama",
        "httpx",
        "typer",
        "xllamacpp",
    }
    assert not loaded & heavy


async def test_a_stack_that_cannot_be_imported_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatui.tui.app.STACK", ("chatui.no_such_module",))
    async with window(tmp_path / "chatui.db") as chat:
        assert any("no_such_module" in toast and "chatui doctor" in toast for toast in chat.toasts())
        assert chat.app.is_running


async def test_a_turn_waits_until_what_it_needs_is_imported(chat: Window) -> None:
    chat.app.stack_ready.clear()
    chat.models.script = ["Hi"]
    await chat.write("Hello")
    await chat.pilot.pause()
    assert chat.screen.reply is not None
    assert not chat.models.asked
    chat.app.stack_ready.set()
    await chat.until(lambda: chat.screen.reply is None and chat.texts() == ["Hello", "Hi"])


@pytest.mark.parametrize("new", [False, True])
async def test_the_model_of_the_command_line_answers_first(seeded: Path, new: bool) -> None:
    async with window(seeded, model="ollama:qwen3:8b", new=new) as chat:
        assert str(chat.screen.query_one("#prompt-box").border_subtitle) == "qwen3:8b"
        await chat.say("Hello", "Hi")
        assert chat.badges()[-1] == "qwen3:8b"


async def test_a_reply_that_a_crash_cut_off_is_offered(tmp_path: Path) -> None:
    for key, texts in (("k", ["Hello", "Half a"]), ("d", ["Hello"]), ("r", ["Hello", "Whole."])):
        path = tmp_path / key / "chatui.db"
        path.parent.mkdir()
        crash = await asyncio.to_thread(python, CRASH, path)
        assert crash.returncode == 9, crash.stderr
        async with window(path) as chat:
            assert chat.app.focused is chat.screen.prompt
            # Its rules were read behind the first paint, which had it already.
            assert chat.screen.offer.styles.margin.left == 1
            assert chat.screen.threads.rows.threads[0].interrupted
            chat.models.script = ["Whole."]
            await chat.press("tab", key)
            if key == "d":
                asked = plain(chat.app.screen.query(Static).first())
                assert asked == "2 words of this reply are kept nowhere else. Discard them?"
                await chat.press("y")
            await chat.until(lambda texts=texts: chat.screen.reply is None and chat.texts() == texts)  # type: ignore[misc]
            assert not chat.screen.offer.display
            assert not chat.library.threads()[0].interrupted


async def test_several_replies_that_a_crash_cut_off_are_offered_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    async with window(path) as chat:
        await chat.say("Hello", "Whole.")
        prompt = chat.screen.conversation.branch()[0]
        for text in ("Half a", "Half b"):
            await leave_partial(chat.library, chat.screen.conversation, prompt, text, text)
    async with window(path) as chat:
        await chat.press("tab", "k")
        await chat.until(lambda: chat.texts() == ["Hello", "Half b"] and chat.screen.offer.display)
        await chat.press("tab", "k")
        await chat.until(lambda: chat.texts() == ["Hello", "Half a"])
        assert not chat.screen.offer.display
        assert not chat.library.threads()[0].interrupted


CRASH = """
import asyncio, os, sys
from pathlib import Path
from tests.tui.seed import SeedModels, open_library

async def main():
    models = SeedModels()
    models.script = ["Half a", asyncio.Event()]
    library = open_library(Path(sys.argv[1]), models)
    conversation = library.conversation()
    async for event in conversation.send("Hello"):
        if type(event).__name__ == "TextPiece":
            while True:
                with library._store.database.reading() as connection:
                    if connection.execute("SELECT text FROM chatui_partials").fetchone()[0] == "Half a":
                        os._exit(9)
                await asyncio.sleep(0.01)

asyncio.run(main())
"""
