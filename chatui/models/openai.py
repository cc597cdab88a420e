"""OpenAI, and every server that speaks as it does: LM Studio, vLLM, llama.cpp, and many others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chatui.config import Parameters
from chatui.models.api import NO_KEY, Api
from chatui.models.opened import Ending, ModelInfo
from chatui.text import clean_line

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

#: A small model that never ends by itself must not run for ever.
MAX_TOKENS = 8192


class OpenAI(Api):
    """OpenAI's service, or a host of its kind."""

    provider = "openai"
    title = "OpenAI"
    default_url = "https://api.openai.com/v1"
    url_variable = "OPENAI_BASE_URL"
    key_variables = ("OPENAI_API_KEY",)
    package = "langchain_openai"
    parameters = {  # noqa: RUF012
        "temperature": "temperature",
        "top_p": "top_p",
        "seed": "seed",
        "stop": "stop",
        "num_predict": "max_completion_tokens",
    }

    @property
    def url(self) -> str:
        """The server's whole URL; /v1 is added where a host's address has no path."""
        url = super().url
        return url if urlsplit(url).path else f"{url}/v1"

    def info(self, entry: dict[str, Any]) -> ModelInfo:
        """A model with what llama.cpp (`meta`), vLLM and LM Studio tell of it besides its name."""
        meta = entry.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        lengths = (entry.get("max_model_len"), entry.get("loaded_context_length"), meta.get("n_ctx"))
        parameters = meta.get("n_params")
        return ModelInfo(
            model=self.reference(str(entry.get("id", ""))),
            size=_whole(meta.get("size")),
            parameters=f"{parameters / 1e6:.2f}M" if isinstance(parameters, int) else None,
            quantization=clean_line(str(entry.get("quantization") or ""), 40) or None,
            context_length=next((length for length in map(_whole, lengths) if length), None),
        )

    def make(self, name: str, facts: ModelInfo | None) -> BaseChatModel:
        """Make LangChain's chat model."""
        from openai import DefaultAsyncHttpxClient, Timeout
        from pydantic import SecretStr

        from chatui.models.openai_chat import Chat

        limits = Timeout(**self.limits(None))
        # vLLM refuses a limit that is beyond its context, and keeps within it by itself; it is known by telling its length.
        capped = self._config is not None and (facts is None or facts.context_length is None or facts.size is not None)
        return Chat(
            model=name,
            base_url=self.plain_url,
            api_key=SecretStr(NO_KEY),
            stream_usage=True,
            timeout=limits,
            # A spent quota too is 429: waiting long for it would look like a hang.
            max_retries=1,
            # The engine watches, with the limits of the config.
            stream_chunk_timeout=None,
            # Else it warns on standard error, over the screen, where a proxy is set.
            http_socket_options=(),
            http_async_client=DefaultAsyncHttpxClient(**self.client_arguments(), timeout=limits),
            # LangChain's own max_tokens is sent under a name that older servers do not know.
            extra_body={"max_tokens": MAX_TOKENS} if capped else None,
        )

    def arguments(self, parameters: Parameters) -> dict[str, Any]:
        """Turn parameters into what `Chat.astream` is given beside the messages."""
        asked = super().arguments(parameters)
        if self._config is not None and (limit := asked.pop("max_completion_tokens", None)) is not None:
            # As in `make`: other servers know the older name.
            asked["extra_body"] = {"max_tokens": limit}
        return asked

    async def close_chat(self, chat: BaseChatModel) -> None:
        """Close a chat model's connections."""
        await getattr(chat, "root_async_client").close()  # noqa: B009

    def ending(self, metadata: dict[str, Any]) -> Ending:
        """Say how a reply ended."""
        # A stream that breaks off between two events raises nothing.
        reason = metadata.get("finish_reason")
        return "lost" if reason is None else "length" if reason == "length" else "stop"


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
