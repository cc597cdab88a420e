from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from chatui.config import Config, OllamaConfig
from chatui.models import Models
from tests.ollama_server import OllamaServer


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        yield server


@pytest.fixture
async def models(server: OllamaServer) -> AsyncIterator[Models]:
    models = Models(Config(ollama=OllamaConfig(host=server.url)))
    yield models
    await models.close()
