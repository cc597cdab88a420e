"""What a terminal sends, byte for byte, and what is made of it."""

from __future__ import annotations

import pytest
from textual.drivers import linux_driver
from textual.events import Key, Paste
from textual.message import Message

from chatui.tui.keyboard import Parser, guard


def read(*reads: str) -> list[str]:
    """What comes of some reads: the names of keys, and pastes as they are, in quotation marks."""
    parser = Parser()
    found: list[Message] = [event for data in reads for event in parser.feed(data)]
    assert all(isinstance(event, Key | Paste) for event in found)
    return [event.key if isinstance(event, Key) else repr(event.text) for event in found]  # type: ignore[attr-defined]


def test_a_paste_is_one_paste_whatever_is_in_it() -> None:
    assert read("x\x1b[200~a\tb\r\nc\x1b[31md é\r\x1b[0m\x1b[201~y") == ["x", repr("a\tb\r\ncd é\r"), "y"]
    assert read("\x1b[200~\x1b]8;;http://a\x1b\\link\x1b]8;;\x07 \x1b \x1b[201~") == [repr("link \x1b ")]
    assert read("\x1b[200~one\x1b[200~two\x1b[201~") == [repr("onetwo")]
    assert read("\x1b[200~\x1b[201~", "\x1b[200~b\x1b[201~\x1b[200~c\x1b[201~\r") == ["''", "'b'", "'c'", "enter"]


def test_a_paste_may_come_in_any_pieces() -> None:
    sent = "x\x1b[200~a\x1b[1mb\x1b[20\r\x1b[201~\x1b[A"
    whole = ["x", repr("ab\x1b[20\r"), "up"]
    assert read(sent) == whole
    for size in range(1, len(sent)):
        assert read(*(sent[at : at + size] for at in range(0, len(sent), size))) == whole


def test_what_is_no_paste_is_read_as_ever() -> None:
    keys = read("a\r", "\x1b[A", "\x1b[", "B", "\n", "\x1b[13;2u")
    assert keys == ["a", "enter", "up", "down", "ctrl+j", "shift+enter"]
    assert list(Parser().feed("")) == []


def test_alt_and_enter_is_not_enter() -> None:
    assert read("a\x1b\rb", "\x1b", "\r", "\x1b[13;3u") == ["a", "alt+enter", "b", "alt+enter", "alt+enter"]


def test_a_driver_without_such_a_parser_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        pass

    monkeypatch.setattr(linux_driver, "XTermParser", Other)
    guard(linux_driver.LinuxDriver)
    assert vars(linux_driver)["XTermParser"] is Other
