"""The model picker: what every provider that answers has, filtered by typing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from chatui.models import ModelInfo
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.dialogs import key_hints
from chatui.tui.rows import Piece, Rows


class ModelRows(Rows, can_focus=False):
    """The rows; the filter keeps the focus and moves them."""

    def __init__(self, current: str | None) -> None:
        super().__init__(id="model-rows", classes="-active")
        self.models: list[ModelInfo] = []
        self.current_model = current

    def row_count(self) -> int:
        return len(self.models)

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        model = self.models[index]
        here = model.model == self.current_model
        provider, _, name = clean_line(model.model, 200).partition(":")
        facts = [model.parameters or "", labels.size(model.size)]
        if width > 60:
            facts[1:1] = [model.quantization or "", f"{model.context_length:,} tokens" if model.context_length else ""]
        left: list[Piece] = [
            ("› " if here else "  ", "rows--sign"),
            (name, "rows--strong" if here else ""),
            (f"  {provider}", "rows--muted"),
        ]
        if model.loaded:
            left.append(("  loaded", "rows--sign"))
        return left, [(clean_line("  ".join(fact for fact in facts if fact), 60), "rows--muted")]


class ModelPicker(ModalScreen[str | None]):
    """Gives the full reference of a model, None where nothing was picked.

    Args:
        load: Asks the providers.
        current: The model that answers now.
        purpose: The title.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-8)", show=False, priority=True),
        Binding("pagedown", "move(8)", show=False, priority=True),
    ]
    CSS_PATH = "models.tcss"

    def __init__(
        self, load: Callable[[], Awaitable[Sequence[ModelInfo]]], current: str | None, purpose: str = "Model"
    ) -> None:
        super().__init__()
        self._load = load
        self._all: list[ModelInfo] = []
        self._loaded = False
        self._purpose = purpose
        self._rows = ModelRows(current)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="model-dialog"):
            yield Input(placeholder="Type to filter, or a whole name such as ollama:llama3.2", compact=True)
            yield self._rows
            yield Static("Asking what models there are …", id="model-empty", markup=False)
            yield Static(key_hints(("Enter", "Choose"), ("Esc", "Cancel")), markup=False, classes="hint")

    def on_mount(self) -> None:
        self.query_one("#model-dialog").border_title = self._purpose
        self._rows.display = False
        self.query_one(Input).focus()
        self.run_worker(self._fill(), exit_on_error=False)

    async def _fill(self) -> None:
        self._all = list(await self._load())
        self._loaded = True
        self._filter()

    def _filter(self) -> None:
        words = self.query_one(Input).value.lower().split()
        rows = self._rows
        rows.models = [model for model in self._all if all(word in model.model.lower() for word in words)]
        place = next((i for i, model in enumerate(rows.models) if model.model == rows.current_model), 0)
        rows.rows_changed(place)
        rows.display = bool(rows.models)
        empty = self.query_one("#model-empty", Static)
        empty.display = not rows.models
        if self._loaded and not rows.models:
            typed = clean_line(self.query_one(Input).value, 60)
            empty.update(
                f"Enter uses “{typed}”."
                if typed
                else "No model answers. Start Ollama, or fetch the demo model: Esc, then send a message."
            )
        self.query_one("#model-dialog").border_subtitle = (
            f"{rows.cursor + 1} / {len(rows.models)}" if rows.models else ""
        )

    def on_input_changed(self, event: Input.Changed) -> None:
        if self._loaded:
            self._filter()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._rows.models:
            self.dismiss(self._rows.models[self._rows.cursor].model)
        elif typed := clean_line(event.value):
            self.dismiss(typed)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        self.dismiss(self._rows.models[event.index].model)

    def on_rows_moved(self, event: Rows.Moved) -> None:
        self.query_one("#model-dialog").border_subtitle = f"{event.index + 1} / {len(self._rows.models)}"

    def action_move(self, step: int) -> None:
        self._rows.action_cursor(step)
