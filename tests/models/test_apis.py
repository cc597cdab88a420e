"""openai:, anthropic: and google:, and hosts that speak as they do, over a scripted server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chatui.config import Config, HostConfig
from chatui.errors import (
    BadReply,
    ConnectionLost,
    ContextTooLong,
    ModelError,
    PullFailed,
    ServerBusy,
    ServerFault,
    Stalled,
    Unauthorized,
    UnknownModel,
    Unreachable,
    Unsupported,
    UsageError,
)
from chatui.models import Models, parse_ref
from chatui.models.api_errors import explain
from tests.models.api_server import (
    END,
    PROVIDERS,
    ApiServer,
    ask,
    begun,
    event,
    hosted,
    listing,
    openai_end,
    openai_piece,
    sse,
    text,
    whole,
)
from tests.models.asking import merged
from tests.ollama_server import DROP, Reply, answer

PAGE = "<html><body>Bad gateway</body></html>"
KEY, HEADER, PASSWORD = "sk-k3y-s3cret", "h3ader-s3cret", "p4ssword-s3cret"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.mark.parametrize("provider", PROVIDERS)
class TestEachProvider:
    async def test_a_reply_streams_with_its_usage(self, server: ApiServer, provider: str) -> None:
        server.answers = listing(provider)
        server.replies.append(whole(provider))
        opened, chunks = await ask(hosted(server, provider), f"{provider}@box:m")
        assert text(chunks) == "Hello"
        total = chunks[0]
        for chunk in chunks[1:]:
            total += chunk
        assert total.usage_metadata is not None
        assert (total.usage_metadata["input_tokens"], total.usage_metadata["output_tokens"]) == (7, 2)
        assert opened.ending(merged(chunks)) == "stop"

    async def test_a_reply_cut_by_the_limit_is_known(self, server: ApiServer, provider: str) -> None:
        server.answers = listing(provider)
        reason = {"openai": "length", "anthropic": "max_tokens", "google": "MAX_TOKENS"}[provider]
        server.replies.append(whole(provider, reason))
        opened, chunks = await ask(hosted(server, provider), f"{provider}@box:m")
        assert opened.ending(merged(chunks)) == "length"

    async def test_a_reply_that_just_ends_is_lost(self, server: ApiServer, provider: str) -> None:
        server.answers = listing(provider)
        server.replies.append([*begun(provider), END])
        opened, chunks = await ask(hosted(server, provider), f"{provider}@box:m")
        assert (text(chunks), opened.ending(merged(chunks))) == ("Hel", "lost")

    async def test_a_connection_that_breaks_in_the_middle(self, server: ApiServer, provider: str) -> None:
        server.answers = listing(provider)
        server.replies.append([*begun(provider), DROP])
        with pytest.raises(ConnectionLost, match="lost in the middle"):
            await ask(hosted(server, provider), f"{provider}@box:m")

    async def test_its_models_are_listed_with_full_references(self, server: ApiServer, provider: str) -> None:
        server.answers = listing(provider)
        models = await hosted(server, provider).list()
        assert [model.model for model in models] == [f"{provider}@box:m"]

    async def test_the_service_is_known_without_asking_it(self, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(f"{provider.upper()}_API_KEY", KEY)
        name = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash"}[provider]
        opened = await Models(Config()).open(parse_ref(f"{provider}:{name}"))
        assert opened.context_length is not None
        assert opened.context_length > 100_000
        assert KEY not in repr(opened) + repr(vars(opened.chat))

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (401, Unauthorized),
            (403, Unauthorized),
            (404, UnknownModel),
            (429, ServerBusy),
            (500, ServerFault),
            (503, ServerBusy),
            (307, BadReply),
        ],
    )
    async def test_a_status_becomes_a_sentence(
        self, server: ApiServer, provider: str, status: int, kind: type[ModelError]
    ) -> None:
        server.answers = listing(provider)
        said = {
            "type": "error",
            "error": {"type": "e", "code": status, "message": "Said \x1b]52;c;A\x07so", "status": "E"},
        }
        server.replies += [answer(status, said)] * 3
        with pytest.raises(ModelError) as caught:
            await ask(hosted(server, provider), f"{provider}@box:m")
        assert type(caught.value) is kind, caught.value
        assert "box" in str(caught.value)
        assert "\x1b" not in str(caught.value)
        assert caught.value.advice.endswith(".")

    async def test_no_server_at_all(self, dead_host: str, provider: Any) -> None:
        models = Models(Config(hosts={"box": HostConfig(url=dead_host, provider=provider)}))
        with pytest.raises(Unreachable, match="Cannot reach the host box") as caught:
            await models.open(parse_ref(f"{provider}@box:m"))
        assert "[hosts.box]" in caught.value.advice


FAULTS: list[tuple[str, list[Reply], type[ModelError], str]] = [
    (
        "context",
        [answer(400, {"error": {"message": "too long", "code": "context_length_exceeded"}})],
        ContextTooLong,
        "do not fit",
    ),
    (
        "context of llama.cpp",
        [answer(400, {"error": {"message": "request (9 tokens) exceeds the available context size", "code": 400}})],
        ContextTooLong,
        "9 tokens",
    ),
    (
        "context of vLLM",
        [answer(400, {"object": "error", "message": "This model's maximum context length is 9 tokens."})],
        ContextTooLong,
        "9 tokens",
    ),
    ("quota", [answer(429, {"error": {"message": "x", "code": "insufficient_quota"}})] * 2, ServerBusy, "used up"),
    ("images", [answer(400, {"error": {"message": "Model does not support image input"}})], Unsupported, "see images"),
    ("tools", [answer(400, {"error": {"message": "tools are not supported"}})], Unsupported, "use tools"),
    ("no words", [answer(418, "")], ServerFault, "status 418"),
    ("a page", [answer(502, PAGE, "text/html")] * 2, ServerBusy, "web page"),
    ("dropped at once", [[DROP]] * 2, Unreachable, "closed the connection"),
    (
        "in the stream",
        [sse(openai_piece("Hel"), event({"error": {"message": "the runner died"}}))],
        ConnectionLost,
        "the runner died",
    ),
    ("no JSON", [sse(openai_piece("Hel"), event("this is no JSON"))], BadReply, "no reply of its kind"),
    ("nothing", [sse()], ModelError, "empty reply"),
]


@pytest.mark.parametrize(
    ("replies", "kind", "words"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
async def test_a_fault_becomes_a_sentence(
    server: ApiServer, replies: list[Reply], kind: type[ModelError], words: str
) -> None:
    server.replies += replies
    models = hosted(server)
    with pytest.raises(kind) as caught:
        await ask(models)
    assert words in caught.value.title
    # And a retry works.
    server.replies = [whole("openai")]
    assert text((await ask(models))[1]) == "Hello"


@pytest.mark.parametrize(
    ("error", "began", "kind"),
    [
        (TimeoutError(), True, Stalled),
        (ValueError("something else"), False, ServerFault),
        (ConnectionResetError(104, "reset"), True, ConnectionLost),
    ],
)
def test_other_exceptions_become_sentences(error: Exception, began: bool, kind: type[ModelError]) -> None:
    told = explain(error, who="The host box", model="openai@box:m", variable=None, table="[hosts.box]", began=began)
    assert type(told) is kind


async def test_what_a_model_thinks_is_kept_apart(server: ApiServer) -> None:
    server.replies.append(sse(openai_piece(None, reasoning_content="Hm."), openai_piece("Yes"), openai_end()))
    _, chunks = await ask(hosted(server))
    assert [chunk.additional_kwargs["reasoning_content"] for chunk in chunks if chunk.additional_kwargs] == ["Hm."]
    assert text(chunks) == "Yes"


async def test_what_the_server_tells_of_its_models(server: ApiServer) -> None:
    entries = [
        {"id": "vllm", "max_model_len": 2048},
        {"id": "llama.cpp", "meta": {"n_ctx": 512, "n_params": 134_520_000, "size": 99}},
        {"id": "lm-studio\x1b[31m"},
    ]
    server.answers["GET", "/v1/models"] = answer(200, {"data": entries})
    found = await hosted(server).list()
    assert [(model.model, model.context_length, model.size) for model in found] == [
        ("openai@box:vllm", 2048, None),
        ("openai@box:llama.cpp", 512, 99),
        ("openai@box:lm-studio[31m", None, None),
    ]
    assert found[1].parameters == "134.52M"
    shown = await hosted(server).show(parse_ref("openai@box:vllm"))
    assert shown == {"model": "openai@box:vllm", "context_length": 2048, "max_model_len": 2048}
    with pytest.raises(UnknownModel, match="no model other"):
        await hosted(server).show(parse_ref("openai@box:other"))


@pytest.mark.parametrize(
    ("entry", "capped"), [({"id": "m", "max_model_len": 64}, False), ({"id": "m"}, True)], ids=["vLLM", "others"]
)
async def test_replies_are_capped_where_the_server_does_not(
    server: ApiServer, entry: dict[str, Any], capped: bool
) -> None:
    server.answers["GET", "/v1/models"] = answer(200, {"data": [entry]})
    server.replies.append(whole("openai"))
    await ask(hosted(server))
    body = server.requests[-1].body
    assert ("max_tokens" in body) is capped
    assert body["stream_options"] == {"include_usage": True}


async def test_a_server_without_a_list_can_be_asked(server: ApiServer) -> None:
    server.answers = {("GET", "/v1/models"): answer(404, {"error": "no"})}
    server.replies.append(whole("openai"))
    assert text((await ask(hosted(server)))[1]) == "Hello"


async def test_nothing_is_pulled(server: ApiServer) -> None:
    with pytest.raises(PullFailed, match="cannot fetch"):
        async for _ in hosted(server).pull(parse_ref("openai@box:m")):
            pass


async def test_a_reference_that_does_not_fit_its_host(server: ApiServer) -> None:
    with pytest.raises(UsageError, match="speaks openai") as caught:
        await hosted(server).open(parse_ref("ollama@box:m"))
    assert "openai@box:m" in caught.value.advice
