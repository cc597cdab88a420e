"""How the parts of a message look: the styles of the transcript's component classes, resolved once for each theme."""

from __future__ import annotations

from textual.style import Style
from textual.widget import Widget

#: The component classes of the transcript, without their prefix.
PARTS = (
    "answer-selected",
    "user",
    "user-selected",
    "bar-answer",
    "bar-user",
    "bar-selected",
    "label",
    "muted",
    "warning",
    "marker",
    "h1",
    "h2",
    "h3",
    "code",
    "line",
)
PREFIX = "transcript--"


class Look:
    """The styles of one theme.

    Args:
        widget: The widget whose component classes they are.
        plain: For screen readers: nothing is drawn with lines.
    """

    def __init__(self, widget: Widget, *, plain: bool = False) -> None:
        self.plain = plain
        #: Of what lies between the messages.
        self.base = widget.get_visual_style()
        self._styles = {name: self._style(widget, PREFIX + name) for name in PARTS}

    @staticmethod
    def _style(widget: Widget, name: str) -> Style:
        """The style of a component class alone. What Textual calls a partial style leaves an opaque background out."""
        style, rules = widget.get_visual_style(name, partial=True), widget.get_component_styles(name)
        return style + Style(background=rules.background) if rules.has_rule("background") else style

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Look) and (self.base, self._styles) == (other.base, other._styles)

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, part: str) -> Style:
        return self._styles[part]

    def ground(self, kind: str, selected: bool) -> Style:
        """Return the style that a message's parts are laid on.

        Args:
            kind: "user" or "answer".
            selected: Whether message mode stands on it.
        """
        return self.base + self[f"{kind}-selected"] if selected else self.base + self._styles.get(kind, Style.null())

    def bar(self, kind: str, selected: bool) -> Style:
        """Return the style of the bar at the left of a message."""
        return self.ground(kind, selected) + self["bar-selected" if selected else f"bar-{kind}"]
