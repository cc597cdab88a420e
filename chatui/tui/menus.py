"""The menus above the prompt, and their keys: slash commands, and files to attach."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatui.conversation.files import Begun, Listing
    from chatui.tui.chat import ChatScreen
    from chatui.tui.menu import CommandMenu, FileMenu
    from chatui.tui.prompt import Prompt

#: Seconds that a key waits for the listing of what was typed just before it.
PATIENCE = 0.3


class Menus:
    """The menus, on behalf of the main screen. Each is made when it is first shown."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._commands: CommandMenu | None = None
        self._files: FileMenu | None = None
        self._begun: Begun | None = None  # the mention that the menu of files is for
        self._wanted: Begun | None = None  # the one to be listed next
        self._settled = asyncio.Event()  # what is shown is what was typed last
        self._settled.set()

    @property
    def _prompt(self) -> Prompt:
        return self._screen.prompt

    def typed(self, text: str, *, by_hand: bool) -> None:
        """Show what fits what is written.

        Args:
            text: All of it.
            by_hand: Whether a person wrote it, or it was put there: a draft, what is taken back. That opens no menu of files.
        """
        if self._commands is None and text.startswith("/"):
            from chatui.tui.menu import CommandMenu

            self._commands = CommandMenu()
            self._screen.around.put(self._commands)
        if self._commands is not None:
            self._commands.show_for(text)
        self._name_files(self._mention() if by_hand and "@" in text else None)
        self._say_open()

    def close(self) -> None:
        """Close what is open, until more is typed."""
        if self._commands is not None:
            self._commands.close()
        self._name_files(None)
        self._say_open()

    async def key(self, key: str) -> bool:
        """Take one of the prompt's keys, as `Prompt.MenuKey` tells them. Returns whether it was for a menu."""
        if self._is_behind():
            self.typed(self._prompt.text, by_hand=self._begun is not None)
            if key == "submit" and not self._prompt.menu_open:
                self._prompt.action_submit()
                return True
        if self._commands is not None and self._commands.display:
            self._command_key(self._commands, key)
            return True
        begun = self._begun
        if begun is None:
            return False
        try:
            await asyncio.wait_for(self._settled.wait(), PATIENCE)
        except TimeoutError:
            # What is shown is for what was written before.
            self.close()
            if key == "submit":
                self._prompt.action_submit()
            return True
        if self._files is None or not self._files.display:
            if key == "submit":
                # It was open when the key was pressed.
                self._prompt.action_submit()
            return key == "submit"
        self._file_key(self._files, begun, key)
        return True

    def _is_behind(self) -> bool:
        """Whether more is written than the menus were told: it came in one read with the key, as over a slow line."""
        if self._commands is not None and self._commands.display and self._commands.text != self._prompt.text:
            return True
        return self._begun is not None and self._begun != self._mention()

    def _say_open(self) -> None:
        opened = any(menu is not None and menu.display for menu in (self._commands, self._files))
        if opened != self._prompt.menu_open:
            self._prompt.menu_open = opened
            self._screen.around.show_keys()

    # Commands

    def _command_key(self, menu: CommandMenu, key: str) -> None:
        if key in {"up", "down"}:
            menu.action_cursor(-1 if key == "up" else 1)
            return
        entry = menu.current
        self._prompt.hold(f"/{entry.slash}" + (" " if entry.takes and key == "complete" else ""))
        self.close()
        if key == "submit":
            self._prompt.action_submit()

    # Files

    def _mention(self) -> Begun | None:
        from chatui.conversation.files import begun_at

        row, column = self._prompt.cursor_location
        return begun_at(self._prompt.document.get_line(row), column)

    def _name_files(self, begun: Begun | None) -> None:
        """List the files that a mention can become, in a thread: one at a time, the one that is typed last next."""
        if begun == self._begun:
            return
        self._begun = begun
        if begun is None:
            self._wanted = None
            self._settled.set()
            if self._files is not None:
                self._files.close()
            return
        self._settled.clear()
        self._wanted = begun
        if not any(worker.group == "files" and worker.is_running for worker in self._screen.workers):
            self._screen.run_worker(self._list(), group="files", exit_on_error=False)

    async def _list(self) -> None:
        from chatui.conversation.files import listing

        while (begun := self._wanted) is not None:
            self._wanted = None
            found = await asyncio.to_thread(listing, begun, Path(), lambda: self._wanted is not None)
            if begun == self._begun and self._wanted is None:
                self._show_files(found)

    def _show_files(self, found: Listing) -> None:
        if self._files is None:
            if not found.entries:
                self._settled.set()
                return
            from chatui.tui.menu import FileMenu

            self._files = FileMenu()
            self._screen.around.put(self._files)
        self._files.show(found)
        self._settled.set()
        self._say_open()

    def _file_key(self, menu: FileMenu, begun: Begun, key: str) -> None:
        if key in {"up", "down"}:
            menu.action_cursor(-1 if key == "up" else 1)
            return
        entry = menu.current
        if entry is None:
            return
        if key == "submit" and entry.name == begun.prefix and not entry.is_folder:
            # It is complete as it stands.
            self.close()
            self._prompt.action_submit()
            return
        self._prompt.complete(begun.start, begun.end, entry.written, ends=not entry.is_folder)
