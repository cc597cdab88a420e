"""A fact told in one thread is recalled in another by the same user and by nobody else, with the demo model itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.e2e.conftest import chatui, chatui_json

CONFIG = 'title = "off"\n[memory]\nstrategy = "tokens:auto,recall"\nembedding = "{embedding}"\n[parameters]\nnum_predict = 8\n'


def tell(user: str, text: str) -> None:
    chatui("-u", user, "ask", text)


def recalled(user: str, prompt: str) -> tuple[str, list[str]]:
    """Ask in a new thread; return how other threads were searched, and what of them was sent."""
    asked = chatui_json("-u", user, "ask", prompt)
    sent = chatui_json("show", asked["thread_id"])["messages"][1]["sent"]
    assert all(item["tokens"] > 0 for item in sent["recalled"])
    return sent["recall"], [item["text"] for item in sent["recalled"] if item["role"] == "user"]


@pytest.mark.embedded
@pytest.mark.parametrize("embedding", ["embedded:smollm2-135m", "off"])
def test_a_fact_is_recalled_by_the_same_user_alone(
    home: Path, demo_model: str, monkeypatch: pytest.MonkeyPatch, embedding: str
) -> None:
    monkeypatch.setenv("CHATUI_MODEL", demo_model)
    (home / "config" / "chatui" / "config.toml").write_text(CONFIG.format(embedding=embedding), encoding="utf-8")
    tell("anna", "My dog is called Bruno and he is a labrador.")
    tell("ben", "My dog is called Bella and she is a poodle.")
    if embedding != "off":
        for user in ("anna", "ben"):
            assert "2 of 2 messages have one" in chatui("-u", user, "memory", "recall", "--make")
    # Of embeddings the question has no word in common with the fact.
    question = "What is the name of the pet?" if embedding != "off" else "Which dog have I got?"
    how, found = recalled("anna", question)
    assert how == ("by full text" if embedding == "off" else f"by embeddings of {embedding}, and by full text")
    assert found == ["My dog is called Bruno and he is a labrador."]
    assert recalled("ben", question)[1] == ["My dog is called Bella and she is a poodle."]
    assert recalled("clara", question)[1] == []
    with sqlite3.connect(home / "data" / "chatui" / "chatui.db") as connection:
        kept = connection.execute("SELECT DISTINCT model, dimensions, length(vector) FROM chatui_embeddings").fetchall()
    connection.close()
    assert kept == ([] if embedding == "off" else [(embedding, 576, 4 * 576)])
