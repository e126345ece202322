"""How deep JSON is nested, found without recursion."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["MOST_LEVELS", "nests_too_deep"]

MOST_LEVELS = 64
"""Of free-form JSON, a client's or a model's; ours: no JSON Schema and no function's arguments come near it, and
Python's recursion limit stays far away."""


def nests_too_deep(value: object) -> bool:
    """Return whether decoded JSON has more than `MOST_LEVELS` levels of containers and values."""
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
