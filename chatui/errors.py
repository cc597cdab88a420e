"""What can go wrong, each with what happened and what to do next.

Every error that a person may meet derives from `ChatuiError`. Its `title` says what is wrong and where, its
`advice` what to do; together they are the one sentence that the shell prints and the screen shows. Neither is
ever Rich markup, and text from outside is cleaned before it gets here.

    ChatuiError                 exit code 1
      UsageError                exit code 2
        UnknownThread, AmbiguousThread, UnknownCheckpoint, ConfigError
      DatabaseError
        NotADatabase, ReadOnlyDatabase, DatabaseTooOld, DatabaseBusy, DatabaseTooNew, SchemaChange
      ModelError
        NoModel, UnknownModel, Unreachable, Unauthorized, Unsupported, ContextTooLong, OutOfMemory,
        ServerBusy, ServerFault, BadReply, EmptyReply, ConnectionLost, Stalled, MissingExtra, PullFailed
"""

from __future__ import annotations


class ChatuiError(Exception):
    """Something a person should be told.

    Args:
        title: What is wrong, and where. A whole sentence with its full stop.
        advice: What to do next. One or more sentences, or "" where there is nothing to do.
    """

    exit_code = 1

    def __init__(self, title: str, advice: str = "") -> None:
        super().__init__(title, advice)
        self.title = title
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.title} {self.advice}".strip()


class UsageError(ChatuiError):
    """The command line, the config file or an environment variable asks for something that cannot be."""

    exit_code = 2


class UnknownThread(UsageError):
    """No thread has this id, prefix or title."""

    def __init__(self, name: str) -> None:
        super().__init__(f'There is no thread "{name}".', "`chatui threads` lists them all.")


class AmbiguousThread(UsageError):
    """A prefix or a title that more than one thread has."""

    def __init__(self, name: str, count: int) -> None:
        super().__init__(
            f'"{name}" fits {count} threads.', "Give more of the id; `chatui threads --json` shows it whole."
        )


class UnknownCheckpoint(UsageError):
    """A checkpoint id that this thread does not have.

    LangGraph itself would silently start an empty conversation there, so it is checked before every call.
    """

    def __init__(self, checkpoint_id: str, thread: str) -> None:
        super().__init__(
            f'The thread "{thread}" has no checkpoint "{checkpoint_id}".', f"`chatui tree {thread}` lists them."
        )


class ConfigError(UsageError):
    """A config file, a theme or an environment variable that cannot be used; names the file, the key and the reason."""


class DatabaseError(ChatuiError):
    """The file that holds the threads cannot be used as asked."""


class NotADatabase(DatabaseError):
    """The file is not SQLite, or is damaged."""


class ReadOnlyDatabase(DatabaseError):
    """The file or its folder cannot be written."""


class DatabaseTooOld(ReadOnlyDatabase):
    """The file lacks tables that this chatui makes when it opens it, and nothing may be written to it now."""


class DatabaseBusy(DatabaseError):
    """Another process held the write lock for longer than we wait."""


class SchemaChange(DatabaseError):
    """Another program's file is of an older form, and the first turn in it would change its tables. It has to be asked for."""

    exit_code = 2


class DatabaseTooNew(DatabaseError):
    """The file was written by a later chatui."""


class ModelError(ChatuiError):
    """A model, or the way to it, failed."""


class NoModel(ModelError):
    """Nothing is configured, and no model was found."""


class UnknownModel(ModelError):
    """The provider has no such model. Carries the reference, so that a screen can offer to pull it."""

    def __init__(self, title: str, advice: str = "", *, model: str = "") -> None:
        super().__init__(title, advice)
        self.model = model


class Unreachable(ModelError):
    """No connection to the server."""


class Unauthorized(ModelError):
    """The server wants a key or other credentials."""


class Unsupported(ModelError):
    """The model lacks a capability: tools, thinking, images."""


class ContextTooLong(ModelError):
    """The messages do not fit into the model's context. Carries the tokens that they take and those that there is room for."""

    def __init__(self, title: str, advice: str = "", *, need: int | None = None, room: int | None = None) -> None:
        super().__init__(title, advice)
        self.need = need
        self.room = room


class OutOfMemory(ModelError):
    """The server has too little memory for the model."""


class ServerBusy(ModelError):
    """The server or a proxy asks to come back later."""


class ServerFault(ModelError):
    """The server failed in a way of its own."""


class BadReply(ModelError):
    """What came is not what the protocol says."""


class EmptyReply(ModelError):
    """The model sent no text."""


class ConnectionLost(ModelError):
    """The reply ended before it was complete; what came is kept."""


class Stalled(ModelError):
    """Nothing came for too long."""


class MissingExtra(ModelError):
    """An optional package is not installed."""


class PullFailed(ModelError):
    """Fetching a model did not work."""
