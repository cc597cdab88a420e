"""Google's Gemini."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatui.config import Parameters
from chatui.models.api import NO_KEY, Api
from chatui.models.opened import Ending, ModelInfo
from chatui.text import clean_line

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


class Google(Api):
    """Google's service, or a host of its kind."""

    provider = "google"
    title = "Google"
    default_url = "https://generativelanguage.googleapis.com"
    key_variables = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    package = "langchain_google_genai"
    parameters = {  # noqa: RUF012
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "seed": "seed",
        "stop": "stop_sequences",
        "num_predict": "max_output_tokens",
    }
    models_path = "/v1beta/models"
    key_headers = ("Authorization", "X-Goog-Api-Key")

    def authorize(self, key: str) -> dict[str, str]:
        """The headers that carry a key."""
        return {"X-Goog-Api-Key": key}

    def entries(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        """The models in its list that can chat."""
        models = answer.get("models")
        return [
            {**entry, "id": str(entry.get("name", "")).removeprefix("models/")}
            for entry in (models if isinstance(models, list) else [])
            if isinstance(entry, dict) and "generateContent" in entry.get("supportedGenerationMethods", ())
        ]

    def info(self, entry: dict[str, Any]) -> ModelInfo:
        """One of them as lists show it."""
        length = entry.get("inputTokenLimit")
        return ModelInfo(
            model=self.reference(clean_line(str(entry["id"]))),
            context_length=length if isinstance(length, int) else None,
        )

    def make(self, name: str, facts: object) -> BaseChatModel:
        """Make LangChain's chat model."""
        from httpx import Timeout

        from chatui.models.google_chat import Chat, Transport, remember

        arguments = self.client_arguments()
        arguments["event_hooks"]["response"] = [remember]
        arguments["transport"] = Transport(verify=arguments["verify"])
        arguments["timeout"] = Timeout(**self.limits(None))
        settings: dict[str, Any] = {
            "model": name,
            "google_api_key": NO_KEY,
            "base_url": self.plain_url,
            "vertexai": False,
            "max_retries": 1,
            "client_args": arguments,
        }
        return Chat(**settings)

    def arguments(self, parameters: Parameters) -> dict[str, Any]:
        """Turn parameters into what the chat model's `astream` is given beside the messages."""
        asked = super().arguments(parameters)
        return {"generation_config": asked} if asked else {}

    async def close_chat(self, chat: BaseChatModel) -> None:
        """Close a chat model's connections."""
        await getattr(chat, "aclose")()  # noqa: B009

    def ending(self, metadata: dict[str, Any]) -> Ending:
        """Say how a reply ended."""
        reason = metadata.get("finish_reason")
        return "lost" if reason is None else "length" if reason == "MAX_TOKENS" else "stop"
