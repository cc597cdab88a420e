"""The standard streams where they are no terminal and no file: closed pipes."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.e2e.terminal import PROGRAM

pytestmark = pytest.mark.e2e


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
