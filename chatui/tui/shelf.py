"""Threads and their models: new, rename, delete and undo, pin; and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from chatui.conversation.tree import Thread
from chatui.errors import ChatuiError, NoModel
from chatui.models import parse_ref
from chatui.tui import labels

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen
    from chatui.tui.turns import Handler


class Shelf:
    """The threads, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._deleted: dict[str | None, list[str]] = {}  # by the user who deleted them
        self._picked: dict[str, str] = {}
        self._chosen: str | None = None

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {
            "thread.list": self._list,
            "pane.next": lambda _: self.next_pane(1),
            "pane.previous": lambda _: self.next_pane(-1),
            "thread.new": self._new,
            "thread.rename": lambda text: self._rename(self._open_thread(), text),
            "thread.delete": lambda _: self._delete(self._open_thread()),
            "thread.undo_delete": self._undo,
            "thread.pin": lambda _: self._pin(self._open_thread()),
            "threads.close": lambda _: self._screen.prompt_focus(),
            "threads.rename": lambda _: self._rename(self._screen.threads.rows.current, ""),
            "threads.delete": lambda _: self._delete(self._screen.threads.rows.current),
            "threads.undo": self._undo,
            "threads.pin": lambda _: self._pin(self._screen.threads.rows.current),
            "model.pick": self._pick_model,
        }

    def _open_thread(self) -> Thread | None:
        thread = self._screen.conversation.thread()
        if thread is None:
            self._screen.say("This thread is not saved yet: it has no message.", severity="information")
        return thread

    # Threads

    def _list(self, _text: str = "") -> None:
        threads = self._screen.threads
        if threads.has_focus_within:
            self._screen.prompt_focus()
            return
        threads.add_class("-open")
        threads.query_one("#filter").focus()

    def next_pane(self, step: int) -> None:
        """Put the focus into the next pane that is on the screen."""
        screen = self._screen
        threads, tree = screen.threads, screen.travel.tree.pane if screen.travel.tree else None
        panes = [
            (screen.prompt, screen.prompt.has_focus),
            (screen.offer, screen.offer.has_focus),
            (screen.transcript, screen.transcript.has_focus),
        ]
        if tree is not None:
            panes.append((tree.rows, tree.has_focus_within))
        if threads.display:
            panes.append((threads.rows, threads.has_focus_within))
        shown = [(pane, focused) for pane, focused in panes if focused or pane.display]
        place = next((index for index, (_, focused) in enumerate(shown) if focused), 0)
        shown[(place + step) % len(shown)][0].focus()

    async def _new(self, _text: str = "") -> None:
        await self._screen.open(None)

    def _rename(self, thread: Thread | None, title: str) -> None:
        # Imported here, as the first paint has no dialog.
        from chatui.tui.dialogs import AskLine

        if thread is None:
            return
        screen = self._screen

        async def named(answer: str | None) -> None:
            if not answer:
                return
            try:
                await screen.library.rename(thread.thread_id, answer)
            except ChatuiError as error:
                screen.say(error)
            screen.refresh_threads()
            screen.show_state()

        if title:
            screen.run_worker(named(title))
        else:
            screen.app.push_screen(AskLine("Rename", thread.title), named)

    async def _delete(self, thread: Thread | None) -> None:
        if thread is None:
            return
        screen = self._screen
        await screen.chat.replies.stop(thread.thread_id)
        await screen.library.delete(thread.thread_id)
        self._deleted.setdefault(screen.library.user, []).append(thread.thread_id)
        title = labels.fit(thread.title, 40) or labels.UNTITLED
        screen.say(f"“{title}” is deleted. u in the list, or /undo, brings it back.", severity="information")
        if thread.thread_id == screen.thread_id:
            focused = screen.threads.has_focus_within
            await screen.open(None)
            if focused:
                self._list()
                screen.threads.rows.focus()
        screen.refresh_threads()

    async def _undo(self, _text: str = "") -> None:
        deleted = self._deleted.get(self._screen.library.user)
        if not deleted:
            self._screen.say("Nothing was deleted since the start.", severity="information")
            return
        thread = await self._screen.library.restore(deleted.pop())
        self._screen.refresh_threads()
        self._screen.say(f"“{labels.fit(thread.title, 40) or labels.UNTITLED}” is back.", severity="information")

    async def _pin(self, thread: Thread | None) -> None:
        if thread is not None:
            await self._screen.library.pin(thread.thread_id, not thread.pinned)
            self._screen.refresh_threads()

    # Models

    @property
    def asked_model(self) -> str | None:
        """The model that was picked here or on the command line, None to let the library choose."""
        return self._picked.get(self._screen.thread_id)

    @property
    def model(self) -> str | None:
        """The model that answers next, as far as known."""
        screen = self._screen
        return self.asked_model or screen.conversation.model() or screen.library.config.model or self._chosen

    def use(self, model: str) -> None:
        """Let a model answer in the open thread."""
        self._picked[self._screen.thread_id] = model

    async def find_model(self) -> NoModel | None:
        """Find out who would answer in a new thread. Returns the error where nobody would."""
        try:
            self._chosen = str(await self._screen.library.models.choose(self._screen.library.default_model()))
        except NoModel as error:
            return error
        except ChatuiError as error:
            self._screen.say(error)
        self._screen.show_state()
        return None

    async def _pick_model(self, text: str = "") -> None:
        from chatui.tui.users import for_whom

        text, for_user = for_whom(text)
        library, user = self._screen.library, self._screen.conversation.owner

        async def picked(model: str | None) -> None:
            if not model:
                return
            try:
                model = str(parse_ref(model))
                if for_user:
                    await library.set_default_model(user, model)
                    self._screen.say(f"In new threads of {user} answers {model}.", severity="information")
                else:
                    self.use(model)
                if not for_user and self._screen.conversation.thread() is not None:
                    await library.set_model(self._screen.thread_id, model)
            except ChatuiError as error:
                self._screen.say(error)
            self._screen.refresh_threads()
            self._screen.show_state()

        if text:
            await picked(text)
        else:
            self.pick(f"Model of {user}'s new threads" if for_user else "Model of this thread", picked)

    def pick(self, purpose: str, picked: Callable[[str | None], Awaitable[None]], wanted: str = "") -> None:
        """Ask for a model; one that is wanted is fetched at once."""
        from chatui.tui.models import Favourites, ModelPicker

        library = self._screen.library
        favourites = Favourites(library.favourite_models, library.set_favourite_model)
        picker = ModelPicker(library.models, favourites, self.model, purpose, wanted, plain=self._screen.plain)
        self._screen.app.push_screen(picker, picked)
