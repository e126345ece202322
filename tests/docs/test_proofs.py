"""Each promise of the pages about reliability and security names a test that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGES = (ROOT / "docs" / "explanation" / "reliability.md", ROOT / "SECURITY.md")

PROOF = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def names_in(path: Path) -> set[str]:
    """Return the names of the tests of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_proof_is_a_test(page: Path) -> None:
    """By its file, and by its name where one is given."""
    proofs = PROOF.findall(page.read_text(encoding="utf-8"))
    assert len(proofs) > 10
    missing = [
        f"{file}::{name}"
        for file, name in proofs
        if not (ROOT / file).is_file() or (name and name not in names_in(ROOT / file))
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_promise_has_a_proof(page: Path) -> None:
    """A row of a table of promises ends in one."""
    rows = re.findall(r"^\| promise \| proof \|\n\|---\|---\|\n((?:\|.*\n)+)", page.read_text(encoding="utf-8"), re.M)
    assert rows
    bare = [row for table in rows for row in table.splitlines() if not (PROOF.search(row) or "`python -m" in row)]
    assert bare == []
