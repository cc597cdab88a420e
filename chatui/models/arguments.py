"""Parameters under the names that a chat model of LangChain's takes them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatui.config import Parameters


def renamed(parameters: Parameters, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what `astream` is given beside the messages: of the parameters that are set, those that have a name there.

    Args:
        parameters: What is set.
        names: Of each parameter that the model takes, by what name.
    """
    asked = {sent: getattr(parameters, name) for name, sent in names.items()}
    # JSON knows no tuples.
    return {
        sent: list(value) if isinstance(value, tuple) else value for sent, value in asked.items() if value is not None
    }
