"""Whether a figure got slower, as far as the noise lets anybody tell."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, inf, log
from typing import Literal, TypeVar

import numpy as np
from attrs import evolve, frozen

from voxint.measure.distribution import RESOLUTION, Distribution, Statistic
from voxint.measure.student_t import t_beyond, t_within

__all__ = ["LEAST", "ONE_OF_MANY", "SAME", "Verdict", "Word", "compare", "discount"]

LEAST = 1.05
"""The least ratio that is called a change: chosen here, as nobody hears a twentieth of what an interruption takes."""

SAME = 1.10
"""An interval within a tenth is called the same: chosen here, as what rules out all that a caller could notice."""

FEW_ROUNDS = 3
"""Rounds that a run needs: with fewer, its drift from round to round can't be told from a change between the runs."""

OVERWHELMING = 2.0
"""A ratio for which fewer rounds suffice: a drift that doubles a figure doubles the floor, too, which `scale` tells."""

LEVEL = 0.95
"""The interval's level of confidence; 1 minus it is the share of false alarms that is put up with. The usual choice."""

ONE_OF_MANY = "one of many figures"
"""Why a verdict is unclear that would be a change if it were the only one."""

Word = Literal["slower", "faster", "same", "unclear"]

Key = TypeVar("Key")


@frozen
class Verdict:
    """How a figure of a new run stands to that of an old one.

    Args:
        ratio: New by old, after `scale`; more than 1 is slower, or more of what is counted.
        low: Where the true ratio lies but for chance, at 95 %: from here ...
        high: ... to here.
        word: ``slower`` or ``faster``: by more than 5 %, beyond noise. ``same``: within 10 %, beyond noise.
            ``unclear``: neither could be shown.
        chance: How often noise alone would look at least like this if the true change were 5 % or less.
        why: What was lacking, where it is ``unclear`` for another reason than noise.
    """

    ratio: float
    low: float
    high: float
    word: Word
    chance: float
    why: str = ""


def compare(old: Distribution, new: Distribution, statistic: Statistic, *, scale: float = 1.0) -> Verdict:
    """Compare a percentile or the mean of two runs.

    The logarithm of each is resampled (`Distribution.resampled`: rounds first, then values), which tells its standard
    error; Student's t distribution, with the degrees of freedom that the rounds give (Welch), tells how many of those
    chance explains. So drift between rounds counts as noise, and few rounds must show a larger difference. With fewer
    than 3 rounds in either run drift is unknown, and only twice or half of it is told from noise.

    Args:
        old: What is compared with.
        new: What is judged.
        statistic: A percentile from 0 to 100, or ``mean``.
        scale: How much slower the machine was in the new run: its floor, new by old. Work on the processor is slower
            by as much, what waits for a timer is not, and a figure is a mixture of both: so the interval covers
            everything from no correction to the whole, and a change must be beyond it either way.

    Raises:
        ValueError: A run has no values.
    """
    was, is_now = _Logarithm.of(old, statistic), _Logarithm.of(new, statistic)
    rounds = min(len(old.rounds), len(new.rounds))
    moved, machine = is_now.middle - was.middle, log(scale)
    error, freedom = _welch(was, is_now)
    reach = t_within(LEVEL, freedom) * error
    low, high = moved - max(machine, 0) - reach, moved - min(machine, 0) + reach
    # how far the nearest end of the interval is from no change, in either direction
    farthest = max(moved - max(machine, 0), min(machine, 0) - moved) - log(LEAST)
    chance = 1.0 if farthest <= 0 else t_beyond(farthest / error, freedom) if error else 0.0
    verdict = Verdict(exp(moved - machine), exp(low), exp(high), "unclear", chance)
    if not (old.supports(statistic) and new.supports(statistic)):
        return evolve(verdict, chance=1.0, why="too few values")
    if rounds < FEW_ROUNDS and max(verdict.low, 1 / verdict.high) < OVERWHELMING:
        return evolve(verdict, chance=1.0, why=f"fewer than {FEW_ROUNDS} rounds")
    return evolve(verdict, word=_word(verdict))


def discount(verdicts: Mapping[Key, Verdict]) -> dict[Key, Verdict]:
    """Return the verdicts on many figures of one run, where those that chance explains have become ``unclear``.

    Of 100 figures that did not change, some look as if they had. By the step-up rule of Benjamini and Hochberg at 5 %,
    at most that share of the changes named are false; if nothing changed at all, a run names any in 5 % of the cases.
    (Holm's rule would promise that no change named is false, at the price of missing most: one cause, such as a slow
    line on the hot path, moves many figures at once, which here counts as support.)
    """
    # what could not be judged at all raises no alarm, so it takes no part
    ascending = sorted(verdict.chance for verdict in verdicts.values() if not verdict.why)
    allowed = max(
        (chance for rank, chance in enumerate(ascending, 1) if chance <= (1 - LEVEL) * rank / len(ascending)),
        default=-inf,
    )
    return {
        key: evolve(verdict, word="unclear", why=ONE_OF_MANY)
        if verdict.word in ("slower", "faster") and verdict.chance > allowed
        else verdict
        for key, verdict in verdicts.items()
    }


@frozen
class _Logarithm:
    """The logarithm of a figure, with its variance and the degrees of freedom behind that."""

    middle: float
    variance: float
    freedom: int

    @classmethod
    def of(cls, measured: Distribution, statistic: Statistic) -> _Logarithm:
        # zero has no logarithm: all are raised by the least difference that was recorded
        spread = np.log(measured.resampled(statistic) + RESOLUTION)
        rounds = len(measured.rounds)
        freedom = rounds - 1 if rounds >= FEW_ROUNDS else measured.count
        return cls(log(measured.at(statistic) + RESOLUTION), float(spread.var()), max(freedom, 1))


def _welch(one: _Logarithm, other: _Logarithm) -> tuple[float, int]:
    """Return the standard error of their difference, and its degrees of freedom, rounded down."""
    variance = one.variance + other.variance
    if not variance:
        return 0.0, one.freedom + other.freedom
    doubt = one.variance**2 / one.freedom + other.variance**2 / other.freedom
    return variance**0.5, max(int(variance**2 / doubt), 1)


def _word(verdict: Verdict) -> Word:
    if verdict.low > LEAST:
        return "slower"
    if verdict.high < 1 / LEAST:
        return "faster"
    return "same" if verdict.low >= 1 / SAME and verdict.high <= SAME else "unclear"
