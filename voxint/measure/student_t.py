"""Student's t distribution: how far a mean of a few rounds strays by chance."""

from __future__ import annotations

from math import atan, cos, pi, sin, sqrt

__all__ = ["t_beyond", "t_within"]

FARTHEST = 1e9
"""A distance in standard errors beyond all that are asked for: the search begins below it."""


MANY = 200
"""The most degrees of freedom that are computed with: more would cost time and change a distance by less than 1 %."""


def t_beyond(distance: float, freedom: int) -> float:
    """Return how often chance alone strays farther than so many standard errors, to either side.

    The sum of Abramowitz and Stegun, 26.7.3 and 26.7.4, which ends for whole degrees of freedom.

    Args:
        distance: In standard errors, 0 or more.
        freedom: Degrees of freedom, 1 or more.
    """
    freedom = min(freedom, MANY)
    angle = atan(distance / sqrt(freedom))
    odd = freedom % 2
    term = cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for power in range(2 + odd, freedom - 1, 2):
        term *= cos(angle) ** 2 * (power - 1) / power
        total += term
    within = (2 / pi) * (angle + sin(angle) * total) if odd else sin(angle) * total
    return min(max(1.0 - within, 0.0), 1.0)


def t_within(level: float, freedom: int) -> float:
    """Return within how many standard errors chance alone stays so often, such as 2.23 for 0.95 and 10 degrees."""
    low, high = 0.0, FARTHEST
    for _ in range(90):  # halvings: from there to as fine as a float
        middle = (low + high) / 2
        low, high = (middle, high) if t_beyond(middle, freedom) > 1 - level else (low, middle)
    return high
