"""The systems that are measured: one file each, with a `SYSTEM` that is a `System` (bench/bargein/line.py)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from bench.bargein.line import System

__all__ = ["PLACES", "system"]

PLACES: Mapping[str, str] = {
    "voxint": "bench.bargein.systems.voxint:HOLDS",
    "voxint_at_onset": "bench.bargein.systems.voxint:AT_ONSET",
    "pipecat": "bench.bargein.systems.pipecat:SYSTEM",
    "livekit": "bench.bargein.systems.livekit:SYSTEM",
}
"""By name, in the order of the tables. A module is imported only when its system is asked for."""


def system(name: str) -> System:
    """Return a system by its name."""
    module, _, attribute = PLACES[name].partition(":")
    found: System = getattr(import_module(module), attribute)
    return found
