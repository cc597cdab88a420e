"""Summaries in a process of their own, after `chatui ask` has ended."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import chatui, chatui_json
from tests.ollama_server import OllamaServer, stream, tags


def test_a_summary_is_written_behind_ask(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaServer() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        server.answers["GET", "/api/tags"] = tags("smol:latest")
        server.chats += [stream("One."), stream("Two."), stream("The notes.")]
        chatui("memory", "strategy", "summary+tokens:1")
        thread = chatui_json("ask", "First?")["thread_id"]
        assert chatui_json("ask", "-t", thread, "Second?")["text"] == "Two."
        with closing(sqlite3.connect(home / "data" / "chatui" / "chatui.db")) as connection:
            deadline = time.monotonic() + 60
            while not (found := connection.execute("SELECT text FROM chatui_summaries").fetchall()):
                assert time.monotonic() < deadline, "no summary came"
                time.sleep(0.05)
        assert found == [("The notes.",)]
