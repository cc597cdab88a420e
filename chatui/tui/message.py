"""One message of the transcript: a person's as a tinted band with a bar, an answer as Markdown without a box.

These are no widgets: a view is laid out for a width once and gives rows, which the transcript paints. Thousands of them cost
what their text costs, and what streams touches its last block alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec
from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip
from textual.style import Style

from chatui.conversation.tree import Message
from chatui.text import clean, clean_line
from chatui.tui import labels
from chatui.tui.leaf import NARROWEST, Laid, Row, lay, text_rows
from chatui.tui.look import Look
from chatui.tui.markdown import Leaf, blocks
from chatui.tui.quoting import Attached, parts
from chatui.tui.replies import Reply

if TYPE_CHECKING:
    from chatui.tui.pictures import Picture

#: A message is never wider than this: longer lines are hard to read.
WIDEST = 104
#: Left of the text stand a bar and a blank, right of it a blank.
SIDES = 3

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


class _Part(msgspec.Struct, frozen=True):
    """A part of a message that is laid out by itself: its label, one leaf, its foot. A row without a line is a gap."""

    rows: list[Row]
    lines: list[str]


class MessageView:
    """One message, laid out.

    Attributes:
        message: What is shown; None while it is not saved yet.
        selected: Whether message mode stands on it. Lay it out again after changing this.
        height: In rows, the blank one behind it included; of the width it was laid out for last.
    """

    KIND = "user"

    def __init__(self, message: Message | None, *, plain: bool = False) -> None:
        self.message = message
        self.plain = plain
        self.selected = False
        self.height = 0
        self._parts: list[_Part] = []
        self._tops: list[int] = []  # the first row of each part, and the row behind the last
        self._lines: list[int] = []  # the first line of each part

    @property
    def node_id(self) -> str | None:
        """The node it shows, None while it is not saved yet."""
        return self.message.node_id if self.message else None

    def take(self, message: Message) -> None:
        """Take what has changed about the message: its text never does."""
        self.message = message

    # Laying out

    def lay(self, look: Look, width: int) -> None:
        """Lay the message out.

        Args:
            look: The styles in force.
            width: Of the transcript, in cells.
        """
        box = _Box(look, self.KIND, self.selected, min(width, WIDEST))
        self._parts = list(self._lay(box))
        self._tops = [0, *accumulate(len(part.rows) for part in self._parts)]
        self._lines = [0, *accumulate(len(part.lines) for part in self._parts)]
        # One blank row divides it from the next message.
        self.height = self._tops[-1] + 1

    def _lay(self, box: _Box) -> Iterator[_Part]:
        raise NotImplementedError

    def is_folded(self, line: int) -> bool:
        """Say whether a line of the text is of what is folded or can be: thinking, the text of a file."""
        return False

    def toggle(self) -> bool:
        """Open or fold what can be. Returns whether there is any."""
        return False

    def row(self, index: int) -> Row:
        """Return a row: its strip as wide as the message is, its line counted in the whole message."""
        if not 0 <= index < self._tops[-1]:
            return Row(Strip([]), self._lines[-1], 0)
        part = bisect_right(self._tops, index) - 1
        strip, line, start = self._parts[part].rows[index - self._tops[part]]
        return Row(strip, line + self._lines[part], start)

    @property
    def lines(self) -> list[str]:
        """The text as it is shown, without the breaks that the width makes."""
        return [line for part in self._parts for line in part.lines]


class _Box:
    """What stands around the parts of a message: a bar and a blank at the left, and the ground."""

    def __init__(self, look: Look, kind: str, selected: bool, width: int) -> None:
        self.look = look
        self.width = max(width - SIDES, NARROWEST)
        self.ground = look.ground(kind, selected)
        rich = self.ground.rich_style
        bar = Segment(" ", rich) if look.plain else Segment("▌", look.bar(kind, selected).rich_style)
        self._before = [bar, Segment(" ", rich)]
        self._rich = rich
        self.key = (look, width, selected)

    def part(self, laid: Laid, *, gap: bool = False) -> _Part:
        """Put the box around what was laid out in it, a blank row before it where there is a gap."""
        rows = []
        first = 1 if gap else 0
        if gap:
            rows.append(self._row(Strip([]), 0, 0))
        rows += (self._row(strip, line + first, start) for strip, line, start in laid.rows)
        return _Part(rows, ["", *laid.lines] if gap else laid.lines)

    def text(self, content: Content, style: Style | None = None, *, gap: bool = False) -> _Part:
        """Lay text out."""
        return self.part(text_rows(content, self.width, style or self.ground), gap=gap)

    def leaf(self, leaf: Leaf) -> _Part:
        """Lay a leaf of Markdown out."""
        return self.part(lay(leaf, self.width, self.look, self.ground), gap=leaf.gap)

    def _row(self, strip: Strip, line: int, start: int) -> Row:
        fill = self.width + SIDES - len(self._before) - strip.cell_length
        segments = [*self._before, *strip]
        if fill > 0:
            segments.append(Segment(" " * fill, self._rich))
        return Row(
            Strip(segments, len(self._before) + strip.cell_length + max(fill, 0)), line, start - len(self._before)
        )


class UserView(MessageView):
    """What a person said (or what a program said in their place: `role` tells)."""

    def __init__(self, message: Message | None, text: str, *, plain: bool = False) -> None:
        super().__init__(message, plain=plain)
        self.text = clean(text)
        self._said = list(parts(self.text))
        self.open = False
        #: The images that are drawn, by the line that stands for each; None before they were asked for.
        self.pictures: dict[str, Picture] | None = None

    @property
    def label(self) -> str:
        """What stands above the text."""
        message = self.message
        who = "You" if message is None or message.role == "user" else message.role.capitalize()
        return f"{who} {badge(message, plain=self.plain)}".rstrip() if message else who

    def _lay(self, box: _Box) -> Iterator[_Part]:
        yield box.text(Content(self.label), box.ground + box.look["label"])
        muted = box.ground + box.look["muted"]
        gap = False
        for part in self._said:
            if isinstance(part, Attached):
                yield box.part(self._lay_attached(box, part, muted), gap=gap and self.open)
            else:
                yield box.text(Content(part), gap=gap)
            gap = True

    def _lay_attached(self, box: _Box, part: Attached, style: Style) -> Laid:
        laid = text_rows(Content(part.line(opened=self.open, plain=self.plain)), box.width, style)
        picture = self.pictures.get(part.whole) if self.pictures and self.open else None
        if picture is None:
            return laid
        ground = style.background.rgb if style.background else (0, 0, 0)
        last = len(laid.lines)
        rows = [Row(strip, last, 0) for strip in picture.strips(box.width, ground)]
        return Laid([*laid.rows, *rows], [*laid.lines, ""])

    @property
    def wants_pictures(self) -> bool:
        """Whether there are images that are opened and not drawn."""
        return (
            self.open
            and self.pictures is None
            and any(isinstance(part, Attached) and part.is_image for part in self._said)
        )

    def is_folded(self, line: int) -> bool:
        at = bisect_right(self._lines, line) - 2
        part = self._said[at] if 0 <= at < len(self._said) else ""
        return isinstance(part, Attached) and part.opens

    def toggle(self) -> bool:
        self.open = not self.open
        return any(isinstance(part, Attached) and part.opens for part in self._said)


class AnswerView(MessageView):
    """An answer: a label, its thinking folded to one line, its text, and why it is not whole.

    Args:
        message: A saved answer, or None for one that streams.
        reply: The reply that streams, or that streamed and became `message`.
        plain: Whether nothing is drawn that a screen reader would have to spell.
        opened: Whether its thinking is shown whole at first.
    """

    KIND = "answer"

    def __init__(
        self, message: Message | None, reply: Reply | None = None, *, plain: bool = False, opened: bool = False
    ) -> None:
        super().__init__(message, plain=plain)
        self.reply = reply
        self._open = opened
        self._leaves: list[Leaf] = []
        self._settled = 0  # leaves that no further text can change
        self._offset = 0  # where in the text the others begin
        self._laid: list[tuple[Leaf, object, _Part]] = []  # as many as there were leaves at the last laying out
        self._shown: object = None
        if message is not None:
            self._parse(clean(message.text), final=True)

    @property
    def message_id(self) -> str | None:
        """The id that the answer has or will have."""
        if self.message:
            return self.message.message_id
        return self.reply.started.message_id if self.reply and self.reply.started else None

    @property
    def leaves(self) -> list[Leaf]:
        """Its text, parsed."""
        return self._leaves

    # What is shown

    @property
    def label(self) -> Content:
        """What stands above the text: the model, and signs."""
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

    @property
    def _reasoning(self) -> str:
        return clean(self.message.reasoning) if self.message else self.reply.reasoning if self.reply else ""

    @property
    def thought(self) -> str:
        """What stands for its thinking: one line, or all of it where it was opened; "" where there is none."""
        reasoning = self._reasoning
        if not reasoning:
            return ""
        seconds = self.message.reasoning_seconds if self.message else None
        seconds = self.reply.thought_seconds if self.reply else seconds
        if not self.message and self.reply and self.reply.first_text is None:
            head = "Thinking"
        else:
            head = "Thought" + (f" for {labels.seconds(seconds)}" if seconds is not None else "")
        sign = "" if self.plain else "▾ " if self._open else "▸ "
        line = f"{sign}{head} · {labels.plural(len(reasoning.split()), 'word')}"
        return f"{line}\n{reasoning.strip()}" if self._open else line

    @property
    def foot(self) -> str:
        """What stands below the text: why it is not whole, or how far it is."""
        if self.message:
            why = self.message.interrupted
            if not why and self.thought and not self.message.text.strip():
                return "The model thought, and gave no answer. Here, r asks for another one."
            return f"{INTERRUPTIONS[why]} Here, + goes on with it, and r asks for another answer." if why else ""
        if self.reply is None:
            return ""
        others = len(self.reply.answers.replies)
        parts = [self.reply.state, "" if self.plain else f"{self.reply.elapsed:.0f} s"]
        parts += [f"{self.reply.answers.writing} of {others} still write", "←→ others"] if others > 1 else []
        parts += ["Esc stops all" if others > 1 else "Esc stops"]
        return (". " if self.plain else " · ").join(filter(None, parts)) + ("." if self.plain else "")

    def _lay(self, box: _Box) -> Iterator[_Part]:
        yield box.text(self.label)
        muted = box.ground + box.look["muted"]
        if thought := self.thought:
            yield box.text(Content(f"{thought}\n"), muted)
        self._laid = [self._lay_leaf(box, place, leaf) for place, leaf in enumerate(self._leaves)]
        yield from (part for _, _, part in self._laid)
        if foot := self.foot:
            yield box.text(Content(foot), box.ground + box.look["warning"] if self.message else muted, gap=True)

    def _lay_leaf(self, box: _Box, place: int, leaf: Leaf) -> tuple[Leaf, object, _Part]:
        """Lay a leaf out, unless the one that stood there looked alike."""
        if place < len(self._laid):
            old, key, part = self._laid[place]
            if key == box.key and (old is leaf or old.same(leaf)):
                return leaf, key, part
        return leaf, box.key, box.leaf(leaf)

    @property
    def has_code(self) -> bool:
        """Whether any of its text is a block of code."""
        return any(leaf.kind == "code" for leaf in self._leaves)

    def forget_code(self) -> None:
        """Let code be laid out anew next time, in its colours."""
        self._laid = [(leaf, None if leaf.kind == "code" else key, part) for leaf, key, part in self._laid]

    def is_folded(self, line: int) -> bool:
        return bool(self._reasoning) and self._lines[1] <= line < self._lines[2] - 1

    def toggle(self) -> bool:
        self._open = not self._open
        return bool(self._reasoning)

    # What changes

    def stream(self) -> bool:
        """Take in what has come since the last time. Costs as much as the last block of the text, however long that is.

        Returns:
            Whether anything looks different: lay it out again then.
        """
        if self.reply is None or self.message is not None:
            return False
        shown = (self.reply.version, self.foot)
        if shown == self._shown:
            return False
        if self._shown is None or shown[0] != self._shown[0]:  # type: ignore[index]
            self._parse(self.reply.text)
        self._shown = shown
        return True

    def finish(self, message: Message) -> None:
        """Become the saved answer: parse the whole text once, as a link's address may have come after the link."""
        self.message = message
        self.reply = None
        self._settled = self._offset = 0
        self._parse(clean(message.text), final=True)

    def _parse(self, text: str, *, final: bool = False) -> None:
        tail = text[self._offset :]
        parsed = blocks(tail)
        fresh = [leaf for block in parsed for leaf in block.leaves]
        if self._settled and fresh:
            fresh[0] = msgspec.structs.replace(fresh[0], gap=True)
        self._leaves[self._settled :] = fresh
        if not final and len(parsed) > 1:
            # All but the last block are settled.
            self._offset += sum(len(line) for line in tail.splitlines(keepends=True)[: parsed[-1].line])
            self._settled += len(fresh) - len(parsed[-1].leaves)


def recolour(views: Iterable[MessageView]) -> list[MessageView]:
    """Load what colours code, and return the views that can be laid out in its colours now.

    It is loaded after the first paint, which it would hold up.
    """
    import chatui.tui.highlight  # noqa: F401

    found = [view for view in views if isinstance(view, AnswerView) and view.has_code]
    for view in found:
        view.forget_code()
    return list(found)


def view_of(message: Message, *, plain: bool = False, opened: bool = False) -> MessageView:
    """Return the view of a saved message; `opened` as for `AnswerView`."""
    if message.role == "assistant":
        return AnswerView(message, plain=plain, opened=opened)
    return UserView(message, message.text, plain=plain)
