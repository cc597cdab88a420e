from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chatui.errors import UsageError
from chatui.models import DEMO_MODEL, ModelRef, parse_ref


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("ollama:llama3.2:3b", ModelRef("ollama", "llama3.2:3b")),
        ("llama3.2:3b", ModelRef("ollama", "llama3.2:3b")),
        ("llama3", ModelRef("ollama", "llama3")),
        ("hf.co/org/model:Q4", ModelRef("ollama", "hf.co/org/model:Q4")),
        ("ollama@gpu:llama3", ModelRef("ollama", "llama3", "gpu")),
        ("embedded:default", DEMO_MODEL),
        ("embedded:smollm2-135m", DEMO_MODEL),
        ("embedded:x.gguf", ModelRef("embedded", str(Path("x.gguf").absolute()))),
        ("embedded:/some where/x.gguf", ModelRef("embedded", "/some where/x.gguf")),
        (" ollama:x ", ModelRef("ollama", "x")),
        ("ollama:\x1b[31mx", ModelRef("ollama", "[31mx")),
    ],
)
def test_references(text: str, ref: ModelRef) -> None:
    assert parse_ref(text) == ref
    assert parse_ref(str(ref)) == ref


def test_a_path_is_whole_so_that_a_thread_goes_on_from_any_folder(home: Path) -> None:
    assert parse_ref("embedded:~/x.gguf").name == str(home / "x.gguf")


@pytest.mark.parametrize("text", ["", "  ", "ollama:", "embedded:", "ollama@:x", "embedded@gpu:x"])
def test_what_names_no_model(text: str) -> None:
    with pytest.raises(UsageError):
        parse_ref(text)


def test_importing_the_face_loads_no_library() -> None:
    script = """
import sys, chatui.models
heavy = {"langchain_core", "langchain_ollama", "ollama", "xllamacpp", "httpx", "pydantic"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
