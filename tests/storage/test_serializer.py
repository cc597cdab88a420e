from __future__ import annotations

import dataclasses
import warnings

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from chatui.storage.checkpoints import serializer


@dataclasses.dataclass
class Stranger:
    """A class that a hostile file could name."""

    text: str
    made: bool = False

    def __post_init__(self) -> None:
        Stranger.made = True


@pytest.mark.filterwarnings("ignore")
def test_what_a_file_names_is_not_constructed() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stored = JsonPlusSerializer().dumps_typed({"messages": [Stranger("boo")]})
        Stranger.made = False
        # As LangGraph does by default: the class is looked up and called.
        assert isinstance(JsonPlusSerializer().loads_typed(stored)["messages"][0], Stranger)
        assert Stranger.made
        Stranger.made = False
        value = serializer().loads_typed(stored)["messages"][0]
    assert not isinstance(value, Stranger)
    assert not Stranger.made
    assert value == {"text": "boo", "made": False}


def test_messages_come_back_as_they_were() -> None:
    messages = [
        HumanMessage(
            "Grüße, 世界 👋", id="1", response_metadata={"chatui": {"created_at": "2026-01-01T00:00:00.000Z"}}
        ),
        AIMessage("answer", id="2", additional_kwargs={"reasoning_content": "hm"}, usage_metadata=None),
    ]
    assert serializer().loads_typed(serializer().dumps_typed(messages)) == messages


def test_pickles_are_refused() -> None:
    with pytest.raises(NotImplementedError):
        serializer().loads_typed(("pickle", b"cos\nsystem\n(S'true'\ntR."))
