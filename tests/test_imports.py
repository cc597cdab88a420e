"""The layout, as a test: who may import whom, what is not imported early, and who may write SQL."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "chatui").rglob("*.py"))

# Each part may import what stands on a lower step: cli -> tui -> conversation, transfer -> storage, models -> the rest.
STEPS = [
    {"cli", "langchain", "langgraph"},
    {"tui"},
    {"conversation", "transfer"},
    {"storage", "models"},
    {"config", "paths", "text", "errors"},
]
_STEP = {part: number for number, parts in enumerate(STEPS) for part in parts}

_SQL = re.compile(
    r"^\s*(SELECT\s|INSERT\s+(OR\s|INTO\s)|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+\w+|DROP\s+\w+|ALTER\s+TABLE|PRAGMA\s"
    r"|WITH\s+(RECURSIVE\s)?\w+|BEGIN\b|COMMIT\b|VACUUM\b|ATTACH\s)"
)


def part(path: Path) -> str:
    """The part of chatui that a file belongs to, "" for __init__.py and __main__.py."""
    first = path.relative_to(ROOT / "chatui").parts[0]
    return "" if first.startswith("__") else first.removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, wherever in it."""
    package = [*path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 20
    assert {part(path) for path in MODULES} - {""} <= set(_STEP)


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_imports_point_one_way(path: Path) -> None:
    mine = part(path)
    if not mine:
        return
    wrong = []
    for name in imports(path):
        words = name.split(".")
        other = words[1] if words[0] == "chatui" and len(words) > 1 else ""
        if other in _STEP and other != mine and _STEP[other] <= _STEP[mine]:
            # On the lowest step lie single files that lean on each other: errors and text on nothing, config on both.
            if _STEP[mine] == len(STEPS) - 1 and mine == "config":
                continue
            wrong.append(name)
    assert not wrong, f"{named(path)} may not import {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_each_library_is_used_in_its_place_alone(path: Path) -> None:
    places = {
        "textual": {"tui"},
        "typer": {"cli"},
        "xllamacpp": {"models"},
        "ollama": {"models"},
        "langchain_ollama": {"models"},
        "langchain_openai": {"models"},
        "openai": {"models"},
        "langchain_anthropic": {"models"},
        "anthropic": {"models"},
        "langchain_google_genai": {"models"},
        "google": {"models"},
        "keyring": {"models"},
        "PIL": {"tui"},
    }
    wrong = [
        name for name in imports(path) if name.split(".")[0] in places and part(path) not in places[name.split(".")[0]]
    ]
    assert not wrong


@pytest.mark.parametrize("path", [path for path in MODULES if part(path) != "storage"], ids=named)
def test_only_storage_writes_sql(path: Path) -> None:
    found = [
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _SQL.match(node.value)
        # Importers read other programs' files.
        and not (part(path) == "transfer" and re.match(r"\s*(SELECT|PRAGMA|WITH)\s", node.value))
    ]
    assert not found


def test_the_search_for_sql_finds_some() -> None:
    statements = "".join(path.read_text(encoding="utf-8") for path in MODULES if part(path) == "storage")
    assert any(_SQL.match(line.lstrip("\"' (=f")) for line in statements.splitlines())
    assert _SQL.match("\n        SELECT 1")
    assert not _SQL.match("With this name")


def test_no_file_is_too_long() -> None:
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > 450} == {}


def loaded(code: str) -> set[str]:
    """The packages that are loaded in a new interpreter after running some code."""
    probe = f"{code}\nimport sys\nprint('LOADED', *sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("LOADED ")[2].split())


EXTRAS = {
    *("openai", "langchain_openai", "anthropic", "langchain_anthropic", "google", "langchain_google_genai"),
    *("keyring", "xllamacpp", "PIL"),
}
HEAVY = {"textual", "langgraph", "langchain_core", "langchain_ollama", "ollama", "pydantic"} | EXTRAS


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_the_help_page_imports_nothing_heavy(arguments: list[str]) -> None:
    found = loaded(f"from chatui.cli.main import main\nassert main({arguments!r}) == 0")
    assert "chatui" in found
    assert not found & (HEAVY | {"typer", "rich", "asyncio", "sqlite3"})


@pytest.mark.parametrize("command", ["ask", "threads", "search", "show", "models", "db", "config", "doctor", "import"])
def test_the_help_of_a_command_imports_neither_the_screen_nor_the_engine(command: str) -> None:
    found = loaded(f"from chatui.cli.main import main\nassert main([{command!r}, '--help']) == 0")
    assert "typer" in found
    assert not found & (HEAVY - {"pydantic"})


def test_looking_round_among_hosts_of_every_kind_imports_no_client() -> None:
    code = """
import asyncio
from chatui.config import Config, HostConfig
from chatui.models import Models
hosts = {kind: HostConfig(url="http://127.0.0.1:1", provider=kind) for kind in ("ollama", "openai", "anthropic", "google")}
listing = asyncio.run(Models(Config(hosts=hosts)).look_round())
assert len(listing.notes) == 4, listing
"""
    assert not loaded(code) & HEAVY


def test_asking_ollama_imports_no_other_provider_s_client() -> None:
    from tests.ollama_server import OllamaServer

    with OllamaServer() as server:
        code = f"""
import asyncio
from chatui.config import Config, OllamaConfig
from chatui.models import Models, parse_ref
asyncio.run(Models(Config(ollama=OllamaConfig(host={server.url!r}))).open(parse_ref("smol")))
"""
        found = loaded(code)
    assert "langchain_ollama" in found
    assert not found & EXTRAS


def test_listing_threads_needs_no_langgraph() -> None:
    found = loaded("from chatui.cli.main import main\nassert main(['threads', '--json']) == 0")
    assert not found & {"textual", "langgraph", "langchain_core", "langchain_ollama", "ollama", "xllamacpp"}


def test_the_way_to_the_first_paint_imports_only_what_it_needs() -> None:
    """What `chatui` alone runs up to the App. A test of the TUI looks at the moment of the paint itself."""
    code = """
import os, sys
from chatui.cli.main import commands, options
from chatui.cli.session import Session
line = options.parse([], commands.NAMES)
library = Session(line).open()
import chatui.tui.app
"""
    found = loaded(code)
    assert "textual" in found
    assert not found & (HEAVY - {"textual"} | {"typer", "httpx"})
