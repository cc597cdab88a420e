from __future__ import annotations

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from chatui.conversation.memory import estimate_tokens, select


def branch(turns: int, size: int = 100) -> list[BaseMessage]:
    messages: list[BaseMessage] = []
    for turn in range(turns):
        messages += [HumanMessage(f"{turn} " + "q" * size, id=f"q{turn}"), AIMessage("a" * size, id=f"a{turn}")]
    return messages[:-1]


def test_everything_is_sent_while_it_fits() -> None:
    messages = branch(3)
    selection = select(messages, context_length=4096)
    assert (selection.messages, selection.left_out) == (messages, 0)


def test_the_oldest_are_left_out_and_counted() -> None:
    messages = branch(100)
    selection = select(messages, context_length=1000)
    assert selection.messages[-1] is messages[-1]
    assert isinstance(selection.messages[0], HumanMessage)
    assert selection.left_out == len(messages) - len(selection.messages) > 0
    assert selection.estimated_tokens <= 750
    # Not only what is needed: as many as there is room for.
    assert selection.estimated_tokens > 600


def test_a_message_larger_than_the_context_is_sent_all_the_same() -> None:
    messages = [*branch(2)[:-1], HumanMessage("x" * 100_000, id="huge")]
    assert [message.id for message in select(messages, context_length=512).messages] == ["huge"]


def test_the_system_prompt_comes_first_and_takes_its_share() -> None:
    selection = select(branch(100), system_prompt="Be brief. " * 50, context_length=1000)
    assert selection.messages[0].type == "system"
    assert selection.messages[1].type == "human"
    assert selection.estimated_tokens <= 750


def test_it_never_begins_with_an_orphaned_tool_result() -> None:
    messages = [
        HumanMessage("q" * 3000, id="1"),
        AIMessage("", id="2", tool_calls=[{"name": "f", "args": {}, "id": "c"}]),
        ToolMessage("result", tool_call_id="c", id="3"),
        AIMessage("answer", id="4"),
        HumanMessage("next", id="5"),
    ]
    assert [message.id for message in select(messages, context_length=512).messages] == ["5"]


def test_other_scripts_cost_more_than_a_quarter_token() -> None:
    assert estimate_tokens([HumanMessage("日本語の文章です")]) >= 8
    assert estimate_tokens([HumanMessage("word " * 100)]) < 150
