from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input

from chatui.conversation.library import Library
from chatui.tui.app import ChatApp
from chatui.tui.dialogs import Confirm
from chatui.tui.users import UserPicker
from tests.tui.conftest import Window, rows_of, window
from tests.tui.seed import MODEL, OTHER, SeedModels, open_library


def titles(chat: Window) -> list[str]:
    return [thread.title for thread in chat.screen.threads.rows.threads]


async def become(chat: Window, name: str) -> None:
    """Go on as a user who is new."""
    await chat.write(f"/user {name}")
    await chat.until(lambda: isinstance(chat.app.screen, Confirm))
    await chat.press("y")
    await chat.until(lambda: chat.library.user == name and not isinstance(chat.app.screen, Confirm))


async def test_each_user_has_threads_memories_and_defaults_apart(chat: Window) -> None:
    await chat.say("Of default")
    await become(chat, "anna")
    assert chat.texts() == []
    assert titles(chat) == []
    assert "anna" in chat.status()
    await chat.write("/remember I am Anna.")
    await chat.write("/memory window:2 --user")
    await chat.until(lambda: "window:2" in chat.status())
    await chat.write(f"/model {OTHER} --user")
    await chat.until(lambda: chat.screen.shelf.model == OTHER)
    await chat.say("Of anna")
    thread = chat.screen.conversation.thread()
    assert thread is not None
    assert (thread.user, thread.memory, thread.model) == ("anna", None, OTHER)
    sent = chat.screen.conversation.branch()[-1].sent
    assert sent is not None
    assert sent.strategy == "window:2"
    assert "I am Anna." in str(chat.models.asked[-1][0].text)
    assert titles(chat) == ["Of anna"]

    await chat.write("/user default")
    await chat.until(lambda: chat.library.user == "default")
    assert titles(chat) == ["Of default"]
    assert "anna" not in chat.status()
    assert "tokens:auto" in chat.status()
    assert chat.screen.shelf.model != OTHER
    assert chat.screen.conversation.memory.user.list() == []
    await chat.say("Who am I?")
    assert len(chat.models.asked[-1]) == 1


async def test_the_list_tells_who_there_is_and_everyone_s_threads_come_back(chat: Window) -> None:
    await chat.say("Of default")
    await become(chat, "anna")
    await chat.say("Of anna")
    await chat.write("/user")
    picker = chat.app.screen
    assert isinstance(picker, UserPicker)
    shown = [" ".join(line.split()) for line in rows_of(picker._rows)]
    assert shown[:3] == [
        "Everyone's threads 2 threads, 4 messages",
        "› anna 1 thread, 2 messages",
        "default 1 thread, 2 messages",
    ]
    await chat.press("home", "enter")
    await chat.until(lambda: len(titles(chat)) == 2)
    assert chat.library.user is None
    await chat.write("/user")
    await chat.press("n")
    chat.app.screen.query_one(Input).value = "[b]ben[/b]"
    await chat.press("enter")
    await chat.until(lambda: chat.library.user == "[b]ben[/b]")
    assert "[b]ben[/b]" in chat.status()
    await chat.write("/user")
    await chat.press("escape")
    assert chat.library.user == "[b]ben[/b]"


async def test_a_question_that_is_not_answered_with_yes_changes_nothing(chat: Window) -> None:
    await chat.say("Mine")
    open_before = chat.screen.thread_id
    await chat.write("/user typo")
    await chat.press("enter")
    assert (chat.library.user, chat.screen.thread_id) == (None, open_before)


async def test_a_reply_goes_on_and_is_kept_with_the_user_it_belongs_to(chat: Window) -> None:
    await become(chat, "anna")
    gate = asyncio.Event()
    chat.models.script = ("Half", gate, " and half.")
    await chat.write("A long one")
    await chat.until(lambda: chat.screen.reply is not None and chat.screen.reply.text == "Half")
    reply = chat.screen.reply
    assert reply is not None
    await become(chat, "ben")
    assert chat.screen.reply is None
    assert titles(chat) == []
    assert "1 reply goes on" in chat.toasts()[-1]
    gate.set()
    await chat.until(lambda: not chat.app.replies.threads())
    assert titles(chat) == []
    await chat.write("/user anna")
    await chat.until(lambda: titles(chat) == ["A long one"])
    await chat.screen.open(reply.conversation.thread_id)
    assert chat.texts()[-1] == "Half and half."
    thread = chat.screen.conversation.thread()
    assert thread is not None
    assert thread.user == "anna"


async def test_what_was_typed_and_deleted_comes_back_for_its_own_user_alone(chat: Window) -> None:
    await become(chat, "anna")
    await chat.say("Gone soon")
    await chat.screen.action_do("thread.delete")
    chat.screen.prompt.hold("not sent")
    await chat.screen.action_do("user.switch", "ben")
    await chat.press("y")
    await chat.until(lambda: chat.library.user == "ben")
    assert chat.screen.prompt.text == ""
    await chat.screen.action_do("thread.undo_delete")
    await chat.until(lambda: "Nothing was deleted" in chat.toasts()[-1])
    await chat.screen.action_do("user.switch", "anna")
    await chat.until(lambda: chat.library.user == "anna")
    assert chat.screen.prompt.text == "not sent"
    await chat.screen.action_do("thread.undo_delete")
    await chat.until(lambda: titles(chat) == ["Gone soon"])


async def test_the_list_and_the_filter_begin_anew(chat: Window) -> None:
    await chat.say("Of default")
    await become(chat, "anna")
    await chat.say("Apples")
    await chat.say("More")
    chat.screen.threads.query_one("#filter", Input).value = "Apples"
    await chat.pilot.pause()
    await chat.screen.action_do("user.switch", "default")
    await chat.until(lambda: titles(chat) == ["Of default"])
    assert chat.screen.threads.text == ""
    assert chat.screen.threads.rows.cursor == 0


async def test_all_users_stays_what_it_is(tmp_path: Path) -> None:
    models = SeedModels()
    opened = open_library(tmp_path / "chatui.db", models)
    library = Library(opened.store, opened.models, opened.config, user="anna", all_users=True)
    app = ChatApp(library, library.config)
    try:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await app.stack_ready.wait()
            chat = Window(app, pilot, library, models)
            await chat.say("Of anna")
            await become(chat, "ben")
            await chat.say("Of ben")
            assert sorted(titles(chat)) == ["Of anna", "Of ben"]
            assert {thread.user for thread in chat.screen.threads.rows.threads} == {"anna", "ben"}
    finally:
        await library.close()


@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
async def test_the_list_fits_a_small_screen(tmp_path: Path, size: tuple[int, int]) -> None:
    async with window(tmp_path / "chatui.db", size=size) as chat:
        for number in range(12):
            await become(chat, f"user{number:02}")
            await chat.write("/remember It.")
        await chat.write("/user")
        await chat.pilot.pause()
        dialog = chat.app.screen.query_one(".dialog")
        assert dialog.region.bottom <= size[1]
        assert dialog.content_region.contains_region(chat.app.screen.query_one(".hint").region)


@pytest.fixture
def frozen(seeded: Path) -> Path:
    seeded.chmod(0o400)
    return seeded


async def test_a_file_that_is_read_only_takes_no_new_user(frozen: Path) -> None:
    async with window(frozen) as chat:
        await chat.write("/user nobody")
        await chat.until(lambda: "takes no new one" in chat.toasts()[-1])
        await chat.write("/user default")
        await chat.until(lambda: chat.library.user == "default")
        assert len(titles(chat)) == 9


async def test_a_thread_s_model_is_not_taken_for_that_of_new_threads(chat: Window) -> None:
    await chat.write(f"/model {OTHER}")
    await chat.say("With another model")
    await become(chat, "anna")
    await chat.write("/user default")
    await chat.until(lambda: chat.library.user == "default" and chat.screen.shelf.model == MODEL)
    await chat.write(f"/model {OTHER} --user")
    await chat.until(lambda: chat.screen.shelf.model == OTHER)
    await chat.write("/user anna")
    await chat.until(lambda: chat.library.user == "anna" and chat.screen.shelf.model == MODEL)
