from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color

from chatui import paths
from chatui.config import Config
from chatui.errors import ConfigError
from chatui.tui import themes
from tests.tui.conftest import window

GOOD = 'name = "mine"\nprimary = "#ff8800"\n'


def luminance(color: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    parts = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in Color.parse(color).normalized
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("name", ["chatui-dark", "chatui-light"])
def test_contrast(name: str) -> None:
    theme = themes.load(paths.shipped_themes_folder() / f"{name}.toml")
    colors = {**theme.to_color_system().generate(), **theme.variables}

    def ratio(front: str, back: str) -> float:
        light, dark = sorted((luminance(colors[front]), luminance(colors[back])), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    for ground in ("background", "surface", "panel", "band"):
        for text in ("foreground", "muted", "primary", "secondary", "accent", "warning", "error"):
            assert ratio(text, ground) >= 4.5, f"{text} on {ground}"
    for text in (
        "code-comment",
        "code-keyword",
        "code-string",
        "code-number",
        "code-name",
        "code-inline",
        "foreground",
        "error",
    ):
        assert ratio(text, "code-ground") >= 4.5, f"{text} in code"
    assert ratio("block-cursor-foreground", "block-cursor-background") >= 4.5
    assert ratio("block-cursor-blurred-foreground", "block-cursor-blurred-background") >= 4.5
    for text in ("muted", "primary", "warning"):
        assert ratio(text, "block-cursor-blurred-background") >= 3, f"{text} on the quiet cursor"
    assert ratio("foreground", "screen-selection-background") >= 4.5
    for sign in ("line", "border", "scrollbar-hover"):
        assert ratio(sign, "background") >= 3, sign
        assert ratio("primary", "background") > ratio("line", "background"), "focus is seen"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "is not TOML"),
        ('primary = "#fff"', "missing required field `name`"),
        (GOOD + 'colour = "#fff"', "unknown field `colour`"),
        (GOOD + 'accent = "greenish"', 'accent: "greenish" is not a colour'),
        (GOOD + '[variables]\nmuted = "nope"', 'variables.muted: "nope" is not a colour'),
        (GOOD + '[variables]\nblock-cursor-text-style = "blod"', "block-cursor-text-style"),
        (GOOD + '[variables]\n"a b" = "#fff"', "variables.a b"),
        (GOOD + "[variables]\nmuted = 3", "variables"),
        ('name = "[/x]"\nprimary = "#fff"', "is not letters"),
    ],
)
def test_a_bad_theme_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        themes.load(path)
    assert said.lower() in str(caught.value).lower()
    assert str(path) in str(caught.value)


async def test_a_persons_own_themes_are_found_and_bad_ones_told(tmp_path: Path) -> None:
    folder = paths.user_themes_folder()
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(GOOD)
    (folder / "bad.toml").write_text(GOOD + '[variables]\nmuted = "nope"')
    async with window(tmp_path / "chatui.db", config=Config(theme="mine")) as chat:
        assert chat.app.theme == "mine"
        assert any("bad.toml" in toast for toast in chat.toasts())
        await chat.write("/theme chatui-light")
        assert chat.app.theme == "chatui-light"
        await chat.say("Hello")


async def test_an_unknown_theme_is_told_and_the_app_starts(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", theme="[/x]") as chat:
        assert chat.app.theme == "chatui-dark"
        assert any('no theme "[/x]"' in toast for toast in chat.toasts())


async def test_textuals_own_themes_work(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db") as chat:
        await chat.say("Hello", "`code` and\n\n```python\nx = 1\n```")
        for name in ("nord", "textual-light", "ansi-dark" if "ansi-dark" in chat.app.available_themes else "dracula"):
            chat.app.theme = name
            await chat.pilot.pause()


def test_the_terminals_ground_is_asked_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLORFGBG", raising=False)
    assert themes.preferred() == "chatui-dark"
    monkeypatch.setenv("COLORFGBG", "0;15")
    assert themes.preferred() == "chatui-light"
