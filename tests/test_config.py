from __future__ import annotations

from pathlib import Path

import pytest

from chatui.config import Config, OllamaConfig, load
from chatui.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_may_be_left_out(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == Config()
    assert load(tmp_path / "missing.toml") == Config()


def test_values_are_read(tmp_path: Path) -> None:
    text = """
        model = "ollama:llama3.2"
        user = "anna"
        system_prompt = "Kurz."
        [ollama]
        host = "http://gpu.local:11434"
        idle_seconds = 5
        [keys]
        "tree.open" = "ctrl+y"
    """
    found = load(written(tmp_path, text))
    assert (found.model, found.user, found.system_prompt) == ("ollama:llama3.2", "anna", "Kurz.")
    assert found.ollama == OllamaConfig(host="http://gpu.local:11434", idle_seconds=5)
    assert found.keys == {"tree.open": "ctrl+y"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model = 3", ["model: Expected `str"]),
        ("modle = 'x'", ["modle"]),
        ("[ollama]\nidle_seconds = -1", ["ollama.idle_seconds"]),
        ("[ollama]\nhots = 'x'", ["hots"]),
        ("[keys]\na = 1", ["keys"]),
        ("x = = 1", ["is not TOML", "line 1"]),
        ("model = 'a\x1b]0;x\x07'", ["is not TOML"]),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(tmp_path: Path, text: str, words: list[str]) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    for word in [str(path), *words]:
        assert word in caught.value.title
    assert "\x1b" not in str(caught.value)
    assert caught.value.advice
    assert caught.value.exit_code == 2


def test_a_named_file_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"There is no config file .*gone\.toml"):
        load(tmp_path / "gone.toml", required=True)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"user = '\xe9'")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "latin.toml")
