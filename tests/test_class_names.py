"""One name means one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "voxint"


def classes() -> dict[str, set[str]]:
    """Return the modules that define each class, private ones aside: those never leave their file."""
    found = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].add(path.relative_to(PACKAGE).as_posix())
    return found


def test_no_two_classes_have_one_name() -> None:
    """Whoever reads a class's name in any file knows which it is."""
    twice = {name: modules for name, modules in classes().items() if len(modules) > 1}
    assert twice == {}
