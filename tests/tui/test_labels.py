"""How numbers are written."""

from __future__ import annotations

import pytest

from chatui.tui import labels


@pytest.mark.parametrize(
    ("count", "said"),
    [(None, ""), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (98_000_000, "98.0 MB"), (5 * 10**15, "5000 TB")],
)
def test_sizes(count: int | None, said: str) -> None:
    assert labels.size(count) == said
