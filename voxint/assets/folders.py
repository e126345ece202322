"""Where model files are kept: the folder that an operator names, and this user's cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from voxint.errors import ConfigError

__all__ = ["VARIABLE", "cache_folder", "configured_folder", "expanded"]

VARIABLE = "VOXINT_ASSETS"
"""The variable of the environment that names the configured folder."""


def configured_folder(folder: Path | None) -> Path | None:
    """Return the folder that an option or, without one, the environment names; None where neither does.

    Args:
        folder: The option. A ``~`` in front is this user's home.

    Raises:
        ConfigError: There is no such folder.
    """
    place = "folder of model files"
    if folder is None:
        named = os.environ.get(VARIABLE)
        if not named:
            return None
        folder, place = Path(named), f"environment {VARIABLE}"
    folder = expanded(folder, place)
    if not folder.is_dir():
        raise ConfigError(place, f"{folder} is no folder: name the one that holds the files, or leave the setting out")
    return folder


def expanded(folder: Path, place: str = "folder of model files") -> Path:
    """Return a folder with the home that a ``~`` stands for.

    Args:
        folder: As it was written.
        place: Where that was, for the error.

    Raises:
        ConfigError: There is no such home.
    """
    try:
        return folder.expanduser()
    except RuntimeError:
        raise ConfigError(place, f"{folder} begins with a home that is not known: write the whole path") from None


def cache_folder() -> Path | None:
    """Return this user's cache of model files, there or not; None where no home is known."""
    try:
        home = Path.home()
    except RuntimeError:  # a user without an entry, as in some containers
        home = None
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "")
        caches, rest = Path(local) if local else home and home / "AppData" / "Local", "voxint/Cache/models"
    elif sys.platform == "darwin":
        caches, rest = home and home / "Library" / "Caches", "voxint/models"
    else:
        named = os.environ.get("XDG_CACHE_HOME", "")
        # The base directory specification has a relative path passed over.
        caches, rest = Path(named) if named.startswith("/") else home and home / ".cache", "voxint/models"
    return caches and caches / rest
