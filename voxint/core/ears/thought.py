"""How complete what somebody said so far is."""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["Thought"]


class Thought(Enum):
    """How complete it is."""

    NONE = auto()
    """Nothing was said yet."""
    HALF = auto()
    """More will come."""
    OPEN = auto()
    """It may be all, or not."""
    WHOLE = auto()
    """It can stand alone."""
