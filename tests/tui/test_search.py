from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from textual.color import Color
from textual.widgets import Input, Static

from chatui.conversation.library import Library
from chatui.conversation.search import Results
from chatui.tui.find import FindBar
from chatui.tui.search import PAGE, HitRows, SearchScreen
from tests.tui.conftest import Window, plain, rows_of, window
from tests.tui.seed import SeedModels, open_library, seed, turn


def search(chat: Window) -> SearchScreen:
    assert isinstance(chat.app.screen, SearchScreen)
    return chat.app.screen


def hits(chat: Window) -> list[str]:
    """What each result says."""
    return [hit.snippet for hit in search(chat).query_one(HitRows).hits]


def painted(chat: Window) -> list[str]:
    return [row.strip() for row in rows_of(search(chat).query_one(HitRows)) if row.strip()]


def subtitle(chat: Window) -> str:
    return str(search(chat).query_one("#search-dialog").border_subtitle)


def empty(chat: Window) -> str:
    return plain(search(chat).query_one("#search-empty", Static))


async def type_in(chat: Window, text: str) -> None:
    """Type what is searched for, and wait until it was."""
    chat.app.screen.query_one(Input).value = text

    def done() -> bool:
        results = search(chat)._results
        return results is not None and results.done

    await chat.until(done)
    await chat.pilot.pause()


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16)])
async def test_results_come_while_one_types_and_lead_to_the_very_message(seeded: Path, size: tuple[int, int]) -> None:
    async with window(seeded, size=size) as chat:
        await chat.press("f3")
        assert "Every branch of every thread is searched." in empty(chat)
        await chat.press(*"sourdo")
        await chat.until(lambda: hits(chat) == ["My sourdough stays flat. Why?"])
        await chat.pilot.pause()
        assert painted(chat)[0].startswith("● Bread that does not rise")
        assert painted(chat)[0].split()[-2:] == ["#1", "now"]
        assert painted(chat)[1] == "you: My sourdough stays flat. Why?"
        assert subtitle(chat) == "1 / 1"
        dialog = search(chat).query_one("#search-dialog")
        for widget in (search(chat).query_one(HitRows), search(chat).query_one(".hint")):
            assert dialog.content_region.contains_region(widget.region)
        await chat.press("enter")
        await chat.until(lambda: chat.screen.transcript.has_focus)
        assert chat.texts()[0].startswith("My sourdough")
        selected = chat.screen.transcript.selected
        assert selected is not None
        assert selected.text == "My sourdough stays flat. Why?"


async def test_a_message_of_another_branch_takes_the_head_there(seeded: Path) -> None:
    async with window(seeded) as chat:
        before = chat.screen.conversation.head_node
        await chat.write("/search rows.sort by_name")
        await chat.until(lambda: len(hits(chat)) == 1)
        await chat.pilot.pause()
        assert painted(chat)[0].startswith("○ Sort by two keys")
        assert "off the path" in painted(chat)[0]
        await chat.press("enter")
        await chat.until(lambda: chat.app.screen is chat.screen)
        await chat.until(lambda: chat.screen.conversation.head_node != before)
        head = chat.screen.conversation.head()
        assert head is not None
        assert head.text.startswith("`rows.sort(key=by_name)`")
        await chat.until(lambda: chat.texts()[-1].startswith("rows.sort(key=by_name)"))
        await chat.until(lambda: chat.screen.transcript.has_focus)
        selected = chat.screen.transcript.selected_view
        assert selected is not None
        assert selected.selected


async def test_a_message_on_the_active_path_leaves_the_head_where_it_is(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.messages("up", "enter")  # continue from the prompt before the last answer
        before = chat.screen.conversation.head_node
        await chat.press("f3")
        await type_in(chat, '"How do I sort"')
        await chat.press("enter")
        await chat.until(lambda: chat.screen.transcript.has_focus)
        assert chat.screen.conversation.head_node == before
        selected = chat.screen.transcript.selected
        assert selected is not None
        assert selected.depth == 1


async def test_what_was_searched_for_is_there_the_next_time(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("f3")
        await type_in(chat, "sort")
        assert len(hits(chat)) == 5
        await chat.press("down", "down")
        assert subtitle(chat) == "3 / 5"
        await chat.press("escape", "f2", "down", "slash")
        await chat.until(lambda: len(hits(chat)) == 5)
        await chat.until(lambda: subtitle(chat) == "3 / 5")
        assert search(chat).query_one(Input).value == "sort"
        await chat.press("pagedown")
        assert subtitle(chat) == "5 / 5"


async def test_what_was_found_is_marked_and_hostile_text_is_text(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    models = SeedModels()
    library = open_library(path, models)
    await turn(library.conversation(), models, "[/x] [bold]needle\x1b[31m", "a needle\u202e and a needle")
    await library.close()
    async with window(path) as chat:
        await chat.press("f3")
        await type_in(chat, "needle")
        rows = search(chat).query_one(HitRows)
        assert {hit.snippet for hit in rows.hits} == {"[/x] [bold]needle[31m", "a needle and a needle"}
        found = chat.app.theme_variables["warning"]
        place = next(index for index, hit in enumerate(rows.hits) if hit.role == "assistant")
        rows.cursor = 1 - place
        await chat.pilot.pause()
        line = rows.render_line(place * rows.ROW_HEIGHT + 1)
        marked = [
            segment.text for segment in line if segment.style and segment.style.color == Color.parse(found).rich_color
        ]
        assert marked == ["needle", "needle"]
        line = rows.render_line((1 - place) * rows.ROW_HEIGHT + 1)
        assert [segment.text for segment in line if segment.style and segment.style.underline] == ["needle"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("zebra", "No message has this.\nFewer letters find more."),
        ("sort zebra", "No message has all of these words.\nFewer words find more."),
        ('"keys two"', "No message has this phrase.\nWithout the quotes its words are found apart too."),
    ],
)
async def test_no_match_says_what_to_do(seeded: Path, text: str, says: str) -> None:
    async with window(seeded) as chat:
        await chat.press("f3")
        await type_in(chat, text)
        assert hits(chat) == []
        assert empty(chat) == says
        assert subtitle(chat) == ""
        await chat.press("enter")
        assert search(chat)


async def test_short_texts_and_other_scripts(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("f3")
        await type_in(chat, "毎日")
        assert hits(chat) == ["毎日三十分で何をすればいいですか。"]
        await type_in(chat, "`\\")
        assert hits(chat) == [r"`\d{4}-\d{2}-\d{2}` finds the shape."]
        await type_in(chat, "習")
        assert hits(chat) == ["十分は復習、二十分は新しい文章です。"]


async def test_the_next_search_cancels_the_one_before(chat: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    left: list[str] = []
    gate = asyncio.Event()

    async def slow(self: Library, text: str, *, limit: int) -> AsyncGenerator[Results]:
        begun.append(text)
        try:
            await (gate.wait() if text == "first" else asyncio.sleep(0))
            yield Results([], 0, False, True)
        finally:
            left.append(text)

    monkeypatch.setattr(Library, "search", slow)
    await chat.press("f3")
    chat.app.screen.query_one(Input).value = "first"
    await chat.until(lambda: begun == ["first"])
    await chat.until(lambda: empty(chat) == "Searching …")
    await type_in(chat, "second")
    assert left == ["first", "second"], "the first was not cancelled"
    await chat.press("escape")


async def test_more_results_come_as_the_cursor_comes_near(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    await seed(path)
    models = SeedModels()
    library = open_library(path, models)
    store = library._store
    async with store.database.transaction() as connection:
        await store.threads.add(connection, "many", owner="default", title="Many")
        await connection.executemany(
            """INSERT INTO chatui_messages (thread_id, node_id, parent_id, depth, rank, message_id, role, text, created_at)
               VALUES ('many', ?1, '', 1, ?1, ?1, 'user', 'needle ' || ?1, '2026-01-01T00:00:00.000Z')""",
            [(str(number),) for number in range(2 * PAGE)],
        )
    await library.close()
    async with window(path) as chat:
        await chat.press("f3")
        await type_in(chat, "needle")
        rows = search(chat).query_one(HitRows)
        assert len(rows.hits) == PAGE
        assert subtitle(chat) == f"1 / {2 * PAGE}"
        first = rows.hits[:PAGE]
        for _ in range(PAGE):
            await chat.press("pagedown")
        await chat.until(lambda: len(rows.hits) == 2 * PAGE)
        assert rows.hits[:PAGE] == first
        assert rows.cursor >= PAGE - 1
        await chat.press("escape")


async def test_while_the_index_is_incomplete_the_border_says_so(seeded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with window(seeded) as chat:
        chat.library.indexing = (120, 5000)
        await chat.press("f3")
        await type_in(chat, "zebra")
        assert subtitle(chat) == "still indexing: 120 of 5,000 threads"
        assert empty(chat).startswith("Nothing yet")
        models = SeedModels()
        other = open_library(seeded, models)
        await turn(other.conversation(), models, "A zebra.", "Yes")
        await other.close()
        chat.library.indexing = None
        await chat.until(lambda: hits(chat) == ["A zebra."])
        assert subtitle(chat) == "1 / 1"
        await chat.press("escape")


async def test_a_message_that_was_purged_meanwhile_is_told(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("f3")
        await type_in(chat, "sourdough")
        await chat.library.purge(chat.library.find("Bread that does not rise").thread_id)
        await chat.press("enter")
        await chat.until(lambda: any("There is no thread" in text for text in chat.toasts()))


# In the open thread


def bar(chat: Window) -> FindBar:
    return chat.screen.query_one(FindBar)


def place(chat: Window) -> str:
    return plain(bar(chat).query_one("#find-place", Static))


def depth(chat: Window) -> int:
    selected = chat.screen.transcript.selected
    return selected.depth if selected else 0


def marked(chat: Window) -> bool:
    """Whether the selected message shows as selected."""
    view = chat.screen.transcript.selected_view
    return view is not None and view.selected


async def long(path: Path, turns: int = 30) -> None:
    """A thread of which only the end is loaded at first. Every third prompt has a number in it."""
    models = SeedModels()
    library = open_library(path, models)
    conversation = library.conversation()
    for number in range(turns):
        text = f"Él {number}" if number % 3 == 0 else "and so on"
        await turn(conversation, models, text, "Fine." if number else "Only here.")
    await library.close()


@pytest.mark.parametrize("size", [(120, 40), (60, 16)])
async def test_find_goes_over_the_whole_branch(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "chatui.db"
    await long(path)
    async with window(path, size=size) as chat:
        await chat.press("ctrl+f", *"el ")
        assert "FIND" in chat.status()
        # From the end on there is none: it goes on at the beginning, which was not loaded.
        await chat.until(lambda: place(chat) == "1 of 10")
        await chat.until(lambda: depth(chat) == 1)
        assert bar(chat).has_focus_within
        await chat.press("enter")
        await chat.until(lambda: (place(chat), depth(chat)) == ("2 of 10", 7))
        await chat.press("up")
        await chat.until(lambda: place(chat) == "1 of 10")
        await chat.press("up")
        await chat.until(lambda: (place(chat), depth(chat)) == ("10 of 10", 55))
        await chat.press("escape")
        assert not bar(chat).display
        assert chat.screen.transcript.has_focus
        await chat.press("N")
        await chat.until(lambda: (place(chat), depth(chat)) == ("9 of 10", 49))
        await chat.until(lambda: any("Él 24" in row for row in rows_of(chat.screen.transcript)))
        await chat.press("n", "n")
        await chat.until(lambda: (place(chat), depth(chat)) == ("1 of 10", 1))
        await chat.press("escape")
        assert chat.app.focused is chat.screen.prompt
        assert not bar(chat).display


async def test_the_words_are_shown_in_a_message_taller_than_the_screen(tmp_path: Path) -> None:
    path, models = tmp_path / "chatui.db", SeedModels()
    library = open_library(path, models)
    conversation = library.conversation()
    await turn(conversation, models, "Short", "Fine.")
    paragraphs = [f"Paragraph {number} is a *plain* one. " + "More words stand here. " * 8 for number in range(40)]
    await turn(conversation, models, "Long", "\n\n".join([*paragraphs[:25], "Voilà l'été.", *paragraphs[25:]]))
    await turn(conversation, models, "Paragraph 39 was the last", "It was.")
    await library.close()
    async with window(path) as chat:

        def seen(text: str) -> bool:
            return any(text in row for row in rows_of(chat.screen.transcript))

        await chat.press("ctrl+f", *"l'ete")
        await chat.until(lambda: (place(chat), depth(chat)) == ("1 of 1", 4))
        await chat.until(lambda: seen("Voilà l'été."))
        # Signs of Markdown stand between the words.
        bar(chat).input.value = "11 is a *plain*"
        await chat.until(lambda: seen("Paragraph 11 "))
        await chat.press("escape", "escape", "f3")
        await type_in(chat, '"paragraph 33"')
        await chat.press("enter")
        await chat.until(lambda: seen("Paragraph 33 "))
        assert depth(chat) == 4
        # One that fits is shown whole.
        await chat.press("f3")
        await type_in(chat, '"39 was"')
        await chat.press("enter")
        await chat.until(lambda: depth(chat) == 5)
        await chat.until(lambda: seen("Paragraph 39 was the last"))


async def test_find_begins_where_one_is(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    await long(path, 10)
    async with window(path) as chat:
        await chat.messages("g")
        await chat.until(lambda: depth(chat) == 1)
        await chat.press("j", "j", "slash", *"él")
        await chat.until(lambda: (place(chat), depth(chat)) == ("2 of 4", 7))
        await chat.press(*" 6")
        await chat.until(lambda: (place(chat), depth(chat)) == ("1 of 1", 13))
        assert marked(chat), "it is not shown which message was found"
        await chat.press("x", "y")
        await chat.until(lambda: place(chat).startswith("No match"))
        assert bar(chat).has_class("-nothing")
        await chat.press("escape")
        assert marked(chat), "message mode is on it"
        await chat.press("escape")
        assert not marked(chat)


async def test_find_by_command_and_without_a_text(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.write("/find last")
        await chat.until(lambda: place(chat) == "1 of 1")
        await chat.press("escape", "escape", "ctrl+n", "ctrl+f")
        assert any("no message yet" in text for text in chat.toasts())
    async with window(seeded) as chat:
        await chat.messages("n")
        assert bar(chat).has_focus_within


async def test_both_keys_are_told(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("f1")
        page = plain(chat.app.screen.query_one("#help-page Static", Static))
        for words in ("F3", "/search [text]", "Ctrl+F", "/find [text]", "Next match", "Find in this thread"):
            assert words in page


def test_the_next_match() -> None:
    from chatui.tui.finding import _next

    ids = list("abcdefgh")
    cases: list[tuple[Any, ...]] = [
        ("b", 0, 0), ("c", 0, 1), ("b", 1, 1), ("b", -1, 2), ("h", 1, 0), ("h", -1, 2), ("a", -1, 2), (None, 0, 0)
    ]  # fmt: skip
    for start, step, expected in cases:
        assert _next(ids, list("beg"), start, step) == expected, (start, step)
