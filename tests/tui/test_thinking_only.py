from __future__ import annotations

from functools import partial

from chatui.conversation.tree import Message
from chatui.tui.message import AnswerView


def test_a_reply_of_thinking_only_says_so() -> None:
    message = partial(Message, node_id="n", parent_id="p", checkpoint_id="c", message_id="m", role="assistant")
    view = AnswerView(message(text="", reasoning="Hm.", reasoning_seconds=12.0))
    assert view.thought.startswith("▸ Thought for 12 s")
    assert "gave no answer" in view.foot
    assert AnswerView(message(text="42", reasoning="Hm.")).foot == ""
