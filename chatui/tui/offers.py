"""Offers between the messages and the prompt: what a crash left, and what can be done after a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.conversation.events import Failed
from chatui.errors import ChatuiError, ContextTooLong, OutOfMemory, UnknownModel
from chatui.models import DEMO_MODEL, parse_ref
from chatui.tui import labels
from chatui.tui.replies import Reply

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen
    from chatui.tui.notices import Choice


class Offers:
    """The offers of the open thread, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._failed: str | None = None  # the node of the prompt whose reply failed
        self._missing = ""  # the model that was not there

    def arrive(self) -> None:
        """The thread was opened: offer what a crash left."""
        partial = self._screen.conversation.interrupted()
        if partial is not None:
            from chatui.tui.notices import Choice

            words = labels.plural(len(partial.text.split()), "word")
            self.show(
                f"A reply of {labels.short_model(partial.model)} was cut off here, after {words}, when the program ended.",
                [
                    Choice("k", "Keep it", "keep"),
                    Choice("r", "Retry", "retry_partial"),
                    Choice("d", "Discard it", "discard"),
                ],
            )
        elif self._screen.turns.proposing is not None:
            self._screen.turns.proposing.show()

    def after_failure(self, reply: Reply, event: Failed) -> None:
        from chatui.tui.notices import Choice

        self._failed = reply.started.prompt.node_id if reply.started else None
        choices = [
            Choice("r", "Retry", "retry"),
            Choice("R", "Another model", "retry_with"),
            Choice("e", "Edit the message", "edit"),
        ]
        missing = event.error.model if isinstance(event.error, UnknownModel) else ""
        if missing and (parse_ref(missing).provider == "ollama" or parse_ref(missing) == DEMO_MODEL):
            self._missing = missing
            choices.insert(0, Choice("f", "Fetch it", "fetch"))
        if isinstance(event.error, ContextTooLong | OutOfMemory):
            choices.insert(1, Choice("s", "Set num_ctx", "settings"))
        self.show(str(event.error), choices, tone="error")

    def show(self, text: str, choices: list[Choice], tone: str = "") -> None:
        self._screen.around.put(self._screen.offer)
        self._screen.offer.show(text, choices, tone=tone)

    def hide(self) -> None:
        screen = self._screen
        if screen.turns.proposing is not None:
            screen.turns.proposing.hidden()
        focused = screen.offer.has_focus
        screen.offer.show("", [])
        if focused:
            screen.prompt.focus()

    def _fetch(self, failed: str) -> None:
        """Fetch the model that was not there; chosen then, it answers."""

        async def picked(model: str | None) -> None:
            if model:
                await self._screen.turns.regenerate(failed, model=model)

        self._screen.shelf.pick("Fetch a model, and answer with it", picked, self._missing)

    async def answer(self, name: str) -> None:
        """Do what was chosen in an offer."""
        screen = self._screen
        conversation = screen.conversation
        if name.startswith("propose."):
            await screen.action_do("memory.proposed", name.removeprefix("propose."))
            return
        partial = conversation.interrupted() if name == "discard" else None
        if partial is not None and (partial.text or partial.reasoning):
            self._ask_to_discard(len(partial.text.split()))
            return
        await self._carry_out(name)

    def _ask_to_discard(self, words: int) -> None:
        """Ask first: what is discarded is nowhere else."""
        from chatui.tui.dialogs import Confirm

        async def answered(yes: bool | None) -> None:
            if yes:
                await self._carry_out("discard")

        text = f"{labels.plural(words, 'word')} of this reply are kept nowhere else. Discard them?"
        self._screen.app.push_screen(Confirm("Discard the reply", text, "Discard"), answered)

    async def _carry_out(self, name: str) -> None:
        screen = self._screen
        conversation = screen.conversation
        self.hide()
        try:
            if name == "keep":
                screen.refresh_branch(await conversation.keep_interrupted())
            elif name == "discard":
                await conversation.discard_interrupted()
            elif name == "retry_partial":
                await screen.turns.start(conversation.retry_interrupted)
            elif name == "retry" and self._failed:
                await screen.turns.regenerate(self._failed)
            elif name == "retry_with":
                screen.turns.regenerate_with(node_id=self._failed)
            elif name == "fetch" and self._failed:
                self._fetch(self._failed)
            elif name == "settings":
                await screen.action_do("settings.open", "num_ctx")
            elif name == "edit" and self._failed:
                screen.turns.edit(message=conversation.message(self._failed))
            if name in {"keep", "discard"}:
                # Where several were asked for at once, each is offered.
                self.arrive()
                screen.prompt_focus()
        except ChatuiError as error:
            screen.say(error)
        screen.refresh_threads()
        screen.show_state()
