"""`chatui compare`: two branches of a thread after their common ancestor, turn beside turn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from chatui.cli import output
from chatui.cli.branches import INTERRUPTED, branch_to, message_json, resolve
from chatui.cli.session import find
from chatui.cli.threads import Json
from chatui.text import clean, clean_line

if TYPE_CHECKING:
    from chatui.conversation.compare import Comparison, Span
    from chatui.conversation.tree import Message

_HELP = "A checkpoint: the branch that ends there. `chatui tree` shows them."


def compare(
    context: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help=_HELP)],
    b: Annotated[str, typer.Argument(metavar="B", help=_HELP)],
    thread: Annotated[
        str, typer.Option("-t", "--thread", metavar="THREAD", help="The thread: its id, its start, or its title.")
    ],
    json: Json = False,
) -> None:
    """Print two branches of a thread after the last message they share, turn beside turn.

    Words that only one of them has stand in [-...-] and {+...+}, and are underlined on a terminal.
    """

    async def run() -> None:
        from chatui.conversation.compare import compare as compare_branches

        async with context.obj.library() as library:
            found = await find(library, thread)
            conversation = library.conversation(found.thread_id)
            branches = [branch_to(conversation, resolve(conversation, name)) for name in (a, b)]
            comparison = compare_branches(*branches)
            if json:
                ancestor = comparison.ancestor
                place = (
                    {"checkpoint_id": ancestor.checkpoint_id, "message_id": ancestor.message_id} if ancestor else None
                )
                output.print_json(
                    {
                        "thread_id": found.thread_id,
                        "ancestor": place,
                        "a": [message_json(message, conversation) for message in comparison.a],
                        "b": [message_json(message, conversation) for message in comparison.b],
                    }
                )
            else:
                print(output.bold(clean_line(found.title) or "(no title)"))
                _print(comparison)

    asyncio.run(run())


def _print(comparison: Comparison) -> None:
    ancestor = comparison.ancestor
    if ancestor is None:
        print("They share nothing.")
    else:
        count = output.counted(ancestor.depth, "message")
        print(f'They share {count}, up to the {ancestor.role} message "{clean_line(ancestor.text, 60)}".')
    if not comparison.rows:
        print("Both end there: they are the same branch.")
    for row in comparison.rows:
        print()
        if row.a and row.b and row.a.text == row.b.text and row.a.role == row.b.role:
            _print_side("A", row.a, (), ("", ""), text=False)
            _print_side("B", row.b, (), ("", ""))
            continue
        if row.a:
            _print_side("A", row.a, row.only_a, ("[-", "-]"))
        if row.b:
            _print_side("B", row.b, row.only_b, ("{+", "+}"))
    for side, messages in (("A", comparison.a), ("B", comparison.b)):
        if not messages and comparison.rows:
            print(f"\n{output.bold(side)} ends there.")


def _print_side(
    side: str, message: Message, only: Sequence[Span], marks: tuple[str, str], *, text: bool = True
) -> None:
    """Print who speaks on one side, and the text with the words marked that the other side has not."""
    facts = [clean_line(message.model)] if message.role == "assistant" and message.model else []
    if message.usage:
        facts.append(output.counted(message.usage.output_tokens, "token"))
    if message.seconds is not None:
        facts.append(f"{message.seconds:.1f} s")
    if message.interrupted:
        facts.append(INTERRUPTED[message.interrupted])
    said = f" ({', '.join(facts)})" if facts else ""
    print(f"{output.bold(f'{side} {message.role}')}{output.dim(said)}")
    if not text:
        return
    parts, at = [], 0
    for start, end in only:
        parts += [clean(message.text[at:start]), _marked(clean(message.text[start:end]), marks)]
        at = end
    parts.append(clean(message.text[at:]))
    print("".join(parts).rstrip("\n"))


def _marked(words: str, marks: tuple[str, str]) -> str:
    """Mark words, the white space around them left out: line by line, so that no line of a terminal is underlined to its end."""
    lines = []
    for line in words.split("\n"):
        core = line.strip()
        if core:
            lead, tail = line[: line.index(core)], line[line.index(core) + len(core) :]
            line = f"{lead}{output.underlined(f'{marks[0]}{core}{marks[1]}')}{tail}"
        lines.append(line)
    return "\n".join(lines)
