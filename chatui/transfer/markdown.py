"""Threads as Markdown: the exact source of each message under a heading that says whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec
from langchain_core.messages import AIMessage

from chatui.text import clean, clean_line
from chatui.transfer.export import Entry, Exported

_ROLES = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool"}
_SIGNS = re.compile(r"([\\`*_\[\]<>#|])")


def pieces(threads: Iterable[Exported], all_branches: bool) -> Iterator[str]:
    """Yield the document, a message a piece. The other branches follow the active one, each from where it leaves those before."""
    between = ""
    for thread in threads:
        yield between + _head(thread)
        between = "\n---\n\n"
        written: set[str] = set()
        branches = thread.branches()
        for number, branch in enumerate(branches if all_branches else branches[:1], start=1):
            new = [entry for entry in branch if entry.message.node_id not in written]
            if number > 1 and new:
                above = new[0].message.depth - 1
                yield f"\n## Branch {number}, " + (f"from message {above} on\n" if above else "from the beginning\n")
            for entry in new:
                written.add(entry.message.node_id)
                yield "\n" + _message(entry)


def _head(exported: Exported) -> str:
    thread = exported.thread
    facts = [("User", thread.user), ("Model", thread.model), ("Begun", thread.created_at), ("Used", thread.updated_at)]
    lines = [f"# {_line(thread.title or '(no title)')}", ""]
    lines += [f"- {name}: {_line(value)}" for name, value in facts if value]
    if exported.system_prompt:
        lines += ["", "System prompt:", "", _fenced(clean(exported.system_prompt))]
    return "\n".join(lines) + "\n"


def _message(entry: Entry) -> str:
    message = entry.message
    facts = [_ROLES[message.role], f"“{message.name}”" if message.name else "", message.model, message.created_at]
    lines = [f"### {message.depth}. " + " · ".join(_line(fact) for fact in facts if fact), ""]
    if message.reasoning:
        lines += ["> Thought:", ">", *(f"> {line}" for line in message.reasoning.splitlines()), ""]
    lines += [message.text]
    if isinstance(entry.original, AIMessage):
        for call in entry.original.tool_calls:
            arguments = clean(msgspec.json.format(msgspec.json.encode(call["args"], enc_hook=str), indent=2).decode())
            lines += ["", f"Calls {_line(call['name'])}:", "", _fenced(arguments, "json")]
    if message.interrupted:
        lines += ["", f"*(not whole: {message.interrupted})*"]
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    return _SIGNS.sub(r"\\\1", clean_line(text, 200))


def _fenced(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
