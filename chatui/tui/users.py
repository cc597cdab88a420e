"""Users on the main screen: who there is, and going on as another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from chatui.conversation.library import DEFAULT_USER, User
from chatui.errors import UsageError
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.dialogs import AskLine, Confirm, Hint
from chatui.tui.keys import bindings
from chatui.tui.rows import Piece, Rows

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen
    from chatui.tui.turns import Handler

_FOR_USER = "--user"
_LONGEST = 100


def for_whom(text: str) -> tuple[str, bool]:
    """Part what follows a slash command from the word that says that it is for the user, not for the thread."""
    words = text.split()
    return (" ".join(word for word in words if word != _FOR_USER), True) if _FOR_USER in words else (text, False)


class Picked(msgspec.Struct, frozen=True):
    """Who was chosen: None for everyone. `new` where the name was typed as a new one."""

    user: str | None
    new: bool = False


class UserRows(Rows):
    """One row a user; above them one for everyone."""

    def __init__(self, users: Sequence[User], current: str | None, *, plain: bool = False) -> None:
        super().__init__(id="user-rows")
        self.users = list(users)
        self._current = current
        self._plain = plain

    def user_at(self, index: int) -> str | None:
        """Return the user of a row, None for everyone."""
        return self.users[index - 1].user if index else None

    def row_count(self) -> int:
        return len(self.users) + 1

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        if index:
            user = self.users[index - 1]
            name, threads, messages = clean_line(user.user, _LONGEST), user.threads, user.messages
        else:
            name = "Everyone's threads"
            threads, messages = sum(user.threads for user in self.users), sum(user.messages for user in self.users)
        here = self.user_at(index) == self._current
        sign = "" if not here else "> " if self._plain else "› "
        counts = f"{labels.plural(threads, 'thread')}, {labels.plural(messages, 'message')}"
        return [(sign, "sign"), (name, "strong" if here else "")], [(counts, "muted")]


class UserPicker(ModalScreen[Picked | None]):
    """Gives the user to go on as, None where nobody was chosen.

    Args:
        users: Who there is.
        current: Who it is now, None for everyone.
        about: A sentence more.
        plain: Whether nothing is drawn that a screen reader would have to spell.
    """

    CSS_PATH = "lists.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("users")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall"), (36, "-high")]  # noqa: RUF012

    def __init__(self, users: Sequence[User], current: str | None, about: str, *, plain: bool = False) -> None:
        super().__init__()
        self._rows = UserRows(users, current, plain=plain)
        self._first = next((i for i in range(self._rows.row_count()) if self._rows.user_at(i) == current), 0)
        self._about = about

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield self._rows
            yield Static(Content(self._about), id="user-about", markup=False)
            yield Hint(("Enter", "Switch"), ("n", "New user"), ("Esc", "Close"))

    def on_mount(self) -> None:
        self.query_one(".dialog").border_title = "Users"
        self._rows.focus()
        self._rows.rows_changed(self._first)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self.dismiss(Picked(self._rows.user_at(event.index)))

    def action_new_user(self) -> None:
        """Ask for the name of a new user."""

        def named(name: str | None) -> None:
            if name:
                self.dismiss(Picked(name, new=True))

        self.app.push_screen(AskLine("Name of the new user"), named)


class Users:
    """Going on as another user, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._been: set[str | None] = set()

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {"user.switch": self._open}

    async def _open(self, text: str = "") -> None:
        screen = self._screen
        if text:
            await self._choose(Picked(text))
            return
        about = "Threads, memories, defaults and drafts of each user are apart."
        if screen.library.all_users:
            about += " The list shows everyone's threads, as --all-users says."

        async def picked(choice: Picked | None) -> None:
            if choice is not None:
                await self._choose(choice)

        users = self._users()
        screen.app.push_screen(UserPicker(users, screen.library.user, about, plain=screen.plain), picked)

    def _users(self) -> list[User]:
        """Who there is, and who was here since the start without having anything yet."""
        found = {user.user: user for user in self._screen.library.users()}
        for name in {*self._been, self._screen.library.user} - {None}:
            found.setdefault(str(name), User(str(name), 0, 0))
        return [found[name] for name in sorted(found)]

    async def _choose(self, choice: Picked) -> None:
        """Go on as who was chosen; a name that nobody has yet is asked about first."""
        screen, name = self._screen, choice.user
        known = {user.user for user in self._users()} | {DEFAULT_USER, None}
        if name not in known:
            name = clean_line(name or "", _LONGEST)
            if not name:
                raise UsageError("A user needs a name.", "Type one, or /user alone for the list.")
        if name in known:
            await self._switch(name)
        elif screen.library.read_only:
            screen.say(f"There is no user “{name}”, and a file that is read-only takes no new one.")
        elif choice.new:
            await self._switch(name)
        else:

            async def answered(yes: bool | None) -> None:
                if yes:
                    await self._switch(name)

            text = f"There is no user “{name}” yet. The first message makes the first thread."
            screen.app.push_screen(Confirm("New user?", text, f"Go on as {labels.fit(name or '', 30)}"), answered)

    async def _switch(self, user: str | None) -> None:
        screen, library = self._screen, self._screen.library
        if user == library.user:
            screen.say(_told(user, "already"), severity="information")
            return
        await screen.drafts.keep()
        self._been |= {library.user, user}
        library.switch_user(user)
        screen.threads.clear()
        await screen.open(None)
        screen.refresh_threads("", 0)
        screen.show_state()
        going = screen.chat.replies.threads()
        more = f" {labels.plural(len(going), 'reply goes', 'replies go')} on." if going else ""
        screen.say(f"{_told(user, 'now')}{more}", severity="information")
        await screen.shelf.find_model()


def _told(user: str | None, when: str) -> str:
    if user is None:
        return f"Everyone's threads are listed {when}; new ones belong to “{DEFAULT_USER}”."
    return f"You are “{clean_line(user, 40)}” {when}."
