"""Turns on the main screen: send, regenerate, edit, stop, what waits, and what goes wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from chatui.conversation.events import Alternative, Event, Failed, Finished, Started, Stopped
from chatui.conversation.tree import Message
from chatui.errors import NoModel, SchemaChange
from chatui.tui import attaching, labels
from chatui.tui.replies import Refused, Reply, Turn

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen
    from chatui.tui.proposing import Proposing
    from chatui.tui.titling import Titling


Handler = Callable[[str], Awaitable[None] | None]


class Turns:
    """The turns of the open thread, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        #: The prompt that is being edited, None while a new one is written.
        self.editing: Message | None = None
        self._stashed = ""
        self._resent: dict[str, Message] = {}  # by thread: the prompt whose edited text is on its way
        self._notes: dict[str, tuple[str, list[str]]] = {}  # by thread: the head that they are about, and they
        self._titling: Titling | None = None
        #: What the model proposes to remember; None before the first reply.
        self.proposing: Proposing | None = None

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {
            "reply.stop": self._stop,
            "message.edit": self.edit,
            "message.regenerate": self._regenerate,
            "message.regenerate_with": self.regenerate_with,
            "message.go_on": self._go_on,
            "queue.edit": self._queue_edit,
            "queue.drop": self._queue_drop,
        }

    # Sending

    async def submit(self, text: str) -> None:
        """Send what is written, or let it wait while a reply streams."""
        screen = self._screen
        waiting = screen.chat.replies.waiting.setdefault(screen.thread_id, [])
        if not text.strip():
            if waiting and screen.reply is None:
                await self._send(waiting.pop(0))
            return
        if self.editing is not None:
            if screen.reply is not None:
                screen.say("A reply streams here. Esc stops it; then send the edited message.")
                return
            message, self.editing = self.editing, None
            screen.prompt.hold(self._stashed)
            self._resent[screen.thread_id] = message
            model = screen.shelf.asked_model
            await self.start(lambda: attaching.edit(screen.conversation, message.node_id, text, model), text)
            return
        screen.prompt.hold("")
        if screen.reply is not None:
            waiting.append(text)
            await screen.drafts.keep()
            screen.show_state()
        else:
            await self._send(text)

    async def _send(self, text: str) -> None:
        self._resent.pop(self._screen.thread_id, None)
        conversation, model = self._screen.conversation, self._screen.shelf.asked_model
        await self.start(lambda: attaching.send(conversation, text, model), text)

    async def start(self, turn: Turn, text: str = "", *, count: int = 1) -> None:
        screen = self._screen
        screen.offers.hide()
        if self._titling is not None:
            self._titling.cancel()
        if self.proposing is not None:
            self.proposing.cancel()
        screen.travel.forget_fork()
        reply = screen.chat.replies.start(screen.conversation, turn, text, count=count)
        screen.query_one("#empty").display = False
        screen.transcript.display = True
        screen.transcript.begin(reply)
        screen.show_state()

    async def _stop(self, _text: str = "") -> None:
        if self._screen.reply is None:
            self._screen.say("No reply streams here.", severity="information")
        await self._screen.chat.replies.stop(self._screen.thread_id)

    async def cancel(self) -> bool:
        """Escape in the prompt: stop the reply, or the editing. Returns whether there was anything to do."""
        if self._screen.reply is not None:
            await self._stop()
        elif self.editing is not None:
            self.editing = None
            self._screen.prompt.hold(self._stashed)
            self._screen.show_state()
        else:
            return False
        return True

    def leave(self) -> None:
        """The thread is left: an edit that was not sent ends, and the draft comes back."""
        if self.editing is not None:
            self.editing = None
            self._screen.prompt.hold(self._stashed)
        self._screen.offers.hide()

    # Again

    async def _regenerate(self, text: str = "") -> None:
        selected = self._screen.transcript.selected
        if selected is not None:
            await self.regenerate(selected.node_id, count=self._count(text))

    async def regenerate(self, node_id: str, *, model: str | None = None, count: int = 1) -> None:
        """Ask for more answers to a prompt.

        Args:
            node_id: The prompt, or one of its answers.
            model: Who answers; None for the thread's.
            count: How many at once.
        """
        screen = self._screen
        if not self._screen.travel.idle():
            return
        conversation, model = screen.conversation, model or screen.shelf.asked_model

        def watched() -> int | None:
            reply = screen.chat.replies.of(conversation.thread_id)
            return reply.answers.shown if reply and screen.conversation is conversation else None

        await self.start(
            lambda: conversation.regenerate(node_id, model=model, count=count, watched=watched), count=count
        )

    def regenerate_with(self, text: str = "", node_id: str | None = None) -> None:
        selected = self._screen.transcript.selected
        node_id = node_id or (selected.node_id if selected else None)
        count = self._count(text)
        if node_id is None or not self._screen.travel.idle():
            return
        asked = node_id

        async def picked(model: str | None) -> None:
            if model:
                await self.regenerate(asked, model=model, count=count)

        self._screen.shelf.pick("Regenerate with" if count == 1 else f"Regenerate {count} times with", picked)

    def _count(self, text: str) -> int:
        """How many answers are asked for: what follows the slash command, else the number that was typed before the key."""
        typed = self._screen.transcript.take_count()
        return int(text) if text.isdecimal() and 0 < int(text) < 10 else typed

    async def _go_on(self, _text: str = "") -> None:
        screen = self._screen
        message = screen.transcript.selected
        if message is None or not self._screen.travel.idle():
            return
        if message.role != "assistant" or not message.interrupted:
            screen.say("This is no reply that was cut off.", severity="information")
            return
        await self.start(lambda: screen.conversation.go_on(message.node_id))

    def edit(self, _text: str = "", message: Message | None = None) -> None:
        # Imported here, as the first paint has no dialog.
        from chatui.tui.attempts import attempt
        from chatui.tui.dialogs import EditText

        screen = self._screen
        message = message or screen.transcript.selected
        if message is None or not self._screen.travel.idle():
            return
        if message.role == "user":
            self._stashed = screen.prompt.text if self.editing is None else self._stashed
            self.editing = message
            screen.prompt.hold(message.text)
            screen.prompt.focus()
            screen.show_state()
            return
        node_id = message.node_id

        async def edited(text: str | None) -> None:
            if text is not None:
                await attempt(screen, lambda: put(text))

        async def put(text: str) -> None:
            screen.refresh_branch(await screen.conversation.edit_answer(node_id, text))

        screen.app.push_screen(EditText("Edit the answer", message.text), edited)

    def prompt_title(self) -> str:
        """Return what the prompt's border says."""
        if self.editing is not None:
            return f"Editing #{self.editing.depth}: Enter sends it as an alternative, Esc cancels"
        return "Message"

    # What waits

    def _queue_edit(self, _text: str = "") -> None:
        screen = self._screen
        if waiting := screen.chat.replies.waiting.get(screen.thread_id):
            text = waiting.pop()
            screen.prompt.hold(f"{text}\n{screen.prompt.text}".rstrip("\n") if screen.prompt.text else text)
        else:
            screen.say("No message waits here.", severity="information")
        screen.show_state()

    def _queue_drop(self, _text: str = "") -> None:
        if not self._screen.chat.replies.waiting.pop(self._screen.thread_id, None):
            self._screen.say("No message waits here.", severity="information")
        self._screen.show_state()

    # What happens

    async def take(self, reply: Reply, event: Event | Refused) -> None:
        """Show that a reply began, ended or was refused."""
        screen = self._screen
        here = reply.conversation is screen.conversation
        if isinstance(event, Started):
            self._resent.pop(reply.conversation.thread_id, None)
        if isinstance(event, Refused):
            await self._refused(reply, event, here=here)
        elif isinstance(event, Started) and here:
            screen.transcript.sync()
            if screen.prompt.text == "":
                await screen.drafts.keep()
        elif isinstance(event, Alternative):
            if isinstance(event.event, Failed):
                screen.say(f"Answer {reply.sign} in “{self._title(reply)}” failed. {event.event.error}")
        elif isinstance(event, Finished | Stopped | Failed) and here:
            screen.transcript.sync()
            if screen.reply is None:
                screen.transcript.forget_reply()
            if isinstance(event, Failed):
                screen.offers.after_failure(reply, event)
        elif isinstance(event, Failed):
            screen.say(f"The reply in “{self._title(reply)}” failed. {event.error}")
        if isinstance(event, Finished | Stopped | Failed):
            self._notes[reply.conversation.thread_id] = (reply.conversation.head_node, reply.notes)
        screen.refresh_threads()
        if here:
            screen.travel.note()
            screen.show_state()
        if isinstance(event, Finished):
            await self._next(reply, here=here)
            if not screen.chat.replies.threads():
                self._title_for(reply)
                self._propose_for(reply)

    def _title_for(self, reply: Reply) -> None:
        """Let a model name the thread, now that nothing else asks one."""
        if self._screen.library.config.title == "off":
            return
        if self._titling is None:
            # Imported here, as the first paint has no reply.
            from chatui.tui.titling import Titling

            self._titling = Titling(self._screen)
        self._titling.begin(reply.conversation)

    def _propose_for(self, reply: Reply) -> None:
        """Let the model propose what to remember, behind the title: it would be asked beside it."""
        if self.proposing is None:
            from chatui.tui.proposing import Proposing

            self.proposing = Proposing(self._screen)
        self.proposing.begin(reply.conversation, self._titling)

    async def _next(self, reply: Reply, *, here: bool) -> None:
        """Send what waits in a thread whose reply is complete, whoever looks at it."""
        replies = self._screen.chat.replies
        thread_id = reply.conversation.thread_id
        waiting = replies.waiting.get(thread_id)
        if not waiting or replies.of(thread_id) is not None:
            return
        text = waiting.pop(0)
        if here:
            await self._send(text)
        else:
            replies.start(reply.conversation, lambda: attaching.send(reply.conversation, text), text)

    async def _refused(self, reply: Reply, event: Refused, *, here: bool) -> None:
        """Nothing was written: the text goes back to the prompt, an edited one to its editing."""
        screen = self._screen
        edited = self._resent.pop(reply.conversation.thread_id, None)
        if not here:
            if event.text:
                draft = reply.conversation.draft()
                await reply.conversation.keep_draft(f"{event.text}\n{draft}" if draft else event.text)
            screen.say(event.error)
            return
        screen.transcript.forget_reply()
        screen.transcript.sync()
        if event.text and edited is not None and self.editing is None:
            self._stashed = screen.prompt.text
            self.editing = edited
            screen.prompt.hold(event.text)
        elif event.text:
            screen.prompt.hold(f"{event.text}\n{screen.prompt.text}" if screen.prompt.text else event.text)
        if isinstance(event.error, NoModel):
            screen.chat.welcome(event.error)
        elif isinstance(event.error, SchemaChange):
            self._ask_for_change(event.error, reply)
        else:
            screen.offers.show(str(event.error), [], tone="error")

    def _ask_for_change(self, error: SchemaChange, reply: Reply) -> None:
        """Another program's file of an older form: change it, and take the same turn again, if the person agrees."""
        from chatui.tui.attempts import ask_for_change

        async def again() -> None:
            screen = self._screen
            if reply.conversation is screen.conversation and self._screen.travel.idle():
                if reply.prompt_text and screen.prompt.text == reply.prompt_text:
                    screen.prompt.hold("")
                await self.start(reply.turn, reply.prompt_text, count=len(reply.answers.replies))

        ask_for_change(self._screen, error, again)

    def _title(self, reply: Reply) -> str:
        thread = reply.conversation.thread()
        return labels.fit(thread.title, 40) if thread and thread.title else labels.UNTITLED

    def notes(self) -> list[str]:
        """Return what a person should know of the reply that streams, or of the one at the head."""
        reply = self._screen.reply
        if reply is not None:
            return reply.notes
        head, notes = self._notes.get(self._screen.thread_id, ("", []))
        return notes if head == self._screen.conversation.head_node else []
