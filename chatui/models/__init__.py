"""From `provider:name` to a chat model: what there is, what it can do, and its errors made plain.

Importing this package loads neither LangChain nor a client library, as the first paint needs it.
"""

from __future__ import annotations

from chatui.models.opened import Ending, ModelInfo, OpenModel, PullProgress
from chatui.models.pulling import PullMeter
from chatui.models.refs import DEMO_MODEL, DEMO_MODEL_BYTES, DEMO_MODEL_LICENCE, ModelRef, parse_ref
from chatui.models.registry import Models, embedded_available, embedded_present

__all__ = [
    "DEMO_MODEL",
    "DEMO_MODEL_BYTES",
    "DEMO_MODEL_LICENCE",
    "Ending",
    "ModelInfo",
    "ModelRef",
    "Models",
    "OpenModel",
    "PullMeter",
    "PullProgress",
    "embedded_available",
    "embedded_present",
    "parse_ref",
]
