"""`chatui doctor`: installation, terminal and files. Hosts and models are in test_doctor_servers.py."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len

from chatui.cli.doctor import installation, terminal
from chatui.cli.doctor.check import Check, absent, good, guarded, wrong
from chatui.cli.doctor.page import page
from chatui.config import Config
from chatui.tui.keys import ACTIONS
from tests.cli.conftest import Run
from tests.ollama_server import OllamaServer

ROOT = Path(__file__).parents[2]
GUESTS = ROOT / "tests" / "data" / "imports"


def found(run: Run, *arguments: str) -> dict[str, dict[str, Any]]:
    done = run(*arguments, "doctor", "--json")
    assert done.code == 0
    for check in done.json["checks"]:
        assert check["ok"] == (check["state"] == "ok")
    return {check["name"]: check for check in done.json["checks"]}


def snapshot(*folders: Path) -> dict[str, bytes | None]:
    """Everything below some folders: names, and what is in them."""
    paths = [path for folder in folders for path in sorted(folder.rglob("*"))]
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


# Nothing is written


def test_nothing_is_written(run: Run, database: Path, home: Path) -> None:
    run("ask", "One")
    config = home / "config" / "chatui"
    (config / "themes").mkdir(parents=True)
    (config / "config.toml").write_text('[hosts.gpu]\nurl = "http://127.0.0.1:1"\n')
    before = snapshot(home, database.parent)
    assert str(database) in before
    assert found(run)["database"]["state"] == "ok"
    assert "1 thread" in run("doctor").out
    assert snapshot(home, database.parent) == before


@pytest.mark.parametrize("name", ["langgraph-0.4.8_sqlite-2.0.10", "langgraph-1.2.22_sqlite-3.1.2"])
def test_nothing_is_written_for_another_program_s_file(run: Run, tmp_path: Path, home: Path, name: str) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    shutil.copy(GUESTS / name / "checkpoints.sqlite", theirs / "agent.sqlite")
    before = snapshot(home, theirs)
    check = found(run, "--db", str(theirs / "agent.sqlite"))["database"]
    assert check["state"] == "ok"
    assert "another program's" in check["detail"]
    assert ("asks" in check["fix"]) == (name == "langgraph-0.4.8_sqlite-2.0.10")
    assert snapshot(home, theirs) == before


# The config


def test_keys_of_no_action_are_a_finding(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    known = f'"{ACTIONS[0].id}" = "ctrl+x"\n'
    path.write_text(f'[keys]\nfly = "ctrl+f"\n{known}')
    check = found(run, "--config", str(path))["config"]
    assert (check["state"], check["fix"]) == ("wrong", "F1 lists them.")
    assert check["detail"] == f"{path}: [keys] in the config file names no action: fly"
    path.write_text(f"[keys]\n{known}")
    assert found(run, "--config", str(path))["config"]["state"] == "ok"


# The database


def test_a_database_that_is_not_there_yet(run: Run, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(run)["database"]["state"] == "ok"
    check = found(run, "--read-only")["database"]
    assert (check["state"], check["detail"]) == ("wrong", f"There is no file {database}")
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != database.parent.parent and allowed(path, mode))
    check = found(run)["database"]
    assert (check["state"], check["fix"]) == ("wrong", "Choose another place with --db or CHATUI_DB.")


def test_a_read_only_file(run: Run, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("ask", "One")
    check = found(run, "--read-only")["database"]
    assert (check["state"], check["detail"].endswith("; --read-only")) == ("ok", True)
    database.chmod(0o400)
    check = found(run)["database"]
    assert check["state"] == "wrong"
    assert "1 thread, 2 messages" in check["detail"]
    assert "writable" in check["fix"]
    database.chmod(0o600)
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != database.parent and allowed(path, mode))
    check = found(run)["database"]
    assert check["state"] == "wrong"
    assert "folder" in check["detail"]


def test_a_file_of_a_newer_chatui(run: Run, database: Path) -> None:
    run("ask", "One")
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO chatui_migrations VALUES ('m999_from_the_future', '')")
    connection.close()
    check = found(run)["database"]
    assert check["state"] == "wrong"
    assert "m999_from_the_future" in check["detail"]
    assert check["fix"] == "Update chatui to open it."


def test_a_file_of_an_older_chatui_is_no_fault(run: Run, database: Path) -> None:
    run("ask", "One")
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM chatui_migrations WHERE name = 'm006_settings'")
    connection.close()
    before = database.read_bytes()
    check = found(run)["database"]
    assert check["state"] == "ok"
    assert "older chatui" in check["detail"]
    assert check["fix"]
    assert database.read_bytes() == before
    assert found(run, "--read-only")["database"]["state"] == "wrong"


@pytest.mark.parametrize("damaged", ["page", "cut"])
def test_a_damaged_file(run: Run, database: Path, damaged: str) -> None:
    run("ask", "One " * 4000)
    content = bytearray(database.read_bytes())
    if damaged == "page":
        content[4096 * 8 : 4096 * 20] = b"\xff" * (4096 * 12)
    else:
        del content[4096 * 3 :]
    database.write_bytes(content)
    check = found(run)["database"]
    assert check["state"] == "wrong"
    assert str(database) in check["detail"]
    assert "damaged" in check["detail"]
    assert "backup" in check["fix"]


def test_what_is_no_database_of_ours(run: Run, database: Path) -> None:
    database.parent.mkdir()
    database.write_text("This is a letter to my aunt.\n" * 50)
    check = found(run)["database"]
    assert (check["state"], "recover" in check["fix"]) == ("wrong", False)
    database.unlink()
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE recipes (cake)")
    connection.close()
    check = found(run)["database"]
    assert check["state"] == "wrong"
    assert check["fix"]
    database.unlink()
    database.mkdir()
    assert "is a folder" in found(run)["database"]["detail"]


def test_a_large_file_is_not_looked_through_for_ever(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("ask", "One")
    assert found(run)["database"]["fix"] == ""
    monkeypatch.setattr("chatui.storage.Store.damage", lambda store, seconds: None)
    check = found(run)["database"]
    assert check["state"] == "ok"
    assert "chatui db check" in check["fix"]


def test_the_recall_that_is_in_force_is_the_user_s(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('memory = "window:3"\n')
    monkeypatch.setenv("CHATUI_CONFIG", str(config))
    assert found(run)["recall"]["detail"] == "off, as the memory strategy is window:3"
    run("-u", "anna", "ask", "One")
    from chatui.conversation.memories import UserMemory
    from chatui.storage import Store

    async def prefer(user: str, strategy: str) -> None:
        store = Store.open(Path(os.environ["CHATUI_DB"]))
        await UserMemory(store, Config(), user).set_strategy(strategy)
        await store.close()

    import asyncio

    asyncio.run(prefer("anna", "full,recall"))
    assert found(run)["recall"]["detail"] == "off, as the memory strategy is window:3"
    assert found(run, "-u", "anna")["recall"]["detail"] == "by full text, as the memory strategy is full,recall"
    config.write_text('[memory]\nstrategy = "recall"\nembedding = "nomic-embed-text"\n')
    assert "by embeddings of ollama:nomic-embed-text, compared " in found(run)["recall"]["detail"]
    config.write_text('memory = "elephant"\n')
    check = found(run)["recall"]
    assert (check["state"], "elephant" in check["detail"]) == ("wrong", True)


# The installation


def test_the_extras_are_those_of_the_package() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert installation.names_of_extras() == sorted(declared.keys() - {"dev"})
    always = {one.name for one in installation.requirements(None)}
    assert {"textual", "langgraph"} <= always
    assert not always & {"pytest", "keyring", "langchain-openai"}


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A package chatui with extras of every kind. Returns what is installed, to be changed."""
    lines = [
        "textual<9,>=8.2",
        "nowhere>=1; python_version < '3'",
        "there>=1; extra == 'good'",
        "away>=1; extra == 'away'",
        "pip>=24.1; extra == 'old'",
        "engine==2.0; extra == 'old'",
        "pytest; extra == 'dev'",
    ]
    there = {"textual": "8.2.8", "there": "1.2", "pip": "23.2"}

    def version(name: str) -> str:
        if name not in there:
            raise PackageNotFoundError(name)
        return there[name]

    monkeypatch.setattr(installation, "requires", lambda name: lines)
    names = SimpleNamespace(get_all=lambda field: ["good", "away", "old", "dev"])
    monkeypatch.setattr(installation, "metadata", lambda name: names)
    monkeypatch.setattr(installation, "version", version)
    return there


def test_an_extra_is_there_or_the_command_adds_it(metadata: dict[str, str]) -> None:
    checks = installation.extras({"good": "in GOOD_KEY"})
    assert [(check.name, check.state) for check in checks] == [
        ("extras.away", "absent"),
        ("extras.good", "ok"),
        ("extras.old", "absent"),  # pip alone makes no extra
    ]
    assert checks[0].fix == 'pip install "chatui[away]"'
    assert checks[1].detail == "1.2 (key in GOOD_KEY)"
    assert installation.extras({"good": None})[1].detail == "1.2 (no key)"
    assert installation.extras({})[1].detail == "1.2"


def test_an_extra_of_the_wrong_version(metadata: dict[str, str]) -> None:
    metadata["engine"] = "2.0"
    check = installation.extras({})[2]
    assert (check.state, check.detail) == ("wrong", "pip 23.2 is not >=24.1")
    metadata["pip"] = "24.3"
    assert installation.extras({})[2].detail == "2.0"
    metadata["engine"] = "3.0"
    assert installation.extras({})[2].detail == "engine 3.0 is not ==2.0"
    del metadata["pip"]
    assert "pip is not installed" in installation.extras({})[2].detail


def test_packages_that_do_not_fit(metadata: dict[str, str]) -> None:
    assert installation.packages().state == "ok"
    metadata["textual"] = "9.0"
    check = installation.packages()
    assert (check.state, check.detail) == ("wrong", "textual 9.0 is not <9,>=8.2")
    del metadata["textual"]
    assert installation.packages().detail == "textual is not installed"


def test_chatui_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_NAME", "no-such-package-of-anybody")
    assert installation.packages().state == "absent"
    assert installation.extras({}) == []


def test_a_sqlite_that_lacks_something(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installation.sqlite().detail == f"{sqlite3.sqlite_version} with FTS5 and JSON"
    monkeypatch.setattr("chatui.storage.features.present", lambda: {"FTS5": False, "JSON": True})
    check = installation.sqlite()
    assert (check.state, check.detail) == ("wrong", f"{sqlite3.sqlite_version} lacks FTS5")
    assert check.fix


def test_themes(home: Path) -> None:
    assert installation.themes(Config()).state == "ok"
    assert installation.themes(Config(theme="chatui-light")).state == "ok"
    assert installation.themes(Config(theme="gruvbox")).state == "ok", "Textual's own"
    check = installation.themes(Config(theme="no-such-theme"))
    assert check.state == "wrong"
    assert "chatui-light" in check.fix
    own = home / "config" / "chatui" / "themes"
    own.mkdir(parents=True)
    (own / "mine.toml").write_text('name = "mine"\nprimary = "#7fb4f5"\n')
    assert "1 in" in installation.themes(Config(theme="mine")).detail
    (own / "bad.toml").write_text('name = "bad"\nprimary = "nothing"\n')
    check = installation.themes(Config())
    assert check.state == "wrong"
    assert "bad.toml" in check.detail


def test_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    assert found(run)["environment"]["detail"] == "no variable stands in the way"
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret@proxy.lan:3128")
    assert found(run)["environment"]["detail"] == "proxies: HTTPS_PROXY"
    monkeypatch.setenv("HTTPS_PROXY", "socks5://me:s3cret@proxy.lan:3128")
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such.pem")
    done = run("doctor")
    assert "s3cret" not in done.out
    check = found(run)["environment"]
    assert check["state"] == "wrong"
    assert "SSL_CERT_FILE names /no/such.pem" in check["detail"]
    assert "HTTPS_PROXY names a SOCKS proxy" in check["detail"]
    assert "unset SSL_CERT_FILE and HTTPS_PROXY" in check["fix"]


def test_a_check_that_fails_is_a_finding() -> None:
    def look() -> Check:
        raise RuntimeError("\x1b]0;boom")

    (check,) = guarded("x", look)
    assert (check.state, check.fix) == ("wrong", "Please report it.")
    assert "RuntimeError" in check.detail
    assert "\x1b" not in check.detail


# The terminal

UTF8 = {"TERM": "xterm-256color"}


@pytest.mark.parametrize(
    ("variables", "size", "encoding", "state", "words"),
    [
        ({**UTF8, "COLORTERM": "truecolor"}, (120, 40), "utf-8", "ok", "xterm-256color, 120x40, UTF-8, true colour"),
        (UTF8, (60, 16), "UTF-8", "ok", "256 colours"),
        ({**UTF8, "NO_COLOR": "1", "COLORTERM": "truecolor"}, (80, 24), "utf-8", "ok", "no colours (NO_COLOR)"),
        ({"TERM": "vt100"}, (80, 24), "utf-8", "ok", "few colours"),
        ({**UTF8, "SSH_CONNECTION": "1 2 3 4", "TMUX": "x"}, (80, 24), "utf-8", "ok", "in tmux, over SSH"),
        ({**UTF8, "STY": "1"}, (80, 24), "utf-8", "ok", "in screen"),
        (UTF8, None, "utf-8", "ok", "was not examined"),
        (UTF8, (59, 16), "utf-8", "wrong", "59x16"),
        (UTF8, (60, 15), "utf-8", "wrong", "60x15"),
        (UTF8, (80, 24), "ANSI_X3.4-1968", "wrong", "ANSI_X3.4-1968"),
        ({"TERM": "dumb"}, (80, 24), "utf-8", "wrong", "dumb"),
        ({}, (80, 24), "utf-8", "wrong", "no TERM"),
        ({"TERM": "x\x1b]0;evil"}, (80, 24), "utf-8", "ok", "x]0;evil"),
    ],
)
def test_the_terminal(
    variables: dict[str, str], size: tuple[int, int] | None, encoding: str, state: str, words: str
) -> None:
    check = terminal.look(variables, size, encoding)
    assert check.state == state
    assert words in check.detail
    assert bool(check.fix) == (state == "wrong" or "few colours" in check.detail)


@pytest.mark.parametrize(
    ("variables", "tmux", "state", "words"),
    [
        ({"TERM": "xterm-kitty"}, "", "ok", "OSC 52"),
        ({**UTF8, "TERM_PROGRAM": "WezTerm"}, "", "ok", "OSC 52"),
        ({**UTF8, "WT_SESSION": "1"}, "", "ok", "OSC 52"),
        (UTF8, "", "absent", "not every terminal"),
        ({**UTF8, "VTE_VERSION": "7200"}, "", "absent", "VTE"),
        ({"TERM": "linux"}, "", "absent", "console"),
        ({"TERM": "screen", "STY": "1", "KITTY_WINDOW_ID": "1"}, "", "absent", "screen keeps"),
        (
            {"TERM": "tmux-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"},
            "external",
            "absent",
            "set-clipboard external",
        ),
        ({"TERM": "tmux-256color", "TMUX": "x"}, "", "absent", "tmux"),
        ({"TERM": "tmux-256color", "TMUX": "x"}, "on", "ok", "tmux hands"),
    ],
)
def test_whether_copying_reaches_the_clipboard(variables: dict[str, str], tmux: str, state: str, words: str) -> None:
    check = terminal.look_at_clipboard(variables, tmux)
    assert check.state == state
    assert words in check.detail


# The page

COMMON = [
    good("python", "3.11.7, Linux x86_64"),
    good("packages", "langchain-ollama 1.1.0, langgraph-checkpoint-sqlite 3.1.2, langgraph 1.2.24 and 5 more"),
    good("extras.anthropic", "1.7.10 (no key)"),
    absent("extras.google", "not installed", 'pip install "chatui[google]"'),
    absent("extras.keyring", "not installed", 'pip install "chatui[keyring]"'),
    good("extras.openai", "1.7.4 (key in OPENAI_API_KEY)"),
    wrong("hosts.a-host-with-a-long-name", "Cannot reach 天気予報" + "の" * 60, "Start it, or check the address."),
]


def test_the_page_puts_extras_into_two_rows() -> None:
    lines = [" ".join(line.split()) for line in page(COMMON, 100, "utf-8")]
    assert "✓ extras anthropic 1.7.10 (no key), openai 1.7.4 (key in OPENAI_API_KEY)" in lines
    assert '– extras not installed: google, keyring → pip install "chatui[google,keyring]"' in lines
    assert lines[-1] == "1 thing to look at: hosts.a-host-with-a-long-name."
    assert page(COMMON[:-1], 100, "utf-8")[-1] == "Everything that chatui needs is there."
    broken = wrong("extras.embedded", "pip 23.2 is not >=24.1", 'pip install "chatui[embedded]"')
    assert any(line.startswith("✗ extras.embedded") for line in page([*COMMON, broken], 100, "utf-8"))


@pytest.mark.parametrize("columns", [120, 80, 60])
def test_the_page_is_folded_to_the_terminal(columns: int) -> None:
    lines = page(COMMON[:-1], columns, "utf-8")
    assert max(map(cell_len, lines)) <= columns
    folded = page(COMMON, columns, "utf-8")
    assert sum(line.count("の") for line in folded) == 60, "a word that is too long is cut, and nothing of it lost"
    assert max(map(cell_len, folded)) <= columns
    assert len(page(COMMON, None, "utf-8")) == 8, "a line for what was found, another for what to do"


def test_the_page_without_the_signs() -> None:
    lines = page(COMMON, 80, "ascii")
    assert {line[0] for line in lines if line[0] != " "} == {"+", "-", "x", "1"}
    assert "->" in "".join(lines)
    assert "→" not in "".join(lines)


def test_the_page_writes_the_home_folder_as_people_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    checks = [good("config", "/home/anna/.config/x"), good("database", "/home/annabel/x", "see /home/anna/y")]
    assert page(checks, None, "utf-8")[:3] == [
        "✓ config    ~/.config/x",
        "✓ database  /home/annabel/x",
        "            → see ~/y",
    ]


@pytest.mark.parametrize(("columns", "most"), [(80, 24), (60, 32)])
def test_a_common_setup_is_one_page(
    run: Run, monkeypatch: pytest.MonkeyPatch, home: Path, columns: int, most: int
) -> None:
    monkeypatch.setenv("CHATUI_DB", str(home / ".local" / "share" / "chatui" / "chatui.db"))
    run("ask", "One")
    monkeypatch.setattr("chatui.cli.output.width", lambda: columns)
    with OllamaServer() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        lines = run("doctor").out.splitlines()
    assert lines[-1] == "Everything that chatui needs is there."
    assert len(lines) <= most
    assert max(map(cell_len, lines)) <= columns
    assert not any(line != line.rstrip() for line in lines)
