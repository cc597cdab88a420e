"""Memory: which messages of a branch are sent to the model, and what stands before them. It never changes the branch.

What is sent is the end of the branch, and before it one system message: the system prompt, what is remembered of the user, the
summary of what the end leaves out, and what other threads said. Whatever the strategy, the newest user message is sent, and the
messages never begin with an orphaned tool result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from chatui.conversation.context import estimate_message, estimate_text
from chatui.conversation.strategy import Strategy
from chatui.storage.recalled import kept
from chatui.storage.records import Fact, Recalled, Sent

T = TypeVar("T")

DEFAULT_STRATEGY = "tokens:auto"

#: Taken where the model's context is unknown: what current servers give at the least.
_UNKNOWN_CONTEXT = 4096
#: The share of the context that is kept for the reply, and the most tokens it needs to be.
_REPLY_SHARE, _REPLY_TOKENS = 0.25, 2048
#: The share of what is left that memories, the summary and recalled text may take each.
_SHARE = 0.25

FACTS_TITLE = "What you know about the user:"
SUMMARY_TITLE = "Summary of the earlier part of this conversation:"
RECALLED_TITLE = "From the user's other conversations; it may or may not matter here:"


class Remembered(msgspec.Struct, frozen=True):
    """What there is to send besides the branch.

    Attributes:
        strategy: What of it is sent.
        facts: What is remembered of the user, the oldest first.
        summary: Of the first messages of the branch; "" where there is none.
        covered: How many messages of the branch the summary covers.
        recalled: What was found in other threads, the best first.
        by: How they were searched; "" where they were not.
        likeness: How alike facts are to the prompt, by their memories' ids; those that have no vector are not in it.
    """

    strategy: Strategy = Strategy()
    facts: Sequence[Fact] = ()
    summary: str = ""
    covered: int = 0
    recalled: Sequence[Recalled] = ()
    by: str = ""
    likeness: dict[str, float] = {}


class Selection(msgspec.Struct, frozen=True):
    """What is sent.

    Attributes:
        messages: All of it, in order.
        left_out: How many messages of the branch are not among them.
        estimated_tokens: Of all.
        remembered: What was sent besides the branch.
        tokens: The estimated tokens of each part: system, memories, summary, recalled, messages.
    """

    messages: list[BaseMessage]
    left_out: int
    estimated_tokens: int
    remembered: Remembered = Remembered()
    tokens: dict[str, int] = {}


def estimate_tokens(messages: Iterable[BaseMessage]) -> int:
    """Estimate the tokens of messages without the model's tokenizer: too many rather than too few."""
    return sum(map(estimate_message, messages))


def told(
    selection: Selection, branch: Sequence[BaseMessage], *, extra: Sequence[BaseMessage], room: int | None
) -> Sent:
    """Return what is written down of what a model is sent.

    Args:
        selection: What was chosen.
        branch: What it was chosen from.
        extra: What is sent behind it.
        room: The tokens that the model takes, None where unknown.
    """
    sent, used = [*selection.messages, *extra], selection.remembered
    system = sum(isinstance(message, SystemMessage) for message in sent)
    return Sent(
        messages=len(sent) - system,
        system_prompt=system > 0,
        left_out=selection.left_out,
        estimated_tokens=selection.estimated_tokens + estimate_tokens(extra),
        context_length=room,
        strategy=str(used.strategy),
        lead=len(selection.messages) > 1 and bool(selection.left_out) and selection.messages[system - 1] is branch[0],
        summary=used.summary,
        summarised=used.covered,
        memories=[fact.told for fact in used.facts],
        recalled=kept(used.recalled),
        recall=used.by,
        tokens=selection.tokens,
    )


def select(
    messages: Sequence[BaseMessage],
    *,
    system_prompt: str = "",
    context_length: int | None = None,
    remembered: Remembered | None = None,
    refused: bool = False,
) -> Selection:
    """Choose what to send for the newest message of a branch.

    The newest user message is always sent, even where it alone is larger than the context, so a prompt is never empty; and the
    selection begins with a user message, never with an orphaned tool result.

    Args:
        messages: The whole branch, root first, the prompt last.
        system_prompt: What is sent before them; "" for none.
        context_length: The tokens that the model takes for prompt and reply together, None where unknown.
        remembered: The strategy, and what there is to send besides the branch; None for the default strategy and nothing.
        refused: Whether the model had no room for more than this context, so that the whole branch cannot be sent either.
    """
    there = remembered or Remembered()
    context = context_length or _UNKNOWN_CONTEXT
    free = context - min(int(context * _REPLY_SHARE), _REPLY_TOKENS)
    room = free - estimate_text(system_prompt)
    used = _fitting(there, messages, max(int(room * _SHARE), 0))
    parts = {
        "system": system_prompt,
        "memories": _listed(FACTS_TITLE, [fact.text for fact in used.facts]),
        "summary": f"{SUMMARY_TITLE}\n{used.summary}" if used.summary else "",
        "recalled": _listed(RECALLED_TITLE, [_quoted(item) for item in used.recalled]),
    }
    before = "\n\n".join(part for part in parts.values() if part)
    system: list[BaseMessage] = [SystemMessage(before)] if before else []
    budget = free - estimate_tokens(system)
    chosen = _chosen(messages, used, max(budget, 1), refused)
    sent = [*system, *chosen]
    tokens = {name: estimate_text(part) for name, part in parts.items() if part}
    tokens["messages"] = estimate_tokens(chosen)
    return Selection(sent, len(messages) - len(chosen), estimate_tokens(sent), used, tokens)


def _fitting(there: Remembered, messages: Sequence[BaseMessage], share: int) -> Remembered:
    """Return what is sent besides the branch: of each kind no more than its share, what fits the prompt best first."""
    summary = there.summary if there.strategy.kind == "summary" and 0 < there.covered < len(messages) else ""
    recalled = there.recalled if there.strategy.recall else ()
    counted = [msgspec.structs.replace(item, tokens=estimate_text(_quoted(item))) for item in recalled]
    return Remembered(
        there.strategy,
        _facts_within(there, share),
        _cut(summary, share),
        there.covered if summary else 0,
        _within(counted, share, _quoted),
        there.by,
    )


def _facts_within(there: Remembered, share: int) -> list[Fact]:
    """Return the facts that have room, the oldest first: new ones of no vector yet, then those most alike to the prompt."""
    alike = [there.likeness.get(fact.told.memory_id, 1.0) for fact in there.facts]
    places = sorted(range(len(alike)), key=lambda place: (-alike[place], -place))
    return [there.facts[place] for place in sorted(_within(places, share, lambda place: there.facts[place].text))]


def _within(items: Sequence[T], share: int, text: Callable[[T], str]) -> list[T]:
    kept: list[T] = []
    for item in items:
        share -= estimate_text(text(item)) + 2
        if share < 0:
            break
        kept.append(item)
    return kept


def _cut(text: str, share: int) -> str:
    """Return a text, or as much of its beginning as has room: a summary begins with what it is about."""
    while text and estimate_text(text) > share:
        text = text[: len(text) * 3 // 4]
    return text


def _quoted(item: Recalled) -> str:
    who = "the user" if item.role == "user" else "you"
    return f"{who} said: {item.text}"


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *(f"- {line}" for line in lines)]) if lines else ""


def _chosen(messages: Sequence[BaseMessage], used: Remembered, budget: int, refused: bool) -> list[BaseMessage]:
    """Return the messages of the branch that are sent."""
    strategy = used.strategy
    lead = list(messages[:1]) if messages and isinstance(messages[0], SystemMessage) else []
    match strategy.kind:
        case "full" if not refused:
            return list(messages)
        case "window":
            prompts = [place for place, message in enumerate(messages) if isinstance(message, HumanMessage)]
            turns = prompts[-(strategy.number or 1) :]
            start = turns[0] if turns and len(prompts) > len(turns) else len(lead)
        case "tokens":
            start, budget = len(lead), min(budget, strategy.number or budget)
        case _:
            start = max(used.covered, len(lead))
    return _newest([*lead, *messages[start:]], budget)


def _newest(messages: Sequence[BaseMessage], budget: int) -> list[BaseMessage]:
    """Return the newest messages that have room, a system message that stands first in any case.

    Looks at what is sent and no further: trim_messages of LangChain counts the whole branch several times, which took longer than
    all else of ours in a turn of a long thread.
    """
    lead = list(messages[:1]) if messages and isinstance(messages[0], SystemMessage) else []
    room = budget - estimate_tokens(lead)
    start = len(messages)
    while start > len(lead):
        room -= estimate_tokens([messages[start - 1]])
        if room < 0:
            break
        start -= 1
    if start == len(lead) and room >= 0:
        return list(messages)
    while start < len(messages) and not isinstance(messages[start], HumanMessage):
        start += 1
    if start == len(messages):
        # Not even the newest question has room.
        prompts = (place for place in reversed(range(start)) if isinstance(messages[place], HumanMessage))
        start = next(prompts, start)
    return [*lead, *messages[start:]]
