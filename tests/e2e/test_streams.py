"""The standard streams where they are no terminal and no file: closed pipes, closed streams, full disks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.terminal import PROGRAM

pytestmark = pytest.mark.e2e


def run(*arguments: str, redirect: str) -> tuple[int, str]:
    """Run the installed program with a shell's redirection; return its exit code and what it said."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {redirect}', "sh", PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["threads"], ["threads", "--help"], ["doctor", "--json"]])
def test_a_reader_that_has_enough_is_no_failure(
    arguments: list[str], unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


# Closed and full streams


@pytest.mark.parametrize("arguments", [["threads"], ["ask", "Hello"], ["--help"], ["--version"]])
def test_closed_standard_output_is_refused_before_anything_is_done(arguments: list[str], home: Path) -> None:
    code, said = run(*arguments, redirect=">&-")
    assert (code, said) == (1, "chatui: Standard output is closed. Send it somewhere, as with > FILE or > /dev/null.\n")
    assert not (home / "data").exists()


@pytest.mark.parametrize("redirect", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_the_screen_needs_all_three(redirect: str) -> None:
    code, said = run(redirect=redirect)
    assert code == 2
    assert said.startswith("chatui: chatui needs a terminal.") or (said == "" and "2>&-" in redirect)


def test_closed_standard_input_and_error_are_no_failure() -> None:
    assert run("threads", redirect="<&- 2>&- >/dev/null") == (0, "")
    assert run("ask", redirect="<&- >/dev/null") == (
        2,
        'chatui: There is nothing to ask. Give the text, as in `chatui ask "Say hello"`, or pipe it in.\n',
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["threads"], ["--help"], ["doctor", "--json"]])
def test_a_full_disk_is_no_fault_of_ours(
    arguments: list[str], unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    code, said = run(*arguments, redirect=">/dev/full")
    assert code == 1
    assert said == (
        "chatui: Standard output cannot be written: No space left on device. What was printed is not whole there.\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_error_that_cannot_be_told_keeps_its_code() -> None:
    assert run("show", "x", redirect=">/dev/null 2>/dev/full") == (2, "")
