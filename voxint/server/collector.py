"""The garbage collector of a process that does nothing but serve."""

from __future__ import annotations

import gc

__all__ = ["calm_collector"]

THRESHOLDS = (20_000, 20, 100)
"""Objects made before the youngest are looked through, and how many times before the older are. With Python's own 700,
fifty busy callers had twenty such looks a second of 1.5 ms each, 5 % of a core, and one of the oldest for every ten
seconds; with these, one in ten seconds. What a request leaves in cycles (its exceptions' frames) waits a bit longer."""


def calm_collector() -> None:
    """Set aside what start-up made and have the rest looked through less often; for the process's own main program.

    A library must not: the collector is its host's.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
