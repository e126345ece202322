"""Interrupts at random moments, many thousands of them."""

from __future__ import annotations

from tests.long.interrupts import random_interrupts

SEED = 9
COUNT = 100_000
"""They take a minute; `python -m tests.long interrupts` does as many as one likes."""


def test_random_interrupts() -> None:
    """Each request ends once, each INTERRUPT is answered once, in time and truly, and no stage runs on."""
    interrupts, clients = random_interrupts(SEED, COUNT)
    assert interrupts >= COUNT
    assert clients > 100
