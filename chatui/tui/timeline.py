"""The timeline of a thread: LangGraph's raw checkpoints, the state of each, and forking from any of them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from chatui.conversation.tree import Message
from chatui.errors import ChatuiError
from chatui.text import clean, clean_line
from chatui.tui import labels
from chatui.tui.dialogs import Hint, key_hints
from chatui.tui.keys import bindings
from chatui.tui.rows import Piece, Rows

if TYPE_CHECKING:
    from chatui.conversation.timeline import Step

#: The most of a state that is shown: the screen stands still for longer ones.
MOST_SHOWN = 200_000


class Choice(msgspec.Struct, frozen=True):
    """A checkpoint that was chosen: to fork from it, or to ask for another answer there."""

    step: Step
    regenerate: bool = False


class TimelineRows(Rows):
    """One row a checkpoint."""

    BINDINGS = bindings("timeline")

    def __init__(
        self, steps: Sequence[Step], messages: Mapping[str, Message], head: str | None, *, plain: bool
    ) -> None:
        super().__init__(id="timeline-rows")
        self.steps = steps
        self.head = head
        self._messages = messages
        self._plain = plain

    @property
    def current(self) -> Step:
        """The checkpoint under the cursor."""
        return self.steps[self.cursor]

    def row_count(self) -> int:
        return len(self.steps)

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        step = self.steps[index]
        here = step.checkpoint_id == self.head
        kind = "strong" if here else ""
        left: list[Piece] = [(("* " if self._plain else "● ") if here else "  ", "sign")]
        cells = _cells(step, width)
        left += [(cells[0], "muted"), (cells[1], kind), (cells[2], "muted"), (cells[3], "sign")]
        message = self._messages.get(step.node_id or "")
        if message is not None:
            who = "you: " if message.role == "user" else ""
            left += [(who, "user"), (clean_line(message.text, 200), kind)]
        elif step.node_id is None:
            left.append(("before the first message", "muted"))
        else:
            left.append(("a deleted message", "muted"))
        return left, [(_tail(step, width), "muted")]


#: Widths of step, source, time and next.
_WIDTHS = (6, 8, 11, 12)


def _cells(step: Step, width: int) -> list[str]:
    number = "" if step.step is None else str(step.step)
    moment = labels.parse_time(step.created_at)
    time = f"{moment.astimezone():%H:%M:%S}" if moment else ""
    following = ", ".join(name.strip("_") for name in step.next) or "-"
    cells = (f"{number:>4}", step.source, time, following)
    if width < 76:
        # The screen is small: what the message says matters more than when it came.
        cells = (f"{number:>4}", step.source, "", following)
    return [
        f"{labels.fit(cell, room - 1):<{room}}" if cell or column != 2 else ""
        for column, (cell, room) in enumerate(zip(cells, _WIDTHS, strict=True))
    ]


def _tail(step: Step, width: int) -> str:
    # Ids of one time begin alike: their end tells them apart.
    name = f"…{step.checkpoint_id[-6:]}"
    return f"{name}  {labels.size(step.bytes):>8}" if width >= 60 else f"{labels.size(step.bytes):>8}"


def head_line(width: int) -> str:
    """Return the names of the columns, at their places."""
    names = ("step", "source", "time", "next")
    cells = [
        f"{name:>4}".ljust(room) if name == "step" else name.ljust(room)
        for name, room in zip(names, _WIDTHS, strict=True)
    ]
    if width < 76:
        del cells[2]
    left = f"   {''.join(cells)}ends with"
    right = f"{'id':<7}  {'size':>8} " if width >= 60 else f"{'size':>8} "
    return left + right.rjust(width + 2 - len(left))


class StateScreen(ModalScreen[None]):
    """The state at one checkpoint, to read.

    Args:
        step: The checkpoint.
        text: Its state, as JSON.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,space,q", "dismiss", "Close")]

    def __init__(self, step: Step, text: str) -> None:
        super().__init__()
        self._step = step
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -large", id="state-dialog"):
            with VerticalScroll(id="state"):
                yield Static(Content(self._text), markup=False)
            yield Static(key_hints(("↑↓", "Scroll"), ("Esc", "Close")), markup=False, classes="hint")

    def on_mount(self) -> None:
        dialog = self.query_one("#state-dialog")
        dialog.border_title = Content(f"State at {clean_line(self._step.checkpoint_id, 60)}")
        dialog.border_subtitle = labels.exact_time(self._step.created_at)
        self.query_one("#state").focus()


def state_text(state: Mapping[str, Any]) -> str:
    """Return a state as JSON to read: clean, and not longer than the screen can hold."""
    text = clean(json.dumps(state, indent=2, ensure_ascii=False))
    if len(text) > MOST_SHOWN:
        text = f"{text[:MOST_SHOWN]}\n… {labels.plural(len(text) - MOST_SHOWN, 'character')} more"
    return text


class TimelineScreen(ModalScreen[Choice | None]):
    """Gives the checkpoint to fork or to regenerate from, None for none.

    Args:
        steps: The checkpoints, oldest first; at least one.
        messages: The thread's messages by their node.
        head: The head's checkpoint.
        read: Reads the state at a checkpoint.
    """

    CSS_PATH = "timeline.tcss"

    def __init__(
        self,
        steps: Sequence[Step],
        messages: Mapping[str, Message],
        head: str | None,
        read: Callable[[str], Awaitable[Mapping[str, Any]]],
        *,
        plain: bool = False,
    ) -> None:
        super().__init__()
        self._rows = TimelineRows(steps, messages, head, plain=plain)
        self._read = read

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="timeline-dialog"):
            yield Static("", id="timeline-head", markup=False)
            yield self._rows
            hints = (("Enter", "State"), ("f", "Fork here"), ("r", "Regenerate"), ("Esc", "Close"))
            yield Hint(*hints)

    def on_mount(self) -> None:
        dialog = self.query_one("#timeline-dialog")
        dialog.border_title = "Timeline"
        dialog.border_subtitle = labels.plural(len(self._rows.steps), "checkpoint")
        # As high as its rows, and never higher than the screen: the keys below stay in view.
        dialog.styles.height = self._rows.row_count() + 6
        steps = self._rows.steps
        here = next((i for i, step in enumerate(steps) if step.checkpoint_id == self._rows.head), len(steps) - 1)
        self._rows.rows_changed(here)
        self._rows.focus()
        self.call_after_refresh(self._show_head)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_head)

    def _show_head(self) -> None:
        width = self._rows.scrollable_content_region.width
        self.query_one("#timeline-head", Static).update(Content(head_line(width - 2)))

    async def on_rows_chosen(self, event: Rows.Chosen) -> None:
        step = self._rows.current
        try:
            state = await self._read(step.checkpoint_id)
        except ChatuiError as error:
            self.notify(clean_line(str(error), 400), severity="error", markup=False)
            return
        self.app.push_screen(StateScreen(step, state_text(state)))

    def action_fork(self) -> None:
        self.dismiss(Choice(self._rows.current))

    def action_regenerate(self) -> None:
        if self._rows.current.node_id is None:
            self.notify("This checkpoint ends with no message: there is nothing to answer.", markup=False)
            return
        self.dismiss(Choice(self._rows.current, regenerate=True))
