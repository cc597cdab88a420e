"""The rows of the model picker: what is installed, and at the end what is typed and could be fetched."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatui.errors import ChatuiError
from chatui.models import DEMO_MODEL, ModelInfo, ModelRef, parse_ref
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.rows import Piece, Rows

#: What a model can do, in the order and the words of a row. That it answers at all goes without saying.
ABILITIES = ("tools", "thinking", "vision", "embedding")

#: Which facts of a row give way first where it is narrow: quantization, context, parameters, abilities. The size stays.
_LESS = (2, 3, 1, 0)


class Typed(msgspec.Struct, frozen=True):
    """A reference that was typed and is not installed. `fetch` says that its provider can fetch it."""

    ref: ModelRef
    fetch: bool


def abilities(model: ModelInfo) -> str:
    """Return what a model can do besides answering, in words."""
    known = [word for word in ABILITIES if word in model.capabilities]
    others = [word for word in model.capabilities if word not in (*ABILITIES, "completion")]
    return " ".join([*known, *others])


def found(models: Sequence[ModelInfo], text: str, favourites: Sequence[str]) -> list[ModelInfo]:
    """Return the models that have every word in their name or abilities, favourites first."""
    words = text.lower().split()
    fitting = [
        model
        for model in models
        if all(word in f"{model.model} {' '.join(model.capabilities)}".lower() for word in words)
    ]
    return sorted(fitting, key=lambda model: model.model not in favourites)


def typed(models: Sequence[ModelInfo], text: str) -> Typed | None:
    """Return the reference that is typed, None where it is none or is installed."""
    if len(text.split()) != 1:
        return None
    try:
        ref = parse_ref(text)
    except ChatuiError:
        return None
    name = str(ref).casefold()
    if any(model.model.casefold() in (name, f"{name}:latest") for model in models):
        return None
    return Typed(ref, ref.provider == "ollama" or ref == DEMO_MODEL)


class ModelRows(Rows, can_focus=False):
    """The rows; the filter keeps the focus and moves them."""

    def __init__(self, current: str | None, *, plain: bool = False) -> None:
        super().__init__(id="model-rows", classes="-active")
        self.models: list[ModelInfo] = []
        self.typed: Typed | None = None
        self.favourites: list[str] = []
        self.current_model = current
        self._plain = plain
        self._widths: list[int] = []

    @property
    def model(self) -> ModelInfo | None:
        """The model under the cursor; None on what is typed."""
        return self.models[self.cursor] if self.cursor < len(self.models) else None

    def row_count(self) -> int:
        return len(self.models) + (self.typed is not None)

    def fill(self, models: list[ModelInfo], typed: Typed | None, place: int) -> None:
        """Show other models.

        Args:
            models: What is installed.
            typed: What else could be had.
            place: Where the cursor stands.
        """
        self.models, self.typed = models, typed
        columns = zip(*(self._facts(model) for model in models), strict=True)
        self._widths = [max(len(fact) for fact in column) for column in columns]
        self.rows_changed(place)

    @staticmethod
    def _facts(model: ModelInfo) -> list[str]:
        return [
            clean_line(abilities(model), 40),
            clean_line(model.parameters or "", 12),
            clean_line(model.quantization or "", 12),
            f"{model.context_length:,}" if model.context_length else "",
            labels.size(model.size),
        ]

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        if index >= len(self.models):
            assert self.typed is not None
            verb = "Fetch" if self.typed.fetch else "Use"
            return [("+ ", "sign"), (f"{verb} {clean_line(str(self.typed.ref), 200)}", "strong")], []
        model = self.models[index]
        here = model.model == self.current_model
        provider, _, name = clean_line(model.model, 200).partition(":")
        star = "*" if self._plain else "★"
        left: list[Piece] = [
            ((">" if self._plain else "›") if here else " ", "sign"),
            (star if model.model in self.favourites else " ", "sign"),
            (" ", ""),
            (name, "muted" if not model.can_chat else "strong" if here else ""),
            (f"  {provider}", "muted"),
        ]
        if model.loaded:
            left.append(("  loaded", "sign"))
        facts = [fact.rjust(size) for fact, size in zip(self._facts(model), self._widths, strict=True)]
        # The line below the rows tells all of the one under the cursor.
        for place in _LESS:
            if sum(len(fact) + 2 for fact in facts if fact) > width - 34:
                facts[place] = ""
        return left, [("  ".join(fact for fact in facts if fact), "muted")]


def sentence(model: ModelInfo) -> str:
    """Return what is known of a model, on one line."""
    facts = [
        model.parameters and f"{model.parameters} parameters",
        model.quantization,
        model.context_length and f"context {model.context_length:,}",
        labels.size(model.size),
        abilities(model),
        {True: "loaded", False: "not loaded", None: ""}[model.loaded],
    ]
    return clean_line(" · ".join(str(fact) for fact in facts if fact), 400)
