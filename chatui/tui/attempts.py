"""Doing what may be refused: errors are told, and another program's older file is changed only where the person agrees."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from chatui.errors import ChatuiError, SchemaChange
from chatui.tui.dialogs import Confirm

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen

Act = Callable[[], Awaitable[None]]


async def attempt(screen: ChatScreen, act: Act) -> None:
    """Do something; tell the error it raises, or ask first where it would change the tables of another program's file.

    Args:
        screen: Where to tell and to ask.
        act: What to do. It is called again once the change was agreed to.
    """
    try:
        await act()
    except SchemaChange as error:
        ask_for_change(screen, error, act)
    except ChatuiError as error:
        screen.say(error)


def ask_for_change(screen: ChatScreen, error: SchemaChange, act: Act) -> None:
    """Ask whether another program's file may be changed; then change it and do what was refused."""

    async def answered(yes: bool | None) -> None:
        if not yes:
            return
        try:
            await screen.library.allow_schema_change()
        except ChatuiError as failed:
            screen.say(failed)
        else:
            await attempt(screen, act)

    text = f"{error.title}\n\nThe messages in it stay as they are."
    screen.app.push_screen(Confirm("Change this file?", text, "Change it and go on"), answered)
