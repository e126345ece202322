"""How a model that has lost the thread is found out: its tokens go round. Needs the standard library alone."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["end_of_loop"]

LOOP_TOKENS, LOOP_TIMES = 8, 4
"""A loop: so many tokens at least, the same ones so many times over. Ours: people say a word thrice, not more."""


def end_of_loop(tokens: Sequence[int]) -> int | None:
    """Return where to cut tokens that go round in a loop at their end, so that they are said once; None for no loop."""
    for period in range(1, len(tokens) // LOOP_TIMES + 1):
        repeated = 0  # tokens at the end that are what stood a period before
        while repeated < len(tokens) - period and tokens[-1 - repeated] == tokens[-1 - repeated - period]:
            repeated += 1
        if repeated + period >= max(LOOP_TOKENS, period * LOOP_TIMES):
            return len(tokens) - repeated
    return None
