from __future__ import annotations

import base64
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from chatui.conversation import attachments
from chatui.conversation.attachments import find_files, images_of, read
from chatui.conversation.memory import estimate_tokens
from chatui.errors import Unsupported, UsageError
from chatui.storage.attached import FACTS, attachment_line, text_of
from tests.conversation.conftest import Bench, run, say
from tests.pictures import gif, jpeg, png, webp

LINE = "🖼 cat.png 640×480 120 kB"


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    path.write_bytes(png(size=120_000))
    return path


# Reading


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (png(30, 20), "image/png"),
        (gif(30, 20), "image/gif"),
        (jpeg(30, 20), "image/jpeg"),
        (webp(b"VP8X", 30, 20), "image/webp"),
        (webp(b"VP8L", 30, 20), "image/webp"),
        (webp(b"VP8 ", 30, 20), "image/webp"),
    ],
)
def test_an_image_is_told_by_its_content(tmp_path: Path, data: bytes, media_type: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(data)
    found = read(path)
    assert (found.media_type, found.width, found.height) == (media_type, 30, 20)
    # Cut off anywhere it is still an image, or refused in a sentence.
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with suppress(UsageError):
            read(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x00\x01binary", "neither an image nor text"),
        (b"\xff\xfe\xfd", "neither an image nor text"),
        (b"a" * 500_001, "too large"),
    ],
)
def test_what_cannot_be_attached(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=words):
        read(path)


def test_other_things_that_cannot_be_attached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cat: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        read(tmp_path / "none.png")
    with pytest.raises(UsageError, match="is a folder"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is no plain file"):
        read(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is no plain file"):
        read(Path("/dev/zero"))
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(UsageError, match="no image that can be sent"):
        read(tmp_path / "text.png", image=True)
    monkeypatch.setattr(attachments, "LARGEST_IMAGE", 1000)
    with pytest.raises(UsageError, match="too large"):
        read(cat)


def test_a_text_is_quoted_and_cannot_end_its_fence(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("\ufeffone\n````\n\x1b]0;evil\x07two\n")
    assert read(path).quoted() == "a.md (25 B):\n`````\none\n````\n]0;eviltwo\n`````"


def test_files_are_named_with_an_at_sign(tmp_path: Path, cat: Path) -> None:
    (tmp_path / "my notes.txt").write_text("Note.")
    text, found = find_files('Is @cat.png, like @"my notes.txt", not @none.txt or a@cat.png? @cat.png.', tmp_path)
    assert text == "Is cat.png, like my notes.txt, not @none.txt or a@cat.png? cat.png."
    assert [one.name for one in found] == ["cat.png", "my notes.txt"]


# Saying


async def test_an_image_is_sent_saved_and_told_in_a_line(bench: Bench, cat: Path) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("What is it?", attachments=[read(cat)]))
    content = bench.models.asked[0][-1].content
    assert isinstance(content, list)
    text, image = content
    assert text == {"type": "text", "text": "What is it?"}
    assert isinstance(image, dict)
    assert (image["type"], image["mime_type"]) == ("image", "image/png")
    assert base64.b64decode(image["base64"]) == png(size=120_000)
    # After a restart, and with the index made anew, it is all there.
    library = await bench.reopen()
    assert [problem async for problem in library.reindex()]
    assert await library.check() == []
    conversation = library.conversation(conversation.thread_id)
    assert [message.text for message in conversation.tree()] == [f"What is it?\n{LINE}", "Hello there."]
    await say(conversation.send("Sure?"))
    assert bench.models.asked[-1][0].content == content


async def test_regenerating_sends_it_again(bench: Bench, cat: Path) -> None:
    conversation = bench.library.conversation()
    answer = await say(conversation.send("", attachments=[read(cat)]))
    again = await say(conversation.regenerate(answer.node_id))
    assert again.alternatives == 2
    assert bench.models.asked[0][-1].content == bench.models.asked[1][-1].content


async def test_an_edited_prompt_keeps_the_images_whose_lines_stay(bench: Bench, cat: Path) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("What is it?", attachments=[read(cat)]))
    prompt = conversation.tree()[0]
    await say(conversation.edit(prompt.node_id, prompt.text.replace("What", "Who")))
    content = bench.models.asked[1][-1].content
    assert isinstance(content, list)
    assert content[0] == {"type": "text", "text": "Who is it?"}
    assert content[1:] == bench.models.asked[0][-1].content[1:]
    await say(conversation.edit(prompt.node_id, "Nothing?"))
    assert bench.models.asked[2][-1].content == "Nothing?"
    # It came back to the prompt, and is sent from there.
    await conversation.go_to(None)
    await say(conversation.send(prompt.text))
    assert bench.models.asked[3][-1].content == bench.models.asked[0][-1].content


async def test_an_edited_prompt_keeps_the_names_that_it_was_imported_with(bench: Bench) -> None:
    conversation = bench.library.conversation()
    facts = {"attachments": ["report.pdf", "cat\x1b.png", 3]}
    await conversation.add([HumanMessage("Look.", id="a", response_metadata={FACTS: facts})])
    prompt = conversation.tree()[0]
    assert prompt.text == "Look.\n📎 report.pdf\n📎 cat.png"
    edited = prompt.text.replace("Look", "Read").replace("\n📎 report.pdf", "")
    await say(conversation.edit(prompt.node_id, edited))
    # A model is told nothing of what it cannot see.
    assert bench.models.asked[0][-1].content == "Read."
    assert (await conversation.originals())[0].response_metadata[FACTS]["attachments"] == ["cat\x1b.png"]
    assert conversation.branch()[0].text == "Read.\n📎 cat.png"


def test_the_line_of_an_image_says_its_type_where_its_name_does_not() -> None:
    def line(name: str, kind: str) -> str:
        return attachment_line({"type": "image", "mime_type": f"image/{kind}", "extras": {"name": name, "size": 9}})

    assert line("a.PNG", "png") == "🖼 a.PNG 9 B"
    assert line("a.jpg", "jpeg") == line("a.jpg", "jpeg").replace(" JPEG", "")
    assert line("notes.txt", "webp") == "🖼 notes.txt WEBP 9 B"
    assert attachment_line({"type": "image", "mime_type": "image/png"}) == "🖼 image/png"


async def test_the_images_that_are_in_a_message(bench: Bench, cat: Path) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("What is it?", attachments=[read(cat)]))
    assert await conversation.images(conversation.tree()[0].node_id) == {LINE: png(size=120_000)}
    assert await conversation.images(conversation.tree()[1].node_id) == {}
    encoded = base64.b64encode(b"image").decode()
    blocks: list[tuple[dict[str, Any], bool]] = [
        ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}, True),
        ({"type": "image_url", "image_url": f"data:image/png;base64,{encoded}"}, True),
        ({"type": "image", "source_type": "base64", "data": encoded}, True),
        ({"type": "image", "url": "https://example.com/cat.png"}, False),
        ({"type": "image", "base64": "no base64"}, False),
        ({"type": "image", "base64": 12345}, False),
        ({"type": "image"}, False),
        ({"type": "audio", "base64": encoded}, False),
    ]
    for block, held in blocks:
        assert images_of(HumanMessage([block])) == ({"🖼 image": b"image"} if held else {}), block


async def test_a_model_without_vision_is_not_asked(bench: Bench, cat: Path) -> None:
    bench.models.capabilities = ["completion"]
    conversation = bench.library.conversation()
    with pytest.raises(Unsupported, match="takes no images"):
        await run(conversation.send("What is it?", attachments=[read(cat)]))
    assert (bench.models.asked, conversation.thread()) == ([], None)
    bench.models.capabilities = []
    await say(conversation.send("What is it?", attachments=[read(cat)]))


def test_blocks_of_other_programs_and_what_they_cost() -> None:
    blocks = [
        "Hi",
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "file", "base64": "AA"},
    ]
    message = HumanMessage(content=blocks)  # type: ignore[arg-type]
    assert text_of(message) == "Hi\n🖼 image\n📎 file"
    assert estimate_tokens([message]) > estimate_tokens([HumanMessage("Hi")]) + 500
