from __future__ import annotations

import stat
from pathlib import Path

from tests.cli.conftest import Run


def test_a_thread_goes_to_standard_output_as_markdown(run: Run) -> None:
    thread = run("ask", "Say hello", "--json").json["thread_id"]
    document = run("export", thread).out
    assert document.startswith("# Say hello\n")
    assert document.index("1. User") < document.index("2. Assistant") < document.index("Hello there.")


def test_a_file_is_private_and_is_not_written_over(run: Run, tmp_path: Path) -> None:
    run("ask", "Say hello")
    file = tmp_path / "out.json"
    assert run("export", "--all", "-f", "json", "-o", str(file)).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    run("export", "--all", "-o", str(file)).failed(2, "is there already", "--yes")
    assert file.read_bytes() == before
    assert run("export", "--all", "-o", str(file), "--yes").code == 0
    assert file.read_text().startswith("# Say hello")
    assert [path.name for path in tmp_path.glob(".out*")] == []


def test_wrong_use_is_one_sentence(run: Run) -> None:
    run("export").failed(2, "which threads")
    run("export", "--all", "-f", "pdf").failed(2, "no format", "jsonl")
    run("export", "nothing").failed(2)
