"""Why a connection is turned away, as it is counted."""

from __future__ import annotations

from typing import Literal

from voxint.net.places import Refusal

__all__ = ["TurnedAway"]

TurnedAway = Literal[Refusal, "key", "origin", "path"]
"""What `Places` refuses, or not registered in time, which is `slow` as well; a wrong key; a web page that may not
connect; a web page's WebSocket where there is none."""
