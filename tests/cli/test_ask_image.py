from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.pictures import jpeg, png
from tests.scripted import ScriptedModels


def test_images_go_with_the_question(run: Run, models: ScriptedModels, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "b.jpg").write_bytes(jpeg(8, 6))
    found = run("ask", "Which?", "--image", str(tmp_path / "a.png"), "--image", str(tmp_path / "b.jpg"), "--json").json
    content = models.asked[0][0].content
    assert isinstance(content, list)
    assert [block["type"] for block in content if isinstance(block, dict)] == ["text", "image", "image"]
    lines = ["🖼 a.png 640×480 29 B", "🖼 b.jpg 8×6 19 B"]
    assert run("show", found["thread_id"], "--json").json["messages"][0]["text"].split("\n") == ["Which?", *lines]
    for command in ("show", "tree"):
        out = run(command, found["thread_id"]).out
        assert lines[0] in out
        assert "base64" not in out


def test_an_image_alone_is_enough(run: Run, models: ScriptedModels, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    assert run("ask", "--image", str(tmp_path / "a.png")).code == 0
    assert isinstance(models.asked[0][0].content, list)


def test_what_is_refused(run: Run, models: ScriptedModels, database: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "a.png").write_bytes(png())
    run("ask", "Which?", "--image", str(tmp_path / "a.txt")).failed(2, "a.txt is no image")
    run("ask", "Which?", "--image", str(tmp_path / "none.png")).failed(2, "There is no file")
    assert not database.exists()
    models.capabilities = ["completion"]
    run("ask", "Which?", "--image", str(tmp_path / "a.png")).failed(1, "takes no images")
    assert models.asked == []


def test_files_are_named_in_the_question(
    run: Run, models: ScriptedModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "my notes.txt").write_text("One.")
    assert run("ask", 'Is @a.png in @"my notes.txt", @someone?', stdin=b"@./none is piped in").code == 0
    content = models.asked[0][0].content
    assert isinstance(content, list)
    text = "Is a.png in my notes.txt, @someone?\n\n@./none is piped in\n\nmy notes.txt (4 B):\n```\nOne.\n```"
    assert content[0] == {"type": "text", "text": text}
    assert [block["type"] for block in content if isinstance(block, dict)] == ["text", "image"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("See @./missing.png", "There is no file ./missing.png"),
        ("See @docs", "docs is a folder"),
        ("See @pipe", "pipe is no plain file"),
        ("See @data.bin", "neither an image nor text"),
        ("See @large.txt", "too large to attach"),
        ("See @text.png", "no image that can be sent"),
    ],
)
def test_what_is_named_and_cannot_be_attached(
    run: Run,
    models: ScriptedModels,
    database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "data.bin").write_bytes(b"\0\1")
    (tmp_path / "large.txt").write_text("a" * 500_001)
    (tmp_path / "text.png").write_text("no image")
    run("ask", text).failed(2, words)
    assert models.asked == []
    assert not database.exists()


def test_an_image_that_is_named_is_refused_by_a_model_without_vision(
    run: Run, models: ScriptedModels, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png())
    models.capabilities = ["completion"]
    run("ask", f"See @{tmp_path}/a.png").failed(1, "takes no images")
    assert models.asked == []
