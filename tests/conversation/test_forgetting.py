"""What is forgotten is gone: from the store, from what replies say they were sent, and from the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from chatui.conversation.engine import Conversation
from tests.conversation.conftest import Bench, say


def grep(path: Path, word: str) -> bool:
    files = list(path.parent.glob(path.name + "*"))
    return any(word.lower().encode() in file.read_bytes().lower() for file in files)


async def no_erasing(bench: Bench) -> None:
    """Some builds of SQLite overwrite what is deleted; that must not be what makes a test pass."""
    await (await bench.library._store.database.writer()).execute("PRAGMA secure_delete=OFF")


def told(conversation: Conversation) -> list[str | None]:
    sent = conversation.branch()[-1].sent
    assert sent is not None
    return list(conversation.memory.user.told(sent))


async def test_a_forgotten_fact_is_nowhere_in_the_file(bench: Bench) -> None:
    await no_erasing(bench)
    conversation = bench.library.conversation()
    memory = conversation.memory.user
    gone = await memory.add("My budgerigar is called Xerxes.")
    await memory.add("I live in Bremen.")
    # Enough for a checkpoint that holds all messages, and more than one of them with the fact.
    for number in range(12):
        await say(conversation.send(f"Question {number}"))
    assert "Xerxes" in str(bench.models.asked[-1][0].text)
    assert told(conversation) == ["My budgerigar is called Xerxes.", "I live in Bremen."]
    gone = await memory.edit(gone.memory_id, "My budgerigar is called Ozymandias.")
    await say(conversation.send("And now?"))
    assert grep(bench.path, "Xerxes")
    await memory.forget(gone.memory_id)
    assert [word for word in ("Xerxes", "Ozymandias", "budgerigar") if grep(bench.path, word)] == []
    assert grep(bench.path, "Bremen")
    assert told(conversation) == [None, "I live in Bremen."]
    await say(conversation.send("What do you know?"))
    assert told(conversation) == ["I live in Bremen."]
    library = await bench.reopen()
    async for _ in library.reindex():
        pass
    assert told(library.conversation(conversation.thread_id)) == ["I live in Bremen."]


async def test_what_was_recalled_of_a_purged_thread_is_nowhere_in_the_file(bench: Bench) -> None:
    await no_erasing(bench)
    told = bench.library.conversation()
    long = "The harbour is quiet today. " * 20 + "My budgerigar is called Xerxes. " + "It rains in the harbour. " * 20
    await say(told.send("My budgerigar likes millet."))
    await say(told.send(long))
    asking = bench.library.conversation()
    await asking.memory.set_strategy("recall")
    for number in range(12):
        reply = await say(asking.send(f"How is my budgerigar called, for the {number}. time?"))
    assert reply.sent is not None
    assert "Xerxes" in str(bench.models.asked[-1][0].text)
    quoted = [item.text for item in asking.memory.user.recalled(reply.sent, asking.prompt_of(reply))]
    assert any("Xerxes" in text and len(text) < 400 for text in quoted)
    for text in quoted:
        assert text in str(bench.models.asked[-1][0].text)
    await bench.library.purge(told.thread_id)
    assert [word for word in ("Xerxes", "millet", "harbour") if grep(bench.path, word)] == []
    items = asking.memory.user.recalled(reply.sent, asking.prompt_of(reply))
    assert items
    assert {(item.title, item.text) for item in items} == {("", "")}


async def test_a_changed_fact_is_shown_as_it_was_sent(bench: Bench) -> None:
    conversation = bench.library.conversation()
    memory = conversation.memory.user
    fact = await memory.add("I live in Bremen.")
    await say(conversation.send("One"))
    await memory.edit(fact.memory_id, "I live in Kiel.")
    await memory.edit(fact.memory_id, "I live in Kiel.")
    assert told(conversation) == ["I live in Bremen."]
    await say(conversation.send("Two"))
    await memory.edit(fact.memory_id, "I live in Ulm.")
    assert told(conversation) == ["I live in Kiel."]


async def test_what_is_brought_back_is_remembered_and_old_replies_stay_without_it(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("One"))
    memory = conversation.memory.user
    fact = await memory.add("I live in Bremen.", source=conversation.thread_id)
    await say(conversation.send("Two"))
    back = await memory.bring_back(await memory.forget(fact.memory_id))
    assert back.memory_id != fact.memory_id
    assert (back.text, back.created_at, back.source_thread_id) == (fact.text, fact.created_at, fact.source_thread_id)
    assert told(conversation) == [None]
    await say(conversation.send("Three"))
    assert told(conversation) == ["I live in Bremen."]


async def test_texts_of_before_leave_the_index(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("One"))
    await bench.library.close()
    with closing(sqlite3.connect(bench.path)) as connection, connection:
        connection.execute("DROP TABLE chatui_told")
        connection.execute("DELETE FROM chatui_migrations WHERE name = 'm009_told'")
        connection.execute(
            "UPDATE chatui_messages SET sent = json_set(sent, '$.facts', json('[\"Rex\"]')) WHERE sent <> ''"
        )
    bench.library = bench._library()
    assert bench.library.conversation(conversation.thread_id).branch()[-1].sent is not None
    with closing(sqlite3.connect(bench.path)) as connection:
        assert "Rex" not in str(connection.execute("SELECT sent FROM chatui_messages").fetchall())
