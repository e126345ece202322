"""How long anything is waited for."""

from __future__ import annotations

__all__ = ["LIMIT_MS", "LIMIT_S", "START_S"]

LIMIT_S = 60.0
"""For anything that is to happen; ours: six times what took longest on a loaded machine of two cores."""

LIMIT_MS = 1000 * LIMIT_S
"""The same for Playwright, which counts so."""

START_S = 180.0
"""For a server to listen: its models load, and its voice has to have said something before; loaded, that took 70 s."""
