from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage

from chatui.conversation.state import fold_messages, reduce_messages

ids = st.sampled_from(["a", "b", "c", "d"])
messages = st.one_of(
    st.builds(lambda i, t: HumanMessage(t, id=i), ids, st.text(max_size=5)),
    st.builds(lambda i, t: AIMessage(t, id=i), ids, st.text(max_size=5)),
    st.builds(lambda t: HumanMessage(t), st.text(max_size=5)),
    st.builds(lambda i: RemoveMessage(id=i), ids),
)
writes = st.lists(st.one_of(messages, st.lists(messages, max_size=3)), max_size=6)


@given(st.lists(writes, max_size=4))
def test_batching_does_not_matter(batches: list[list[Any]]) -> None:
    one_by_one: list[BaseMessage] = []
    for batch in batches:
        one_by_one = reduce_messages(one_by_one, batch)
    assert one_by_one == reduce_messages([], [write for batch in batches for write in batch])


def test_it_adds_replaces_and_removes() -> None:
    first, second = HumanMessage("one", id="1"), AIMessage("two", id="2")
    assert reduce_messages(None, [[first], second]) == [first, second]
    assert reduce_messages([first, second], [HumanMessage("uno", id="1")]) == [HumanMessage("uno", id="1"), second]
    assert reduce_messages([first, second], [RemoveMessage(id="1"), RemoveMessage(id="unknown")]) == [second]


def test_the_list_itself_is_not_changed() -> None:
    state: list[BaseMessage] = [HumanMessage("one", id="1")]
    fold_messages(state, [RemoveMessage(id="1")])
    assert len(state) == 1


@pytest.mark.parametrize("write", [("human", "hello"), {"role": "user", "content": "hello"}, "hello"])
def test_it_takes_what_langchain_takes_for_a_message(write: Any) -> None:
    assert [message.text for message in reduce_messages([], [write])] == ["hello"]


def test_messages_without_an_id_stand_apart() -> None:
    assert len(reduce_messages([], [[HumanMessage("same"), HumanMessage("same")]])) == 2
