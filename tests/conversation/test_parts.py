from __future__ import annotations

import pytest

from chatui.conversation import walk
from tests.conversation.conftest import Bench, say


async def test_the_branch_can_be_read_in_parts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = bench.library.conversation()
    for number in range(5):
        await say(conversation.send(str(number)))
    whole = conversation.branch()
    assert len(whole) == 10
    assert conversation.length == 10
    assert conversation.part(7, 4) == whole[6:]
    assert conversation.part(3, 4) == whole[2:6]
    assert conversation.part(9, 40) == whole[8:]
    assert conversation.part(11, 4) == []
    # Far from the end the ids of the whole branch are read once and kept: what comes of them is the same.
    monkeypatch.setattr(walk, "NEAR", 2)
    assert conversation.part(3, 4) == whole[2:6]
    await say(conversation.send("one more"))
    assert conversation.part(1, 12)[:10] == whole
    await conversation.go_to(whole[4].node_id)
    assert conversation.part(2, 3) == whole[1:4]
    assert conversation.part(2, 30) == whole[1:5]


async def test_the_nearest_fork_of_a_branch(bench: Bench) -> None:
    conversation = bench.library.conversation()
    for number in range(6):
        await say(conversation.send(str(number)))
    whole = conversation.branch()
    assert conversation.next_fork(13, -1) is None
    for place in (2, 8):
        await say(conversation.edit(whole[place].node_id, "something else"))
        await conversation.go_to(whole[-1].node_id)
    assert [conversation.next_fork(depth, -1) for depth in (13, 9, 4, 3)] == [9, 3, 3, None]
    assert [conversation.next_fork(depth, 1) for depth in (0, 3, 8, 9)] == [3, 9, 9, None]
    await conversation.go_to(whole[6].node_id)
    assert conversation.next_fork(13, -1) == 3
