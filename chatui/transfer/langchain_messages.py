"""Threads as LangChain's `messages_to_dict` has them: one branch is a list, several are an object of lists by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from langchain_core.messages import messages_to_dict

from chatui.storage.index import FACTS
from chatui.transfer.chatui_json import encode
from chatui.transfer.export import Entry, Exported


def pieces(threads: Iterable[Exported], all_branches: bool) -> Iterator[str]:
    """Yield the list, or the object where there is more than one branch to be written."""
    branches = chain.from_iterable(_named(thread, all_branches) for thread in threads)
    first = next(branches, None)
    second = next(branches, None)
    if first is None or second is None:
        yield _list(first[1] if first else []) + "\n"
        return
    between = "{\n"
    for name, branch in chain([first, second], branches):
        yield f"{between}{encode(name)}: {_list(branch)}"
        between = ",\n"
    yield "\n}\n"


def _named(thread: Exported, all_branches: bool) -> Iterator[tuple[str, list[Entry]]]:
    branches = thread.branches()
    for branch in branches if all_branches else branches[:1]:
        # A branch is told by its last message.
        single = branch is branches[0]
        yield thread.thread.thread_id + ("" if single else f"/{branch[-1].message.node_id}"), branch


def _list(branch: list[Entry]) -> str:
    messages = []
    for entry in branch:
        metadata = {key: value for key, value in entry.original.response_metadata.items() if key != FACTS}
        messages.append(entry.original.model_copy(update={"response_metadata": metadata}))
    return encode(messages_to_dict(messages))
