"""What tests of `voxint demo` as a process share."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.docs.pages import ROOT

__all__ = ["READY", "path_with", "url_in"]

READY = "Ctrl-C here ends the demo."
"""The last that the demo says before it is talked to."""


def path_with(folder: Path) -> str:
    """Return a PYTHONPATH on which a folder's sitecustomize.py comes in front of this clone."""
    return f"{folder}{os.pathsep}{ROOT}"


def url_in(output: str) -> str:
    """Return the address of the WebSocket that the demo printed."""
    found = re.search(r"is ready at (ws://\S+)", output)
    assert found is not None
    return found[1]
