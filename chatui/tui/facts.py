"""The facts in the status line: place, tokens, speed, turn, branch, user, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.conversation.context import estimate_text
from chatui.conversation.library import DEFAULT_USER
from chatui.conversation.tree import Message
from chatui.tui import figures
from chatui.tui.message import alternatives_sign
from chatui.tui.replies import Reply

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen


def gauge(used: int, limit: int | None, *, exact: bool) -> str:
    """Return how much of a context is used: "1,234/8,192 tokens", with a ~ where it is estimated."""
    return f"{'' if exact else '~'}{used:,}{f'/{limit:,}' if limit else ''} tokens"


class Facts:
    """What the status line says of the open thread, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen

    def of(self) -> list[str]:
        """Return the facts of the open thread, the most important first."""
        screen = self._screen
        at = screen.transcript.selected if screen.transcript.has_focus else screen.conversation.head()
        reply = screen.reply
        fork = screen.travel.fork_place()
        count = screen.transcript.count
        return [
            f"{count} × r" if count else "",
            "read-only" if screen.library.read_only else "",
            screen.conversation.owner if screen.conversation.owner != DEFAULT_USER else "",
            self._place(at, reply),
            self._tokens(reply),
            self._speed(reply),
            f"turn {(at.depth + 1) // 2}" if at else "",
            f"fork at #{fork}" if fork else "",
            screen.travel.copied_at(),
            screen.conversation.memory.strategy()[0],
            self._first_token(reply),
        ]

    @staticmethod
    def _place(at: Message | None, reply: Reply | None) -> str:
        if reply is not None and reply.sign and reply.started:
            return f"#{reply.started.prompt.depth + 1} {reply.sign}"
        return f"#{at.depth} {alternatives_sign(at)}".strip() if at else ""

    def _tokens(self, reply: Reply | None) -> str:
        """How much of the context is used: estimated while something is written and while it is asked, as counted afterwards."""
        if reply is not None:
            asked = reply.asked
            return gauge(asked.estimated_tokens + reply.pieces, asked.context_length, exact=False) if asked else ""
        answer = self._last_answer()
        used, exact = figures.used(answer) if answer else (0, True)
        limit = answer.sent.context_length if answer and answer.sent else None
        screen = self._screen
        written = screen.prompt.text.strip()
        if written and screen.turns.editing is None:
            return gauge(used + estimate_text(written), limit, exact=False)
        return gauge(used, limit, exact=exact) if used else ""

    def _speed(self, reply: Reply | None) -> str:
        if reply is not None:
            return f"~{reply.speed:.0f} tok/s" if reply.speed else ""
        answer = self._last_answer()
        rate = figures.speed(answer) if answer else None
        return f"{figures.shown(rate)} tok/s" if rate is not None else ""

    def _first_token(self, reply: Reply | None) -> str:
        answer = self._last_answer() if reply is None else None
        return figures.first_token(answer) if answer else ""

    def _last_answer(self) -> Message | None:
        return next((m for m in reversed(self._screen.transcript.records) if m.role == "assistant"), None)
