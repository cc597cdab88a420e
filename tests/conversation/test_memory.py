from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage, trim_messages

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


def _messages(kinds: list[tuple[str, int]]) -> list[BaseMessage]:
    found: list[BaseMessage] = []
    for number, (kind, size) in enumerate(kinds):
        text, name = "x" * size, str(number)
        if kind == "tool":
            found.append(ToolMessage(text, tool_call_id="c", id=name))
        else:
            found.append({"human": HumanMessage, "ai": AIMessage, "system": SystemMessage}[kind](text, id=name))
    return found


@given(
    st.lists(st.tuples(st.sampled_from(["human", "ai", "tool"]), st.integers(0, 400)), min_size=1, max_size=12),
    st.booleans(),
    st.integers(40, 600),
)
def test_it_chooses_what_langchain_would(kinds: list[tuple[str, int]], lead: bool, context: int) -> None:
    messages = _messages([("system", 30), *kinds] if lead else kinds)
    budget = context - context // 4
    if estimate_tokens(messages) <= budget:
        wanted = messages
    else:
        wanted = trim_messages(
            messages,
            strategy="last",
            max_tokens=budget,
            token_counter=estimate_tokens,
            include_system=True,
            start_on="human",
        )
        # It returns nothing where the newest message alone is over the limit.
        prompts = [place for place, message in enumerate(messages) if isinstance(message, HumanMessage)]
        if prompts and not any(isinstance(message, HumanMessage) for message in wanted):
            wanted = [*wanted, *messages[prompts[-1] :]]
    assert select(messages, context_length=context).messages == wanted


def test_a_long_branch_costs_no_more_than_what_is_sent() -> None:
    looked_at = []

    class Counted(AIMessage):
        @property
        def text(self) -> str:  # type: ignore[override]
            looked_at.append(self.id)
            return str(self.content)

    messages: list[BaseMessage] = []
    for number in range(500):
        messages += [HumanMessage("q" * 100, id=f"q{number}"), Counted(content="a" * 100, id=f"a{number}")]
    selection = select([*messages, HumanMessage("last")], context_length=1000)
    assert selection.left_out > 900
    assert len(looked_at) < 100
