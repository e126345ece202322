"""Every test that is written in JavaScript, by Node's own runner, a file at a time."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.web.nodes import ROOT, SECONDS, WEB, needs_node, node

FILES = sorted(WEB.rglob("*.test.js"))


@needs_node
@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(WEB)))
def test_the_tests_in_javascript_pass(file: Path) -> None:
    """Each file does; what it says is shown where it does not."""
    command = (*node(), "--test", "--test-reporter=spec", str(file))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, f"\n{done.stdout}\n{done.stderr}"
    assert "pass 0" not in done.stdout, "no test ran"


def test_there_are_such_tests() -> None:
    """A pattern that finds nothing would pass all of them."""
    assert FILES
