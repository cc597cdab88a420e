"""The settings of a thread: its system prompt and parameters, whom each value comes from, and presets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from chatui.conversation.parameters import FIELDS, Resolved, field, parse, written
from chatui.conversation.settings import KEEPS, LEVELS, RELOAD, Level, ThreadSettings
from chatui.errors import ChatuiError
from chatui.models import parse_ref
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.dialogs import AskLine, EditText, Hint
from chatui.tui.keys import bindings
from chatui.tui.rows import Piece, Rows

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen
    from chatui.tui.turns import Handler

#: Whether a model can think; None where it is not known.
Thinks = Callable[[str], Awaitable[bool | None]]


class SettingRows(Rows):
    """One row a parameter: its name, the value in force, and whom that comes from."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("settings")]

    def __init__(self) -> None:
        super().__init__(id="settings-rows")
        self.resolved = Resolved()

    def row_count(self) -> int:
        return len(FIELDS)

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        shown = FIELDS[index]
        source = self.resolved.sources.get(shown.name, "model's own")
        value = clean_line(written(shown.name, getattr(self.resolved.values, shown.name)), 200)
        if getattr(self.resolved.values, shown.name) is None:
            value = "-"
        elif not value:
            value = "none"
        ours = source in LEVELS
        left: list[Piece] = [
            (f"{shown.title:<19}", ""),
            (value, "strong" if ours else "muted"),
        ]
        return left, [(f"  {source}", "sign" if ours else "muted")]


class SettingsScreen(ModalScreen[None]):
    """The settings of one thread. What is changed is in force at once.

    Args:
        settings: Where they are kept.
        model: The model that answers in the thread, None where it is not known.
        thinks: Tells whether a model can think.
        first: The parameter that the cursor stands on.
    """

    CSS_PATH = "settings.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012

    def __init__(self, settings: ThreadSettings, model: str | None, thinks: Thinks, first: str = "") -> None:
        super().__init__()
        self._settings = settings
        self._model = model
        self._thinks = thinks
        self._first = first
        self._level: Level = "thread"
        self._rows = SettingRows()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="settings-dialog"):
            yield Static("", id="settings-level", markup=False)
            yield self._rows
            yield Static("", id="settings-about", markup=False)
            yield Hint(
                ("Enter", "Change"),
                ("x", "Take away"),
                ("←→", "Set for"),
                ("p", "Presets"),
                ("s", "Save as preset"),
                ("M/U", "Default of model/user"),
                ("Esc", "Close"),
            )

    def on_mount(self) -> None:
        self.query_one("#settings-dialog").border_title = "Settings"
        self._rows.focus()
        names = [entry.name for entry in FIELDS]
        self._show(names.index(self._first) if self._first in names else 0)

    @property
    def _current(self) -> str:
        return FIELDS[self._rows.cursor].name

    def _show(self, cursor: int | None = None) -> None:
        self._rows.resolved = self._settings.resolve(self._model, level=self._level)
        self._rows.rows_changed(cursor)
        parts = [Content.styled("Set for  ", "$muted")]
        for level in LEVELS:
            style = "$block-cursor-foreground on $primary bold" if level == self._level else "$muted"
            # Not by colour alone.
            sign = "›" if level == self._level else " "
            parts.append(Content.assemble((f"{sign}{self._whom(level)} ", style), " "))
        self.query_one("#settings-level", Static).update(Content("").join(parts))
        self._about()

    def _whom(self, level: Level) -> str:
        if level == "thread":
            return "this thread"
        return labels.fit(
            clean_line(labels.short_model(self._model) or "no model yet", 80)
            if level == "model"
            else f"user {clean_line(self._settings.user, 80)}",
            20,
        )

    def _about(self, text: str = "", *, wrong: bool = False) -> None:
        about = self.query_one("#settings-about", Static)
        shown = FIELDS[self._rows.cursor]
        about.set_class(wrong, "-wrong")
        about.update(Content(clean_line(text or f"{shown.help} Takes {shown.allowed}.", 300)))

    def on_rows_moved(self, event: Rows.Moved) -> None:
        self._about()

    def action_level(self, step: int) -> None:
        """Set values for another one from now on."""
        self._level = LEVELS[(LEVELS.index(self._level) + step) % len(LEVELS)]
        self._show()

    async def on_rows_chosen(self, event: Rows.Chosen) -> None:
        name = self._current
        value = written(name, getattr(self._rows.resolved.values, name))

        async def typed(text: str | None) -> None:
            if text is not None:
                await self._try(lambda: self._put(name, parse(name, text)))

        if name == "system_prompt":
            title = f"System prompt: {self._whom(self._level)}"
            await self.app.push_screen(EditText(title, value, "Save"), typed)
        else:
            await self.app.push_screen(
                AskLine(f"{FIELDS[self._rows.cursor].title}: {field(name).allowed}", value), typed
            )

    async def action_take_away(self) -> None:
        """Take the value away that is set here."""
        name = self._current
        await self._try(lambda: self._put(name, None))

    async def _put(self, name: str, value: Any) -> None:
        before = getattr(self._settings.resolve(self._model).values, name)
        await self._settings.change(self._level, self._model, **{name: value})
        self._show()
        if name == "num_ctx":
            self._about_context(before)
        elif name == "thinking" and value not in (None, "off") and self._model:
            model = self._model
            self.run_worker(self._check_thinking(model), exit_on_error=False, exclusive=True)

    def _about_context(self, before: int | None) -> None:
        now = self._settings.resolve(self._model)
        if now.values.num_ctx != before:
            self._about(RELOAD)
        elif now.sources["num_ctx"] == "first reply" and self._level != "thread":
            self._about(KEEPS)

    async def _check_thinking(self, model: str) -> None:
        if await self._thinks(model) is False and self._current == "thinking":
            self._about(cannot_think(model), wrong=True)

    async def action_make_default(self, level: Level) -> None:
        """Set what is set for the thread for its model or its user too."""

        async def make() -> None:
            values = self._settings.of("thread")
            if not values:
                self._about("Nothing is set for this thread yet.")
                return
            await self._settings.change(level, self._model, **values)
            self._show()
            self._about(
                f"{labels.plural(len(values), 'value')} of this thread: now the default of {self._whom(level)} too."
            )

        await self._try(make)

    async def action_presets(self) -> None:
        """Choose a preset, whose values are set; the others stay."""
        presets = self._settings.presets()
        if not presets:
            self._about("There is no preset yet: s saves the values that are set as one.")
            return

        async def chosen(name: str | None) -> None:
            values = self._settings.presets().get(name or "")
            if values:
                await self._try(lambda: self._apply(name or "", values))

        async def forget(name: str) -> dict[str, dict[str, Any]]:
            await self._settings.save_preset(name, None)
            return self._settings.presets()

        await self.app.push_screen(Presets(presets, forget), chosen)

    async def _apply(self, name: str, values: Mapping[str, Any]) -> None:
        before = self._settings.resolve(self._model).values.num_ctx
        await self._settings.change(self._level, self._model, **values)
        self._show()
        said = f"“{clean_line(name, 40)}” is set for {self._whom(self._level)}."
        reload = self._settings.resolve(self._model).values.num_ctx != before
        self._about(f"{said} {RELOAD}" if reload else said)

    async def action_save_preset(self) -> None:
        """Save the values that somebody set under a name."""
        resolved = self._rows.resolved
        values = {name: getattr(resolved.values, name) for name, source in resolved.sources.items() if source in LEVELS}

        async def named(name: str | None) -> None:
            if name is not None:
                await self._try(lambda: save(name))

        async def save(name: str) -> None:
            await self._settings.save_preset(name, values)
            self._about(f"Saved as “{clean_line(name, 40)}”. p sets it in any thread.")

        if not values:
            self._about("Nothing is set here yet, so there is nothing to save.")
        else:
            await self.app.push_screen(AskLine("Save as a preset"), named)

    async def _try(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except ChatuiError as error:
            self._about(str(error), wrong=True)


class PresetRows(Rows):
    """One row a preset."""

    def __init__(self, presets: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(id="preset-rows")
        self.presets = dict(presets)

    @property
    def names(self) -> list[str]:
        """Their names, in order."""
        return list(self.presets)

    def row_count(self) -> int:
        return len(self.presets)

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        name = self.names[index]
        values = "  ".join(f"{key} {written(key, value)}" for key, value in self.presets[name].items())
        return [(clean_line(name, 40), "strong"), (f"  {clean_line(values, 200)}", "muted")], []


class Presets(ModalScreen[str | None]):
    """Gives the name of a preset, None where none was chosen.

    Args:
        presets: Their values, by name.
        forget: Forgets one, and gives those that are left.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Cancel"),
        Binding("x,delete", "forget", "Forget"),
    ]

    def __init__(
        self,
        presets: Mapping[str, Mapping[str, Any]],
        forget: Callable[[str], Awaitable[Mapping[str, Mapping[str, Any]]]],
    ) -> None:
        super().__init__()
        self._rows = PresetRows(presets)
        self._forget = forget

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield self._rows
            yield Hint(("Enter", "Set its values"), ("x", "Forget it"), ("Esc", "Cancel"))

    def on_mount(self) -> None:
        self.query_one(".dialog").border_title = "Presets"
        self._rows.focus()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        self.dismiss(self._rows.names[event.index])

    async def action_forget(self) -> None:
        """Forget the preset under the cursor."""
        try:
            self._rows.presets = dict(await self._forget(self._rows.names[self._rows.cursor]))
        except ChatuiError as error:
            self.notify(clean_line(str(error), 300), severity="error", markup=False)
        if not self._rows.presets:
            self.dismiss(None)
        else:
            self._rows.rows_changed()


class Setting:
    """The settings of the open thread, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {"settings.open": self._open, "settings.system": self._system}

    @property
    def _model(self) -> str | None:
        model = self._screen.shelf.model
        return str(parse_ref(model)) if model else None

    async def _open(self, text: str = "") -> None:
        settings, model = self._screen.conversation.settings, self._model
        if not text:
            self._screen.app.push_screen(SettingsScreen(settings, model, self._thinks), lambda _: self._changed())
            return
        name, _, value = text.partition(" ")
        name = field(name).name
        if not value.strip():
            self._screen.app.push_screen(SettingsScreen(settings, model, self._thinks, name), lambda _: self._changed())
            return
        await self._set(name, parse(name, value))

    async def _system(self, text: str = "") -> None:
        if text:
            await self._set("system_prompt", parse("system_prompt", text))
            return
        before = self._screen.conversation.settings.resolve(self._model).values.system_prompt or ""

        async def edited(answer: str | None) -> None:
            if answer is not None and answer != before:
                try:
                    await self._set("system_prompt", answer)
                except ChatuiError as error:
                    self._screen.say(error)

        self._screen.app.push_screen(EditText("System prompt of this thread", before, "Save"), edited)

    async def _set(self, name: str, value: Any) -> None:
        screen, model = self._screen, self._model
        settings = screen.conversation.settings
        before = settings.resolve(model).values
        await settings.change("thread", **{name: value})
        shown = written(name, value) if value is not None else "left to the defaults"
        said = f"{name}: {labels.fit(clean_line(shown, 200), 60) or 'none'}, in this thread."
        if name == "num_ctx" and settings.resolve(model).values.num_ctx != before.num_ctx:
            said = f"{said} {RELOAD}"
        if name == "thinking" and value not in (None, "off") and model and await self._thinks(model) is False:
            said = f"{said} {cannot_think(model)}"
        screen.say(said, severity="information")
        self._changed()

    def _changed(self) -> None:
        self._screen.show_state()

    async def _thinks(self, model: str) -> bool | None:
        for info in await self._screen.library.models.list():
            if info.model == model or info.model == f"{model}:latest":
                return "thinking" in info.capabilities if info.capabilities else None
        return None


def cannot_think(model: str) -> str:
    """Return the sentence for a model that is to think and cannot."""
    return f"{clean_line(labels.short_model(model), 60)} cannot think before it answers; it is not asked to."
