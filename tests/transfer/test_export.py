"""What goes out comes in again: the same tree, whatever is in it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage, messages_from_dict

from chatui.conversation.state import SNAPSHOT_FREQUENCY, fold_messages
from chatui.storage import Store
from chatui.storage.planting import Plot, Seedling
from chatui.storage.records import now
from chatui.transfer.export import FORMATS, Exported, exported, pieces
from chatui.transfer.html import rendered
from tests.transfer.importing import states, take_in

SCRIPTS = [
    "Hello",
    "天気はどう？",
    "مرحبا بالعالم",
    "שלום",
    "Привет",
    "👩‍👩‍👧‍👦 🏳️‍🌈 é",
    "नमस्ते",
    '</script><b onclick="x()">',
    "a\n\n# b\n```",
    "\u2028\x85\x7f",
]
TEXTS = st.one_of(st.sampled_from(SCRIPTS), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))


@st.composite
def messages(draw: st.DrawFn, number: int) -> BaseMessage:
    kind = draw(st.sampled_from(["human", "ai", "ai", "tool", "system"]))
    text, own = draw(TEXTS), f"m{number}"
    if kind == "human":
        blocks: list[str | dict[str, Any]] = [{"type": "text", "text": text}]
        return HumanMessage(blocks if draw(st.booleans()) else text, id=own)
    if kind == "tool":
        return ToolMessage(
            text, id=own, tool_call_id="call", name="search", status=draw(st.sampled_from(["success", "error"]))
        )
    if kind == "system":
        return SystemMessage(text, id=own)
    calls = [{"name": "search", "args": {"q": text, "n": 3}, "id": "call"}] if draw(st.booleans()) else []
    return AIMessage(
        text,
        id=own,
        tool_calls=calls,
        additional_kwargs={"reasoning_content": draw(TEXTS)} if draw(st.booleans()) else {},
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3} if draw(st.booleans()) else None,
        response_metadata={
            "chatui": {"model": "ollama:x", "seconds": 1.5, "attachments": [text]},
            "done_reason": "stop",
        },
    )


@st.composite
def forests(draw: st.DrawFn) -> list[Seedling]:
    size = draw(st.integers(1, 9))
    seedlings = []
    for number in range(size):
        parent = draw(st.one_of(st.none(), st.integers(0, number - 1))) if number else None
        seedlings.append(Seedling(draw(messages(number)), parent, now()))
    return seedlings


async def plant(store: Store, seedlings: list[Seedling], thread_id: str = "tree") -> list[str]:
    saver = await store.saver()
    await saver.setup()
    async with store.database.transaction() as connection:
        plot = Plot(store.index(fold_messages), connection, thread_id, owner="ada", frequency=SNAPSHOT_FREQUENCY)
        planted = await plot.sow(seedlings)
        await plot.write()
        await store.threads.settle_head(connection, thread_id, planted.checkpoints[-1], planted.nodes[-1])
    return planted.nodes


def out(store: Store, thread_id: str = "tree") -> Exported:
    thread = store.threads.get(thread_id)
    assert thread is not None
    return exported(store, fold_messages, thread, store.threads.head(thread_id)[1] or "")


def compared(store: Store, thread_id: str = "tree") -> Any:
    """All of a thread that has to be the same in another file."""
    whole = out(store, thread_id)
    entries = [
        (
            msgspec.structs.replace(entry.message, checkpoint_id=None),
            without_time(entry.original),
            entry.deleted,
            entry.hidden,
        )
        for entry in whole.entries
    ]
    thread = msgspec.structs.replace(whole.thread, active_checkpoint_id=None)
    return thread, entries, whole.head, whole.named, whole.system_prompt, whole.settings


def without_time(message: BaseMessage) -> BaseMessage:
    """A message without the time that an import writes into it, where it only stood in the checkpoint."""
    facts = {
        key: value
        for key, value in message.response_metadata.get("chatui", {}).items()
        if key not in ("created_at", "model")
    }
    return message.model_copy(update={"response_metadata": {**message.response_metadata, "chatui": facts}})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(forests(), st.sampled_from(["json", "jsonl"]), st.data())
def test_a_tree_is_the_same_in_another_file(seedlings: list[Seedling], kind: str, data: st.DataObject) -> None:
    async def there_and_back(folder: Path, one: Store, other: Store) -> None:
        nodes = await plant(one, seedlings)
        async with one.database.transaction() as connection:
            await one.marks.star(connection, "tree", data.draw(st.sampled_from(nodes)), True)
            await one.marks.name(connection, "tree", data.draw(st.sampled_from(nodes)), "left turn")
            if data.draw(st.booleans()):
                await one.marks.delete(connection, "tree", data.draw(st.sampled_from(nodes)))
            title = {
                "title": "Ein Baum",
                "title_by": "user",
                "pinned": 1,
                "system_prompt": "Be kind.",
                "model": "ollama:y",
                "updated_at": "2031-02-03T04:05:06.789Z",
            }
            await one.threads.update(connection, "tree", **title)
            await one.settings.change(connection, "thread", "tree", temperature=0.5)
        file = folder / f"out.{kind}"
        file.write_text("".join(pieces(kind, [out(one)])), encoding="utf-8", newline="")
        report = await take_in(other, file)
        assert (report.kind, report.new_messages, report.skipped) == ("chatui", len(set(nodes)), [])
        assert compared(other) == compared(one)
        for store in (one, other):  # importing again, and into the file that it came from, adds nothing
            assert (await take_in(store, file)).new_messages == 0
        assert compared(other) == compared(one)
        read = await states(other, "tree")
        for entry in out(other).entries:
            if not entry.hidden:
                assert read[entry.message.node_id][-1] == entry.original

    async def run(folder: Path) -> None:
        one, other = Store.open(folder / "one.db"), Store.open(folder / "other.db")
        try:
            await there_and_back(folder, one, other)
        finally:
            await one.close()
            await other.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


async def test_messages_are_those_of_langchain(store: Store) -> None:
    said: list[BaseMessage] = [HumanMessage("Hi", id="a"), AIMessage("Hello", id="b"), AIMessage("Hey", id="c")]
    await plant(store, [Seedling(said[0], None, now()), Seedling(said[1], 0, now()), Seedling(said[2], 0, now())])
    document = "".join(pieces("messages", [out(store)]))
    assert messages_from_dict(json.loads(document)) == [said[0], said[2]]
    both = json.loads("".join(pieces("messages", [out(store)], all_branches=True)))
    assert [messages_from_dict(branch) for branch in both.values()] == [[said[0], said[2]], [said[0], said[1]]]


@pytest.mark.parametrize("kind", FORMATS)
def test_no_thread_at_all_is_a_document_too(kind: str) -> None:
    document = "".join(pieces(kind, []))
    assert kind not in ("json", "messages") or json.loads(document) == []


async def test_a_newer_form_is_skipped(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    file.write_text('[{"chatui": 2, "thread": {"thread_id": "x"}, "messages": []}]')
    report = await take_in(store, file)
    assert [skipped.why for skipped in report.skipped] == ["A newer chatui wrote it."]


async def test_a_page_holds_every_branch_and_nothing_that_runs(store: Store) -> None:
    evil = '</div><script>alert(1)</script><img src="https://x.test/a">'
    said = [HumanMessage(evil, id="a"), AIMessage("old", id='"><b>'), AIMessage(evil, id="c")]
    await plant(store, [Seedling(said[0], None, now()), Seedling(said[1], 0, now()), Seedling(said[2], 0, now())])
    page = "".join(pieces("html", [out(store)]))
    assert page.count("<script>") == 1
    assert "<img" not in page
    assert page.count("&lt;script&gt;alert(1)") == 4  # twice as messages, and in the two titles of the page
    assert page.count("<article") == 3
    assert page.count(" hidden>") == 1  # the answer that is not on the active branch
    assert "1/2" in page
    assert "2/2" in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("# Big *and* `code`", "<h1>Big <em>and</em> <code>code</code></h1>"),
        ("```py\nx < 1\n```", '<pre><code class="language-py">x &lt; 1\n</code></pre>'),
        ("| a | b |\n|---|--:|\n| 1 | 2 |", '<td style="text-align:right">2</td>'),
        ("- one\n- two", "<li>two</li>"),
        ("~~old~~", "<s>old</s>"),
        (
            "[x](https://a.test/?q=1&r=2)",
            '<a href="https://a.test/?q=1&amp;r=2" rel="noopener noreferrer nofollow">x</a>',
        ),
        ("<https://a.test>", '<a href="https://a.test" rel="noopener noreferrer nofollow">https://a.test</a>'),
        ("[m](mailto:a@b.test)", '<a href="mailto:a@b.test"'),
        ('![a "cat"](https://a.test/c.png)', ">[image: a &quot;cat&quot;]</a>"),
        ("<b onclick=x()>bold</b>", "&lt;b onclick=x()&gt;bold&lt;/b&gt;"),
        ("<script>x()</script>", "&lt;script&gt;x()&lt;/script&gt;"),
        ("[j](javascript:x())", "[j](javascript:x())"),
        ("![d](data:image/png;base64,AAAA)", "![d](data:image/png;base64,AAAA)"),
        ("[f](file:///etc/passwd)", "[f](file:///etc/passwd)"),
        ("[r](/there)", "[r](/there)"),
        ("\x1b[31mred", "red"),
    ],
)
def test_markdown_is_rendered_and_nothing_in_it_runs_or_loads(markdown: str, html: str) -> None:
    page = rendered(markdown)
    assert html in page
    for tag in ("<script", "<img", "<b ", "\x1b", 'href="javascript', 'href="file', 'href="data'):
        assert tag not in page


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("[]()<>!`*_~#|-\\&\"':/\n jJavscriptx")))
def test_no_text_makes_an_element_that_is_not_markdown_s(text: str) -> None:
    found = re.findall(r"<([a-z0-9]+)", rendered(text))
    known = "a blockquote br code em h1 h2 h3 h4 h5 h6 hr li ol p pre s strong table tbody td th thead tr ul"
    assert set(found) <= set(known.split())


def test_deep_nesting_loses_no_text() -> None:
    for text in ("> " * 60 + "deep", "[" * 60 + "deep", "* " * 60 + "deep"):
        assert "deep" in rendered(text)


BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.skipif(BROWSER is None, reason="it takes a browser")
async def test_the_switch_shows_the_branch_that_was_seen_last(store: Store, tmp_path: Path) -> None:
    said: list[BaseMessage] = [HumanMessage("Hi", id="a"), AIMessage("old", id="b"), AIMessage("new", id="c")]
    said += [HumanMessage("more", id="d"), AIMessage("first", id="e"), AIMessage("second", id="f")]
    parents = [None, 0, 0, 2, 3, 3]
    await plant(store, [Seedling(one, parent, now()) for one, parent in zip(said, parents, strict=True)])
    page = "".join(pieces("html", [out(store)]))
    clicks = """const shown=()=>[...document.querySelectorAll('article:not([hidden]) :is(.md,.text)')]
        .map(x=>x.innerText).join(' ');
    const click=v=>document.querySelectorAll(`article:not([hidden]) button[value="${v}"]:enabled`);const seen=[shown()];
    for(const [v,n] of [[-1,1],[-1,0],[1,0]]){click(v)[n].click();seen.push(shown())}document.title=seen.join(' / ')"""
    # The policy lets no other script run, and a test cannot click in any other way.
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace(
        "</body>", f"<script>{clicks}</script></body>"
    )
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [
        BROWSER or "",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}/b",
        "--dump-dom",
    ]
    done = await asyncio.create_subprocess_exec(*command, file.as_uri(), stdout=PIPE, stderr=DEVNULL)
    dom = (await done.communicate())[0].decode()
    title = re.search("<title>(.*?)</title>", dom)
    assert title is not None
    assert title[1].split(" / ") == ["Hi new more second", "Hi new more first", "Hi old", "Hi new more first"]
