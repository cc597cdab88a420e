"""Recall by embeddings: what is made, kept, removed and found, whose, and what happens where there is no model."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from chatui.config import Config, MemoryConfig
from chatui.conversation.engine import Conversation
from chatui.conversation.events import Note
from chatui.conversation.library import Library
from chatui.conversation.recall import merged, recall_in_force, set_embedding
from chatui.errors import ServerFault, Unsupported
from chatui.storage import Store
from chatui.storage.records import Message, Recalled
from tests.conversation.conftest import run, say
from tests.scripted import ScriptedModels, by_topic

MODEL = "ollama:nomic-embed-text"


def recalled(conversation: Conversation, message: Message) -> Sequence[Recalled]:
    assert message.sent is not None
    return conversation.memory.user.recalled(message.sent, conversation.prompt_of(message))


def texts(conversation: Conversation, message: Message) -> list[str]:
    return [item.text for item in recalled(conversation, message)]


class People:
    """Several users of one file, whose texts are compared by meaning."""

    def __init__(self, path: Path, memory: MemoryConfig) -> None:
        self.path = path
        self.models = ScriptedModels(("Noted.",))
        self.models.embeds = by_topic
        self.store = Store.open(path)
        self.config = Config(memory=memory)
        self.libraries: dict[str, Library] = {}

    def of(self, user: str) -> Library:
        if user not in self.libraries:
            self.libraries[user] = Library(self.store, cast("Any", self.models), self.config, user=user)
        return self.libraries[user]

    async def tell(self, user: str, text: str) -> Conversation:
        """Say something in a new thread, and wait for the vectors that are made behind it."""
        conversation = self.of(user).conversation()
        await say(conversation.send(text))
        await conversation.recall.finished()
        return conversation

    async def ask(self, user: str, text: str) -> tuple[list[str], str, str]:
        """Ask something in a new thread; return what was recalled, how, and all that the model was sent before the prompt."""
        conversation = self.of(user).conversation()
        message = await say(conversation.send(text))
        assert message.sent is not None
        sent = self.models.asked[-1]
        return texts(conversation, message), message.sent.recall, str(sent[0].content)

    def vectors(self, table: str = "chatui_embeddings") -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(f"SELECT * FROM {table}").fetchall()
        finally:
            connection.close()


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    people = People(tmp_path / "chatui.db", MemoryConfig("tokens:auto,recall", MODEL))
    yield people
    for library in people.libraries.values():
        await library.recall.end()
    await people.store.close()


async def test_what_was_told_is_found_by_meaning_by_the_same_user_and_by_no_other(people: People) -> None:
    await people.tell("anna", "My puppy is called Bruno.")
    # Nearly the same words, of somebody else.
    await people.tell("ben", "My puppy is called Bella.")
    recalled, how, sent = await people.ask("anna", "Which pet have I got?")
    assert "My puppy is called Bruno." in recalled
    assert how == f"by embeddings of {MODEL}, and by full text"
    assert "Bruno" in sent
    assert "Bella" not in sent
    recalled, _, sent = await people.ask("ben", "Which pet have I got?")
    assert "My puppy is called Bella." in recalled
    assert "Bruno" not in sent
    recalled, _, _ = await people.ask("clara", "Which pet have I got?")
    assert recalled == []


async def test_by_full_text_the_words_have_to_be_there_and_users_are_apart_too(people: People) -> None:
    for user in ("anna", "ben"):
        await set_embedding(people.store, user, "off")
    await people.tell("anna", "My puppy is called Bruno.")
    await people.tell("ben", "My puppy is called Bella.")
    assert people.vectors() == []
    assert people.models.embedded == []
    assert (await people.ask("anna", "Which pet have I got?"))[:2] == ([], "by full text")
    recalled, how, sent = await people.ask("anna", "What was my puppy called?")
    assert (recalled, how) == (["My puppy is called Bruno."], "by full text")
    assert "Bella" not in sent


async def test_the_details_of_an_answer_count_the_tokens_of_each_item(people: People) -> None:
    await people.tell("anna", "My puppy is called Bruno.")
    conversation = people.of("anna").conversation()
    message = await say(conversation.send("Which pet have I got?"))
    assert message.sent is not None
    item = next(item for item in recalled(conversation, message) if "Bruno" in item.text)
    assert item.likeness is not None
    assert item.likeness > 0.9
    assert 0 < item.tokens <= message.sent.tokens["recalled"]
    # It is in the thread, not only in this process.
    again = conversation.message(message.node_id).sent
    assert again == message.sent


async def test_vectors_are_kept_with_their_model_and_go_with_the_text(people: People) -> None:
    library = people.of("anna")
    told = await people.tell("anna", "My puppy is called Bruno.")
    rows = people.vectors()
    assert {row[:4] for row in rows} == {(told.thread_id, m.node_id, MODEL, 5) for m in told.tree()}
    assert all(len(row[4]) == 16 and len(row[6]) == 4 * 5 for row in rows)
    more = await say(told.send("I bake bread."))
    await told.recall.finished()
    assert len(people.vectors()) == 4
    # What is made is not made again.
    assert sum(len(texts) for _, texts in people.models.embedded) == 6, "four texts and two prompts"
    parent = more.parent_id
    assert parent is not None
    await told.upkeep.purge(parent)
    assert len(people.vectors()) == 2
    await library.purge(told.thread_id)
    assert people.vectors() == []


async def test_of_memories_too_and_they_go_when_they_are_forgotten_or_changed(people: People) -> None:
    library = people.of("anna")
    memories = library.memories_of("anna")
    kept = await memories.add("I live in Bremen.")
    gone = await memories.add("I have a dog.")
    await people.tell("anna", "Hello.")
    rows = {row[1]: row for row in people.vectors("chatui_memory_embeddings")}
    assert rows.keys() == {kept.memory_id, gone.memory_id}
    await memories.forget(gone.memory_id)
    await memories.edit(kept.memory_id, "My dog is called Bruno.")
    assert people.vectors("chatui_memory_embeddings") == []
    await people.tell("anna", "Hello again.")
    after = people.vectors("chatui_memory_embeddings")
    assert [row[1] for row in after] == [kept.memory_id]
    assert after[0][4] != rows[kept.memory_id][4], "the hash is the new text's"


async def test_another_model_makes_them_anew(people: People) -> None:
    told = await people.tell("anna", "My puppy is called Bruno.")
    await set_embedding(people.store, "anna", "embedded:default")
    people.models.embeds = lambda text: [*by_topic(text), 1.0, 1.0]
    await say(told.send("Go on."))
    await told.recall.finished()
    assert {row[2:4] for row in people.vectors()} == {("embedded:smollm2-135m", 7)}
    # The same name, and another number of numbers: a new version of the model.
    people.models.embeds = lambda text: [*by_topic(text), 1.0]
    await say(told.send("And on."))
    await told.recall.finished()
    assert {row[2:4] for row in people.vectors()} == {("embedded:smollm2-135m", 6)}


async def test_a_private_thread_has_none(people: People) -> None:
    told = await people.tell("anna", "My puppy is called Bruno.")
    assert people.vectors()
    await told.memory.set_private(True)
    assert people.vectors() == []
    await say(told.send("The puppy is two."))
    await told.recall.finished()
    assert people.vectors() == []
    recalled, _, sent = await people.ask("anna", "Which pet have I got?")
    assert recalled == []
    assert "Bruno" not in sent


async def test_deleted_messages_and_threads_are_not_recalled(people: People) -> None:
    told = await people.tell("anna", "My puppy is called Bruno.")
    root = told.tree()[0].node_id
    await told.upkeep.delete(root)
    assert (await people.ask("anna", "Which pet have I got?"))[0] == []
    await told.upkeep.restore(root)
    assert "My puppy is called Bruno." in (await people.ask("anna", "Which hound have I got?"))[0]
    await people.of("anna").delete(told.thread_id)
    assert "My puppy is called Bruno." not in (await people.ask("anna", "What pet have I?"))[0]


async def test_where_there_is_no_model_words_are_searched_and_it_is_told_once(people: People) -> None:
    people.models.embeds = None
    first = await run(people.of("anna").conversation().send("My puppy is called Bruno."))
    notes = [event.text for event in first if isinstance(event, Note)]
    assert notes == [f"Recall is by full text: {MODEL} is not there."]
    conversation = people.of("anna").conversation()
    second = await run(conversation.send("What was my puppy called?"))
    assert not [event for event in second if isinstance(event, Note)]
    sent = conversation.tree()[-1].sent
    assert sent is not None
    assert sent.recall == f"by full text, as {MODEL} is not there"
    assert "My puppy is called Bruno." in texts(conversation, conversation.tree()[-1])


async def test_a_model_that_is_back_is_used_again(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    people.models.embeds = None
    await people.tell("anna", "My puppy is called Bruno.")
    people.models.embeds = by_topic
    assert (await people.ask("anna", "Which pet have I got?"))[0] == [], "it is not asked again so soon"
    monkeypatch.setattr("chatui.conversation.recall.PAUSE", 0.0)
    await people.tell("anna", "Hello.")
    recalled, how, _ = await people.ask("anna", "Which pet have I?")
    assert "My puppy is called Bruno." in recalled
    assert MODEL in how


async def test_a_turn_ends_what_is_being_made_and_goes_before_it(people: People) -> None:
    library, gate, begun = people.of("anna"), asyncio.Event(), asyncio.Event()
    conversation = library.conversation()
    real = people.models.embed

    async def slow(ref: Any, texts: Any) -> Any:
        if len(texts) > 1:
            begun.set()
            await gate.wait()
        return await real(ref, texts)

    people.models.embed = slow  # type: ignore[method-assign]
    await say(conversation.send("My puppy is called Bruno."))
    await begun.wait()
    begun.clear()
    await say(conversation.send("Another."))
    assert people.vectors() == []
    await begun.wait()
    gate.set()
    await conversation.recall.finished()
    assert len(people.vectors()) == 4


async def test_a_prompt_that_waits_for_its_vector_can_be_stopped(people: People) -> None:
    conversation, asked = people.of("anna").conversation(), asyncio.Event()

    async def never(ref: Any, texts: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    people.models.embed = never  # type: ignore[method-assign]
    turn = asyncio.create_task(run(conversation.send("Which pet have I got?")))
    await asked.wait()
    await conversation.stop()
    events = await turn
    assert type(events[-1]).__name__ == "Stopped"
    assert [message.text for message in conversation.tree()] == ["Which pet have I got?"]


async def test_facts_that_have_no_room_are_chosen_by_the_prompt(people: People) -> None:
    memories = people.of("anna").memories_of("anna")
    await memories.add("My dog is called Bruno. " + "He is old. " * 30)
    for number in range(40):
        await memories.add(f"I bake bread number {number} in the oven. " + "It is good. " * 30)
    await people.tell("anna", "Hello.")
    _, _, sent = await people.ask("anna", "Which pet have I got?")
    assert "Bruno" in sent
    await set_embedding(people.store, "anna", "off")
    _, _, sent = await people.ask("anna", "Which pet have I got then?")
    assert "Bruno" not in sent, "it is the oldest"


async def test_it_says_which_is_in_force(people: People) -> None:
    assert recall_in_force(people.store, Config(), "anna") == "by full text"
    await people.tell("anna", "My puppy is called Bruno.")
    told = recall_in_force(people.store, people.config, "anna")
    assert told.startswith(f"by embeddings of {MODEL}, compared ")
    assert told.endswith("and by full text; 2 of 2 messages have one")
    await set_embedding(people.store, "anna", "embedded:smollm2-135m")
    assert recall_in_force(people.store, people.config, "anna").startswith("by full text, as ")
    with pytest.raises(Unsupported):
        await set_embedding(people.store, "anna", "openai:gpt-5")
    await set_embedding(people.store, "anna", None)
    assert MODEL in recall_in_force(people.store, people.config, "anna")


def test_what_both_ways_find_stands_first() -> None:
    def item(name: str, likeness: float | None = None) -> Recalled:
        return Recalled("t", name, "user", "T", f"text {name}", likeness)

    best = merged([item("a", 0.9), item("b", 0.8)], [item("c"), item("b")])
    assert [(found.node_id, found.likeness) for found in best] == [("b", 0.8), ("a", 0.9), ("c", None)]


async def test_what_is_forgotten_or_made_private_while_vectors_are_made_gets_none(people: People) -> None:
    library, gate, begun = people.of("anna"), asyncio.Event(), asyncio.Event()
    memories = library.memories_of("anna")
    gone, changed = await memories.add("I have a dog."), await memories.add("I live in Bremen.")
    conversation = library.conversation()
    real = people.models.embed

    async def slow(ref: Any, texts: Any) -> Any:
        if len(texts) > 1:
            begun.set()
            await gate.wait()
        return await real(ref, texts)

    people.models.embed = slow  # type: ignore[method-assign]
    await say(conversation.send("My puppy is called Bruno."))
    await begun.wait()
    await memories.forget(gone.memory_id)
    await memories.edit(changed.memory_id, "I live in Kiel.")
    await conversation.memory.set_private(True)
    gate.set()
    await conversation.recall.finished()
    assert people.vectors() == []
    assert [row[1] for row in people.vectors("chatui_memory_embeddings")] == [changed.memory_id]
    assert people.models.embedded[-1][1] == ["search_document: I live in Kiel."]


async def test_a_text_that_the_model_cannot_take_keeps_no_other_from_its_vector(people: People) -> None:
    def picky(text: str) -> list[float]:
        if "spell" in text:
            raise ServerFault("It fell over.")
        return [0.0] * 5 if "nothing" in text else by_topic(text)

    people.models.embeds = picky
    told = await people.tell("anna", "My puppy is called Bruno.")
    people.models.script = ("It is nothing.",)
    await say(told.send("A spell on you!"))
    await told.recall.finished()
    assert len(people.vectors()) == 2
    people.models.script = ("Noted.",)
    await say(told.send("Go on."))
    await told.recall.finished()
    # Of four new ones two get theirs; the others are asked for again with the next turn, and end nothing.
    assert len(people.vectors()) == 4
    recalled, how, _ = await people.ask("anna", "Which pet have I got?")
    assert "My puppy is called Bruno." in recalled
    assert MODEL in how


async def test_what_both_ways_found_is_shown_as_it_was_sent(people: People) -> None:
    """Of a long text its part with the prompt's words was sent, though the embeddings told how alike it is."""
    long = "The rain falls. " * 40 + "My puppy is called Bruno. " + "The wind blows. " * 40
    await people.tell("anna", long)
    conversation = people.of("anna").conversation()
    message = await say(conversation.send("What is my puppy called?"))
    item = next(item for item in recalled(conversation, message) if "Bruno" in item.text)
    assert item.likeness is not None
    assert len(item.text) < len(long)
    assert item.text in str(people.models.asked[-1][0].content)
