from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len

from chatui.cli import output
from chatui.cli.output import Column


@pytest.mark.parametrize(
    ("back", "said"),
    [
        (timedelta(seconds=-9999), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=23), "23 h"),
        (timedelta(days=30), "30 d"),
    ],
)
def test_times_are_said_as_ages(back: timedelta, said: str) -> None:
    assert output.ago((datetime.now(UTC) - back).isoformat()) == said


def test_old_times_are_dates_and_nonsense_is_nothing() -> None:
    assert output.ago("2020-06-15T12:00:00+00:00") == "2020-06-15"
    assert output.ago("2020-06-15T12:00:00") == "2020-06-15"
    assert output.ago("yesterday") == ""


def test_wide_characters_count_twice() -> None:
    assert output.fit("天気予報", 8) == "天気予報"
    assert cell_len(output.fit("天気予報です", 8)) <= 8
    assert output.fit("天気予報です", 8).endswith("…")
    assert output.fit("abc", 1) == "…"


def test_a_table_is_aligned_by_cells_and_cut_to_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = [Column("ID"), Column("TITLE", flexible=True), Column("N", right=True)]
    rows = [["a", "天気予報 and a long tail of words", "1"], ["bb", "x\n\x1b[31my", "200"]]
    output.print_table(columns, rows)
    whole = capsys.readouterr().out.splitlines()
    assert whole[1] == "a   天気予報 and a long tail of words    1"
    assert len({cell_len(line) for line in whole}) == 1
    assert whole[2].split() == ["bb", "x", "[31my", "200"]
    monkeypatch.setattr(output, "width", lambda: 24)
    output.print_table(columns, rows)
    cut = capsys.readouterr().out.splitlines()
    assert [cell_len(line) for line in cut] == [24, 24, 24]
    assert "…" in cut[1]


def test_json_is_exact_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    text = "é 天 \x1b]0;x\x07 \x9b31m \u202e \u2028 \x7f\n"
    output.print_json({"text": text})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"text": text}
    assert "é 天" in printed
    assert not any(character in printed for character in "\x1b\x07\x9b\u202e\u2028\x7f")
