"""The message history, under LangChain's own classes."""

from __future__ import annotations

import asyncio
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import ConfigurableFieldSpec, Runnable

from chatui.config import Config
from chatui.conversation.engine import Conversation
from chatui.langchain import ThreadChatMessageHistory
from chatui.models import Models
from chatui.storage import Store


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(deprecated|RunnableWithMessageHistory|ChatMessageHistory).*")
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "history.db"


def texts(messages: list[BaseMessage]) -> list[str]:
    return [str(message.content) for message in messages]


def conversation(store: Store, history: ThreadChatMessageHistory) -> Conversation:
    return Conversation(store, Models(Config()), Config(), history.thread_id, history.user)


def chain(seen: list[list[str]]) -> Runnable[Any, Any]:
    """A prompt with a history, and a model that counts its answers."""
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Be brief."), MessagesPlaceholder("past"), ("human", "{said}")]
    )
    model = GenericFakeChatModel(messages=iter(AIMessage(f"answer {number}") for number in range(1, 20)))

    def look(value: Any) -> Any:
        seen.append(texts(value.to_messages()))
        return value

    return prompt | look | model


def test_each_message_is_a_step_that_can_be_forked(path: Path) -> None:
    history = ThreadChatMessageHistory("trip", user="alice", db=path)
    assert history.messages == []
    history.add_messages([HumanMessage("Where to?"), AIMessage("Rome."), HumanMessage("When?"), AIMessage("In May.")])

    async def fork() -> None:
        store = Store.open(path)
        thread = conversation(store, history)
        row = thread.thread()
        assert row is not None
        assert (row.user, row.title, row.message_count) == ("alice", "Where to?", 4)
        branch = thread.branch()
        assert [message.role for message in branch] == ["user", "assistant", "user", "assistant"]
        assert len({message.checkpoint_id for message in branch} - {None}) == 4
        await thread.go_to(branch[1].node_id)
        await store.close()

    asyncio.run(fork())
    assert texts(history.messages) == ["Where to?", "Rome."]
    history.add_user_message("By train?")
    assert texts(ThreadChatMessageHistory("trip", user="alice", db=path).messages) == [
        "Where to?",
        "Rome.",
        "By train?",
    ]
    store = Store.open(path)
    assert [message.text for message in store.messages.tree(history.thread_id, "")] == [
        "Where to?",
        "Rome.",
        "When?",
        "In May.",
        "By train?",
    ]
    asyncio.run(store.close())


def test_the_file_is_private_and_its_log_is_written_ahead(path: Path) -> None:
    ThreadChatMessageHistory("a", user="bob", db=path).add_user_message("hi")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes()[18:20] == b"\2\2"  # both of SQLite's format versions say WAL


def test_users_and_sessions_are_apart(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = ThreadChatMessageHistory("s", user="a", db=path)
    one.add_user_message("of a")
    assert ThreadChatMessageHistory("s", user="b", db=path).messages == []
    assert ThreadChatMessageHistory("t", user="a", db=path).messages == []
    monkeypatch.setenv("CHATUI_USER", "a")
    assert texts(ThreadChatMessageHistory("s", db=path).messages) == ["of a"]
    ids = {
        ThreadChatMessageHistory(s, user=u, db=path).thread_id for u, s in [("a", "b:c"), ("a:b", "c"), ("1:a", "b")]
    }
    assert len(ids) == 3


def test_messages_come_back_as_they_were(path: Path) -> None:
    history = ThreadChatMessageHistory("s", user="a", db=path)
    call = {"name": "weather", "args": {"place": "京都"}, "id": "call-1", "type": "tool_call"}
    said: list[BaseMessage] = [
        SystemMessage("Be kind.", id="m0"),
        HumanMessage([{"type": "text", "text": "天気は？ 🌦️"}], id="m1", additional_kwargs={"a": [1, None]}),
        AIMessage("", id="m2", tool_calls=[call], response_metadata={"model_name": "x"}),
        ToolMessage("rain", id="m3", tool_call_id="call-1", name="weather"),
        AIMessage("雨", id="m4", usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
    ]
    history.add_messages(said)
    assert history.messages == said
    assert said[2].response_metadata == {"model_name": "x"}  # what was given is not changed


def test_a_message_that_is_added_again_is_there_twice(path: Path) -> None:
    history = ThreadChatMessageHistory("s", user="a", db=path)
    again = HumanMessage("Again.", id="same")
    history.add_messages([again, AIMessageChunk(content="Yes."), again])
    assert texts(history.messages) == ["Again.", "Yes.", "Again."]
    assert type(history.messages[1]) is AIMessage


def test_clearing_begins_anew_and_loses_nothing(path: Path) -> None:
    history = ThreadChatMessageHistory("s", user="a", db=path)
    history.clear()
    assert not Store.open(path).threads.get(history.thread_id)
    history.add_messages([HumanMessage("old"), AIMessage("old answer")])
    history.clear()
    assert history.messages == []
    history.add_user_message("new")
    assert texts(history.messages) == ["new"]
    store = Store.open(path)
    tree = {message.text: message for message in store.messages.tree(history.thread_id, "")}
    assert set(tree) == {"old", "old answer", "new"}
    assert tree["new"].parent_id is None
    assert tree["new"].alternatives == 2


async def test_both_kinds_of_methods_work_in_a_running_loop(path: Path) -> None:
    history = ThreadChatMessageHistory("s", user="a", db=path)
    history.add_user_message("sync")
    await history.aadd_messages([AIMessage("async")])
    assert texts(history.messages) == texts(await history.aget_messages()) == ["sync", "async"]
    await history.aclear()
    assert await history.aget_messages() == []


async def test_what_is_added_at_once_is_one_branch(path: Path) -> None:
    history = ThreadChatMessageHistory("s", user="a", db=path)
    await asyncio.gather(*(history.aadd_messages([HumanMessage(str(number))]) for number in range(6)))
    assert sorted(texts(history.messages)) == [str(number) for number in range(6)]


def test_runnable_with_message_history_by_session(path: Path) -> None:
    from langchain_core.runnables.history import RunnableWithMessageHistory

    seen: list[list[str]] = []
    talk = RunnableWithMessageHistory(
        chain(seen),
        lambda session_id: ThreadChatMessageHistory(session_id, user="a", db=path),
        input_messages_key="said",
        history_messages_key="past",
    )
    config: Any = {"configurable": {"session_id": "s"}}
    assert talk.invoke({"said": "one"}, config=config).content == "answer 1"
    assert "".join(str(chunk.content) for chunk in talk.stream({"said": "two"}, config=config)) == "answer 2"
    assert seen[1] == ["Be brief.", "one", "answer 1", "two"]
    expected = ["one", "answer 1", "two", "answer 2"]
    assert texts(ThreadChatMessageHistory("s", user="a", db=path).messages) == expected


async def test_runnable_with_message_history_by_user_and_conversation(path: Path) -> None:
    from langchain_core.runnables.history import RunnableWithMessageHistory

    seen: list[list[str]] = []
    talk = RunnableWithMessageHistory(
        chain(seen),
        lambda user_id, conversation_id: ThreadChatMessageHistory(conversation_id, user=user_id, db=path),
        input_messages_key="said",
        history_messages_key="past",
        history_factory_config=[
            ConfigurableFieldSpec(id="user_id", annotation=str),
            ConfigurableFieldSpec(id="conversation_id", annotation=str),
        ],
    )
    alice: Any = {"configurable": {"user_id": "alice", "conversation_id": "1"}}
    bob: Any = {"configurable": {"user_id": "bob", "conversation_id": "1"}}
    await talk.ainvoke({"said": "I am Alice"}, config=alice)
    await talk.ainvoke({"said": "I am Bob"}, config=bob)
    await talk.ainvoke({"said": "Who?"}, config=alice)
    assert seen[2] == ["Be brief.", "I am Alice", "answer 1", "Who?"]
    store = Store.open(path)
    assert sorted(owner for owner, _, _ in store.threads.counts()) == ["alice", "bob"]
    await store.close()


def test_the_classic_buffer_memory_on_top(path: Path) -> None:
    from langchain_classic.memory import ConversationBufferMemory

    def memory() -> Any:
        history = ThreadChatMessageHistory("s", user="a", db=path)
        return ConversationBufferMemory(chat_memory=history, return_messages=True)

    memory().save_context({"input": "My name is Ada."}, {"output": "Hello, Ada."})
    memory().save_context({"input": "And yours?"}, {"output": "None."})
    loaded = memory().load_memory_variables({})["history"]
    assert texts(loaded) == ["My name is Ada.", "Hello, Ada.", "And yours?", "None."]
    memory().clear()
    assert memory().load_memory_variables({})["history"] == []
