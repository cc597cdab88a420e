"""Makes the pictures in screenshots/ from the running program, the same every time: `python tests/screenshots.py [FOLDER]`."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

# Run as a script, Python finds tests/ and not the folder above it.
sys.path.insert(0, str(Path(__file__).parents[1]))

from chatui.config import Config
from chatui.errors import NoModel
from chatui.tui import labels
from chatui.tui.app import ChatApp
from tests.tui.seed import SeedModels, open_library, seed

#: Name, theme, size, keys; a name with "first-run" in it is on an empty file without a model.
PICTURES = [
    ("chatui", "chatui-dark", (120, 40), []),
    ("chatui-light", "chatui-light", (120, 40), ["escape", "up", "up"]),
    ("tree", "chatui-dark", (120, 40), ["ctrl+t"]),
    ("first-run", "chatui-dark", (100, 30), []),
    ("small", "chatui-dark", (60, 16), []),
]


async def picture(database: Path, folder: Path, name: str, theme: str, size: tuple[int, int], keys: list[str]) -> None:
    """Make one picture."""
    models = SeedModels()
    if "first-run" in name:
        models.missing = NoModel("There is no model to ask yet.")
    library = open_library(database, models)
    app = ChatApp(library, Config(theme=theme))
    async with app.run_test(size=size) as pilot:
        await app.stack_ready.wait()
        await app.workers.wait_for_complete([worker for worker in app.workers if worker.group == "start"])
        for key in keys:
            await pilot.press(key)
        await pilot.pause()
        (folder / f"{name}.svg").write_text(app.export_screenshot(title="chatui"), encoding="utf-8")
    await library.close()


async def main(folder: Path) -> None:
    """Make all of them."""
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        # Nothing of the person's own: no themes, no config.
        os.environ.update({f"XDG_{kind}_HOME": str(home) for kind in ("DATA", "CONFIG", "CACHE")})
        seeded = home / "seeded.db"
        await seed(seeded)
        library = open_library(seeded, SeedModels())
        newest = max(thread.updated_at for thread in library.threads())
        await library.close()
        moment = datetime.fromisoformat(newest) + timedelta(seconds=5)
        labels.current_time = lambda: moment
        for number, (name, theme, size, keys) in enumerate(PICTURES):
            database = home / f"{number}.db"
            if "first-run" not in name:
                shutil.copy(seeded, database)
            await picture(database, folder, name, theme, size, keys)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "screenshots"
    target.mkdir(exist_ok=True)
    asyncio.run(main(target))
