"""What each memory strategy sends, in whole conversations: on forks, with a summary, with what other threads said."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from chatui.conversation.engine import Conversation
from chatui.conversation.memory import Remembered, select
from chatui.conversation.strategy import Strategy, parse_strategy
from chatui.errors import UsageError
from chatui.storage.records import Fact, Told
from tests.conversation.conftest import Bench, say


def texts(messages: list[BaseMessage]) -> list[str]:
    return [str(message.text) for message in messages]


async def talk(bench: Bench, conversation: Conversation, *prompts: str) -> None:
    for prompt in prompts:
        bench.models.script = [f"re {prompt}"]
        await say(conversation.send(prompt))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("full", "full"),
        ("window:3", "window:3"),
        ("tokens:auto", "tokens:auto"),
        ("tokens:200", "tokens:200"),
        ("Summary", "summary"),
        ("summary+tokens:2000, recall", "summary+tokens:2000,recall"),
        ("recall", "tokens:auto,recall"),
    ],
)
def test_a_strategy_is_read_and_written(written: str, read: str) -> None:
    assert str(parse_strategy(written)) == read


@pytest.mark.parametrize(
    "written", ["", "all", "window", "window:0", "window:auto", "tokens:-1", "full,window:2", "tokens:x"]
)
def test_what_is_no_strategy_is_one_sentence(written: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_strategy(written)
    assert "\n" not in str(caught.value)
    assert "window:6" in str(caught.value)


def branch() -> list[BaseMessage]:
    return [
        HumanMessage("eins", id="1"),
        AIMessage("", id="2", tool_calls=[{"name": "f", "args": {}, "id": "c"}]),
        ToolMessage("result", tool_call_id="c", id="3"),
        AIMessage("二番目の答え", id="4"),
        HumanMessage("третий " * 20, id="5"),
        AIMessage("yes", id="6"),
        HumanMessage("last", id="7"),
    ]


@pytest.mark.parametrize(
    ("strategy", "ids"),
    [
        ("full", "1234567"),
        ("window:1", "7"),
        ("window:2", "567"),
        ("window:9", "1234567"),
        ("tokens:20", "7"),
        # There is room for the answer and the tool's result above, and none for what called the tool.
        ("tokens:162", "567"),
        ("tokens:auto", "1234567"),
        ("summary", "1234567"),
    ],
)
def test_what_each_strategy_sends(strategy: str, ids: str) -> None:
    selection = select(branch(), remembered=Remembered(parse_strategy(strategy)))
    assert "".join(str(message.id) for message in selection.messages) == ids
    assert selection.left_out == 7 - len(ids)


def test_a_summary_stands_for_the_messages_that_it_covers() -> None:
    selection = select(branch(), remembered=Remembered(Strategy("summary"), summary="They counted.", covered=4))
    assert [message.id for message in selection.messages[1:]] == ["5", "6", "7"]
    assert isinstance(selection.messages[0], SystemMessage)
    assert "They counted." in str(selection.messages[0].text)
    assert selection.tokens.keys() == {"summary", "messages"}


@pytest.mark.parametrize("strategy", ["full", "window:2", "tokens:auto", "tokens:50", "summary", "summary+tokens:50"])
def test_the_last_prompt_is_sent_however_large(strategy: str) -> None:
    messages = [*branch()[:-1], HumanMessage("語" * 50_000, id="huge")]
    remembered = Remembered(
        parse_strategy(strategy), facts=[Fact(Told("id"), "f" * 90_000)], summary="s" * 90_000, covered=4
    )
    selection = select(messages, context_length=512, remembered=remembered, refused=True)
    assert [message.id for message in selection.messages if message.type != "system"] == ["huge"]
    # What is not the branch never takes the room that the branch needs.
    assert sum(tokens for name, tokens in selection.tokens.items() if name != "messages") < 300


def test_a_system_message_of_the_branch_stays_first() -> None:
    messages = [SystemMessage("Be brief.", id="0"), *branch()]
    selection = select(messages, remembered=Remembered(Strategy("window", 1)))
    assert [message.id for message in selection.messages] == ["0", "7"]


async def test_a_strategy_is_changed_at_any_time_and_no_row_with_it(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await talk(bench, conversation, "one", "two", "three")
    before = bench.rows()
    for strategy in ("full", "window:1", "summary+tokens:100,recall", "tokens:5"):
        await conversation.memory.set_strategy(strategy)
    assert bench.rows() == before
    await conversation.memory.set_strategy("window:2")
    await talk(bench, conversation, "four")
    assert texts(bench.models.asked[-1]) == ["three", "re three", "four"]
    await conversation.memory.set_strategy("full")
    await talk(bench, conversation, "five")
    assert len(bench.models.asked[-1]) == 9
    thread = conversation.thread()
    assert thread is not None
    assert thread.memory == "full"
    await conversation.memory.set_strategy(None)
    assert conversation.memory.strategy() == ("tokens:auto", "user")
    await conversation.memory.user.set_strategy("window:1")
    await talk(bench, conversation, "six")
    assert texts(bench.models.asked[-1]) == ["six"]


async def test_a_fork_sends_its_own_branch_and_its_own_summary(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await conversation.memory.set_strategy("summary")

    def script(messages: list[BaseMessage]) -> list[str]:
        asked = str(messages[-1].text)
        return ["NOTES of " + asked] if "keep the notes" in str(messages[0].text) else [f"re {asked}"]

    bench.models.script = script
    for number in range(6):
        await say(conversation.send(f"q{number}"))
        await conversation.summaries.finished()
    summary = conversation.summaries.current()
    assert summary is not None
    # Five turns had no summary: all but the last two of them have one now.
    assert summary.depth == 6
    assert "q2" in summary.text
    assert "q3" not in summary.text
    sent = bench.models.asked[-1]
    assert texts(sent)[1:] == ["q3", "re q3", "q4", "re q4", "q5"]
    assert summary.text in str(sent[0].text)
    told = conversation.branch()[-1].sent
    assert told is not None
    assert (told.strategy, told.summary, told.summarised, told.messages) == ("summary", summary.text, 6, 5)

    # A fork below the summary's message has it, one above has none.
    tree = conversation.branch()
    await say(conversation.edit(tree[8].node_id, "other q4"))
    assert summary.text in str(bench.models.asked[-1][0].text)
    await say(conversation.edit(tree[2].node_id, "other q1"))
    assert texts(bench.models.asked[-1]) == ["q0", "re q0", "other q1"]
    assert conversation.summaries.current() is None


async def test_a_summary_is_edited_and_written_anew(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await conversation.memory.set_strategy("summary")
    await talk(bench, conversation, "one", "two")
    bench.models.script = ["First notes."]
    before = bench.rows()
    assert (await conversation.summaries.redo()).text == "First notes."
    assert texts(bench.models.asked[-1])[1] == "user: one\n\nassistant: re one"
    await conversation.summaries.edit("My own notes.")
    assert bench.rows() == before
    await talk(bench, conversation, "three")
    assert "My own notes." in texts(bench.models.asked[-1])[0]
    assert texts(bench.models.asked[-1])[1:] == ["two", "re two", "three"]


async def test_summary_and_tokens_leaves_no_gap(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await conversation.memory.set_strategy("summary+tokens:30")
    long = "word " * 12

    def script(messages: list[BaseMessage]) -> list[str]:
        return ["NOTES"] if "keep the notes" in str(messages[0].text) else ["ok"]

    bench.models.script = script
    for number in range(3):
        await say(conversation.send(f"{number} {long}"))
        await conversation.summaries.finished()
    summary = conversation.summaries.current()
    assert summary is not None
    assert summary.depth == 4
    await say(conversation.send("last"))
    assert [text[:4] for text in texts(bench.models.asked[-1])[1:]] == ["2 wo", "ok", "last"]


async def test_a_turn_gives_up_a_summary_that_is_being_written(bench: Bench) -> None:
    import asyncio

    conversation = bench.library.conversation()
    await conversation.memory.set_strategy("summary+tokens:1")
    forever = asyncio.Event()

    def script(messages: list[BaseMessage]) -> list[object]:
        return [forever] if "keep the notes" in str(messages[0].text) else ["ok"]

    bench.models.script = script  # type: ignore[assignment]
    await say(conversation.send("one"))
    await say(conversation.send("two"))
    while len(bench.models.asked) < 3:
        await asyncio.sleep(0)
    await say(conversation.send("three"))
    assert texts(bench.models.asked[3]) == ["one", "ok", "two", "ok", "three"]
    while len(bench.models.asked) < 5:
        await asyncio.sleep(0)
    await bench.library.close()
    assert bench.library.unsummarised == [conversation.thread_id]
    library = await bench.reopen()
    assert library.unsummarised == []
    bench.models.script = ["Notes."]
    assert await library.conversation(conversation.thread_id).summaries.write_needed()
    found = library.conversation(conversation.thread_id).summaries.current()
    assert found is not None
    assert found.text == "Notes."


async def test_what_is_remembered_reaches_the_users_other_threads_and_nobody_elses(bench: Bench) -> None:
    anna, ben = bench.library.conversation(), bench.library.conversation()
    anna.owner, ben.owner = "anna", "ben"
    other = bench.library.conversation()
    other.owner = "anna"
    await talk(bench, anna, "Hello")
    await anna.memory.user.add("Her dog is called Rex.", source=anna.thread_id)
    await talk(bench, other, "What is my dog called?")
    assert "Her dog is called Rex." in texts(bench.models.asked[-1])[0]
    told = other.branch()[-1].sent
    assert told is not None
    assert anna.memory.user.told(told) == ["Her dog is called Rex."]
    await talk(bench, ben, "What is my dog called?")
    assert texts(bench.models.asked[-1]) == ["What is my dog called?"]
    assert [memory.source_thread_id for memory in anna.memory.user.list()] == [anna.thread_id]


async def test_recall_finds_what_the_same_user_said_elsewhere(bench: Bench) -> None:
    threads: dict[str, Conversation] = {}
    for name, owner, text in [
        ("told", "anna", "Mein Hund heißt Rex und frisst Käse."),
        ("weather", "anna", "明日の天気はどうですか"),
        ("bens", "ben", "Der Hund von Ben heißt Waldi."),
    ]:
        threads[name] = bench.library.conversation()
        threads[name].owner = owner
        await talk(bench, threads[name], text)
    asking = bench.library.conversation()
    asking.owner = "anna"
    await asking.memory.set_strategy("recall")
    await talk(bench, asking, "Wie heißt mein Hund?")
    before = texts(bench.models.asked[-1])[0]
    assert "Rex" in before
    assert "Waldi" not in before
    told = asking.branch()[-1].sent
    assert told is not None
    assert {item.thread_id for item in told.recalled} == {threads["told"].thread_id}
    await talk(bench, asking, "天気は?")
    assert "明日の天気" in texts(bench.models.asked[-1])[0]

    # What is not to be remembered is not recalled, and neither is what was deleted.
    await threads["told"].memory.set_private(True)
    await talk(bench, asking, "Wie heißt denn mein Hund?")
    assert "Rex" not in "".join(texts(bench.models.asked[-1]))
    with pytest.raises(UsageError, match="not to be remembered"):
        await threads["told"].memory.user.add("x", source=threads["told"].thread_id)
    await threads["told"].memory.set_private(False)
    await bench.library.delete(threads["told"].thread_id)
    await talk(bench, asking, "Wie heißt nur mein Hund?")
    assert "Rex" not in "".join(texts(bench.models.asked[-1]))


async def test_the_memories_are_langgraphs_own(bench: Bench, tmp_path: Path) -> None:
    from langgraph.store.sqlite import SqliteStore

    from chatui.storage.memories import namespace

    mine = bench.library.conversation().memory.user
    dotted = bench.library.memories_of("default.two")
    added = await mine.add("I live in Bremen.")
    await dotted.add("Another user.")
    connection = sqlite3.connect(bench.path, isolation_level=None, check_same_thread=False)
    store = SqliteStore(connection)
    store.setup()
    found = store.search(namespace("default"))
    assert [(item.key, item.value["text"]) for item in found] == [(added.memory_id, "I live in Bremen.")]
    store.put(namespace("default"), "theirs", {"text": "Put there by another program."})
    connection.close()
    assert [memory.text for memory in mine.list()] == ["I live in Bremen.", "Put there by another program."]
    assert [memory.user for memory in dotted.list()] == ["default.two"]
    await mine.edit("theirs", "Changed.")
    await mine.forget(added.memory_id[:8])
    assert [memory.text for memory in mine.list()] == ["Changed."]
