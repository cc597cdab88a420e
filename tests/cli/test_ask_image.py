from __future__ import annotations

from pathlib import Path

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
