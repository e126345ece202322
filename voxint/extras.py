"""What to run to install one of our extras, from where the user is."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

__all__ = ["DISTRIBUTION", "to_add"]

DISTRIBUTION = "voxint-server"
"""Our name on a package index. `voxint` there is another project, so no message may tell to install that."""

PROJECT = "pyproject.toml"


def to_add(extra: str) -> str:
    """Return the command that installs an extra: of the clone this runs from, else of the distribution.

    Args:
        extra: One of pyproject.toml, such as ``speech``.
    """
    clone = _clone()
    if clone is None:
        return f"pip install {shlex.quote(f'{DISTRIBUTION}[{extra}]')}"
    where = "." if clone == _here() else str(clone)
    return f"pip install {shlex.quote(f'{where}[{extra}]')}"


def _clone() -> Path | None:
    """The folder of the clone whose code runs, or from which it was installed; None where there is none any more."""
    beside = Path(__file__).resolve().parent.parent
    for folder in (beside, _installed_from()):
        if folder is not None and _is_ours(folder / PROJECT):
            return folder
    return None


def _is_ours(project: Path) -> bool:
    """Whether this is our pyproject.toml, and not that of a program that has our package beside its own."""
    try:
        return f'name = "{DISTRIBUTION}"' in project.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _installed_from() -> Path | None:
    """The folder that was given to `pip install`, which notes it beside the distribution."""
    try:
        note = Distribution.from_name(DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    url = urlsplit(str(json.loads(note).get("url", ""))) if note else None
    return Path(url2pathname(url.path)).resolve() if url is not None and url.scheme == "file" else None


def _here() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # the folder was deleted
        return None
