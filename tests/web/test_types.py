"""Every type that the browser client and the page say they have, checked by TypeScript's compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.needs import ABSENT, needs

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent

NODE_TOOLS = "NODE_TOOLS"
"""The variable that names the `node_modules` with the compiler, and with the types of Node and of audio worklets."""

SECONDS = 120.0
"""For the whole; a second on an idle machine."""


def tools() -> Path | None:
    """Return the `node_modules` that is named, or else that of the compiler on the search path."""
    if named := os.environ.get(NODE_TOOLS):
        return Path(named)
    program = shutil.which("tsc")
    parents = () if program is None else Path(program).resolve().parents
    return next((each for each in parents if each.name == "node_modules"), None)


def lacks() -> str:
    """Return what of the tools is missing, as the reason of a skip; empty where all are there."""
    found = tools()
    wanted = ("typescript/bin/tsc", "@types/node", "@types/audioworklet")
    lacking = [name for name in wanted if found is None or not (found / name).exists()]
    return f"the Node packages {', '.join(lacking)} in {NODE_TOOLS}: {ABSENT}" if lacking else ""


def compiled(project: Path) -> subprocess.CompletedProcess[str]:
    """Run the compiler over a project."""
    found = tools()
    assert found is not None
    command = (found / ".bin" / "tsc", "-p", project, "--typeRoots", found / "@types")
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)


@needs(lacks())
def test_every_type_is_right() -> None:
    """Strictly, in the package and in its tests: whoever writes with the client is told of a mistake by the editor."""
    done = compiled(HERE / "tsconfig.json")
    assert (done.stdout, done.returncode) == ("", 0)


@needs(lacks())
@pytest.mark.parametrize(("script", "told"), [
    ("/** @type {number} */ export const one = 'one';", "TS2322"),
    ("export const first = (/** @type {number[]} */ them) => them[0].toFixed();", "TS2532"),
    ("export const own = (them) => them;", "TS7006"),
])  # fmt: skip
def test_a_wrong_type_is_found(tmp_path: Path, script: str, told: str) -> None:
    """By the same rules: a check that finds nothing would pass all."""
    (tmp_path / "wrong.js").write_text(script)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    rules = HERE.joinpath("tsconfig.json").as_posix()
    (tmp_path / "tsconfig.json").write_text(f'{{"extends": "{rules}", "include": ["*.js"]}}')
    done = compiled(tmp_path)
    assert done.returncode != 0
    assert told in done.stdout
