"""How the parts of a message look: their styles, resolved once for each theme."""

from __future__ import annotations

from textual.style import Style
from textual.widget import Widget

#: The parts of a message, as Textual's markup writes a style. Every colour lies on the ground of its message. Not component
#: classes: each of those is styled anew with its widget, before the first paint and at every change of the focus.
STYLES = {
    "answer-selected": "on $surface",
    "user": "on $band",
    "user-selected": "on $panel",
    "bar-answer": "$background",
    "bar-user": "$accent",
    "bar-selected": "$primary",
    "label": "bold $accent",
    "muted": "$muted",
    "warning": "$warning",
    "marker": "$muted",
    "h1": "bold underline $primary",
    "h2": "bold $primary",
    "h3": "bold",
    "code": "on $code-ground",
    "line": "$line",
}


class Look:
    """The styles of one theme.

    Args:
        widget: The widget on whose ground all of it lies.
        plain: For screen readers: nothing is drawn with lines.
    """

    def __init__(self, widget: Widget, *, plain: bool = False) -> None:
        self.plain = plain
        #: Of what lies between the messages.
        self.base = widget.get_visual_style()
        self._styles = {name: widget.app.stylesheet.parse_style(style) for name, style in STYLES.items()}

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
