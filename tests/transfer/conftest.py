from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatui.storage import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty file to import into."""
    opened = Store.open(tmp_path / "chatui.db")
    yield opened
    await opened.close()
