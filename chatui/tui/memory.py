"""Memory on the main screen: the strategy, the summary, and what is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.attempts import attempt
from chatui.tui.users import for_whom

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen
    from chatui.tui.turns import Handler


class MemoryKeeper:
    """The memory of the open thread, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {
            "memory.strategy": self._strategy,
            "memory.remember": self._remember,
            "memory.facts": self._facts,
            "memory.private": self._private,
            "memory.summary": self._summary,
        }

    async def _strategy(self, text: str = "") -> None:
        from chatui.tui.dialogs import AskLine

        screen, memory = self._screen, self._screen.conversation.memory
        text, for_user = for_whom(text)

        async def change(value: str | None) -> None:
            if value is not None:
                await attempt(screen, lambda: self._set(value, for_user))

        if text:
            await change(text)
        elif for_user:
            title = f"Memory strategy of {clean_line(memory.user.user, 30)}"
            screen.app.push_screen(AskLine(title, memory.user.strategy()), change)
        else:
            screen.app.push_screen(AskLine("Memory strategy", memory.strategy()[0]), change)

    async def _set(self, value: str, for_user: bool) -> None:
        screen, memory = self._screen, self._screen.conversation.memory
        if for_user:
            await memory.user.set_strategy(value or None)
            said = f"In the threads of {memory.user.user} that have none of their own: {memory.user.strategy()}."
            strategy, source = memory.strategy()
            said += f" This one has its own: {strategy}." if source == "thread" else ""
        else:
            said = f"From the next message on: {await memory.set_strategy(value or None)}."
        if memory.strategy()[0].endswith(",recall"):
            from chatui.tui.recalling import in_force

            said += f" {await in_force(screen)}"
        screen.say(f"{said} No message was changed.", severity="information")
        screen.refresh_threads()
        screen.show_state()

    async def _remember(self, text: str = "") -> None:
        from chatui.tui.dialogs import AskLine

        screen = self._screen

        async def keep(value: str | None) -> None:
            if value:
                await attempt(screen, lambda: put(value))

        async def put(value: str) -> None:
            memory = await screen.conversation.memory.user.add(value, source=self._source())
            screen.say(f"Remembered of {memory.user}: {memory.text}", severity="information")

        if text:
            await keep(text)
        else:
            screen.app.push_screen(AskLine("Remember"), keep)

    def _facts(self, _text: str = "") -> None:
        from chatui.tui.memories import MemoriesScreen, Source

        screen = self._screen

        def source_of(thread_id: str) -> Source:
            thread = screen.library.store.threads.get(thread_id)
            if thread is None:
                return Source("", there=False)
            return Source(thread.title or labels.UNTITLED, there=not thread.deleted)

        async def chosen(thread_id: str | None) -> None:
            if thread_id is not None:
                await attempt(screen, lambda: screen.open(thread_id))

        screen.app.push_screen(MemoriesScreen(screen.conversation.memory.user, source_of, self._source()), chosen)

    def _source(self) -> str | None:
        """The thread that something new comes from, None for one that is not saved yet."""
        conversation = self._screen.conversation
        return conversation.thread_id if conversation.thread() or conversation.memory.private else None

    async def _private(self, _text: str = "") -> None:
        await attempt(self._screen, self._toggle)

    async def _toggle(self) -> None:
        memory = self._screen.conversation.memory
        await memory.set_private(not memory.private)
        told = "This thread is not remembered." if memory.private else "This thread may be remembered again."
        self._screen.say(told, severity="information")

    async def _summary(self, text: str = "") -> None:
        from chatui.tui.dialogs import EditText

        screen, summaries = self._screen, self._screen.conversation.summaries

        async def edited(value: str | None) -> None:
            if value is not None:
                await attempt(screen, lambda: put(value))

        async def put(value: str) -> None:
            await summaries.edit(value)

        async def redo() -> None:
            screen.say("The summary is being written.", severity="information")
            await summaries.redo()
            screen.say("The summary is written. /summary shows it.", severity="information")

        if text == "redo":
            screen.run_worker(attempt(screen, redo), group="summary", exclusive=True)
        elif found := summaries.current():
            screen.app.push_screen(EditText(f"Summary of #1 to #{found.depth}", found.text, "Save"), edited)
        else:
            screen.say("This branch has no summary yet. /summary redo writes one.", severity="information")
