"""Where chatui's files lie, by the platform's customs, and the variables that move them.

    data folder     chatui.db, models/ (weights of embedded models)
    config folder   config.toml, themes/
    cache folder    the side indexes of databases that belong to other programs

`CHATUI_DB` and `CHATUI_CONFIG` move the first two files.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def database() -> Path:
    """The database: `CHATUI_DB`, else chatui.db in the data folder."""
    named = os.environ.get("CHATUI_DB")
    return Path(named).expanduser() if named else data_folder() / "chatui.db"


def config_file() -> Path:
    """The config file: `CHATUI_CONFIG`, else config.toml in the config folder."""
    named = os.environ.get("CHATUI_CONFIG")
    return Path(named).expanduser() if named else config_folder() / "config.toml"


def data_folder() -> Path:
    """The folder of what must not be lost."""
    return platformdirs.user_data_path("chatui", appauthor=False)


def config_folder() -> Path:
    """The folder of what a person writes by hand."""
    return platformdirs.user_config_path("chatui", appauthor=False)


def cache_folder() -> Path:
    """The folder of what can be made again."""
    return platformdirs.user_cache_path("chatui", appauthor=False)


def models_folder() -> Path:
    """The folder of the weights of embedded models."""
    return data_folder() / "models"


def user_themes_folder() -> Path:
    """The folder of a person's own themes."""
    return config_folder() / "themes"


def shipped_themes_folder() -> Path:
    """The folder of the themes that come with chatui.

    In the wheel it lies inside the package; in a checkout, also an editable install, beside it.
    """
    package = Path(__file__).parent
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"
