"""openai:, anthropic: and google:, and hosts that speak as they do, over a scripted server."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage

from chatui.config import Config, HostConfig
from chatui.errors import (
    BadReply,
    ConfigError,
    ConnectionLost,
    ContextTooLong,
    MissingExtra,
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
from chatui.models import Models, OpenModel, parse_ref
from chatui.models.api_errors import explain
from tests.models.api_server import (
    END,
    ApiServer,
    anthropic_end,
    anthropic_piece,
    anthropic_start,
    event,
    google_piece,
    openai_end,
    openai_piece,
    sse,
)
from tests.models.asking import merged
from tests.ollama_server import DROP, OllamaServer, Reply, answer

PAGE = "<html><body>Bad gateway</body></html>"
KEY, HEADER, PASSWORD = "sk-k3y-s3cret", "h3ader-s3cret", "p4ssword-s3cret"
PROVIDERS = ("openai", "anthropic", "google")


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


def hosted(server: OllamaServer, provider: Any = "openai", **more: Any) -> Models:
    return Models(Config(hosts={"box": HostConfig(url=server.url, provider=provider, **more)}))


def listing(provider: str) -> dict[tuple[str, str], Reply]:
    if provider == "google":
        model = {"name": "models/m", "inputTokenLimit": 2048, "supportedGenerationMethods": ["generateContent"]}
        other = {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]}
        return {("GET", "/v1beta/models"): answer(200, {"models": [other, model]})}
    return {("GET", "/v1/models"): answer(200, {"data": [{"id": "m"}]})}


def whole(provider: str, reason: str | None = None) -> Reply:
    if provider == "openai":
        return sse(openai_piece("Hel"), openai_piece("lo"), openai_end(reason or "stop"))
    if provider == "anthropic":
        pieces = (anthropic_start(), anthropic_piece("Hel"), anthropic_piece("lo"))
        return sse(*pieces, anthropic_end(reason or "end_turn"))
    return sse(google_piece("Hel"), google_piece("lo", reason or "STOP"))


def begun(provider: str) -> list[bytes]:
    """A reply's first piece, without an end."""
    first = {
        "openai": openai_piece("Hel"),
        "anthropic": anthropic_start() + anthropic_piece("Hel"),
        "google": google_piece("Hel"),
    }
    head = sse()[0]
    assert isinstance(head, bytes)
    return [head, first[provider]]


async def ask(models: Models, reference: str = "openai@box:m") -> tuple[OpenModel, list[AIMessageChunk]]:
    opened = await models.open(parse_ref(reference))
    chunks: list[AIMessageChunk] = []
    try:
        async for part in opened.chat.astream([HumanMessage("Hi")]):
            chunks.append(part)
    except Exception as error:
        raise opened.explain(error, began=bool(chunks)) from error
    return opened, chunks


def text(chunks: list[AIMessageChunk]) -> str:
    return "".join(str(chunk.text) for chunk in chunks)


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

    async def test_cancelling_hangs_up(self, server: ApiServer, provider: str) -> None:
        server.answers = listing(provider)
        server.replies.append([*begun(provider), threading.Event()])
        opened = await hosted(server, provider).open(parse_ref(f"{provider}@box:m"))
        async with aclosing(opened.chat.astream([HumanMessage("Hi")])) as chunks:  # type: ignore[type-var]
            while not (await anext(chunks)).text:
                pass
        assert await asyncio.to_thread(server.hung_up.wait, 5)

    async def test_its_models_are_listed_with_full_references(self, server: ApiServer, provider: str) -> None:
        server.answers = listing(provider)
        models = await hosted(server, provider).list()
        assert [model.model for model in models] == [f"{provider}@box:m"]

    async def test_secrets_go_to_the_server_and_are_never_shown(
        self,
        server: ApiServer,
        provider: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setenv("BOX_KEY", KEY)
        server.answers = listing(provider)
        refused = answer(400, {"error": {"message": "no"}})
        server.replies += [refused, whole(provider)]
        caplog.set_level(logging.DEBUG)
        host = HostConfig(url=server.url, provider=provider, api_key_env="BOX_KEY", headers={"X-Team": HEADER})  # type: ignore[arg-type]
        config = Config(hosts={"box": host})
        models = Models(config)
        with pytest.raises(ServerFault) as caught:
            await ask(models, f"{provider}@box:m")
        opened, chunks = await ask(models, f"{provider}@box:m")
        assert text(chunks) == "Hello"
        for request in server.requests:
            headers = {name.lower(): value for name, value in request.headers.items()}
            assert headers["x-team"] == HEADER
            assert KEY in {value.removeprefix("Bearer ") for value in headers.values()}
        seen = [repr(config), str(config), repr(host), repr(models), repr(opened), repr(opened.chat), str(opened.chat)]
        seen += [str(caught.value), repr(vars(opened.chat)), str(await models.list()), caplog.text]
        seen += [str(opened.chat._get_ls_params()), str(opened.chat.lc_attributes)]
        for shown in seen:
            assert KEY not in shown
            assert HEADER not in shown

    async def test_a_host_without_a_key_gets_none(
        self, server: ApiServer, provider: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Above all not the one of the service."""
        for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GOOGLE_API_KEY"):
            monkeypatch.setenv(variable, KEY)
        server.answers = listing(provider)
        server.replies.append(whole(provider))
        await ask(hosted(server, provider), f"{provider}@box:m")
        for request in server.requests:
            assert KEY not in str(request.headers)
            assert not {"authorization", "x-api-key", "x-goog-api-key"} & {name.lower() for name in request.headers}

    async def test_a_missing_key_names_its_variable(self, provider: str) -> None:
        with pytest.raises(Unauthorized, match=f"{provider.upper()}_API_KEY is not set"):
            await Models(Config()).open(parse_ref(f"{provider}:m"))

    async def test_a_missing_extra_says_the_command(self, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(MissingExtra) as caught:
            await Models(Config()).open(parse_ref(f"{provider}:m"))
        assert f'`pip install "chatui[{provider}]"`' in caught.value.advice

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


async def test_a_redirect_elsewhere_takes_neither_prompt_nor_key_there(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", KEY)
    with ApiServer() as elsewhere:
        head = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.url}/v1/x\r\nContent-Length: 0\r\n\r\n"
        server.replies.append([head.encode()])
        with pytest.raises(BadReply, match="redirect"):
            await ask(hosted(server, api_key_env="BOX_KEY"))
        assert elsewhere.requests == []


async def test_a_password_in_the_address_is_used_and_never_shown(server: ApiServer) -> None:
    url = server.url.replace("http://", f"http://me:{PASSWORD}@")
    config = Config(hosts={"box": HostConfig(url=url, provider="openai")})
    server.replies += [whole("openai"), answer(400, {"error": {"message": "no"}})]
    models = Models(config)
    opened, _ = await ask(models)
    assert all(request.headers["Authorization"].startswith("Basic ") for request in server.requests)
    with pytest.raises(ServerFault) as caught:
        await ask(models)
    for shown in (str(caught.value), repr(opened), repr(config), repr(vars(opened.chat))):
        assert PASSWORD not in shown


async def test_the_service_can_be_moved_by_its_variable(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.replies.append(whole("openai"))
    assert text((await ask(Models(Config()), "openai:m"))[1]) == "Hello"
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    monkeypatch.setenv("OPENAI_BASE_URL", "nowhere:x")
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL"):
        await Models(Config()).open(parse_ref("openai:other"))


async def test_a_key_may_lie_in_the_keyring(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, int]] = []

    def get_password(service: str, name: str) -> str:
        asked.append((service, name, threading.get_ident()))
        return KEY

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))
    server.replies.append(whole("openai"))
    await ask(hosted(server, api_key_env="BOX_KEY"))
    assert [one[:2] for one in asked] == [("chatui", "BOX_KEY")]
    assert asked[0][2] != threading.get_ident(), "a keyring may ask its owner: not on the loop that draws the screen"
    assert server.requests[-1].headers["Authorization"] == f"Bearer {KEY}"


async def test_a_locked_keyring_holds_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_password(service: str, name: str) -> str:
        raise RuntimeError("locked")

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))
    with pytest.raises(Unauthorized, match="OPENAI_API_KEY is not set"):
        await Models(Config()).open(parse_ref("openai:m"))


async def test_a_proxy_never_stands_before_this_machine(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, dead_host: str
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, dead_host)
    server.replies.append(whole("openai"))
    assert text((await ask(hosted(server)))[1]) == "Hello"


async def test_a_proxy_stands_before_others(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    models = Models(Config(hosts={"box": HostConfig(url="http://far.invalid/v1", provider="openai")}))
    await models.look_round()
    assert [request.path for request in server.requests] == ["http://far.invalid/v1/models"]


async def test_a_bad_proxy_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("https_proxy", f"nonsense://me:{PASSWORD}@host:1")
    with pytest.raises(ConfigError) as caught:
        await Models(Config()).open(parse_ref("openai:m"))
    assert "HTTPS_PROXY" in caught.value.advice
    assert PASSWORD not in str(caught.value)


async def test_a_server_that_speaks_no_tls(server: ApiServer) -> None:
    host = HostConfig(url=server.url.replace("http:", "https:"), provider="openai")
    with pytest.raises(Unreachable, match="No secure connection") as caught:
        await Models(Config(hosts={"box": host})).open(parse_ref("openai@box:m"))
    assert "ca_file" in caught.value.advice


async def test_nothing_is_pulled(server: ApiServer) -> None:
    with pytest.raises(PullFailed, match="cannot fetch"):
        async for _ in hosted(server).pull(parse_ref("openai@box:m")):
            pass


async def test_a_reference_that_does_not_fit_its_host(server: ApiServer) -> None:
    with pytest.raises(UsageError, match="speaks openai") as caught:
        await hosted(server).open(parse_ref("ollama@box:m"))
    assert "openai@box:m" in caught.value.advice
