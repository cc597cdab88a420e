from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.conversation.conftest import Bench, say

REPOSITORY = Path(__file__).parents[2]


async def test_processes_that_write_to_one_thread_neither_fail_nor_lose_a_turn(bench: Bench) -> None:
    conversation = bench.library.conversation()
    start = await say(conversation.send("start"))
    names, turns = ["anna", "bob", "carl"], 6
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.conversation.talking",
            *(str(bench.path), conversation.thread_id, name, str(turns)),
            cwd=REPOSITORY,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for name in names
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    # All of them at once, and this process too.
    assert conversation.head_node == start.node_id
    ends = await asyncio.gather(*(process.communicate(b"") for process in processes), say(conversation.send("here")))
    assert [process.returncode for process in processes] == [0, 0, 0], ends
    tree = conversation.tree()
    said = {message.text for message in tree if message.role == "user"}
    assert said == {"start", "here"} | {f"{name} {turn}" for name in names for turn in range(turns)}
    # Those that began at the same time are alternatives.
    assert sum(message.parent_id == start.node_id for message in tree) == 4
    assert bench.library.thread(conversation.thread_id).branch_count == 4
    assert await bench.library.check() == []
