from __future__ import annotations

from tests.conversation.conftest import Bench, say


async def test_a_thread_grows_with_its_text_and_not_with_its_square(bench: Bench) -> None:
    """200 turns of 1 KB; with LangGraph's usual messages channel they make about 80 MB."""
    text = ("The quick brown fox jumps over the lazy dog and %06d. " * 10)[:512]
    conversation = bench.library.conversation()
    sizes = []
    for turn in range(200):
        bench.models.script = [text % ((turn,) * text.count("%06d"))]
        await say(conversation.send(text % ((turn + 1000,) * text.count("%06d"))))
        if turn in (99, 199):
            sizes.append(bench.library.stats().bytes)
    await bench.library.close()
    assert bench.path.stat().st_size < 6_000_000
    assert sizes[1] < 2.5 * sizes[0]
    bench.library = bench.another()
    assert len(bench.library.conversation(conversation.thread_id).branch()) == 400
