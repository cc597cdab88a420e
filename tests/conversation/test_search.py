from __future__ import annotations

import shutil
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

from chatui.config import Config
from chatui.conversation.library import Library
from chatui.conversation.search import Results
from chatui.storage import Store
from chatui.storage import search as searching
from tests.conversation.conftest import Bench, say
from tests.scripted import ScriptedModels

DATA = Path(__file__).parents[1] / "data" / "imports"


async def search(library: Library, text: str, **options: Any) -> Results:
    """What a search found in the end."""
    async for results in library.search(text, **options):
        last = results
    assert last.done
    return last


async def test_a_message_is_found_on_any_branch_and_says_where_it_is(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.script = ["A badger."]
    await say(conversation.send("Which animal?"))
    bench.models.script = ["A black badger."]
    await say(conversation.regenerate(conversation.branch()[0].node_id))
    found = await search(bench.library, "badger")
    assert (found.total, found.more) == (2, False)
    assert [(hit.snippet, hit.on_active_path) for hit in found.hits] == [
        ("A badger.", False),
        ("A black badger.", True),
    ]
    other, here = found.hits
    assert here.checkpoint_id == conversation.branch()[1].checkpoint_id
    assert (here.thread_id, here.role, here.depth) == (conversation.thread_id, "assistant", 2)
    assert here.title == "Which animal?"
    await conversation.view(other.node_id)
    assert [hit.on_active_path for hit in (await search(bench.library, "badger")).hits] == [True, False]
    await conversation.go_to(None)
    assert [hit.on_active_path for hit in (await search(bench.library, "animal")).hits] == [False]
    await bench.reopen()
    assert [hit.on_active_path for hit in (await search(bench.library, "animal")).hits] == [False]
    assert (await search(bench.library, "badger", limit=1)).total == 2


async def test_a_short_search_yields_what_it_has_and_can_be_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = bench.library.conversation()
    for number in range(3):
        bench.models.script = ["Yes."]
        await say(conversation.send(f"Q{number}"))
    monkeypatch.setattr(searching, "SCANNED", 2)
    steps = [results async for results in bench.library.search("q")]
    assert [[hit.snippet for hit in step.hits] for step in steps] == [
        ["Q2"], ["Q2", "Q1"], ["Q2", "Q1", "Q0"], ["Q2", "Q1", "Q0"]
    ]  # fmt: skip
    assert [(step.more, step.done) for step in steps] == [(True, False), (True, False), (True, False), (False, True)]
    limited = await search(bench.library, "q", limit=2)
    assert (len(limited.hits), limited.more) == (2, True)
    scanned = []
    scan = searching.Search.scan

    def counted(*args: Any, **named: Any) -> searching.Scanned:
        scanned.append(1)
        return scan(*args, **named)

    monkeypatch.setattr(searching.Search, "scan", counted)
    async with aclosing(bench.library.search("q")) as running:
        async for _ in running:
            break
    assert scanned == [1], "it reads on although nobody looks"
    assert (await search(bench.library, "")).hits == []


async def test_another_user_s_threads_are_not_found(bench: Bench) -> None:
    for user in ("anna", "bob"):
        library = Library(bench.library._store, cast("Any", bench.models), Config(), user=user)
        bench.models.script = ["Fine."]
        await say(library.conversation().send(f"Aardvark of {user}"))
    store, models = bench.library._store, cast("Any", bench.models)
    anna = Library(store, models, Config(), user="anna")
    everyone = Library(store, models, Config(), user="anna", all_users=True)
    assert [hit.user for hit in (await search(anna, "aardvark")).hits] == ["anna"]
    assert sorted(hit.user for hit in (await search(everyone, "aardvark")).hits) == ["anna", "bob"]
    assert [thread.user for thread in anna.threads(said="aardvark")] == ["anna"]


@pytest.mark.parametrize("name", sorted(folder.name for folder in DATA.glob("langgraph-*")))
@pytest.mark.parametrize("read_only", [False, True])
async def test_another_program_s_file_is_searched_from_beside_it(tmp_path: Path, name: str, read_only: bool) -> None:
    path = tmp_path / "theirs.sqlite"
    shutil.copy(DATA / name / "checkpoints.sqlite", path)
    before = path.read_bytes()
    store = Store.open(path, read_only=read_only, side_folder=tmp_path / "side")
    library = Library(store, cast("Any", ScriptedModels()), Config())
    assert (await search(library, "the")).hits == [], "nothing is indexed yet"
    async for _ in library.catch_up():
        pass
    said = {m.node_id: m.text for t in library.threads() for m in library.conversation(t.thread_id).tree()}
    word = max((word for text in said.values() for word in text.split() if word.isalpha()), key=len)
    wanted = {node for node, text in said.items() if word.lower() in text.lower()}
    assert wanted
    assert wanted <= {hit.node_id for hit in (await search(library, word)).hits}
    await library.close()
    assert path.read_bytes() == before


async def test_our_own_file_is_searched_read_only(bench: Bench) -> None:
    bench.models.script = ["明日は晴れ。"]
    await say(bench.library.conversation().send("天気予報は？"))
    await bench.library.close()
    before = bench.path.read_bytes()
    library = Library(Store.open(bench.path, read_only=True), cast("Any", bench.models), Config())
    assert [hit.snippet for hit in (await search(library, "天気")).hits] == ["天気予報は？"]
    assert [hit.snippet for hit in (await search(library, "晴")).hits] == ["明日は晴れ。"]
    await library.close()
    assert bench.path.read_bytes() == before


async def test_completing_the_index_says_how_far_it_is(bench: Bench) -> None:
    for text in ("One", "Two"):
        bench.models.script = ["Fine."]
        await say(bench.library.conversation().send(text))
    async with bench.library._store.database.transaction() as connection:
        await connection.execute("UPDATE chatui_threads SET indexed_rowid = 0")
    seen = []
    async for _ in bench.library.catch_up():
        seen.append(bench.library.indexing)
    assert seen == [(0, 2), (1, 2)]
    assert bench.library.indexing is None
