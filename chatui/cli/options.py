"""The options that stand before any command, read by hand.

`chatui` alone must paint as early as bare Textual does, and typer 0.29 builds a pydantic adapter for each parameter, which
costs as much again. There are twelve options here; the commands' own are typer's.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from chatui.errors import UsageError
from chatui.text import clean_line


class Option(msgspec.Struct, frozen=True):
    """One option before any command.

    Attributes:
        field: The attribute of `Options` that it sets.
        names: Its spellings, the short one first.
        value: What its value is called in the help; "" for a flag.
        help: What it does, without a full stop.
        starts: Whether it is about opening the TUI, and so goes with no command.
    """

    field: str
    names: tuple[str, ...]
    value: str
    help: str
    starts: bool = False


OPTIONS = (
    Option("continue_", ("-c", "--continue"), "", "Open the thread that was used last", starts=True),
    Option("new", ("-n", "--new"), "", "Open a new thread", starts=True),
    Option("model", ("-m", "--model"), "REF", "Chat with this model, as in ollama:llama3.2", starts=True),
    Option("theme", ("--theme",), "NAME", "Use this theme", starts=True),
    Option(
        "plain", ("--plain",), "", "For screen readers: no spinner, no boxes, every message with its role", starts=True
    ),
    Option("db", ("--db",), "PATH", "The database (else CHATUI_DB, else the data folder's)"),
    Option("read_only", ("--read-only",), "", "Write nothing to the database"),
    Option("config", ("--config",), "PATH", "The config file (else CHATUI_CONFIG, else the config folder's)"),
    Option("user", ("-u", "--user"), "NAME", "Whose threads to show and make (else CHATUI_USER, else the config's)"),
    Option("all_users", ("--all-users",), "", "Show everyone's threads"),
    Option("version", ("--version",), "", "Print the version"),
    Option("help", ("-h", "--help"), "", "Print this page, or a command's after its name"),
)

_BY_NAME = {name: option for option in OPTIONS for name in option.names}


class Options(msgspec.Struct):
    """The command line up to the command.

    Attributes:
        thread: The first word that is no command: the thread to open.
        command: The command, None to open the TUI.
        rest: What follows the command.
    """

    continue_: bool = False
    new: bool = False
    model: str | None = None
    theme: str | None = None
    plain: bool = False
    db: Path | None = None
    read_only: bool = False
    config: Path | None = None
    user: str | None = None
    all_users: bool = False
    version: bool = False
    help: bool = False
    thread: str | None = None
    command: str | None = None
    rest: list[str] = []


def parse(arguments: list[str], commands: frozenset[str]) -> Options:
    """Read the command line up to the command.

    Args:
        arguments: What follows `chatui`.
        commands: The names of the commands. After `--` a word is never one, so that a thread called "ask" can be opened.

    Raises:
        UsageError: An unknown option, a missing value, two threads, options that exclude each other.
    """
    options = Options()
    waiting = list(arguments)
    literal = False
    while waiting:
        word = waiting.pop(0)
        if word == "--" and not literal:
            literal = True
        elif not literal and word.startswith("--"):
            _long(options, word, waiting)
        elif not literal and word.startswith("-") and word != "-":
            _short(options, word, waiting)
        elif not literal and options.thread is None and word in commands:
            options.command, options.rest = word, waiting
            break
        elif options.thread is None:
            options.thread = as_text(word)
        else:
            raise UsageError(
                f'"{clean_line(options.thread, 60)}" is no command, and a thread is one word.',
                f"`chatui --help` lists the commands; a title of several words needs quotes.{suggest(options.thread, commands)}",
            )
    _check(options)
    return options


def as_text(argument: str) -> str:
    """Return an argument as text that can be stored and compared: bytes that are no UTF-8 reach Python as lone surrogates.

    Paths stay as they came: a file may be called so.
    """
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def option_of(name: str) -> Option | None:
    """Return the option before any command that has this spelling."""
    return _BY_NAME.get(name)


def suggest(word: str, commands: frozenset[str]) -> str:
    """Return a sentence that names the command a word looks like, with a space before it, or ""."""
    from difflib import get_close_matches

    found = get_close_matches(word, sorted(commands), n=1, cutoff=0.7)
    return f" Did you mean `chatui {found[0]}`?" if found else ""


def _long(options: Options, word: str, waiting: list[str]) -> None:
    name, equals, value = word.partition("=")
    option = _known(name)
    if not option.value:
        if equals:
            raise UsageError(f"{name} takes no value.", _SEE)
        setattr(options, option.field, True)
    else:
        _set(options, option, name, value if equals else _next(name, option, waiting))


def _short(options: Options, word: str, waiting: list[str]) -> None:
    """Read `-c`, `-mREF`, `-m REF` and several at once, as in `-nm REF`."""
    for place, letter in enumerate(word[1:], start=1):
        name = f"-{letter}"
        option = _known(name)
        if option.value:
            _set(options, option, name, word[place + 1 :] or _next(name, option, waiting))
            return
        setattr(options, option.field, True)


def _known(name: str) -> Option:
    option = _BY_NAME.get(name)
    if option is None:
        raise UsageError(f"There is no option {clean_line(name, 60)}.", _SEE)
    return option


def _next(name: str, option: Option, waiting: list[str]) -> str:
    if not waiting or (waiting[0].startswith("-") and waiting[0] in _BY_NAME):
        raise UsageError(f"{name} needs a value: {name} {option.value}.", _SEE)
    return waiting.pop(0)


def _set(options: Options, option: Option, name: str, value: str) -> None:
    if not value.strip() or "\0" in value:
        raise UsageError(f"{name} needs a value: {name} {option.value}.", _SEE)
    setattr(options, option.field, Path(value).expanduser() if option.value == "PATH" else as_text(value))


def _check(options: Options) -> None:
    if options.help or options.version:
        return
    if options.command is not None:
        for option in OPTIONS:
            if option.starts and getattr(options, option.field):
                name = option.names[-1]
                raise UsageError(
                    f"{name} before a command means nothing.",
                    f"`chatui {options.command} --help` lists what {options.command} takes.",
                )
    elif sum((options.continue_, options.new, options.thread is not None)) > 1:
        raise UsageError("Of THREAD, --continue and --new only one can be given.", _SEE)


_SEE = "`chatui --help` lists the options."
