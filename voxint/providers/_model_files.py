"""Model files as an argument of an engine's process, which reads and checks them itself, each time that one starts.

A process that dies is replaced while the server runs, and by then another file may lie there.
"""

from __future__ import annotations

from pathlib import Path

from voxint.assets.find import Asset
from voxint.assets.table import entry_of
from voxint.errors import ConfigError

__all__ = ["ModelFile", "model_file", "read"]

ModelFile = tuple[str, str, tuple[str, ...]]
"""Its name in the table of files, the kind of place where it lies, and the paths of its parts."""


def model_file(asset: Asset) -> ModelFile:
    """Return what goes into an argument."""
    return asset.entry.name, asset.where, tuple(str(path.absolute()) for path in asset.paths)


def read(file: ModelFile) -> bytes:
    """Return the bytes of a file. It blocks.

    Raises:
        ValueError: It can't be read, or is not the file of the table; the words say which, and what to do.
    """
    name, where, paths = file
    try:
        return Asset(entry_of(name), where, tuple(map(Path, paths))).read()  # type: ignore[arg-type]  # `where` came of an Asset
    except ConfigError as error:
        raise ValueError(str(error)) from None
