from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chatui import paths


def test_variables_move_the_database_and_the_config(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    assert paths.database() == paths.data_folder() / "chatui.db"
    assert paths.config_file() == paths.config_folder() / "config.toml"
    monkeypatch.setenv("CHATUI_DB", "~/elsewhere/my.db")
    monkeypatch.setenv("CHATUI_CONFIG", "other.toml")
    assert paths.database() == home / "elsewhere" / "my.db"
    assert paths.config_file() == Path("other.toml")
    # The data folder holds more than the database, and stays.
    assert paths.models_folder().parent == paths.data_folder()


@pytest.mark.skipif(sys.platform != "linux", reason="the customs of other platforms")
def test_the_folders_follow_the_platform(home: Path) -> None:
    assert paths.data_folder() == home / "data" / "chatui"
    assert paths.config_folder() == home / "config" / "chatui"
    assert paths.cache_folder() == home / "cache" / "chatui"
    assert paths.user_themes_folder() == home / "config" / "chatui" / "themes"


def test_themes_are_found_in_a_checkout_and_in_a_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert list(paths.shipped_themes_folder().glob("*.toml"))
    package = tmp_path / "site-packages" / "chatui"
    (package / "themes").mkdir(parents=True)
    monkeypatch.setattr(paths, "__file__", str(package / "paths.py"))
    assert paths.shipped_themes_folder() == package / "themes"


def test_nothing_is_made_by_asking(home: Path) -> None:
    for place in (paths.database, paths.config_file, paths.models_folder, paths.user_themes_folder, paths.cache_folder):
        assert not place().exists()
    assert list(home.iterdir()) == []
