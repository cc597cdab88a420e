"""Memory on the main screen: the strategy, the summary, and what is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.tui.attempts import attempt

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

        async def change(value: str | None) -> None:
            if value is not None:
                await attempt(screen, lambda: self._set(value))

        if text:
            await change(text)
        else:
            screen.app.push_screen(AskLine("Memory strategy", memory.strategy()[0]), change)

    async def _set(self, value: str) -> None:
        screen = self._screen
        strategy = await screen.conversation.memory.set_strategy(value or None)
        screen.say(f"From the next message on: {strategy}. No message was changed.", severity="information")
        screen.refresh_threads()
        screen.show_state()

    async def _remember(self, text: str = "") -> None:
        from chatui.tui.dialogs import AskLine

        screen = self._screen

        async def keep(value: str | None) -> None:
            if value:
                await attempt(screen, lambda: put(value))

        async def put(value: str) -> None:
            conversation = screen.conversation
            source = conversation.thread_id if conversation.thread() or conversation.memory.private else None
            memory = await conversation.memory.user.add(value, source=source)
            screen.say(f"Remembered of {memory.user}: {memory.text}", severity="information")

        if text:
            await keep(text)
        else:
            screen.app.push_screen(AskLine("Remember"), keep)

    def _facts(self, _text: str = "") -> None:
        from chatui.tui.dialogs import Facts

        memory = self._screen.conversation.memory.user
        facts = [(found.memory_id[:8], found.text) for found in memory.list()]
        self._screen.app.push_screen(
            Facts("What is remembered", facts or [("", "Nothing yet. /remember keeps something.")])
        )

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
