"""Parameters reach the models of the big APIs, by the names that each takes."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from chatui.config import HostConfig, Parameters
from chatui.models.anthropic import Anthropic
from chatui.models.api import Api
from chatui.models.google import Google
from chatui.models.openai import OpenAI

SET = Parameters(temperature=0.25, top_p=0.5, top_k=7, seed=3, num_predict=99, stop=("END",), repeat_penalty=1.5)
PROMPT = [HumanMessage("Hello")]
HOST = HostConfig(url="http://127.0.0.1:9/v1")


def payload(server: Api, parameters: Parameters) -> dict[str, Any]:
    chat: Any = server.make("m", None)
    made: dict[str, Any] = chat._get_request_payload(PROMPT, **server.arguments(parameters))
    return made


@pytest.mark.parametrize("config", [None, HOST], ids=["service", "host"])
def test_openai(config: HostConfig | None) -> None:
    sent = payload(OpenAI(config, None if config is None else "box"), SET)
    assert (sent["temperature"], sent["top_p"], sent["seed"], sent["stop"]) == (0.25, 0.5, 3, ["END"])
    limits = {"max_tokens": 99} if config else {"max_completion_tokens": 99}
    assert {name: value for name, value in {**sent, **sent.get("extra_body", {})}.items() if "max" in name} == limits
    assert sent.keys().isdisjoint({"top_k", "repeat_penalty"})


def test_anthropic() -> None:
    sent = payload(Anthropic(None, None), SET)
    sent |= sent.pop("extra_body")
    assert (sent["temperature"], sent["top_p"], sent["top_k"], sent["max_tokens"]) == (0.25, 0.5, 7, 99)
    assert sent["stop_sequences"] == ["END"]
    assert "seed" not in sent


def test_google() -> None:
    server = Google(None, None)
    chat: Any = server.make("gemini-2.0-flash", None)
    sent = chat._prepare_request(PROMPT, **server.arguments(SET))["config"]
    assert (sent.temperature, sent.top_p, sent.top_k, sent.seed) == (0.25, 0.5, 7, 3)
    assert (sent.max_output_tokens, sent.stop_sequences) == (99, ["END"])


@pytest.mark.parametrize("server", [OpenAI, Anthropic, Google])
def test_nothing_is_sent_that_is_not_set(server: type[Api]) -> None:
    assert server(None, None).arguments(Parameters()) == {}
