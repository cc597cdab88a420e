"""The model picker: what every provider that answers has, filtered by typing; fetch, look at and remove models."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, ClassVar, Protocol

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static
from textual.worker import Worker

from chatui.errors import ChatuiError
from chatui.models import ModelInfo, ModelRef, PullMeter, PullProgress, parse_ref
from chatui.text import clean, clean_line
from chatui.tui import labels
from chatui.tui.dialogs import Confirm, Facts, Hint
from chatui.tui.keys import bindings
from chatui.tui.model_rows import ModelRows, found, sentence, typed
from chatui.tui.rows import Rows

NONE = "No model answers. Start Ollama, or fetch the demo model: type embedded:default and press Enter."
STAYS = "It is fetched only while this is open. Esc cancels it, and fetching it again goes on."


class Provider(Protocol):
    """What can be done with models, as `chatui.models.Models` does it."""

    async def list(self) -> Sequence[ModelInfo]:
        """Return what there is."""
        ...

    async def show(self, ref: ModelRef) -> dict[str, Any]:
        """Return what is known of a model."""
        ...

    def pull(self, ref: ModelRef) -> AsyncGenerator[PullProgress]:
        """Fetch a model."""
        ...

    async def remove(self, ref: ModelRef) -> None:
        """Remove a model."""
        ...


class Favourites(msgspec.Struct, frozen=True):
    """A person's favourites: read, and changed (a reference, and whether it is one)."""

    get: Callable[[], list[str]]
    change: Callable[[str, bool], Awaitable[None]]


class ModelPicker(ModalScreen[str | None]):
    """Gives the full reference of a model, None where nothing was picked.

    Args:
        models: The providers.
        favourites: The person's.
        current: The model that answers now.
        purpose: The title.
        wanted: The name of a model that is to be fetched at once.
        plain: Whether nothing is drawn that a screen reader would have to spell.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("models")
    CSS_PATH = "models.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012

    def __init__(
        self,
        models: Provider,
        favourites: Favourites,
        current: str | None,
        purpose: str = "Model",
        wanted: str = "",
        *,
        plain: bool = False,
    ) -> None:
        super().__init__()
        self._models = models
        self._favourites = favourites
        self._all: list[ModelInfo] = []
        self._loaded = False
        self._text = ""  # what is filtered by
        self._purpose = purpose
        self._wanted = wanted
        self._plain = plain
        self._rows = ModelRows(current, plain=plain)
        self._hint = Hint(lines=2)
        self._pull: Worker[None] | None = None
        self._pulled = ""
        # Kept, so that a pull that goes on does not begin from nothing on the screen.
        self._meters: dict[str, PullMeter] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="model-dialog"):
            yield Input(self._wanted, placeholder="Filter by name or ability, or a name to fetch", compact=True)
            yield self._rows
            yield Static("Asking what models there are …", id="model-empty", markup=False)
            yield Static("", id="model-facts", markup=False)
            yield Static("", id="model-said", markup=False)
            yield self._hint

    def on_mount(self) -> None:
        self.query_one("#model-dialog").border_title = self._purpose
        for name in ("#model-rows", "#model-facts", "#model-said"):
            self.query_one(name).display = False
        self.query_one(Input).focus()
        self._show_keys()
        self.run_worker(self._fill(self._rows.current_model), exit_on_error=False)

    # What is shown

    async def _fill(self, place: str | None) -> None:
        """Ask what there is, and put the cursor on a model."""
        try:
            self._all = list(await self._models.list())
            self._rows.favourites = self._favourites.get()
        except ChatuiError as error:
            self._say(str(error), error=True)
        self._loaded = True
        self._text = self.query_one(Input).value
        self._filter(place)
        if self._wanted:
            wanted, self._wanted = self._wanted, ""
            self._begin(parse_ref(wanted))

    def _filter(self, place: str | None = None) -> None:
        text, rows = self._text, self._rows
        models = found(self._all, text, rows.favourites)
        wanted = place or rows.current_model
        other = typed(self._all, text)
        names = (wanted.casefold(), f"{wanted}:latest".casefold()) if wanted else ()
        rows.fill(models, other, next((i for i, model in enumerate(models) if model.model.casefold() in names), 0))
        rows.display = rows.row_count() > 0
        empty = self.query_one("#model-empty", Static)
        empty.display = not rows.display
        empty.update("No model has this." if text.strip() and self._all else NONE)
        self._show_row()

    def _show_row(self) -> None:
        """Tell of the row under the cursor."""
        rows = self._rows
        count = len(rows.models)
        self.query_one("#model-dialog").border_subtitle = f"{rows.cursor + 1} / {count}" if rows.model else ""
        facts = self.query_one("#model-facts", Static)
        facts.display = rows.model is not None
        if rows.model is not None:
            facts.update(Content(sentence(rows.model)))
        self._show_keys()

    def _show_keys(self) -> None:
        rows = self._rows
        pairs = []
        if self._pull is None and rows.row_count():
            pairs.append(("Enter", "Choose" if rows.typed is None or rows.model or not rows.typed.fetch else "Fetch"))
        shown = {active.binding.id: active.binding for active in self.active_bindings.values()}
        idle = set() if self._pull is None else {"models.pull", "models.remove"}
        if rows.model is None:
            idle |= {"models.favourite", "models.details", "models.remove"}
        for name in ("models.favourite", "models.details", "models.pull", "models.remove", "models.close"):
            binding = shown.get(name)
            if binding is None or name in idle:
                continue
            title = "Cancel" if self._pull is not None and name == "models.close" else binding.description
            pairs.append((binding.key_display or self.app.get_key_display(binding), title))
        self._hint.show(*pairs)

    def _say(self, text: str, *, error: bool = False) -> None:
        said = self.query_one("#model-said", Static)
        said.display = bool(text)
        said.set_class(error, "-error")
        said.update(Content(clean(text)))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._loaded and event.value != self._text:
            self._text = event.value
            self._go_on()
            self._filter()

    def on_rows_moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._show_row()

    def _go_on(self) -> None:
        """The person goes on: what was said last is over, unless something is being fetched."""
        if self._pull is None:
            self._say("")

    def on_resize(self) -> None:
        if self._pull is not None:
            self._show_progress()

    # Choosing

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self._choose()

    def _choose(self) -> None:
        rows = self._rows
        if self._pull is not None:
            self._say(STAYS)
        elif (model := rows.model) is not None:
            if model.can_chat:
                self.dismiss(model.model)
            else:
                self._say(f"{model.model} cannot chat: it only makes embeddings.", error=True)
        elif rows.typed is not None:
            if rows.typed.fetch:
                self.action_pull()
            else:
                self.dismiss(str(rows.typed.ref))

    # Keys

    def action_move(self, step: int) -> None:
        self._go_on()
        self._rows.action_cursor(step)

    def action_move_page(self, step: int) -> None:
        self._go_on()
        self._rows.action_cursor_page(step)

    def action_close(self) -> None:
        if self._pull is None:
            self.dismiss(None)
        else:
            self._pull.cancel()

    async def action_favourite(self) -> None:
        model = self._rows.model
        if model is None:
            return
        on = model.model not in self._rows.favourites
        try:
            await self._favourites.change(model.model, on)
            self._rows.favourites = self._favourites.get()
        except ChatuiError as error:
            self._say(str(error), error=True)
        else:
            self._filter(model.model)

    async def action_details(self) -> None:
        model = self._rows.model
        if model is None:
            return
        try:
            known = await self._models.show(parse_ref(model.model))
        except ChatuiError as error:
            self._say(str(error), error=True)
        else:
            self.app.push_screen(Facts(f"Model {clean_line(model.model, 60)}", _facts(known)))

    def action_remove(self) -> None:
        model = self._rows.model
        if model is None or self._pull is not None:
            return
        name = clean_line(model.model, 100)

        async def answered(yes: bool | None) -> None:
            if not yes:
                return
            try:
                await self._models.remove(parse_ref(model.model))
            except ChatuiError as error:
                self._say(str(error), error=True)
                return
            await self._fill(None)
            self._say(f"{name} is removed.")

        freed = f" That frees {labels.size(model.size)}." if model.size else ""
        text = (
            f"Remove {name} from the disk?{freed} What it has written in your threads stays. It can be fetched again."
        )
        self.app.push_screen(Confirm("Remove this model?", text, "Remove it"), answered)

    # Fetching

    def action_pull(self) -> None:
        rows = self._rows
        if self._pull is not None:
            return
        if rows.typed is not None and rows.typed.fetch:
            ref = rows.typed.ref
        elif rows.model is not None:
            ref = parse_ref(rows.model.model)
        else:
            self._say("Type the name of a model to fetch, such as llama3.2.")
            return
        self._begin(ref)

    def _begin(self, ref: ModelRef) -> None:
        self._pull = self.run_worker(self._fetch(ref), exit_on_error=False)
        self._show_keys()

    async def _fetch(self, ref: ModelRef) -> None:
        self._pulled = clean_line(labels.short_model(str(ref)), 60)
        meter = self._meters.setdefault(str(ref), PullMeter())
        meter.begin()
        ended, failed = "", False
        self._show_progress(meter)
        try:
            async with aclosing(self._models.pull(ref)) as steps:
                async for step in steps:
                    meter.take(step)
                    self._show_progress(meter)
            self._meters.pop(str(ref))
            ended = f"{self._pulled} is here."
        except ChatuiError as error:
            ended, failed = str(error), True
        finally:
            # Cancelled, too.
            self._pull = None
            if self.is_attached:
                self._say(ended or f"Cancelled. What came of {self._pulled} is kept: fetching it again goes on.")
                self._show_keys()
        if failed:
            self._say(ended, error=True)
            return
        self.query_one(Input).value = ""
        await self._fill(str(ref))
        self._say(f"{ended} Enter chooses it.")

    def _show_progress(self, meter: PullMeter | None = None) -> None:
        meter = meter or next(reversed(self._meters.values()), None)
        if meter is not None:
            width = self.query_one("#model-dialog").content_size.width
            self._say(progress(self._pulled, meter, width, plain=self._plain))


def progress(name: str, meter: PullMeter, width: int, *, plain: bool = False) -> str:
    """Return how far a pull is: what, a bar, and the figures, on two lines."""
    head = labels.fit(f"Fetching {name}: {clean_line(meter.status, 60) or 'asking'}", max(width, 10))
    if meter.fraction is None:
        return head
    facts = [f"{labels.size(meter.completed)} of {labels.size(meter.total)}"]
    if (speed := meter.speed) is not None:
        facts.append(f"{labels.size(round(speed))}/s")
    if (left := meter.seconds_left) is not None:
        facts.append(f"{labels.seconds(left)} left")
    # Rounded down: it is whole only when it is whole.
    figures = f"{int(meter.fraction * 100):3}%  " + "  ".join(facts)
    room = width - len(figures) - 2
    if plain or room < 6:
        return f"{head}\n{figures.strip()}"
    size = min(room, 30)
    filled = int(meter.fraction * size)
    return f"{head}\n{'━' * filled}{'─' * (size - filled)} {figures}"


def _facts(known: dict[str, Any]) -> list[tuple[str, str]]:
    """What is known of a model, as lines: a text of several lines has a line each."""
    facts: list[tuple[str, str]] = []
    for key, value in known.items():
        name = clean_line(str(key), 40).replace("_", " ").capitalize()
        if key == "size" and isinstance(value, int):
            text = labels.size(value)
        elif isinstance(value, list | tuple):
            text = ", ".join(str(item) for item in value)
        elif isinstance(value, int) and not isinstance(value, bool):
            text = f"{value:,}"
        else:
            text = "" if value is None else clean(str(value))
        for line in text.splitlines():
            for at in range(0, len(line), 180):
                facts.append((name, line[at : at + 180]))
                name = ""
    return facts
