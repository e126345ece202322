"""A method to be called back by what its object owns, which would keep the object alive until a collector looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast
from weakref import WeakMethod

__all__ = ["weakly"]

P = ParamSpec("P")
R = TypeVar("R")


def weakly(method: Callable[P, R]) -> Callable[P, R]:
    """Return what calls a bound method without holding its object: whoever calls must know that it lives."""
    held = WeakMethod(method)

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return cast("Callable[P, R]", held())(*args, **kwargs)

    return call
