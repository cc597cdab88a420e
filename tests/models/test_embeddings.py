"""Embeddings by Ollama and by the demo model itself."""

from __future__ import annotations

import math

import pytest

from chatui.config import Config, HostConfig
from chatui.errors import BadReply, ModelError, UnknownModel, Unreachable, Unsupported
from chatui.models import Models, parse_ref
from chatui.models.embedded_server import Server
from chatui.models.embeddings import marked
from tests.ollama_server import OllamaServer, answer

NOMIC = parse_ref("ollama:nomic-embed-text")


async def test_ollama_makes_a_vector_for_each_text(models: Models, server: OllamaServer) -> None:
    server.embeds = lambda text: [float(len(text)), 1.0]
    assert await models.embed(NOMIC, ["one", "three"]) == [[3.0, 1.0], [5.0, 1.0]]
    asked = server.requests[-1]
    assert (asked.path, asked.body) == (
        "/api/embed",
        {"model": "nomic-embed-text", "input": ["one", "three"], "truncate": True},
    )


async def test_a_named_host_makes_them_too(server: OllamaServer) -> None:
    server.embeds = lambda text: [1.0, 2.0]
    models = Models(Config(hosts={"gpu": HostConfig(server.url)}))
    assert await models.embed(parse_ref("ollama@gpu:nomic-embed-text"), ["x"]) == [[1.0, 2.0]]
    await models.close()


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (404, {"error": 'model "nomic-embed-text" not found, try pulling it first'}, UnknownModel, "no model"),
        (501, {"error": "this model does not support embeddings"}, Unsupported, "makes no embeddings"),
        (400, {"error": '"smol" does not support embeddings'}, Unsupported, "makes no embeddings"),
        (200, {"embeddings": []}, BadReply, "no embeddings"),
        (200, {"embeddings": [[]]}, BadReply, "no embeddings"),
        (200, {"embeddings": [[0.0, 0.0]]}, BadReply, "no embeddings"),
        (200, {"embeddings": [["a"]]}, BadReply, "no embeddings"),
        (200, {"embeddings": [[1.0], [1.0]]}, BadReply, "no embeddings"),
        (200, {"message": "hello"}, BadReply, "no embeddings"),
        (200, "<html>", BadReply, "not an Ollama reply"),
    ],
)
async def test_what_goes_wrong_is_a_sentence(
    models: Models, server: OllamaServer, status: int, body: str, kind: type[ModelError], words: str
) -> None:
    server.answers["POST", "/api/embed"] = answer(status, body)
    with pytest.raises(kind) as caught:
        await models.embed(NOMIC, ["x"])
    assert words in caught.value.title


async def test_no_server_and_no_such_provider(dead_host: str) -> None:
    models = Models(Config())
    with pytest.raises(Unreachable):
        await models.embed(NOMIC, ["x"])
    with pytest.raises(Unsupported, match="anthropic"):
        await models.embed(parse_ref("anthropic:claude"), ["x"])
    with pytest.raises(UnknownModel):
        await models.embed(parse_ref("embedded:/nowhere/x.gguf"), ["x"])
    await models.close()


def test_some_models_want_a_word_before_each_text() -> None:
    assert marked(NOMIC, "x", question=True) == "search_query: x"
    assert marked(NOMIC, "x", question=False) == "search_document: x"
    assert marked(parse_ref("ollama:all-minilm"), "x", question=True) == "x"


@pytest.mark.embedded
async def test_the_demo_model_makes_vectors_of_its_own(demo_model: str) -> None:
    models, ref = Models(Config()), parse_ref(demo_model)
    texts = [
        "How do I write a for loop in Python?",
        "Please sort this list of numbers in Python.",
        "I live in Bremen, near the river.",
        "\u2603 " * 400,
    ]
    vectors = [list(vector) for vector in await models.embed(ref, texts)]
    assert {len(vector) for vector in vectors} == {576}

    def cosine(a: int, b: int) -> float:
        product = sum(x * y for x, y in zip(vectors[a], vectors[b], strict=True))
        return product / math.sqrt(sum(x * x for x in vectors[a]) * sum(x * x for x in vectors[b]))

    assert cosine(0, 1) > cosine(0, 2) + 0.1
    for thread in Server.running():
        thread.join(10)
    # It still chats: vectors are made beside it.
    assert (await models.open(ref)).ref == ref
