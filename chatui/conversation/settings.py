"""The parameters of one thread where they are kept: read, changed, and saved under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from chatui.config import Config
from chatui.conversation.parameters import NAMES, LastContext, Resolved, checked, resolve
from chatui.errors import UsageError
from chatui.storage import Store
from chatui.text import clean_line

#: Whom a value is set for.
Level = Literal["thread", "model", "user"]
LEVELS: tuple[Level, ...] = ("thread", "model", "user")

_PRESETS = "presets"
#: Among the settings of a thread: `LastContext` by the model's reference. Of the file: the num_ctx it was asked for last.
_CONTEXTS = "contexts"

#: Said where another context is set, or one is taken away.
RELOAD = "From the next message on the model is loaded anew, for the other context."
#: Said where a default is changed that this thread does not follow.
KEEPS = "This thread keeps the context that it began with, until another one is set for the thread itself."


class ThreadSettings:
    """The settings of one thread, of the model it asks, and of its user.

    Args:
        store: The file.
        config: For defaults.
        thread_id: The thread, which need not have a message yet.
        user: Its user.
    """

    def __init__(self, store: Store, config: Config, thread_id: str, user: str) -> None:
        self._store = store
        self._config = config
        self._thread_id = thread_id
        self.user = user

    def of(self, level: Level, model: str | None = None) -> dict[str, Any]:
        """Return the parameters that are set for a thread, a model or a user, and for it alone."""
        name = self._name(level, model)
        if name is None:
            return {}
        found = self._store.settings.get(level, name)
        if level == "thread" and "system_prompt" not in found:
            # Imported threads, and those of before there were settings, have it in their row.
            own = self._store.threads.system_prompt(self._thread_id)
            found |= {} if own is None else {"system_prompt": own}
        return {key: value for key, value in found.items() if key in NAMES}

    def resolve(self, model: str | None, *, level: Level = "thread") -> Resolved:
        """Return what is in force.

        Args:
            model: The full reference of the model; None where it is not known yet.
            level: For "model", what any thread of this model and user begins with; for "user", any thread of this user.
        """
        asked = LEVELS[LEVELS.index(level) :]
        last = self._contexts().get(model or "") if level == "thread" else None
        if last is not None:
            elsewhere = self._store.settings.get("file", _CONTEXTS).get(model or "")
            last = msgspec.structs.replace(last, elsewhere=elsewhere if isinstance(elsewhere, int) else None)
        return resolve(self._config, last=last, **{one: self.of(one, model) for one in asked})

    async def change(self, level: Level, model: str | None = None, /, **values: Any) -> None:
        """Set parameters. None takes one away.

        Args:
            level: Whom they are set for.
            model: The model's full reference, where they are the model's.
            values: The parameters.

        Raises:
            UsageError: One cannot be what it is to be; nothing was changed. Or no model is known.
        """
        name = self._name(level, model)
        if name is None:
            raise UsageError("It is not known yet which model answers here.", "Choose one with Ctrl+O.")
        sound = {key: checked(key, value) for key, value in values.items()}
        if level == "thread" and "num_ctx" in sound:
            # On purpose: what the thread kept until now it keeps no longer.
            freed = {ref: msgspec.structs.replace(last, kept=False) for ref, last in self._contexts().items()}
            sound[_CONTEXTS] = msgspec.to_builtins(freed) or None
        store = self._store
        async with store.database.transaction() as connection:
            await store.settings.change(connection, level, name, **sound)
            if level == "thread" and "system_prompt" in sound and store.threads.get(name) is not None:
                # What stands in the row would come back where the setting is taken away.
                await store.threads.update(connection, name, system_prompt=None)

    # The context of a thread

    def _contexts(self) -> dict[str, LastContext]:
        found = self._store.settings.get("thread", self._thread_id).get(_CONTEXTS)
        try:
            return msgspec.convert(found or {}, dict[str, LastContext])
        except msgspec.ValidationError:  # another version's, or another hand's
            return {}

    async def keep_context(self, model: str, asked: Resolved, room: int | None) -> None:
        """Write down with which context a model replied here, so that the thread keeps it.

        Args:
            model: The model's full reference.
            asked: What it was asked with.
            room: The context that was in force, None where unknown.
        """
        source = asked.sources.get("num_ctx")
        last = LastContext(asked.values.num_ctx, room, kept=source != "thread")
        contexts, settings = self._contexts(), self._store.settings
        if contexts.get(model) == last and settings.get("file", _CONTEXTS).get(model) == last.num_ctx:
            return
        kept = msgspec.to_builtins({**contexts, model: last})
        async with self._store.database.transaction() as connection:
            await settings.change(connection, "thread", self._thread_id, **{_CONTEXTS: kept})
            await settings.change(connection, "file", _CONTEXTS, **{model: last.num_ctx})

    def _name(self, level: Level, model: str | None) -> str | None:
        return {"thread": self._thread_id, "model": model, "user": self.user}[level]

    # Presets

    def presets(self) -> dict[str, dict[str, Any]]:
        """Return the parameters that were saved under a name, by name."""
        found = self._store.settings.get("file", _PRESETS)
        return {
            name: {key: value for key, value in values.items() if key in NAMES}
            for name, values in sorted(found.items())
            if isinstance(values, dict)
        }

    async def save_preset(self, name: str, values: Mapping[str, Any] | None) -> None:
        """Save parameters under a name, over those that have it; None forgets it.

        Raises:
            UsageError: The name is empty, or nothing is to be saved.
        """
        name = clean_line(name, 40).strip()
        if not name:
            raise UsageError("A preset needs a name.", "Type one.")
        if values is not None and not values:
            raise UsageError("There is nothing to save: no parameter is set.", "Set one first.")
        kept = None if values is None else {key: checked(key, value) for key, value in values.items()}
        async with self._store.database.transaction() as connection:
            await self._store.settings.change(connection, "file", _PRESETS, **{name: kept})
