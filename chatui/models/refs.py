"""Model references: `provider:name`, `provider@host:name`, or a bare name, which is Ollama's."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chatui.errors import UsageError
from chatui.text import clean_line

PROVIDERS = ("ollama", "openai", "anthropic", "google", "embedded")

#: What `embedded:default` stands for.
DEMO_NAME = "smollm2-135m"


class ModelRef(msgspec.Struct, frozen=True):
    """Which model: the provider, its name there, and the named host if one is given."""

    provider: str
    name: str
    host: str | None = None

    def __str__(self) -> str:
        host = f"@{self.host}" if self.host else ""
        return f"{self.provider}{host}:{self.name}"


DEMO_MODEL = ModelRef("embedded", DEMO_NAME)
#: What fetching the demo model downloads, in bytes, and the licence of its weights.
DEMO_MODEL_BYTES = 92_871_040
DEMO_MODEL_LICENCE = "Apache-2.0"


def parse_ref(text: str) -> ModelRef:
    """Read a reference.

    What stands before the first colon counts only if it is a known provider; otherwise the whole is Ollama's, as in
    `llama3.2:3b`.

    Raises:
        UsageError: It is empty, or a known provider without a name, or a host where none can be.
    """
    reference = clean_line(text)
    if not reference:
        raise UsageError(
            "The name of the model is empty.", "Name one, such as ollama:llama3.2; `chatui models` lists them."
        )
    before, colon, name = reference.partition(":")
    provider, at, host = before.partition("@")
    if not reference.strip(":@ "):
        raise UsageError(
            f'"{reference}" names no model.', "Name one, such as ollama:llama3.2; `chatui models` lists them."
        )
    if not colon or provider not in PROVIDERS:
        return ModelRef("ollama", reference)
    if not name or (at and not host):
        raise UsageError(f'"{reference}" names no model.', f"Write {provider}:NAME; `chatui models` lists them.")
    if provider == "embedded":
        if at:
            raise UsageError(f'"{reference}" has a host.', f"Embedded models run here: write embedded:{name}.")
        name = _embedded_name(name)
    return ModelRef(provider, name, host or None)


def _embedded_name(name: str) -> str:
    """Return the one name of an embedded model: a thread that was begun with a path goes on from any folder."""
    if name == "default":
        return DEMO_NAME
    if "/" in name or "\\" in name or name.endswith(".gguf"):
        return str(Path(name).expanduser().absolute())
    return name
