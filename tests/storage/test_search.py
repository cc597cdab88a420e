from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatui.storage import Store, migrations
from chatui.storage import search as searching
from chatui.storage.query import SNIPPET, parse, snippet
from chatui.storage.words import fold, spaced

ROWS = """INSERT INTO chatui_messages (thread_id, node_id, parent_id, depth, rank, message_id, role, text, created_at)
    VALUES (?1, ?2, '', 1, 1, ?2, 'user', ?3, '2026-01-01T00:00:00.000Z')"""


async def say(store: Store, *texts: str, thread: str = "t", owner: str = "default") -> None:
    """Put messages into the index, named by their text's place."""
    async with store.database.transaction() as connection:
        await store.threads.add(connection, thread, owner=owner, title=f"About {thread}")
        await connection.executemany(ROWS, [(thread, f"{thread}{place}", text) for place, text in enumerate(texts)])


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(tmp_path / "chatui.db")
    yield store
    await store.close()


def found(store: Store, text: str, **options: object) -> list[str]:
    """The nodes that a search finds, by the index or by scanning."""
    query = parse(text)
    hits = [*store.search.page(query, **options).hits]  # type: ignore[arg-type]
    if not query.match:
        hits = [*store.search.scan(query, owner=options.get("owner")).hits]  # type: ignore[arg-type]
    return sorted(hit.node_id for hit in hits)


@pytest.mark.parametrize(
    ("query", "nodes"),
    [
        ("brown fox", ["t0"]),
        ("fox brown", ["t0"]),
        ('"brown fox"', ["t0"]),
        ('"fox brown"', []),
        ('"fox bro', []),
        ('"brown fo', ["t0"]),
        ("quic", ["t0", "t1"]),
        ("quic* dogs", ["t1"]),
        ("quic dogs", []),
        ("QUICK", ["t0", "t1"]),
        ("cafe resume", ["t2"]),
        ("CAFÉ", ["t2"]),
        ("user.name", ["t3"]),
        ("name user", ["t3"]),
        ('"name user"', []),
        ("C++", ["t4"]),
        ("c+", ["t4"]),
        ("++", ["t4"]),
        ("fox NOT brown", []),
        ("fox OR dogs", []),
        ("snake_case", ["t5"]),
        ("straße", ["t5"]),
        ("", []),
        (" \n ", []),
        ('"', []),
        ("*", []),
    ],
)
async def test_words_phrases_and_beginnings(store: Store, query: str, nodes: list[str]) -> None:
    await say(
        store,
        "The quick brown fox",
        "quickly, dogs",
        "Un cafe\u0301 et un résumé",
        "user.name = 1",
        "I like C++",
        "snake_case in der Straße",
    )
    assert found(store, query) == nodes


@pytest.mark.parametrize(
    ("query", "nodes"),
    [
        ("天気", ["t0", "t1"]),
        ("天気予報", ["t0"]),
        ("気予", ["t0"]),
        ("予報を", ["t0"]),
        ("天", ["t0", "t1"]),
        ("予天", []),
        ("天気 明日", ["t1"]),
        ('"天気 明日"', []),
        ("iphone 手机", ["t2"]),
        ("iPhone手机", ["t2"]),
        ("手机壳", ["t2"]),
        ("壳", ["t2"]),
        ("phone手", []),
        ("กินข้าว", ["t3"]),
        ("ข้าว", ["t3"]),
        ("ขาว", []),
        ("학교", ["t4"]),
        ("हिन्दी", ["t5"]),
        ("हन्द", []),
        ("か", ["t6"]),
        ("かぎ", []),
        ("がぎ", ["t6"]),
        ("привет", ["t7"]),
        ("שלום", ["t7"]),
    ],
)
async def test_other_scripts(store: Store, query: str, nodes: list[str]) -> None:
    await say(
        store,
        "今日の天気予報を見る",
        "明日は雨の天気だ",
        "我的iPhone手机壳",
        "ฉันกินข้าวแล้ว",
        "학교에서 배웠다",
        "यह हिन्दी है",
        "がぎぐげご か",
        "Привет, мир. שלום",
    )
    assert found(store, query) == nodes


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store.open(tmp_path_factory.mktemp("some") / "chatui.db")
    with sqlite3.connect(store.path) as connection:
        connection.create_function("chatui_spaced", 1, spaced)
        connection.execute("INSERT INTO chatui_threads (thread_id, created_at, updated_at) VALUES ('t', '', '')")
        connection.executemany(
            ROWS, [("t", str(n), text) for n, text in enumerate(["a b AND NEAR", "天気 กิน", '"*^:"'])]
        )
    connection.close()
    return store


_PARTS = st.sampled_from(
    [*'ab"*^:()-+{}[]\\/,;\x00\t\n天กิ\u0301é', " ", '"', "AND", "OR", "NOT", "NEAR(", "text:", "\ud800", "\U0001f44b"]
)


@settings(max_examples=400, deadline=None)
@given(text=st.one_of(st.text(max_size=60), st.lists(_PARTS, max_size=40).map("".join)))
def test_no_text_is_an_error(some: Store, text: str) -> None:
    query = parse(text)
    for hit in [*some.search.page(query).hits, *some.search.scan(query).hits]:
        assert all(0 <= start < end <= len(hit.snippet) for start, end in hit.marks)


@pytest.mark.parametrize("text", ["(" * 500, '"a b" ' * 200, "ab* " * 200, "天 " * 300, "a" * 100_000])
def test_no_text_is_too_long(some: Store, text: str) -> None:
    some.search.page(parse(text))


@given(text=st.text(), query=st.text(min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_folding_keeps_places_and_a_snippet_is_one_clean_line(text: str, query: str) -> None:
    assert len(fold(text)) == len(text)
    line, marks = snippet(text + query + text, parse(query))
    assert len(line) <= SNIPPET + 2
    assert "\n" not in line
    assert "\x1b" not in line
    assert all(0 <= start < end <= len(line) for start, end in marks)


def test_a_snippet_shows_the_best_part_with_its_words_marked() -> None:
    text = "apple " * 40 + "\n\nThe \x1b[31m pear\u202e and\tan apple met, then " + "plum " * 60
    line, marks = snippet(text, parse("apple pear"))
    assert line.startswith("…apple")
    assert [line[start:end] for start, end in marks][-2:] == ["pear", "apple"]
    assert "The [31m pear and an apple met, then plum" in line
    assert line.endswith("plum…")
    assert snippet("short and\nwhole", parse("whole")) == ("short and whole", [(10, 15)])


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("Sorted, sort, resort", "sort", ["Sort", "sort"]),
        ("Sorted, sort, resort", '"sort"', ["sort"]),
        ("Le cafe\u0301 au CAFÉ", "cafe", ["caf\u00e9", "CAFÉ"]),
        ("今日の天気予報と天気", "天気", ["天気", "天気"]),
        ("我的iPhone手机", "iphone", ["iPhone"]),
        ("a.b  c", '"a b c"', ["a.b  c".replace("  ", " ")]),
        ("It is C++ or c", "c+", ["C+"]),
        ("see user_name", "name", ["name"]),
        ("nothing", "else", []),
    ],
)
def test_what_is_marked_is_what_was_found(text: str, query: str, marked: list[str]) -> None:
    line, marks = snippet(text, parse(query))
    assert [line[start:end] for start, end in marks] == marked


async def test_the_best_comes_first_and_of_equals_the_newest(store: Store) -> None:
    await say(store, "pear " + "other words " * 30, "pear pear pear", "fig", "fig", "fig")
    assert [hit.node_id for hit in store.search.page(parse("pear")).hits] == ["t1", "t0"]
    assert [hit.node_id for hit in store.search.page(parse("fig")).hits] == ["t4", "t3", "t2"]
    page = store.search.page(parse("fig"), limit=1, offset=1)
    assert [hit.node_id for hit in page.hits] == ["t3"]
    assert page.total == 3


async def test_of_very_common_words_the_newest_are_ranked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "_MATCHES", searching._MATCHES.replace(f"LIMIT {searching.RANKED}", "LIMIT 3"))
    await say(store, "pear pear pear", *["a pear"] * 5)
    page = store.search.page(parse("pear"))
    assert [hit.node_id for hit in page.hits] == ["t5", "t4", "t3"]
    assert page.total == 3


async def test_a_page_is_not_made_by_sorting_every_match(store: Store) -> None:
    with store.database.reading() as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {searching._MATCHES}", (None, "pear")).fetchall()
    steps = [step[3] for step in plan]
    assert [step.split()[:2] for step in steps] == [["SCAN", "f"], ["SEARCH", "m"], ["SEARCH", "t"]], steps


async def test_deleted_ones_and_those_of_others_are_not_found(store: Store) -> None:
    await say(store, "pear", "pear")
    await say(store, "pear", thread="b", owner="bob")
    await say(store, "pear", thread="gone")
    await say(store, "pear", thread="old")
    async with store.database.transaction() as connection:
        await store.threads.update(connection, "gone", deleted_at="2026-01-01T00:00:00.000Z")
        await store.threads.update(connection, "old", archived=1)
        await store.marks.delete(connection, "t", "t1")
    for query in ("pear", "pe"):
        assert found(store, query) == ["b0", "old0", "t0"]
        assert found(store, query, owner="bob") == ["b0"]
        assert found(store, query, owner="nobody") == []
    hits = {hit.node_id: hit for hit in store.search.page(parse("pear")).hits}
    assert (hits["old0"].archived, hits["t0"].archived) == (True, False)
    assert (hits["b0"].user, hits["b0"].title) == ("bob", "About b")
    async with store.database.transaction() as connection:
        await store.marks.delete(connection, "t", "t1", on=False)
        await store.threads.update(connection, "gone", deleted_at=None)
    assert found(store, "pear") == ["b0", "gone0", "old0", "t0", "t1"]


async def test_what_is_removed_from_the_index_is_not_found(store: Store) -> None:
    await say(store, "pear 天気", "fig 天気")
    async with store.database.transaction() as connection:
        await connection.execute("DELETE FROM chatui_messages WHERE node_id = 't0'")
    assert found(store, "pear") == []
    assert found(store, "天気") == ["t1"]
    with store.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM chatui_search WHERE chatui_search MATCH '天気'").fetchone() == (
            1,
        )


async def test_short_texts_are_scanned_for_page_by_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "SCANNED", 3)
    await say(store, "É1", "no", "no", "no", "no", "no", "x é1")
    query = parse("é1")
    assert query.match == ""
    first = store.search.scan(query)
    assert [hit.node_id for hit in first.hits] == ["t6"]
    second = store.search.scan(query, before=first.before)
    assert not second.hits
    third = store.search.scan(query, before=second.before)
    assert [hit.node_id for hit in third.hits] == ["t0"]
    assert third.before is None


async def test_a_thread_is_listed_by_what_was_said_in_it(store: Store) -> None:
    await say(store, "a pear", thread="one")
    await say(store, "天気予報", "C#", thread="two")
    await say(store, "hidden", thread="three")
    async with store.database.transaction() as connection:
        await store.marks.delete(connection, "three", "three0")

    def listed(text: str) -> list[str]:
        return sorted(thread.thread_id for thread in store.threads.page(said=text))

    assert listed("pear") == ["one"]
    assert listed("天気") == ["two"]
    assert listed("c#") == ["two"]
    assert listed("about t") == ["three", "two"]
    assert listed("hidden") == []
    assert listed("%") == []


async def test_an_index_of_before_finds_other_scripts_after_its_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.db"
    with monkeypatch.context() as before:
        before.setattr(migrations, "_MIGRATIONS", [step for step in migrations._MIGRATIONS if step.__name__ < "m004"])
        Store.open(path)
        with sqlite3.connect(path) as connection:
            connection.execute("INSERT INTO chatui_threads (thread_id, created_at, updated_at) VALUES ('t', '', '')")
            connection.executemany(ROWS, [("t", "t0", "今日の天気予報"), ("t", "t1", "a pear")])
            rows = connection.execute("SELECT rowid FROM chatui_search WHERE chatui_search MATCH '天気'").fetchall()
            assert rows == [], "nothing to mend"
        connection.close()
    store = Store.open(path)
    assert found(store, "天気") == ["t0"]
    assert found(store, "pear") == ["t1"]
    await say(store, "雨の天気", thread="u")
    assert found(store, "天気") == ["t0", "u0"]
    await store.close()
