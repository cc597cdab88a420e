"""How long a large ChatGPT export takes to import, and in how much memory.

    python -m benchmarks.importing [--megabytes 200] [--keep FOLDER]

Makes an export of conversations of 4 to 60 messages, a tenth of them with two branches, imports it with `chatui import` in a
process of its own, and once more, when nothing of it is new. Beside it stands the time in which Python's own `json` reads the file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import texts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.importing")
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = options.keep or Path(folder)
        source = place / f"conversations-{options.megabytes}.json"
        if not source.exists():
            make(source, options.megabytes * 1_000_000)
        database = Path(folder) / "chatui.db"
        print(f"{source.stat().st_size / 1e6:.0f} MB")
        seconds, most, _ = measured(
            [sys.executable, "-c", "import json, sys; json.load(open(sys.argv[1]))", str(source)]
        )
        print(f"json.load alone       {seconds:6.1f} s  {most / 1e6:5.0f} MB at the most")
        for name in ("imported", "imported again"):
            command = [sys.executable, "-m", "chatui", "--db", str(database), "import", str(source), "--json"]
            seconds, most, out = measured(command)
            report = json.loads(out)
            new = f"{report['new_threads']:,} new threads, {report['new_messages']:,} new messages"
            print(f"{name:<20}  {seconds:6.1f} s  {most / 1e6:5.0f} MB at the most, {new}")
        print(f"the database: {database.stat().st_size / 1e6:.0f} MB")


def measured(command: list[str]) -> tuple[float, int, str]:
    """Run a program. Returns its seconds, the most bytes that were resident, and its output."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed.")
    return time.perf_counter() - began, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024), out


def make(path: Path, size: int) -> None:
    """Write an export of about so many bytes."""
    rng = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        number = 0
        while file.tell() < size:
            file.write(",\n" if number else "[")
            json.dump(conversation(rng, number), file, ensure_ascii=number % 2 == 0)
            number += 1
        file.write("]")


def conversation(rng: random.Random, number: int) -> dict[str, object]:
    """Make one conversation."""
    began = 1_700_000_000 + number * 3600
    mapping: dict[str, object] = {"root": {"id": "root", "message": None, "parent": None, "children": []}}
    leaf = "root"
    count = rng.randrange(4, 61, 2)
    for place in range(count):
        role = "assistant" if place % 2 else "user"
        parent = f"m{place - 1}" if place else "root"
        for name in [f"m{place}", f"m{place}b"] if place == count - 1 and number % 10 == 0 else [f"m{place}"]:
            text = texts.answer("mixed", 1600, rng, name) if place % 2 else texts.question("mixed", 300, rng, name)
            message = {
                "id": name,
                "author": {"role": role, "name": None, "metadata": {}},
                "create_time": began + place * 20.0,
                "content": {"content_type": "text", "parts": [text]},
                "status": "finished_successfully",
                "weight": 1.0,
                "metadata": {"model_slug": "gpt-4o"} if place % 2 else {},
                "recipient": "all",
            }
            mapping[name] = {"id": name, "message": message, "parent": parent, "children": []}
            leaf = name
    return {
        "title": f"Conversation {number}",
        "create_time": began,
        "update_time": began + count * 20,
        "mapping": mapping,
        "current_node": leaf,
        "conversation_id": f"conversation-{number}",
    }


if __name__ == "__main__":
    main()
