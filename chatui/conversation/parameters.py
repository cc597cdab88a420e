"""What a model is asked with: which parameters there are, what a person may give them, and whose value is in force.

A value is looked for in the thread's settings, then the model's, then the user's, then the config file's; at last it is left to the
model itself. The context (num_ctx) of a thread stays what it was at the first reply, whatever the defaults become later, as another
one makes the server load the model anew; only a value that is set for the thread, or taken away from it, changes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from chatui.config import Config, Parameters
from chatui.errors import UsageError
from chatui.text import clean, clean_line

#: Where a value comes from; "first reply" where a thread keeps what it began with, "model's own" where nobody set one.
Source = Literal["thread", "first reply", "model", "user", "default", "model's own"]


class Field(msgspec.Struct, frozen=True):
    """One parameter, as a person meets it.

    Attributes:
        name: Its name in the config file and in commands.
        title: Its name on the screen.
        allowed: What it may be, after "must be".
        help: What it does.
    """

    name: str
    title: str
    allowed: str
    help: str


FIELDS: tuple[Field, ...] = (
    Field("system_prompt", "System prompt", "a text", "Sent before the messages."),
    Field("thinking", "Thinking", "off, on, low, medium or high", "Whether the model thinks before it answers."),
    Field("temperature", "Temperature", "a number from 0 to 2", "Low is exact and repeats itself, high is free."),
    Field("top_p", "Top p", "a number from 0 to 1", "Only the likeliest words that together have this share."),
    Field("top_k", "Top k", "a whole number from 0 to 1000", "Only so many of the likeliest words."),
    Field("seed", "Seed", "a whole number from 0 to 4294967295", "The same seed gives the same reply."),
    Field(
        "num_ctx",
        "Context (num_ctx)",
        "a whole number from 64 to 10000000",
        "Tokens of prompt and reply together. A change loads the model anew.",
    ),
    Field(
        "num_predict", "Longest reply", "a whole number from 1 to 1000000", "The most tokens of a reply (num_predict)."
    ),
    Field(
        "repeat_penalty",
        "Repeat penalty",
        "a number above 0, up to 10",
        "Above 1 avoids words that were just said.",
    ),
    Field(
        "keep_alive",
        "Keep loaded",
        "a time as in 5m or 1h30m, seconds, or -1 for always",
        "How long the model stays loaded (keep_alive).",
    ),
    Field(
        "stop", "Stop at", 'a text, or several as in ["END", "User:"], none of them empty', "Texts that end the reply."
    ),
)
NAMES = tuple(field.name for field in FIELDS)
_BY_NAME = {field.name: field for field in FIELDS}
_TYPES = {field.name: field.type for field in msgspec.structs.fields(Parameters)}


def field(name: str) -> Field:
    """Return a parameter.

    Raises:
        UsageError: There is none of this name.
    """
    found = _BY_NAME.get(name.strip().lower().replace("-", "_").replace(" ", "_"))
    if found is None:
        raise UsageError(f'There is no parameter "{clean_line(name, 40)}".', f"There are {', '.join(NAMES)}.")
    return found


def parse(name: str, text: str) -> Any:
    """Read what a person typed for a parameter. Gives None, which takes the value away, for "" and for "default".

    Raises:
        UsageError: There is no such parameter, or it cannot be this.
    """
    known = field(name)
    if known.name == "system_prompt":
        return clean(text)
    word = text.strip()
    if word.lower() in {"", "default"}:
        return None
    value: Any = word
    if known.name == "stop":
        value = _texts(clean(word))
    elif known.name == "thinking":
        value = word.lower()
    else:
        for convert in (int, float):
            try:
                value = convert(word.replace(",", "") if known.name == "num_ctx" else word)
                break
            except ValueError:
                continue
    return checked(known.name, value, word)


def checked(name: str, value: Any, typed: str | None = None) -> Any:
    """Return a value as it is stored, None for none.

    Raises:
        UsageError: The parameter cannot be this.
    """
    try:
        sound = msgspec.convert(value, _TYPES[name])
    except msgspec.ValidationError:
        said = clean_line(typed if typed is not None else json.dumps(value, ensure_ascii=False), 60)
        raise UsageError(f"{name} must be {_BY_NAME[name].allowed}, not {said}.", "Nothing was changed.") from None
    # As JSON gives it back.
    return list(sound) if isinstance(sound, tuple) else sound


def _texts(word: str) -> Any:
    if word.startswith("["):
        try:
            return json.loads(word)
        except ValueError:
            return [""]  # refused with the sentence that says how to write it
    return [word]


def written(name: str, value: Any) -> str:
    """Return a value as a person would type it, on one line; "" for none."""
    if value is None:
        return ""
    if name == "stop":
        one = len(value) == 1 and not value[0].startswith("[") and value[0].strip() == value[0] and "\n" not in value[0]
        return str(value[0]) if one else json.dumps(list(value), ensure_ascii=False)
    return str(value)


class LastContext(msgspec.Struct, frozen=True):
    """How the last reply of a model in a thread was asked for.

    Attributes:
        num_ctx: The context that was asked for, None where it was left to the server.
        room: The context that was in force then, None where unknown.
        kept: Whether the thread keeps it: not where it is the thread's own setting, which can be taken away.
        elsewhere: The context that any thread of this file asked the model for last, None where it was left to the server.
    """

    num_ctx: int | None = None
    room: int | None = None
    kept: bool = False
    elsewhere: int | None = None


class Resolved(msgspec.Struct, frozen=True):
    """The parameters that are in force.

    Attributes:
        values: They. `system_prompt` is never None.
        sources: Where each comes from, by name.
        last: How the model was asked last in this thread, None where it was not yet.
    """

    values: Parameters = Parameters(system_prompt="")
    sources: dict[str, Source] = {}
    last: LastContext | None = None

    def by_choice(self) -> list[str]:
        """Return the names of those that somebody set for this very thread."""
        return [name for name in NAMES if self.sources.get(name) == "thread"]


def resolve(
    config: Config,
    *,
    thread: Mapping[str, Any] | None = None,
    model: Mapping[str, Any] | None = None,
    user: Mapping[str, Any] | None = None,
    last: LastContext | None = None,
) -> Resolved:
    """Find whose value is in force for each parameter.

    Args:
        config: For the defaults.
        thread: The settings of the thread, as they are stored; keys that are no parameters are left alone.
        model: Those of the model.
        user: Those of the user.
        last: How the model was asked last in the thread; its context is kept before a default's.
    """
    defaults = msgspec.to_builtins(config.parameters)
    if defaults["system_prompt"] is None and config.system_prompt:
        defaults["system_prompt"] = config.system_prompt
    stages: tuple[tuple[Source, Mapping[str, Any]], ...] = (
        ("thread", thread or {}),
        ("model", model or {}),
        ("user", user or {}),
        ("default", defaults),
    )
    values: dict[str, Any] = {}
    sources: dict[str, Source] = dict.fromkeys(NAMES, "model's own")
    for name in NAMES:
        for source, settings in stages:
            if name == "num_ctx" and source != "thread" and last is not None and last.kept:
                if last.num_ctx is not None:
                    values[name] = last.num_ctx
                sources[name] = "first reply"
                break
            value = _sound(name, settings.get(name))
            if value is not None:
                values[name], sources[name] = value, source
                break
    values.setdefault("system_prompt", "")
    return Resolved(msgspec.convert(values, Parameters), sources, last)


def _sound(name: str, value: Any) -> Any:
    """A stored value; None for one that another version, or another hand, wrote and that would be refused."""
    try:
        return checked(name, value)
    except UsageError:
        return None
