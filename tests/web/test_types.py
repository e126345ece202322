"""Every type that the browser client and the page say they have, checked by TypeScript's compiler."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.needs import needs
from tests.web.nodes import lacking_tools, node_tools

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent

SECONDS = 120.0
"""For the whole; a second on an idle machine."""


LACKS = lacking_tools("typescript/bin/tsc", "@types/node", "@types/audioworklet")


def compiled(project: Path) -> subprocess.CompletedProcess[str]:
    """Run the compiler over a project."""
    found = node_tools()
    assert found is not None
    command = (found / ".bin" / "tsc", "-p", project, "--typeRoots", found / "@types")
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)


@needs(LACKS)
def test_every_type_is_right() -> None:
    """Strictly, in the package and in its tests: whoever writes with the client is told of a mistake by the editor."""
    done = compiled(HERE / "tsconfig.json")
    assert (done.stdout, done.returncode) == ("", 0)


@needs(LACKS)
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
