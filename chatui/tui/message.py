"""One message on the screen: a person's as a tinted band with a bar, an answer as Markdown without a box."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.widgets import Static

from chatui.conversation.tree import Message
from chatui.text import clean, clean_line
from chatui.tui import labels
from chatui.tui.leaf import LeafView, view
from chatui.tui.markdown import blocks
from chatui.tui.replies import Reply

#: Why a reply is not whole, and what a person can do about it.
INTERRUPTIONS = {
    "stopped": "You stopped this reply.",
    "length": "The limit of tokens cut this reply.",
    "lost": "The connection was lost in the middle of this reply.",
    "failed": "The model failed in the middle of this reply.",
    "crashed": "The program ended in the middle of this reply.",
}


def alternatives_sign(message: Message) -> str:
    """Return `‹2/3›`, "" for a message without alternatives."""
    return f"‹{message.alternative}/{message.alternatives}›" if message.alternatives > 1 else ""


def badge(message: Message, *, plain: bool = False) -> str:
    """Return what stands behind a message's label: its alternatives, its star, its name."""
    star = ("starred" if plain else "★") if message.starred else ""
    return " ".join(sign for sign in (alternatives_sign(message), star, clean_line(message.name or "", 60)) if sign)


class MessageView(Vertical):
    """One message.

    Attributes:
        message: What is shown; None while it is not saved yet.
    """

    class Clicked(TextualMessage):
        """A click on a message."""

        def __init__(self, view: MessageView) -> None:
            super().__init__()
            self.view = view

    def __init__(self, message: Message | None, *, plain: bool = False, classes: str = "") -> None:
        super().__init__(classes=f"message {classes}")
        self.message = message
        self.plain = plain

    @property
    def node_id(self) -> str | None:
        """The node it shows, None while it is not saved yet."""
        return self.message.node_id if self.message else None

    def take(self, message: Message) -> None:
        """Show what has changed about the message: its text never does."""
        self.message = message

    def on_click(self, event: events.Click) -> None:
        self.post_message(self.Clicked(self))


class UserView(MessageView):
    """What a person said (or what a program said in their place: `role` tells)."""

    def __init__(self, message: Message | None, text: str, *, plain: bool = False) -> None:
        super().__init__(message, plain=plain, classes="user")
        self._text = clean(text)

    def compose(self) -> ComposeResult:
        yield Static(self._label(), markup=False, classes="label")
        yield Static(Content(self._text), markup=False, classes="said")

    def on_mount(self) -> None:
        self._show_label()

    def take(self, message: Message) -> None:
        super().take(message)
        self._show_label()

    def _label(self) -> Content:
        message = self.message
        who = "You" if message is None or message.role == "user" else message.role.capitalize()
        return Content(f"{who} {badge(message, plain=self.plain)}".rstrip() if message else who)

    def _show_label(self) -> None:
        self.query_one(".label", Static).update(self._label())


class AnswerView(MessageView):
    """An answer: a label, its thinking folded to one line, its text, and why it is not whole.

    Args:
        message: A saved answer, or None for one that streams.
        reply: The reply that streams, or that streamed and became `message`.
    """

    def __init__(self, message: Message | None, reply: Reply | None = None, *, plain: bool = False) -> None:
        super().__init__(message, plain=plain, classes="answer")
        self.reply = reply
        self._open = False
        self._leaves: list[LeafView] = []
        self._settled = 0  # leaves that no further text can change
        self._offset = 0  # where in the text the others begin
        self._painted = -1

    @property
    def message_id(self) -> str | None:
        """The id that the answer has or will have."""
        if self.message:
            return self.message.message_id
        return self.reply.started.message_id if self.reply and self.reply.started else None

    def compose(self) -> ComposeResult:
        yield Static(self._label(), markup=False, classes="label")
        yield Static("", markup=False, classes="thought")
        self._leaves = (
            [view(leaf, plain=self.plain) for block in blocks(self._text) for leaf in block.leaves]
            if self.message
            else []
        )
        yield from self._leaves
        yield Static("", markup=False, classes="foot")

    def on_mount(self) -> None:
        self._show_facts()

    @property
    def _text(self) -> str:
        return clean(self.message.text) if self.message else self.reply.text if self.reply else ""

    @property
    def _reasoning(self) -> str:
        return clean(self.message.reasoning) if self.message else self.reply.reasoning if self.reply else ""

    def _label(self) -> Content:
        model = (
            self.message.model
            if self.message
            else self.reply.started.model
            if self.reply and self.reply.started
            else None
        )
        name = labels.short_model(model) or "Answer"
        if self.plain:
            name = f"Answer from {name}"
        sign = badge(self.message, plain=self.plain) if self.message else self.reply.sign if self.reply else ""
        return Content.assemble((name, "$secondary bold"), (f" {sign}" if sign else "", "$muted"))

    def _show_facts(self) -> None:
        self.query_one(".label", Static).update(self._label())
        thought = self.query_one(".thought", Static)
        thought.display = bool(self._reasoning)
        if self._reasoning:
            thought.update(self._thought())
        foot = self.query_one(".foot", Static)
        text = self._foot()
        foot.display = bool(text)
        foot.set_class(bool(self.message), "-interrupted")
        foot.update(Content(text))

    def _thought(self) -> Content:
        seconds = self.message.reasoning_seconds if self.message else None
        seconds = self.reply.thought_seconds if self.reply else seconds
        if not self.message and self.reply and self.reply.first_text is None:
            head = "Thinking"
        else:
            head = "Thought" + (f" for {labels.seconds(seconds)}" if seconds is not None else "")
        sign = "" if self.plain else "▾ " if self._open else "▸ "
        line = f"{sign}{head} · {labels.plural(len(self._reasoning.split()), 'word')}"
        return Content(f"{line}\n{self._reasoning.strip()}" if self._open else line)

    def _foot(self) -> str:
        if self.message:
            why = self.message.interrupted
            return f"{INTERRUPTIONS[why]} Here, + goes on with it, and r asks for another answer." if why else ""
        if self.reply is None:
            return ""
        others = len(self.reply.answers.replies)
        parts = [self.reply.state, "" if self.plain else f"{self.reply.elapsed:.0f} s"]
        parts += [f"{self.reply.answers.writing} of {others} still write", "←→ others"] if others > 1 else []
        parts += ["Esc stops all" if others > 1 else "Esc stops"]
        return (". " if self.plain else " · ").join(filter(None, parts)) + ("." if self.plain else "")

    def toggle_thought(self) -> bool:
        """Open or fold the thinking. Returns whether there is any."""
        self._open = not self._open
        self._show_facts()
        return bool(self._reasoning)

    async def paint(self) -> None:
        """Show what has come since the last time. Costs as much as the last block of the text, however long it is."""
        if self.reply is None or self.message is not None:
            return
        if self._painted != self.reply.version:
            self._painted = self.reply.version
            await self._update_leaves(self.reply.text)
        self._show_facts()

    async def finish(self, message: Message) -> None:
        """Become the saved answer: parse the whole text once, as a link's address may have come after the link."""
        self.message = message
        self.reply = None
        self._settled = self._offset = 0
        await self._update_leaves(self._text, final=True)
        self._show_facts()

    def take(self, message: Message) -> None:
        super().take(message)
        self._show_facts()

    async def _update_leaves(self, text: str, *, final: bool = False) -> None:
        tail = text[self._offset :]
        parsed = blocks(tail)
        fresh = [leaf for block in parsed for leaf in block.leaves]
        if self._settled and fresh:
            fresh[0] = fresh[0]._replace(gap=True)
        shown = self._leaves[self._settled :]
        new: list[LeafView] = []
        foot = self.query_one(".foot")
        for index, leaf in enumerate(fresh):
            old = shown[index] if index < len(shown) else None
            if old is not None and old.leaf.kind == leaf.kind:
                old.show(leaf)
                new.append(old)
                continue
            made = view(leaf, plain=self.plain)
            new.append(made)
            await self.mount(made, before=old or foot)
            if old is not None:
                await old.remove()
        for old in shown[len(fresh) :]:
            await old.remove()
        self._leaves[self._settled :] = new
        if not final and len(parsed) > 1:
            # All but the last block are settled.
            self._offset += sum(len(line) for line in tail.splitlines(keepends=True)[: parsed[-1].line])
            self._settled += len(fresh) - len(parsed[-1].leaves)


def view_of(message: Message, *, plain: bool = False) -> MessageView:
    """Return the widget for a saved message."""
    if message.role == "assistant":
        return AnswerView(message, plain=plain)
    return UserView(message, message.text, plain=plain)
