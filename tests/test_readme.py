"""What the README says, run."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from chatui.cli.commands import COMMANDS
from chatui.cli.main import main
from chatui.config import Config
from tests.cli.conftest import Run, database, models, run

__all__ = ["database", "models", "run"]

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    """The one code block of a language that contains a text."""
    (found,) = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if containing in text]
    return str(found)


def test_a_file_opens_in_plain_langgraph(run: Run, database: Path) -> None:
    asked = run("ask", "Say hello", "--json").json
    program = block("python", "AsyncSqliteSaver")
    for placeholder, value in (
        ('"THREAD"', asked["thread_id"]),
        ('"CHECKPOINT"', asked["checkpoint_id"]),
        ('"chatui.db"', str(database)),
    ):
        assert placeholder in program
        program = program.replace(placeholder, repr(value))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "Say hello" in done.stdout
    assert "Hello there." in done.stdout
    nodes = run("tree", asked["thread_id"], "--json").json["nodes"]
    assert [node["text"] for node in nodes] == ["Say hello", "Hello there.", "Go on.", "Your own model's answer."]
    assert run("db", "check").code == 0


def program(containing: str) -> str:
    """Run a program of the README on the test's database, and return what it prints."""
    code = block("python", containing)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_langchain_session_is_a_thread(run: Run) -> None:
    *answers, thread = program("import ThreadChatMessageHistory").splitlines()
    assert answers == ["Hello, Ada.", "Your name is Ada."]
    nodes = run("tree", thread, "--json").json["nodes"]
    assert [node["text"] for node in nodes] == ["I am Ada.", "Hello, Ada.", "Who am I?", "Your name is Ada."]
    assert all(node["checkpoint_id"] for node in nodes)
    assert [row["user"] for row in run("threads", "--json").json] == ["ada"]


def test_a_thread_of_another_graph_is_one(run: Run) -> None:
    program("import open_checkpointer")
    (row,) = run("threads", "--json").json
    assert (row["thread_id"], row["user"], row["title"]) == ("agent-7", "ada", "Hello, agent.")
    shown = run("show", "agent-7", "--json").json["messages"]
    assert [message["text"] for message in shown] == ["Hello, agent.", "Message 1 was yours."]


def test_the_config_of_the_readme_is_one() -> None:
    values = tomllib.loads(block("toml", "idle_seconds"))
    config = msgspec.convert(values, Config)
    assert config.keys


def test_the_hosts_of_the_readme_are_some() -> None:
    config = msgspec.convert(tomllib.loads(block("toml", "[hosts.local]")), Config)
    assert {name: host.provider for name, host in config.hosts.items()} == {
        "gpu": "ollama",
        "local": "openai",
        "gateway": "anthropic",
    }


def test_the_documented_fields_are_the_printed_ones(run: Run) -> None:
    documented = dict(re.findall(r"^\| `([a-z ]+)` \| (.*) \|$", README, re.MULTILINE))
    asked = run("ask", "Say hello", "--json").json
    thread = asked["thread_id"]
    printed = {
        "threads": run("threads", "--json").json[0],
        "ask": asked,
        "search": run("search", "hello", "--json").json[0],
        "show": run("show", thread, "--json").json["messages"][0],
        "tree": run("tree", thread, "--json").json["nodes"][0],
        "fork": run("fork", thread, "--at", asked["checkpoint_id"], "--json").json,
        "import": run("import", str(ROOT / "tests/data/imports/chatgpt-export/conversations.json"), "--json").json,
        "db stats": run("db", "stats", "--json").json,
        "db check": run("db", "check", "--json").json,
        "doctor": run("doctor", "--json").json["checks"][0],
    }
    for command, value in printed.items():
        assert ", ".join(value) in documented[command].replace("`", ""), command


@pytest.mark.parametrize(
    "line", re.findall(r"^(?:git diff \| )?chatui ([a-z]+)", block("sh", "chatui doctor"), re.MULTILINE)
)
def test_every_command_of_the_readme_exists(line: str) -> None:
    assert line in COMMANDS
    assert main([line, "--help"]) == 0


def test_the_pictures_are_there() -> None:
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / name).stat().st_size > 1000
