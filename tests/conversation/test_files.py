from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatui.conversation.attachments import find_files
from chatui.conversation.files import MOST, Begun, begun_at, listing
from chatui.errors import UsageError


def names(line: str, folder: Path) -> list[str]:
    begun = begun_at(line, len(line))
    assert begun is not None
    return [entry.name + "/" * entry.is_folder for entry in listing(begun, folder).entries]


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("@", 1, Begun(0, 1, "", "")),
        ("see @ca", 7, Begun(4, 7, "", "ca")),
        ("see @docs/a b", 11, Begun(4, 11, "docs/", "a")),
        ("@~/x", 4, Begun(0, 4, "~/", "x")),
        ("@/etc/", 6, Begun(0, 6, "/etc/", "")),
        ('@"my notes/on', 13, Begun(0, 13, "my notes/", "on")),
        ('@"my notes/"', 11, Begun(0, 12, "my notes/", "")),
        (r'@"a \"b', 7, Begun(0, 7, "", 'a "b')),
        ("a@b", 3, None),
        ("@cat.png ", 9, None),
        ("@cat.png", 3, None),
        ('@"my notes.txt"', 15, None),
        ('@"my notes.txt"', 5, None),
    ],
)
def test_the_mention_that_the_cursor_stands_behind(line: str, column: int, expected: Begun | None) -> None:
    assert begun_at(line, column) == expected


def test_names_begin_with_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path /= "here"
    (tmp_path / "Docs").mkdir(parents=True)
    (tmp_path / "Docs" / "plan.md").write_text("x")
    for name in ("data.txt", "cat.png", ".hidden", "e\u0301.txt", "bad\x1b[2J.txt", "two\nlines"):
        (tmp_path / name).write_text("x")
    os.mkfifo(tmp_path / "dpipe")
    (tmp_path / "dgone").symlink_to(tmp_path / "nowhere")
    assert names("@", tmp_path) == ["cat.png", "data.txt", "Docs/", "e\u0301.txt"]
    assert names("@d", tmp_path) == ["data.txt", "Docs/"]
    assert names("@.", tmp_path) == [".hidden"]
    assert names("@\u00e9", tmp_path) == ["e\u0301.txt"]
    assert names("@Docs/", tmp_path) == ["plan.md"]
    assert names("@none/", tmp_path) == names("@data.txt/", tmp_path) == names("@~nobody-of-that-name/", tmp_path) == []
    assert names(f"@{tmp_path}/ca", Path("/")) == ["cat.png"]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert names("@~/Do", Path("/")) == ["Docs/"]


@pytest.mark.parametrize(
    "name",
    [
        "plain.txt",
        "with space.txt",
        'a "quoted" name',
        '"begins',
        "back\\slash",
        'both \\ and "',
        "end \\",
        "~tilde",
        "dot.",
        "天 気.txt",
    ],
)
def test_what_is_completed_is_found_when_it_is_sent(tmp_path: Path, name: str) -> None:
    for folder in (tmp_path, tmp_path / "a folder"):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("Inside.")
    for line in (f"@{name[:1]}" if name[:1] != '"' else "@", '@"a folder/'):
        begun = begun_at(line, len(line))
        assert begun is not None
        (entry,) = [entry for entry in listing(begun, tmp_path).entries if entry.name == name]
        text, found = find_files(f"Read {entry.written} now ", tmp_path)
        assert [one.data for one in found] == [b"Inside."]
        assert text == f"Read {name} now"


def test_a_folder_is_completed_so_that_one_can_go_on(tmp_path: Path) -> None:
    (tmp_path / "my docs" / "in it").mkdir(parents=True)
    (tmp_path / "my docs" / "in it" / "x.txt").write_text("x")
    line = "@m"
    for expected in ('@"my docs/', '@"my docs/in it/', '@"my docs/in it/x.txt"'):
        begun = begun_at(line, len(line))
        assert begun is not None
        (entry,) = listing(begun, tmp_path).entries
        line = entry.written
        assert line == expected


def test_a_large_folder_is_listed_in_part_and_says_so(tmp_path: Path) -> None:
    for number in range(12 * MOST):
        (tmp_path / f"{number:06}").touch()
    found = listing(Begun(0, 1, "", ""), tmp_path)
    assert [entry.name for entry in found.entries] == [f"{number:06}" for number in range(MOST)]
    assert found.more
    found = listing(Begun(0, 1, "", "00239"), tmp_path)
    assert [entry.name for entry in found.entries] == [f"00239{number}" for number in range(10)]
    assert not found.more
    # Nobody wants it any more.
    assert listing(Begun(0, 1, "", "00239"), tmp_path, lambda: True).more


def test_what_names_no_file_stays(tmp_path: Path) -> None:
    text = "Mail user@example.com, ask @someone, @types/node, @, @., @@ and @~."
    assert find_files(text, tmp_path) == (text, [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("See @./missing.png", "There is no file ./missing.png."),
        ("See @./missing.png, please", "There is no file ./missing.png."),
        ("See @../missing.png", "There is no file ../missing.png."),
        ("See @/missing/file", "There is no file /missing/file."),
        ("See @~/missing-file", "There is no file ~/missing-file."),
        ('See @"missing file"', "There is no file missing file."),
        ("See @folder", "folder is a folder."),
        ("See @folder/.", "folder/ is a folder."),
        ("See @pipe", "pipe is no plain file."),
        ("See @/dev/zero", "/dev/zero is no plain file."),
        ("See @./folder/\x1b]0;evil\x07", "There is no file ./folder/]0;evil."),
        ("See @./" + "x" * 5000, "cannot be read: File name too long"),
        ("See @text.png", "text.png is no image that can be sent."),
    ],
)
def test_a_clear_mistake_is_told_in_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text.png").write_text("<html>Not found</html>")
    with pytest.raises(UsageError) as raised:
        find_files(text, tmp_path)
    assert words in str(raised.value)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.txt").write_text("x")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    # Not by its mode: the superuser may read all.
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UsageError, match=r"secret\.txt cannot be read: Permission denied"):
        find_files("@secret.txt", tmp_path)


def test_what_is_quoted_attaches_nothing(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("secret")
    quoted = "x\n```\n@key.txt\n@./none\n```\n> @key.txt\n````\n```\n@key.txt\n````\n"
    assert find_files(quoted, tmp_path) == (quoted, [])
    text, found = find_files(quoted + "@key.txt", tmp_path)
    assert text == quoted + "key.txt"
    assert len(found) == 1
