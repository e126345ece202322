"""What people say, and their audio, shown by its size alone: a `repr` ends up in logs and in others' tracebacks."""

from __future__ import annotations

from collections.abc import Mapping, Sized

from voxint.arguments import type_in_words

__all__ = ["size_of"]


def size_of(value: object) -> str:
    """Return what stands for a value in a `repr`: how long it is, and nothing that is in it."""
    match value:
        case None:
            return "None"
        case str():
            unit = "char"
        case bytes() | bytearray() | memoryview():
            unit = "byte"
        case Mapping():
            unit = "entry"
        case Sized():
            unit = "item"
        case _:
            return f"<{type_in_words(value)}>"  # what an author wrote in error
    size = len(value)
    if size != 1:
        unit = "entries" if unit == "entry" else f"{unit}s"
    return f"<{size} {unit}>"
