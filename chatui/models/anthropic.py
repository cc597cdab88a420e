"""Anthropic, and hosts that speak as it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatui.models.api import NO_KEY, Api
from chatui.models.opened import Ending

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


class Anthropic(Api):
    """Anthropic's service, or a host of its kind."""

    provider = "anthropic"
    title = "Anthropic"
    default_url = "https://api.anthropic.com"
    url_variable = "ANTHROPIC_BASE_URL"
    key_variables = ("ANTHROPIC_API_KEY",)
    package = "langchain_anthropic"
    parameters = {  # noqa: RUF012
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "stop": "stop",
        "num_predict": "max_tokens",
    }
    models_path = "/v1/models"
    key_headers = ("Authorization", "X-Api-Key")

    def authorize(self, key: str) -> dict[str, str]:
        """The headers that carry a key, with the version that the list of models wants named."""
        return {"X-Api-Key": key, "anthropic-version": "2023-06-01"}

    def make(self, name: str, facts: object) -> BaseChatModel:
        """Make LangChain's chat model."""
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient, Timeout
        from pydantic import SecretStr

        from chatui.models.anthropic_chat import Chat

        limits = Timeout(**self.limits(None))
        chat = Chat(
            model_name=name, base_url=self.plain_url, api_key=SecretStr(NO_KEY), max_retries=1, timeout=None, stop=None
        )
        # The class has no argument for an HTTP client; it makes one when this attribute is first read.
        chat.__dict__["_async_client"] = AsyncAnthropic(
            api_key=NO_KEY,
            base_url=self.plain_url,
            max_retries=1,
            timeout=limits,
            http_client=DefaultAsyncHttpxClient(**self.client_arguments(), timeout=limits),
        )
        return chat

    async def close_chat(self, chat: BaseChatModel) -> None:
        """Close a chat model's connections."""
        await chat.__dict__["_async_client"].close()

    def ending(self, metadata: dict[str, Any]) -> Ending:
        """Say how a reply ended."""
        reason = metadata.get("stop_reason")
        if reason is None:
            return "lost"
        return "length" if reason in ("max_tokens", "model_context_window_exceeded") else "stop"
