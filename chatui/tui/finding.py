"""Searching every thread and finding in the open one, on behalf of the main screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.widget import Widget

from chatui.conversation.search import Hit, literal, parse
from chatui.errors import ChatuiError
from chatui.text import clean_line
from chatui.tui.find import FindBar
from chatui.tui.search import Chosen, SearchScreen

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen
    from chatui.tui.turns import Handler


class Finding:
    """What is searched for and found."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._kept: dict[str | None, Chosen] = {}  # by user
        self._bar: FindBar | None = None
        self._wanted = ""  # what was looked for last in the open thread
        self._start: str | None = None  # the message from which on it is looked for while it is typed
        self._looking = asyncio.Lock()

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {
            "search.open": self._search,
            "threads.search": self._search,
            "find.open": self._open,
            "messages.find": self._open,
            "find.next": lambda _: self.further(1),
            "find.previous": lambda _: self.further(-1),
        }

    # Every thread

    @property
    def _last(self) -> Chosen:
        """What this user searched for last."""
        return self._kept.get(self._screen.library.user, Chosen(None, "", 0))

    @_last.setter
    def _last(self, chosen: Chosen) -> None:
        self._kept[self._screen.library.user] = chosen

    def _search(self, text: str = "") -> None:
        screen = self._screen
        if isinstance(screen.app.screen, SearchScreen):
            return
        if text:
            self._last = Chosen(None, text, 0)

        async def chosen(choice: Chosen | None) -> None:
            if choice is None:
                return
            self._last = choice
            if choice.hit is not None:
                try:
                    await self.go_to(choice.hit, choice.text)
                except ChatuiError as error:
                    # It was purged meanwhile, or its thread was.
                    screen.say(error)

        library = screen.library
        dialog = SearchScreen(
            lambda typed, limit: library.search(typed, limit=limit),
            lambda: library.indexing,
            text=self._last.text,
            place=self._last.place,
            plain=screen.plain,
        )
        screen.app.push_screen(dialog, chosen)

    async def go_to(self, hit: Hit, text: str = "") -> None:
        """Show a message in its branch. The head moves only where the message is on another branch than the head.

        Args:
            hit: The message.
            text: What was searched for: its words are on the screen then.
        """
        screen = self._screen
        if hit.thread_id != screen.thread_id:
            await screen.open(hit.thread_id)
        conversation = screen.conversation
        message = conversation.message(hit.node_id)
        if hit.node_id in conversation.branch_ids():
            screen.refresh_branch(message)
        elif screen.travel.idle():
            await conversation.view(hit.node_id)
            # Read again: now it is on the active path.
            await screen.travel.arrive(conversation.message(hit.node_id))
        else:
            return
        screen.transcript.select(message, parse(text).pattern)
        screen.threads.remove_class("-open")
        screen.transcript.focus()

    # The open thread

    async def _open(self, text: str = "") -> None:
        screen = self._screen
        if not screen.transcript.records:
            screen.say(screen.travel.no_message(), severity="information")
            return
        if self._bar is None:
            self._bar = FindBar()
            await screen.query_one("#main").mount(self._bar, before="#prompt-box")
            # Back at the prompt, nobody looks for anything.
            self._bar.watch(screen, "focused", self._focus_moved, init=False)
        selected = screen.transcript.selected
        self._start = selected.node_id if selected else None
        bar = self._bar
        bar.display = True
        screen.transcript.stay_marked(True)
        if text:
            bar.input.value = text
        bar.input.focus()
        bar.input.action_select_all()
        bar.tell("")

    def _focus_moved(self, focused: Widget | None) -> None:
        screen = self._screen
        if self._bar is not None and focused in (screen.prompt, screen.threads.rows):
            self._hide()

    def close(self) -> None:
        """Leave the field, and be on the message that was found."""
        self._screen.transcript.focus()
        self._hide()

    def _hide(self) -> None:
        self._screen.transcript.stay_marked(False)
        if self._bar is not None:
            self._bar.display = False

    async def typed(self, text: str) -> None:
        """Go to the first message from where one was on that contains a text."""
        self._wanted = text
        await self._go(0, self._start)

    async def further(self, step: int) -> None:
        """Go to the next match, or to the previous one; behind the last follows the first.

        Args:
            step: 1 or -1.
        """
        if not self._wanted:
            await self._open()
            return
        if self._bar is not None:
            self._bar.display = True
        selected = self._screen.transcript.selected
        await self._go(step, selected.node_id if selected else None)

    async def _go(self, step: int, start: str | None) -> None:
        if self._bar is None:
            return
        async with self._looking:
            screen, conversation, wanted = self._screen, self._screen.conversation, self._wanted
            ids = await asyncio.to_thread(conversation.branch_ids)
            found = await asyncio.to_thread(conversation.find, wanted)
            if wanted != self._wanted or conversation is not screen.conversation:
                # Something else is wanted by now.
                return
            if not found:
                self._bar.tell("No match · F3 searches all" if wanted.strip() else "", nothing=True)
                return
            place = _next(ids, found, start, step)
            self._bar.tell(f"{place + 1} of {len(found):,}")
            screen.transcript.select(conversation.message(found[place]), literal(clean_line(wanted)))


def _next(ids: list[str], found: list[str], start: str | None, step: int) -> int:
    """Return the place of the match to go to.

    Args:
        ids: The branch, root first.
        found: Those that match, in the same order; at least one.
        start: Where one is.
        step: 1 for the next, -1 for the previous, 0 for this one or the next.
    """
    places = {node: place for place, node in enumerate(ids)}
    here = places.get(start or "", len(ids) - 1)
    if step < 0:
        before = [place for place, node in enumerate(found) if places[node] < here]
        return before[-1] if before else len(found) - 1
    after = [place for place, node in enumerate(found) if places[node] >= here + step]
    return after[0] if after else 0
