"""Proposed facts: after a reply the model is asked, in the background, what it learned about the user that is worth keeping.

It is a request of its own, as the one for a title is: nothing of it is saved, and nothing of what it proposes either until a person
accepts it. What a model answers is taken apart by lines, and what is no short statement is no proposal.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatui.config import Config
from chatui.conversation.asides import answer_of, without_emphasis, without_thinking
from chatui.errors import UsageError
from chatui.models import parse_ref
from chatui.storage import Store
from chatui.storage.words import fold, tokens
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.walk import Walk
    from chatui.models import Models, OpenModel

#: The most facts that one reply brings, and their letters.
MOST, SHORTEST, LONGEST = 3, 6, 160
#: How many characters of the prompt and of what is known the model is shown, and how many seconds all of it may take.
_SHOWN, _KNOWN, _SECONDS = 2000, 1500, 120.0

_REQUEST = """\
Below is what a user wrote in a chat. List what it says about the user that will still be true and useful in other \
conversations: name, home, work, family, tastes, tools, plans. At most three facts, one a line, each a short sentence \
that begins with "- ", from the user's view, as in "- I live in Bremen.", in the user's language. No questions, no \
advice, nothing that the user did not say. If there is no such fact, answer with NONE alone.
{known}
<user>
{prompt}
</user>"""

_ALREADY = "\nThis is known already and not to be listed again:\n{facts}\n"

_MARK = re.compile(r"^\s*(?:[-*+•–]|\d{1,2}[.)])\s+")
#: What is no fact: said of the model, of nothing, or to nobody.
_USELESS = re.compile(
    r"^(?:none|n/a|nothing|no facts?\b|keine?\b|aucun|ninguno|nessuno|无|沒有|没有|なし)"
    r"|^(?:as an ai|i am an ai|i'm an ai|sure\b|here (?:is|are)\b)"
    r"|\b(?:the|this) (?:conversation|chat|assistant)\b|<|>|https?://",
    re.IGNORECASE,
)


def facts_from(answer: str, known: Iterable[str] = ()) -> list[str]:
    """Return the facts in a model's answer.

    Args:
        answer: What the model said, as it came: lines that begin with a dash, or JSON's list of texts.
        known: What is remembered, or was refused, already.

    Returns:
        At most `MOST` clean lines, none of which says what is known or what another says. [] where the answer is something else.
    """
    text = without_thinking(answer).strip()
    told = {_folded(one) for one in known}
    facts: list[str] = []
    for line in _lines(text):
        fact = without_emphasis(clean_line(line, 1000)).strip(" \"“”„«»'")
        words = _folded(fact)
        if not SHORTEST <= len(fact) <= LONGEST or fact.endswith(("?", ":", "：", "？")) or _USELESS.search(fact):
            continue
        if not words or words in told:
            continue
        told.add(words)
        facts.append(fact)
    return facts[:MOST]


def _lines(text: str) -> list[str]:
    found = re.search(r"\[.*\]", text, re.DOTALL)
    if found is not None:
        try:
            values = json.loads(found[0])
        except (ValueError, RecursionError):
            values = None
        if isinstance(values, list):
            return [value for value in values if isinstance(value, str)]
    return [_MARK.sub("", line) for line in text.splitlines() if _MARK.match(line)]


def _folded(fact: str) -> str:
    """What two ways to write the same fact have in common: its words, without case and signs, and without who says it."""
    words = tokens(fold(clean_line(fact)))
    while words and words[0] in {"the", "user", "i", "am", "is", "s", "m", "has", "have"}:
        words = words[1:]
    return " ".join(words)


def proposes(store: Store, config: Config, user: str) -> bool:
    """Say whether facts about a user are proposed.

    In another program's file the config file does not count: there only the switch of the user does, which is thrown in it.
    """
    own = store.settings.get("user", user).get("propose")
    if isinstance(own, bool):
        return own
    return config.remembering.propose and store.side is None


async def set_proposing(store: Store, user: str, on: bool | None) -> None:
    """Say whether facts about a user are proposed; None leaves it to the config file."""
    async with store.database.transaction() as connection:
        await store.settings.change(connection, "user", user, propose=on)


def parse_switch(text: str) -> bool:
    """Read "on" or "off".

    Raises:
        UsageError: It is neither.
    """
    word = text.strip().lower()
    if word not in {"on", "off"}:
        raise UsageError(f'"{clean_line(text, 40)}" is neither on nor off.', "Write one of them.")
    return word == "on"


async def propose(
    store: Store,
    models: Models,
    config: Config,
    conversation: Walk,
    answered_by: OpenModel | None,
    refused: Iterable[str] = (),
) -> list[str]:
    """Ask the model that answered for facts about the user in the newest prompt of a thread. Cancelling it ends the request.

    Args:
        store: The file.
        models: Where a model is opened.
        config: For the switch.
        conversation: The thread.
        answered_by: The model that answered last, None where it is not known.
        refused: What the user did not want to be remembered.

    Returns:
        The facts, of which nothing is written down. [] where they are not to be proposed, and whatever goes wrong with the model.
    """
    user = conversation.owner
    if store.read_only or not proposes(store, config, user) or conversation.memory.private:
        return []
    head = conversation.head()
    prompt = conversation.prompt_of(head) if head and head.role == "assistant" else ""
    if head is None or not prompt.strip():
        return []
    known = [memory.text for memory in conversation.memory.user.list()]
    listed = "\n".join(f"- {fact}" for fact in known)[-_KNOWN:]
    request = _REQUEST.format(prompt=prompt[:_SHOWN], known=_ALREADY.format(facts=listed) if known else "")
    try:
        async with asyncio.timeout(_SECONDS):
            model = answered_by or await models.open(parse_ref(head.model or ""))
            answer = await answer_of(conversation, model, request)
    except Exception:  # a model that is gone, busy or odd proposes nothing
        return []
    return facts_from(answer, [*known, *refused])
