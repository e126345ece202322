"""The list of model files: as a table for a person, as lines for a pipe, as JSON for a program."""

from __future__ import annotations

from pathlib import Path

import msgspec
from attrs import frozen
from rich.table import Table

from voxint.assets.find import Place, candidates
from voxint.assets.folders import VARIABLE, cache_folder, configured_folder
from voxint.assets.table import ENTRIES, GROUPS, AssetEntry
from voxint.errors import ConfigError

__all__ = ["ListedFile", "as_json", "as_lines", "as_table", "listed", "size_in_words", "summary"]

SILERO = "the voice detector's weights (silero, MIT) are inside its own package: nothing to fetch"


@frozen
class ListedFile:
    """A file of the table, and what of it is on this machine.

    Args:
        entry: The file.
        where: The kind of place it was found in; None: it is missing.
        paths: The file, or its parts.
        wrong: What is wrong with it; empty: nothing, as far as was looked.
    """

    entry: AssetEntry
    where: Place | None = None
    paths: tuple[Path, ...] = ()
    wrong: str = ""

    @property
    def state(self) -> str:
        """Where it is, in a word."""
        return "wrong" if self.wrong else self.where or "missing"


def listed(folder: Path | None, *, check: bool) -> list[ListedFile]:
    """Return what is on this machine of every file of the table. It blocks, on the disk alone.

    Args:
        folder: The configured folder; None: the environment's.
        check: Whether to reckon each file's SHA-256.

    Raises:
        ConfigError: The configured folder is none.
    """
    configured_folder(folder)
    return [_look(entry, folder, check=check) for entry in ENTRIES.values()]


def _look(entry: AssetEntry, folder: Path | None, *, check: bool) -> ListedFile:
    try:
        asset = next(candidates(entry, folder), None)
    except ConfigError as error:
        return ListedFile(entry, wrong=str(error))
    if asset is None:
        return ListedFile(entry)
    try:
        asset.check() if check else asset.check_size()
    except ConfigError as error:
        return ListedFile(entry, asset.where, asset.paths, str(error))
    return ListedFile(entry, asset.where, asset.paths)


def as_table(files: list[ListedFile]) -> Table:
    """Return a table for a terminal, with a line of sums under each group."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "for", "size", "licence", "where"):
        table.add_column(heading, justify="right" if heading == "size" else "left", no_wrap=heading in ("name", "size"))
    for number, group in enumerate(GROUPS):
        members = [file for file in files if file.entry.group == group]
        if number:
            table.add_row()
        for file in members:
            row = (file.entry.name, file.entry.about, size_in_words(file.entry.size), file.entry.licence, file.state)
            table.add_row(*row, style="red" if file.wrong else "dim" if file.where is None else "")
        table.add_row(*_total(group, members), style="bold")
    return table


def _total(group: str, members: list[ListedFile]) -> tuple[str, str, str, str, str]:
    size = size_in_words(sum(file.entry.size for file in members))
    missing = [file for file in members if file.where is None or file.wrong]
    state = f"{len(members) - len(missing)} of {len(members)}" if missing else "all there"
    return ("", f"{group}: {len(members)} files", size, "", state)


def as_lines(files: list[ListedFile]) -> list[str]:
    """Return a line for each file, of columns with two spaces at least between them; the last may hold more spaces."""
    rows = [
        (file.entry.name, file.state, str(file.entry.size), file.entry.licence, file.wrong or file.entry.about)
        for file in files
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["  ".join((*map(str.ljust, row[:4], widths), row[4])) for row in rows]


def as_json(files: list[ListedFile]) -> str:
    """Return a list of objects, one for each file."""
    objects = [
        {
            "name": file.entry.name,
            "group": file.entry.group,
            "about": file.entry.about,
            "file": file.entry.file,
            "size": file.entry.size,
            "sha256": file.entry.sha256,
            "licence": file.entry.licence,
            "urls": file.entry.urls,
            "where": file.where,
            "paths": [str(path) for path in file.paths],
            "wrong": file.wrong,
        }
        for file in files
    ]
    return msgspec.json.format(msgspec.json.encode(objects), indent=2).decode()


def summary(files: list[ListedFile], folder: Path | None) -> list[str]:
    """Return what stands below the table: where files are looked for, what is wrong, and what to do about the rest."""
    named = configured_folder(folder)
    by = "--folder" if folder is not None else VARIABLE
    lines = [] if named is None else [f"folder: {named} ({by})"]
    lines += [f"cache: {cache_folder() or 'none, this user has no home'}", SILERO]
    lines += [file.wrong for file in files if file.wrong]
    missing = [file.entry for file in files if file.where is None and file.entry.recommended]
    if missing:
        size = size_in_words(sum(entry.size for entry in missing))
        lines.append(f"{len(missing)} of the recommended files are missing, {size}: `voxint models pull` fetches them")
    return lines


def size_in_words(size: int) -> str:
    """Return a size in bytes as a person reads it, in thousands and millions."""
    if size < 1_000_000:
        return f"{size / 1000:.1f} KB" if size < 100_000 else f"{size / 1000:.0f} KB"
    return f"{size / 1_000_000:.1f} MB"
