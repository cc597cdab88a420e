"""The application: themes, keys, running replies, the first run, and quitting so that nothing is lost."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.driver import Driver
from textual.events import Event as TextualEvent
from textual.events import InputEvent
from textual.widgets import TextArea

from chatui import models
from chatui.config import Config
from chatui.conversation.events import Event
from chatui.conversation.library import Library
from chatui.errors import ChatuiError, ConfigError, NoModel
from chatui.text import clean_line
from chatui.tui import keys, labels, themes
from chatui.tui.chat import ChatScreen
from chatui.tui.commands import ChatCommands
from chatui.tui.hangup import watched
from chatui.tui.replies import Refused, Replies, Reply
from chatui.tui.turns import Handler

#: What a turn needs and the first paint does not: imported in a thread once the screen is there.
STACK = ("chatui.conversation.turn", "chatui.conversation.places", "chatui.models.preload")
#: Parsing a rule costs a tenth of a millisecond: what no widget of the first paint needs is read behind it.
LATER_CSS = [Path(__file__).with_name(name) for name in ("later.tcss", "dialogs.tcss")]
#: Two presses of Ctrl+C within so many seconds quit.
TWICE = 2.0
#: Seconds between two words on how far the index is; after a key, in which indexing goes slowly; and of its pauses then.
TOLD_EVERY, TYPING, BREATH = 0.5, 0.5, 0.05


class ChatApp(App[int], inherit_bindings=False, inherit_css=False):
    """The application.

    Args:
        library: The threads.
        config: The config file's values.
        thread: The thread to open first; None for the one that was viewed last.
        new: Begin a new thread.
        model: The model for the first thread that is opened.
        theme: A theme's name; None for the config's.
        plain: For screen readers: no lines, no signs that only look.
    """

    TITLE = "chatui"
    # All rules are ours: to read Textual's own for applications and screens would hold up the first paint.
    # Absolute: a subclass in another folder would look for them there. Of a default screen Textual loads no stylesheet, so the
    # main screen's is here too.
    CSS_PATH = Path(__file__).with_name("chat.tcss")
    BINDINGS = keys.bindings("app")
    COMMANDS: ClassVar = {ChatCommands}
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "f12"  # ours is a binding of the main screen

    def __init__(
        self,
        library: Library,
        config: Config,
        *,
        thread: str | None = None,
        new: bool = False,
        model: str | None = None,
        theme: str | None = None,
        plain: bool = False,
    ) -> None:
        wanted = theme or config.theme or themes.preferred()
        self._themes, bad_themes = themes.find(only=wanted)
        # The others are read once the screen is there, unless this one is not where its name says.
        self._all_themes = wanted not in self._themes
        if self._all_themes:
            self._themes, bad_themes = themes.find()
        self._painted = self._themed = False
        super().__init__()
        if plain:
            self.css_path = [*self.css_path, *LATER_CSS]
        self.library = library
        self.config = config
        self.plain = plain
        self._model = model
        last = None if new or thread else library.last_viewed()
        self._first = thread or (last.thread_id if last else None)
        self._new = new
        self._last_interrupt = -TWICE
        self._last_key = -TYPING
        self.stack_ready = asyncio.Event()
        self.replies = Replies(self.run_worker, self._tell, self.stack_ready)
        self.problems: list[ChatuiError] = list(bad_themes)
        for found in self._themes.values():
            self.register_theme(found)
        self._choose_theme(theme or config.theme)
        self._choose_keys()

    def _choose_theme(self, name: str | None) -> None:
        if name and name not in self.available_themes:
            known = ", ".join(sorted(self._themes))
            self.problems.append(ConfigError(f'There is no theme "{clean_line(name, 60)}".', f"There are {known}."))
            name = None
        self.theme = name or themes.preferred()
        self._themed = True
        # Before the first parse of any stylesheet, so that all of it is parsed once, in the colours of this theme.
        self.stylesheet.set_variables(self.get_css_variables())

    def refresh_css(self, animate: bool = True) -> None:
        """Apply a theme that was chosen while the program runs; the first one is in force from the start."""
        if self._painted:
            super().refresh_css(animate)

    def _choose_keys(self) -> None:
        if problem := keys.problem(self.config.keys):
            self.problems.append(problem)
        unknown = keys.unknown(self.config.keys)
        self.set_keymap({name: key for name, key in self.config.keys.items() if name not in unknown})

    def get_css_variables(self) -> dict[str, str]:
        # Textual asks once before there is a theme; `_choose_theme` sets them.
        return super().get_css_variables() if self._themed else {}

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variables(self.current_theme)

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {
            "help.open": self._help,
            "messages.help": self._help,
            "threads.help": self._help,
            "palette.open": lambda _: self.action_command_palette(),
            "app.quit": self._quit,
            "app.copy_or_stop": self._copy_or_stop,
            "app.suspend": lambda _: self.action_suspend_process(),
            "theme.pick": self._pick_theme,
        }

    async def action_do(self, action_id: str) -> None:
        """Carry out an action of the table that acts over every dialog too."""
        await self.chat_screen.action_do(action_id)

    # Start

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        # Without its private parser, a later Textual still has a keyboard.
        with suppress(ImportError):
            from chatui.tui.keyboard import guard

            guard(driver)
        return driver

    def get_default_screen(self) -> ChatScreen:
        """Return the main screen. A screen pushed over an empty one would be laid out and painted twice."""
        self.chat_screen = ChatScreen(self._first, plain=self.plain)
        return self.chat_screen

    def on_mount(self) -> None:
        self.call_after_refresh(self._started)

    def _started(self) -> None:
        """The first paint is done: now what it did not need."""
        self._painted = True
        if not self.plain:
            self.stylesheet.read_all(LATER_CSS)
            self.stylesheet.parse()
            self.chat_screen.around.restyle()
        if self._model:
            # Only now is the first thread open.
            self.chat_screen.shelf.use(self._model)
            self.chat_screen.show_state()
        for problem in self.problems:
            self.chat_screen.say(problem)
        self.run_worker(self._prepare(), group="start", exit_on_error=False)

    async def _prepare(self) -> None:
        """Read the other themes, import what a turn needs, see who answers, and index what other programs wrote."""
        screen = self.chat_screen
        await screen.travel.reopen_tree()
        if not self._all_themes:
            self._themes, bad_themes = await asyncio.to_thread(themes.find)
            for found in self._themes.values():
                self.register_theme(found)
            for problem in bad_themes:
                screen.say(problem)
        try:
            for name in STACK:
                await asyncio.to_thread(import_module, name)
        except Exception as error:
            what = clean_line(f"{type(error).__name__}: {error}", 200)
            screen.say(ChatuiError(f"A part of chatui cannot be loaded: {what}.", "`chatui doctor` tells more."))
            return
        finally:
            # What was made until here lives as long as the program, and there is much of it: the collector, which was off (see
            # chatui/__main__.py), would keep a key waiting while it looks at it.
            gc.freeze()
            gc.enable()
            self.stack_ready.set()
        missing = await screen.shelf.find_model()
        if missing is not None and screen.shelf.model is None:
            self.welcome(missing)
        await self._index()

    async def _index(self) -> None:
        """Index what other programs wrote, so that no key waits for it. The list shows what is there as the screen looks for it."""
        screen, around = self.chat_screen, self.chat_screen.around
        shown = screen.conversation
        told = resumed = time.monotonic()
        try:
            async for done, total in self.library.catch_up(gentle=True):
                now = time.monotonic()
                if not around.progress or now - told > TOLD_EVERY:
                    told = now
                    around.tell_progress(f"indexing {done:,} of {total:,} threads")
                # Decoding keeps the interpreter for itself: half of the time is left to others, and more while keys come.
                typing = now - self._last_key < TYPING
                await asyncio.sleep(BREATH if typing else min(now - resumed, BREATH))
                resumed = time.monotonic()
        except ChatuiError as error:
            screen.say(error)
        if around.progress:
            around.tell_progress("")
            screen.refresh_threads()
            screen.refresh_branch()
            if self._first is None and not self._new and screen.untouched(shown):
                # The file was not indexed when the screen was painted: what it should have begun with is known now.
                last = self.library.last_viewed()
                await screen.open(last.thread_id if last else None)

    async def on_event(self, event: TextualEvent) -> None:
        if isinstance(event, InputEvent):
            self._last_key = time.monotonic()
        await super().on_event(event)

    def welcome(self, why: NoModel) -> None:
        """Open the first-run screen, once."""
        from chatui.tui.welcome import Demo, WelcomeScreen

        if any(isinstance(screen, WelcomeScreen) for screen in self.screen_stack):
            return
        demo = Demo(
            str(models.DEMO_MODEL), models.DEMO_MODEL_BYTES, models.DEMO_MODEL_LICENCE, models.embedded_available()
        )

        def pull() -> AsyncGenerator[models.PullProgress]:
            return self.library.models.pull(models.DEMO_MODEL)

        async def ready() -> bool:
            return await self.chat_screen.shelf.find_model() is None

        self.push_screen(WelcomeScreen(why, demo, pull, ready), lambda _: self.chat_screen.prompt_focus())

    # Replies

    def _tell(self, reply: Reply, event: Event | Refused) -> None:
        self.chat_screen.post_message(ChatScreen.ReplyNews(reply, event))

    # Actions

    # The dialogs are imported when they are opened: the first paint has none.

    def _help(self, _text: str = "") -> None:
        from chatui.tui.help import HelpScreen, part_of

        if isinstance(self.screen, HelpScreen):
            # Its key stands over every dialog, so it closes the page too.
            self.screen.dismiss()
        else:
            self.push_screen(HelpScreen(self.config.keys, part_of(self.screen_stack)))

    def _pick_theme(self, name: str = "") -> None:
        if not name:
            self.search_themes()
        elif name in self.available_themes:
            self.theme = name
        else:
            self.chat_screen.say(f"There is no theme “{clean_line(name, 40)}”. /theme alone lists them.")

    async def _copy_or_stop(self, _text: str = "") -> None:
        screen = self.chat_screen
        selected = self.screen.get_selected_text()
        if isinstance(self.focused, TextArea) and self.focused.selected_text:
            selected = self.focused.selected_text
        now = time.monotonic()
        if selected:
            self.copy_to_clipboard(selected)
            self.screen.clear_selection()
            screen.say(
                f"{labels.plural(len(selected), 'character')} handed to the terminal's clipboard.",
                severity="information",
            )
        elif now - self._last_interrupt < TWICE:
            await self.leave()
        elif screen.reply is not None:
            self._last_interrupt = now
            await self.replies.stop(screen.thread_id)
        else:
            self._last_interrupt = now
            screen.say("Ctrl+C once more quits; so does Ctrl+Q.", severity="information")

    async def _quit(self, _text: str = "") -> None:
        from chatui.tui.dialogs import Confirm

        if isinstance(self.screen, Confirm):
            return
        count = len(self.replies.threads())
        if not count:
            await self.leave()
            return

        async def answered(yes: bool | None) -> None:
            if yes:
                await self.leave()

        text = f"{labels.plural(count, 'reply is', 'replies are')} streaming. What came so far is kept."
        if waits := sum(len(texts) for texts in self.replies.waiting.values()):
            text += f" {labels.plural(waits, 'message waits', 'messages wait')} to be sent, and will wait there again."
        await self.push_screen(Confirm("Quit", text, "Quit"), answered)

    async def leave(self) -> None:
        """Quit: keep the draft, stop replies and wait until what came of them is saved."""
        await self.chat_screen.drafts.keep()
        await self.replies.stop_all()
        self.exit(0)


def run(
    library: Library,
    config: Config,
    *,
    thread: str | None,
    new: bool,
    model: str | None,
    theme: str | None,
    plain: bool,
) -> int:
    """Run the application until it is quit, and close the library.

    Args:
        library: The threads, open.
        config: The config file's values.
        thread: The id of the thread to open; None for the one that was viewed last.
        new: Begin a new thread.
        model: The model for it.
        theme: A theme's name.
        plain: For screen readers.

    Returns:
        The exit code.
    """

    async def main() -> int:
        app = ChatApp(library, config, thread=thread, new=new, model=model, theme=theme, plain=plain)
        try:
            async with watched(app.leave):
                await app.run_async()
            return app.return_code or 0
        finally:
            await library.close()

    return asyncio.run(main())
