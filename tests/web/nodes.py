"""How Node is found and run: the files of `voxint/web` are tested by it, as they are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.needs import ABSENT, needs

__all__ = ["ROOT", "WEB", "lacking_tools", "needs_node", "node", "node_tools"]

ROOT = Path(__file__).parents[2]
WEB = Path(__file__).parent

OLDEST = (20, 10)
"""Node's first version with a WebSocket of its own, behind a flag."""

SECONDS = 60.0
"""For one program; a busy machine starts Node slowly."""


@cache
def node() -> tuple[str, ...]:
    """Return how Node is started with a WebSocket; nothing where there is none that has one."""
    program = shutil.which("node")
    if program is None:
        return ()
    told = subprocess.run((program, "--version"), capture_output=True, text=True, timeout=SECONDS).stdout
    found = re.match(r"v(\d+)\.(\d+)", told)
    if found is None or (version := (int(found[1]), int(found[2]))) < OLDEST:
        return ()
    flags = ("--no-warnings", "--experimental-websocket") if version < (22, 0) else ("--no-warnings",)
    return (program, *flags)


NODE_TOOLS = "NODE_TOOLS"
"""The variable that names the `node_modules` with the compilers, and with the types of Node and of audio worklets."""


def node_tools() -> Path | None:
    """Return the `node_modules` that is named, or else that of the type checker on the search path."""
    if named := os.environ.get(NODE_TOOLS):
        return Path(named)
    program = shutil.which("tsc")
    parents = () if program is None else Path(program).resolve().parents
    return next((each for each in parents if each.name == "node_modules"), None)


def lacking_tools(*wanted: str) -> str:
    """Return what of these paths the tools lack, as the reason of a skip; empty where all are there."""
    found = node_tools()
    lacking = [name for name in wanted if found is None or not (found / name).exists()]
    return f"the Node packages {', '.join(lacking)} in {NODE_TOOLS}: {ABSENT}" if lacking else ""


needs_node: pytest.MarkDecorator = needs("" if node() else f"Node {OLDEST[0]}.{OLDEST[1]} or later: {ABSENT}")
"""Node, with a WebSocket."""
