"""The config file: frozen structs filled from TOML; an error names the file, the key and the reason.

    model = "ollama:llama3.2"       # else: Ollama's first model, else the embedded one
    user = "anna"
    theme = "chatui-light"
    system_prompt = "Answer briefly."
    title = "off"                   # no titles by a model
    title_model = "ollama:smollm2"  # else: the model that answered

    [memory]                        # or, for the strategy alone: memory = "tokens:auto"
    strategy = "tokens:auto,recall"
    embedding = "ollama:nomic-embed-text"
    propose = true

    [parameters]                    # of threads, models and users that have none of their own
    temperature = 0.7
    num_ctx = 8192

    [ollama]
    host = "http://gpu.local:11434"
    idle_seconds = 120

    [hosts.gpu]                     # then `ollama@gpu:llama3.2` is a model
    url = "https://gpu.local"
    api_key_env = "GPU_KEY"         # the variable that holds the key

    [hosts.lmstudio]                # and `openai@lmstudio:qwen3`
    provider = "openai"
    url = "http://localhost:1234/v1"

    [display]
    thinking = "open"               # else folded to one line; o opens and folds it

    [keys]
    "tree.open" = "ctrl+y"          # binding ids are in the help screen and the README

Every key may be left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from chatui.errors import ConfigError
from chatui.text import clean_line

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class OllamaConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[ollama]`.

    Attributes:
        host: The server's address in any common form; `OLLAMA_HOST` and then 127.0.0.1:11434 where it is None.
        connect_seconds: How long to wait for a connection.
        first_token_seconds: How long a model may load or queue before its first token.
        idle_seconds: How long a reply may stand still once it has begun.
    """

    host: str | None = None
    connect_seconds: Seconds = 5.0
    first_token_seconds: Seconds = 600.0
    idle_seconds: Seconds = 120.0

    def __repr__(self) -> str:
        return "OllamaConfig(...)"  # the address may hold a password


Provider = Literal["ollama", "openai", "anthropic", "google"]
HostName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]+$")]


class HostConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[hosts.NAME]`: a server that references name, as in `ollama@NAME:llama3.2`.

    Headers and addresses may hold secrets, so neither is in its repr.

    Attributes:
        url: The server's address.
        provider: What it speaks. LM Studio, vLLM and llama.cpp speak `openai`.
        headers: Sent with each request to this server, and to no other.
        api_key_env: The environment variable that holds its API key, or the name of an entry `chatui` in the keyring.
        ca_file: A file of certificates (PEM) to trust instead of the system's.
        connect_seconds: How long to wait for a connection.
        first_token_seconds: How long a model may load or queue before its first token.
        idle_seconds: How long a reply may stand still once it has begun.
    """

    url: str
    provider: Provider = "ollama"
    headers: dict[str, str] = {}
    api_key_env: str | None = None
    ca_file: str | None = None
    connect_seconds: Seconds = 5.0
    first_token_seconds: Seconds = 600.0
    idle_seconds: Seconds = 120.0

    def __repr__(self) -> str:
        return f"HostConfig(provider={self.provider!r}, ...)"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        """What rich and debuggers print: as little."""
        return [("provider", self.provider)]


Thinking = Literal["off", "on", "low", "medium", "high"]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model is asked with, and the table `[parameters]`. None leaves a value to who comes next, at last the model.

    Attributes:
        system_prompt: Sent before the messages; "" for none at all.
        thinking: Whether, and how long, the model thinks before it answers; only for models that can.
        temperature: How freely it chooses among likely words.
        top_p: Only the likeliest words that together have this share.
        top_k: Only so many of the likeliest words.
        seed: The same seed gives the same reply.
        num_ctx: Tokens of prompt and reply together. Another number makes Ollama load the model anew.
        num_predict: The most tokens of a reply.
        repeat_penalty: How much words that were just said are avoided.
        keep_alive: How long the server keeps the model loaded: "5m", seconds, -1 for always.
        stop: Texts that end the reply.
    """

    system_prompt: str | None = None
    thinking: Thinking | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] | None = None
    num_ctx: Annotated[int, msgspec.Meta(ge=64, le=10_000_000)] | None = None
    num_predict: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    repeat_penalty: Annotated[float, msgspec.Meta(gt=0, le=10)] | None = None
    keep_alive: (
        Annotated[int, msgspec.Meta(ge=-1, le=10**9)]
        | Annotated[str, msgspec.Meta(pattern=r"^(\d+(\.\d+)?(h|m|s|ms))+$")]
        | None
    ) = None
    stop: Annotated[tuple[Annotated[str, msgspec.Meta(min_length=1)], ...], msgspec.Meta(max_length=16)] | None = None


class MemoryConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[memory]`.

    Attributes:
        strategy: The memory strategy of new threads.
        embedding: The reference of the model that finds what is alike in meaning, for recall; None or "off" for full text alone.
        propose: Whether the model that answered is asked for facts about the user that are worth keeping.
    """

    strategy: str = "tokens:auto"
    embedding: str | None = None
    propose: bool = False


class DisplayConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[display]`.

    Attributes:
        thinking: How the thinking of an answer is shown at first: "folded" to one line, or "open".
    """

    thinking: Literal["folded", "open"] = "folded"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole config file. Every key may be left out.

    Attributes:
        model: The reference of the model for new threads, None to choose by what answers.
        user: The user whose threads are shown, None for everyone's.
        theme: A theme's name, None for the terminal's dark or light.
        system_prompt: What is sent before the messages of a thread that has no system prompt of its own.
        memory: The table `[memory]`; a text stands for its strategy alone.
        parameters: The table `[parameters]`; a system prompt there comes before the one above.
        title: "auto" to ask a model for a thread's title after the first exchange, "off" for the first prompt's beginning.
        title_model: The reference of the model that is asked for titles; None for the one that answered.
        ollama: The table `[ollama]`.
        hosts: The tables `[hosts.NAME]`.
        display: The table `[display]`.
        keys: Binding id to key, in Textual's names.
    """

    model: str | None = None
    user: str | None = None
    theme: str | None = None
    system_prompt: str = ""
    memory: MemoryConfig | str = MemoryConfig()
    parameters: Parameters = Parameters()
    title: Literal["auto", "off"] = "auto"
    title_model: str | None = None
    ollama: OllamaConfig = OllamaConfig()
    hosts: dict[HostName, HostConfig] = {}
    display: DisplayConfig = DisplayConfig()
    keys: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Make a table of a strategy that stands alone, so that every key is there to be shown."""
        if isinstance(self.memory, str):
            msgspec.structs.force_setattr(self, "memory", MemoryConfig(self.memory))

    @property
    def remembering(self) -> MemoryConfig:
        """The table `[memory]`."""
        return MemoryConfig(self.memory) if isinstance(self.memory, str) else self.memory


def load(path: Path, *, required: bool = False) -> Config:
    """Read a config file.

    Args:
        path: The file. A missing one means the defaults, unless `required`.
        required: Whether a person named the file, so that it must be there.

    Raises:
        ConfigError: The file is missing though required, unreadable, not TOML, or has an unknown key or a bad value.
    """
    try:
        return convert(read_toml(path, "config file"), path)
    except FileNotFoundError:
        if required:
            raise ConfigError(f"There is no config file {path}.", "Check --config or CHATUI_CONFIG.") from None
        return Config()


def read_toml(path: Path, kind: str) -> dict[str, object]:
    """Read a TOML file.

    Args:
        path: The file.
        kind: What it is, as an error names it.

    Raises:
        FileNotFoundError: There is none.
        ConfigError: It cannot be read, or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The {kind} {path} cannot be read: {clean_line(str(error))}.", "Check the file.") from None
    import tomllib  # most people have no such file, and it would be a hundredth of the first paint

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {clean_line(str(error))}.", "Mend that line.") from None


def convert(values: dict[str, object], path: Path) -> Config:
    """Check a config file's values.

    Raises:
        ConfigError: An unknown key or a bad value, named with its place.
    """
    try:
        return msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        # msgspec's sentence ends with the place, as in "Expected `str`, got `int` - at `$.ollama.host`".
        reason, _, place = str(error).partition(" - at `$.")
        key = place.rstrip("`") or "the file"
        if key.startswith("hosts[...]"):  # msgspec does not say which
            key = f"hosts.{clean_line(_bad_host(values), 40)}{key.removeprefix('hosts[...]')}"
        raise ConfigError(f"{path}: {key}: {clean_line(reason)}.", "`chatui config show` prints every key.") from None


def _bad_host(values: dict[str, object]) -> str:
    """The name of the first of `[hosts]` that is wrong."""
    hosts = values.get("hosts")
    for name, host in hosts.items() if isinstance(hosts, dict) else ():
        try:
            msgspec.convert(host, HostConfig)
        except msgspec.ValidationError:
            return str(name)
    return "*"
