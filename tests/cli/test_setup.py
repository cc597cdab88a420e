from __future__ import annotations

import sqlite3
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_where_things_lie(run: Run, database: Path, home: Path) -> None:
    for line in (["db"], ["db", "path"]):
        assert run(*line).out == f"{database}\n"
    assert run("--db", "/else/x.db", "db").out == "/else/x.db\n"
    for line in (["config"], ["config", "path"]):
        assert run(*line).out == f"{home / 'config' / 'chatui' / 'config.toml'}\n"
    assert not database.parent.exists()


def test_the_config_in_force_is_toml(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "config" / "chatui" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('user = "anna"\ntheme = "quo\\"ted"\n[keys]\n"tree.open" = "ctrl+y"\n[ollama]\nidle_seconds = 7\n')
    printed = run("config", "show").out
    found = tomllib.loads(printed)
    assert (found["user"], found["theme"]) == ("anna", 'quo"ted')
    assert found["keys"] == {"tree.open": "ctrl+y"}
    assert found["ollama"]["idle_seconds"] == 7
    assert "# model is not set" in printed
    monkeypatch.setenv("CHATUI_USER", "ben")
    monkeypatch.setenv("CHATUI_MODEL", "ollama:x")
    assert tomllib.loads(run("config", "show").out)["model"] == "ollama:x"
    assert run("config", "show", "--json").json["user"] == "ben"


def test_the_config_in_force_tells_no_secret(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home / "hosts.toml"
    file.write_text(
        '[hosts.gpu]\nurl = "https://anna:s3cret@gpu.lan/v1"\nheaders = {"X-Key" = "s3cret"}\n', encoding="utf-8"
    )
    monkeypatch.setenv("CHATUI_CONFIG", str(file))
    printed = run("config", "show").out
    assert "s3cret" not in printed + run("config", "show", "--json").out
    assert "gpu.lan/v1" in printed
    assert "X-Key" in printed


def test_stats(run: Run, database: Path) -> None:
    assert run("db", "stats", "--json").json["threads"] == 0
    run("ask", "One")
    found = run("db", "stats", "--json").json
    assert list(found) == ["path", "bytes", "threads", "messages", "checkpoints", "reclaimable_bytes", "largest"]
    assert (found["path"], found["threads"], found["messages"]) == (str(database), 1, 2)
    assert found["checkpoints"] >= 3
    assert found["bytes"] >= database.stat().st_size
    assert "1 thread, 2 messages" in run("db", "stats").out


def test_stats_tell_the_largest_threads_and_what_could_be_freed(run: Run, database: Path) -> None:
    run("ask", "Small")
    run("ask", "Large " * 500)
    run("ask", "Middling " * 50)
    found = run("db", "stats", "--json").json
    assert [share["title"].split()[0] for share in found["largest"]] == ["Large", "Middling", "Small"]
    sizes = [share["bytes"] for share in found["largest"]]
    assert sizes[0] > 3 * 3000, "the prompt is in three rows"
    assert sum(sizes) < found["bytes"]
    assert [share["messages"] for share in found["largest"]] == [2, 2, 2]
    assert len(run("db", "stats", "--json", "--limit", "1").json["largest"]) == 1
    assert "deleted" not in run("db", "stats").out
    run("delete", found["largest"][1]["thread_id"])
    out = run("db", "stats").out
    assert "1 deleted thread of " in out
    assert "[deleted]" in out
    run("purge", "--yes", found["largest"][0]["thread_id"])
    assert [share["title"].split()[0] for share in run("db", "stats", "--json").json["largest"]] == [
        "Middling",
        "Small",
    ]


def test_check_and_reindex(run: Run, database: Path) -> None:
    run("ask", "One")
    assert run("db", "check", "--json").json == {"ok": True, "problems": []}
    before = run("tree", "One", "--json").out
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE chatui_messages SET text = 'forged' WHERE role = 'assistant'")
    found = run("db", "check", "--json")
    assert found.code == 1
    assert found.json["ok"] is False
    assert found.json["problems"]
    assert "chatui db reindex" in run("db", "check").out
    assert run("db", "reindex").out == "The index of 1 thread was made anew.\n"
    assert run("db", "check").out == "The file is whole, and the index agrees with the checkpoints.\n"
    assert run("tree", "One", "--json").out == before


def checks(run: Run) -> dict[str, dict[str, object]]:
    done = run("doctor", "--json")
    assert done.code == 0
    assert list(done.json) == ["checks"]
    assert all(list(check) == ["name", "ok", "detail", "fix", "state"] for check in done.json["checks"])
    return {check["name"]: check for check in done.json["checks"]}


def test_the_doctor_looks_at_everything_and_writes_nothing(run: Run, home: Path, database: Path) -> None:
    found = checks(run)
    assert {"python", "terminal", "database", "config", "ollama", "embedded"} <= set(found)
    assert found["python"]["ok"] is True
    assert found["ollama"]["ok"] is False
    assert "ollama" in str(found["ollama"]["fix"])
    assert found["database"]["ok"] is True
    assert list(home.iterdir()) == []
    assert not database.parent.exists()
    page = run("doctor").out
    for name in found:
        # Those of one state share a row.
        assert name.removeprefix("extras.") in page


def test_the_doctor_survives_what_is_broken(
    run: Run, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.parent.mkdir()
    database.write_text("no database" * 100)
    config = tmp_path / "bad.toml"
    config.write_text("model = 1")
    monkeypatch.setenv("CHATUI_CONFIG", str(config))
    found = checks(run)
    assert (found["database"]["ok"], found["config"]["ok"]) == (False, False)
    assert str(config) in str(found["config"]["detail"])
    assert found["database"]["fix"]
    assert found["ollama"]["ok"] is False


@pytest.mark.parametrize("host", ["http://[", "host:notaport", "ftp://x", "127.0.0.1:1"])
def test_the_doctor_survives_a_bad_address(run: Run, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert checks(run)["ollama"]["ok"] is False


def test_a_database_that_works_is_described(run: Run, database: Path) -> None:
    run("ask", "One")
    found = checks(run)["database"]
    assert found["ok"] is True
    assert "1 thread, 2 messages" in str(found["detail"])
    database.chmod(0o400)
    assert "read-only" in str(checks(run)["database"]["detail"])


def test_the_file_is_written_anew(run: Run) -> None:
    run("ask", "Hello")
    assert run("db", "vacuum").out.startswith("Done: ")
    assert run("db", "check").code == 0
    run("--read-only", "db", "vacuum").failed(1, "read-only")
