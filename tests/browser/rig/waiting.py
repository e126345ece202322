"""How long anything is waited for."""

from __future__ import annotations

__all__ = ["LIMIT_MS", "LIMIT_S"]

LIMIT_S = 60.0
"""For anything that is to happen: on a loaded machine of two cores, models alone took 20 s to load."""

LIMIT_MS = 1000 * LIMIT_S
"""The same for Playwright, which counts so."""
