"""Titles: a model is asked for one after the first exchange, in the background.

The request is no turn: nothing of it is saved in the thread but the title, and it goes to the model that has just answered, opened
as it is, so that its server need not load it anew. Until then, and where no useful answer comes, the beginning of the first prompt
stands.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from chatui.conversation.asides import answer_of, without_emphasis, without_thinking
from chatui.models import parse_ref
from chatui.storage.index import TITLE_LENGTH
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.config import Config
    from chatui.conversation.walk import Walk
    from chatui.models import Models, OpenModel
    from chatui.storage import Store

#: The most characters of a title that a model gave; an answer of more than twice as many is no title.
LONGEST = 60
#: Up to which message of a branch a title is still asked for: another turn may have come in between.
_DEEPEST = 6
#: How many characters of the prompt and of its answer the model is shown, and how many seconds all of it may take.
_SHOWN, _SECONDS = 1000, 120.0

_REQUEST = """\
Write a title for the conversation below: at most six words, in the language of the conversation. \
Answer with the title alone, without quotation marks or explanation.

<user>
{prompt}
</user>
<assistant>
{answer}
</assistant>"""

_LABEL = re.compile(
    r"^\W*(?:title|titel|titre|t[íi]tulo|titolo|tytuł|otsikko|başlık|заголовок|название|标题|標題|タイトル|제목)"
    r"[*_\s]*[:：]\s*",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^(?:#{1,6}\s+|>\s*|[-*+•]\s+|\d{1,2}[.)]\s+)+")
_QUOTES = '"“”„«»「」『』'
_USELESS = {"title", "untitled", "conversation", "new chat", "chat", "no title", "n/a", "none"}


def title_from(answer: str) -> str:
    """Return the title in a model's answer, "" where there is no useful one.

    Args:
        answer: What the model said, as it came.

    Returns:
        One clean line of at most `LONGEST` characters, without thinking, Markdown, quotation marks and the word "Title:".
    """
    lines = [
        line.strip()
        for line in without_thinking(answer).splitlines()
        if line.strip() and not line.strip().startswith("```")
    ]
    if len(lines) > 1 and lines[0].endswith((":", "：")):
        # "Here is a title:"
        lines = lines[1:]
    line = _LEAD.sub("", clean_line(lines[0], 1000)) if lines else ""
    line = without_emphasis(_LABEL.sub("", line))
    line = _LABEL.sub("", line.strip(_QUOTES + " *_")).strip(_QUOTES + " ")
    if len(line) > 1 and line[0] == line[-1] == "'":
        line = line[1:-1].strip()
    if not line.endswith(("..", "…")):
        line = line.rstrip(".。")
    if len(line) > 2 * LONGEST or not any(map(str.isalnum, line)) or line.casefold() in _USELESS:
        return ""
    return clean_line(line, LONGEST)


async def give_title(
    store: Store, models: Models, config: Config, conversation: Walk, answered_by: OpenModel | None
) -> bool:
    """Ask a model for a thread's title, and write it down where nobody gave the thread another meanwhile.

    Cancelling it ends the request; nothing is written then.

    Args:
        store: The file.
        models: Where a model is opened.
        config: `title` and `title_model`.
        conversation: The thread.
        answered_by: The model that answered last, None where it is not known.

    Returns:
        Whether the thread has a new title. Whatever goes wrong with the model is no error: the title stays.
    """
    if config.title == "off" or store.read_only:
        return False
    thread_id = conversation.thread_id
    head = conversation.head()
    had = store.threads.automatic_title(thread_id)
    if had is None or head is None or head.depth > _DEEPEST:
        return False
    path = conversation.path(head.node_id)
    prompt = next((message for message in path if message.role == "user"), None)
    answer = next((message for message in path if message.role == "assistant" and message.text.strip()), None)
    if prompt is None or answer is None or had != clean_line(prompt.text, TITLE_LENGTH):
        return False
    request = _REQUEST.format(prompt=prompt.text[:_SHOWN], answer=answer.text[:_SHOWN])
    try:
        async with asyncio.timeout(_SECONDS):
            if config.title_model:
                model = await models.open(parse_ref(config.title_model))
            else:
                model = answered_by or await models.open(parse_ref(answer.model or ""))
            title = title_from(await answer_of(conversation, model, request))
    except Exception:  # a model that is gone, busy or odd: the title that is there is good enough
        return False
    if not title or title == had:
        return False
    async with store.database.transaction() as connection:
        await store.threads.replace_title(connection, thread_id, had, title)
    return True
