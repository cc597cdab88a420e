"""SillyTavern's chats: JSON lines, a header first. The swipes of an answer are its alternatives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePath
from typing import Any

from chatui.transfer import jsonstream
from chatui.transfer.records import Item, Skipped, SourceMessage, SourceThread, iso, text_of
from chatui.transfer.sources import Source

_OLD_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) ?@(\d{1,2})h ?(\d{1,2})m ?(\d{1,2})s(?: ?(\d{1,3})ms)?")
_WORDS = ("%B %d, %Y %I:%M%p", "%b %d, %Y %I:%M%p")


def looks(value: Any) -> bool:
    """Whether a JSON value is the header of a chat of SillyTavern's."""
    return isinstance(value, dict) and "user_name" in value and "character_name" in value


def read(source: Source) -> Iterator[Item]:
    """Yield the chat of a file."""
    size = source.path.stat().st_size or 1
    header: dict[str, Any] = {}
    messages: list[SourceMessage] = []
    above: str | None = None
    for line in jsonstream.lines(source.path):
        if isinstance(line, Skipped):
            yield line
            continue
        value = line.value
        source.told(line.end / size)
        if looks(value) and not messages:
            header = value
        elif not isinstance(value, dict) or not isinstance(value.get("mes"), str):
            yield Skipped(f"{source.name}, line {line.number + 1}", "It is no message.")
        else:
            made, above = _messages(value, str(line.number), above)
            messages += made
    metadata = header.get("chat_metadata")
    integrity = metadata.get("integrity") if isinstance(metadata, dict) else None
    character = text_of(header.get("character_name"))
    yield SourceThread(
        key=str(integrity) if integrity else str(source.path.resolve()),
        where=source.name,
        messages=messages,
        title=f"{character}: {PurePath(source.name).stem}" if character else PurePath(source.name).stem,
        named=False,
        created_at=_time(header.get("create_date")),
        active=above,
    )


def _messages(value: dict[str, Any], number: str, above: str | None) -> tuple[list[SourceMessage], str]:
    """Return a line's message and its alternatives, and the id of the one that is shown."""
    role = "user" if value.get("is_user") is True else "system" if value.get("is_system") is True else "assistant"
    swipes = value.get("swipes")
    texts = [text for text in swipes if isinstance(text, str)] if isinstance(swipes, list) else []
    shown = value.get("swipe_id")
    if not isinstance(shown, int) or not 0 <= shown < len(texts):
        texts, shown = [value["mes"]], 0
    # A message may have been edited since it was swiped to.
    texts[shown] = value["mes"]
    info = value.get("swipe_info")
    infos = info if isinstance(info, list) and len(info) == len(texts) else [{}] * len(texts)
    made = []
    for place, (text, own) in enumerate(zip(texts, infos, strict=True)):
        own = own if isinstance(own, dict) else {}
        extra = own.get("extra") if place != shown else value.get("extra")
        extra = extra if isinstance(extra, dict) else {}
        date = value.get("send_date") if place == shown else own.get("send_date") or value.get("send_date")
        made.append(
            SourceMessage(
                id=f"{number}.{place}",
                parent=above,
                role=role,
                text=text,
                reasoning=text_of(extra.get("reasoning")) if role == "assistant" else "",
                model=text_of(extra.get("model")) or None if role == "assistant" else None,
                created_at=_time(date),
                extra={"name": name} if (name := text_of(value.get("name"))) else {},
            )
        )
    return made, f"{number}.{shown}"


def _time(value: Any) -> str | None:
    """A time in any of the forms that its versions wrote; those without an offset are the local time of then, taken as UTC."""
    if isinstance(value, str):
        if value.isdigit():
            return iso(int(value))
        if found := _OLD_DATE.fullmatch(value.strip()):
            *parts, thousandths = found.groups()
            year, month, day, hour, minute, second = map(int, parts)
            try:
                return iso(datetime(year, month, day, hour, minute, second, int(thousandths or 0) * 1000).isoformat())
            except ValueError:
                return None
        for form in _WORDS:
            try:
                return iso(datetime.strptime(value.strip().upper(), form).isoformat())
            except ValueError:
                continue
    return iso(value)
