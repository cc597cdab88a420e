"""The command lines of the README's longer sections, run one after the other."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from chatui.cli.commands import NAMES
from chatui.cli.options import parse
from tests.cli.conftest import Run
from tests.cli.test_guests import TODAY, Guest
from tests.cli.test_threads import forked
from tests.scripted import ScriptedModels

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def lines(heading: str, **places: str) -> list[list[str]]:
    """The command lines of a section's shell block, with what stands for something in them put in its place."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    found = []
    for line in block.splitlines():
        program, *words = shlex.split(line, comments=True)
        assert program == "chatui"
        found.append([places.get(word.replace("-", "_").replace(".", "_"), word) for word in words])
    return found


def test_time_travel(run: Run, models: ScriptedModels) -> None:
    ids = forked(run, models)
    run("rename", ids["thread"], "Rome")
    places = {"1f0c8a3e_52b1": ids["rome"], "1f0c8a41_9e07": ids["oslo"]}
    commands = lines("Time travel at the shell", **places)
    assert {line[0] for line in commands} == {"tree", "show", "fork", "ask", "compare", "delete", "purge"}
    for line in commands:
        if line[0] == "purge":
            run(*line).failed(2, "--yes")
            line.append("--yes")
        done = run(*line)
        assert done.code == 0, (line, done.err)
        assert done.out
    titles = {thread["title"]: thread["message_count"] for thread in run("threads", "--json").json}
    assert titles == {"By train": 4, "Rome": 5}


def test_other_programs_files(run: Run, tmp_path: Path) -> None:
    guest = Guest(TODAY, tmp_path / "agent.sqlite")
    commands = lines("Other programs' files", agent_sqlite=str(guest.path), user_17="bob/fork")
    known = frozenset(NAMES)
    on_screen = [line for line in commands if parse(line, known).command is None]
    assert len(on_screen) == 1
    for line in commands:
        if line not in on_screen:
            done = run(*line)
            assert done.code == 0, (line, done.err)
            assert done.out


def test_the_fields_of_a_comparison_are_documented(run: Run, models: ScriptedModels) -> None:
    ids = forked(run, models)
    found = run("compare", ids["rome"], ids["oslo"], "-t", ids["thread"], "--json").json
    (documented,) = re.findall(r"^\| `compare` \| (.*) \|$", README, re.MULTILINE)
    assert ", ".join(found) in documented
    assert ", ".join(found["ancestor"]) in documented


def test_the_commands_are_all_documented() -> None:
    for name in NAMES:
        assert re.search(rf"`?chatui {name}\b|`{name}`|[:,] {name}\b", README), name
