"""Removing models."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatui.errors import ModelError, UnknownModel, Unreachable
from chatui.models import DEMO_MODEL, Models, parse_ref
from chatui.models.weights import weights_path
from tests.models.asking import SMOL
from tests.ollama_server import DROP, OllamaServer, answer


async def test_removing(models: Models, server: OllamaServer) -> None:
    # The real server answers with nothing.
    server.answers["DELETE", "/api/delete"] = answer(200, "")
    await models.remove(SMOL)
    asked = server.requests[-1]
    assert (asked.method, asked.path, asked.body) == ("DELETE", "/api/delete", {"model": "smol"})


async def test_removing_what_is_not_there(models: Models, server: OllamaServer) -> None:
    server.answers["DELETE", "/api/delete"] = answer(404, {"error": "model 'smol' not found"})
    with pytest.raises(UnknownModel):
        await models.remove(SMOL)


async def test_a_server_that_goes_away_while_removing(models: Models, server: OllamaServer) -> None:
    server.answers["DELETE", "/api/delete"] = [DROP]
    with pytest.raises(Unreachable):
        await models.remove(SMOL)


async def test_the_weights_of_the_demo_model_are_removed(models: Models) -> None:
    path = weights_path(DEMO_MODEL)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF")
    await models.remove(DEMO_MODEL)
    assert not path.exists()
    with pytest.raises(UnknownModel):
        await models.remove(DEMO_MODEL)


async def test_a_file_of_somebody_else_is_never_removed(models: Models, tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF")
    with pytest.raises(ModelError, match="not chatui's to remove"):
        await models.remove(parse_ref(f"embedded:{path}"))
    assert path.exists()
