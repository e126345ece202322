"""Verdicts on made-up runs, of which the truth is known."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from voxint.measure.distribution import Distribution, Statistic
from voxint.measure.verdict import Verdict, compare, discount


def run(
    random: np.random.Generator, rounds: int = 5, values: int = 300, drift: float = 0.03, factor: float = 1.0
) -> Distribution:
    """Return a run of times around 10 ms with a tail; `drift` is how far the rounds' own levels spread."""
    return Distribution.joined(
        Distribution.of(10 * factor * np.exp(drift * random.normal() + random.normal(0, 0.4, values)))
        for _ in range(rounds)
    )


def steady(value: float, rounds: int = 5, values: int = 200) -> Distribution:
    """Return a run that measured the same each time."""
    return Distribution.joined([Distribution.of([value] * values)] * rounds)


@pytest.mark.parametrize(("statistic", "drift"), [(50, 0.2), (99, 0.03), ("mean", 0.1)])
def test_nothing_changed_and_nothing_is_said(statistic: Statistic, drift: float) -> None:
    """Of 200 pairs of runs that differ by drift alone, fewer than 5 % are called slower or faster."""
    words: Counter[str] = Counter()
    for seed in range(200):
        random = np.random.default_rng(seed)
        words[compare(run(random, 5, 100, drift), run(random, 5, 100, drift), statistic).word] += 1
    assert words["slower"] + words["faster"] < 10


def test_a_slowdown_by_a_fifth_is_found() -> None:
    """Five rounds of 300 show it in 9 of 10 cases, in the median and in the mean, and its mirror image too."""
    words: Counter[str] = Counter()
    for seed in range(50):
        random = np.random.default_rng(seed)
        old, new = run(random), run(random, factor=1.2)
        words.update([compare(old, new, 50).word, compare(old, new, "mean").word])
        words.update([f"{compare(new, old, 50).word} back"])
    assert words["slower"] >= 90
    assert words["faster back"] >= 45


def test_the_interval_holds_the_true_ratio() -> None:
    """Around what was measured, and it leaves out no change."""
    random = np.random.default_rng(1)
    verdict = compare(run(random), run(random, factor=1.3), 50)
    assert 1 < verdict.low < verdict.ratio < verdict.high
    assert verdict.low < 1.3 < verdict.high
    assert verdict.chance < 0.05


def test_many_calm_rounds_are_the_same() -> None:
    """Only where the whole interval is within a tenth."""
    random = np.random.default_rng(1)
    assert compare(run(random, 10), run(random, 10), 50).word == "same"
    assert compare(run(random, 3, 30), run(random, 3, 30), 50).word == "unclear"


@pytest.mark.parametrize(("new", "word"), [(10.0, "same"), (10.4, "same"), (10.8, "slower"), (8, "faster")])
def test_a_change_must_matter(new: float, word: str) -> None:
    """Without any noise, too, a change by 5 % or less is none, and one by more is."""
    assert compare(steady(10), steady(new), 50).word == word


def test_a_slower_machine_is_not_a_slower_server() -> None:
    """What grew by as much as the floor is no change."""
    assert compare(steady(10), steady(15), 50, scale=1.5).word != "slower"
    assert compare(steady(10), steady(15), 50, scale=1.5).ratio == pytest.approx(1, rel=1e-3)
    assert compare(steady(10), steady(20), 50, scale=1.2).word == "slower"


def test_what_waits_for_a_timer_is_not_faster_on_a_slower_machine() -> None:
    """It took as long as before, so no correction by the floor may praise or blame it."""
    assert compare(steady(24), steady(24), 50, scale=1.5).word == "unclear"
    assert compare(steady(24), steady(24), 50, scale=0.5).word == "unclear"


def test_few_rounds_must_overwhelm() -> None:
    """Two rounds don't tell drift from change, unless it takes twice as long."""
    random = np.random.default_rng(1)
    verdict = compare(run(random, 2), run(random, 2, factor=1.6), 50)
    assert (verdict.word, verdict.why) == ("unclear", "fewer than 3 rounds")
    assert compare(run(random, 1), run(random, 1), 50).word == "unclear"
    assert compare(run(random, 1), run(random, 2, factor=3), 50).word == "slower"
    assert compare(run(random, 2, factor=3), run(random, 1), 50).word == "faster"


def test_a_percentile_without_values_beyond_it_is_unclear() -> None:
    """The 99th percentile of 50 values is their maximum, and proves nothing."""
    random = np.random.default_rng(1)
    verdict = compare(run(random, 5, 10), run(random, 5, 10, factor=5), 99)
    assert (verdict.word, verdict.why, verdict.chance) == ("unclear", "too few values", 1.0)


def test_zero_can_be_compared() -> None:
    """What never happened still does not, or now does."""
    assert compare(steady(0), steady(0), "mean").word == "same"
    assert compare(steady(0), steady(40), "mean").word == "slower"
    assert compare(steady(40), steady(0), "mean").word == "faster"


def verdict_with(chance: float) -> Verdict:
    """Return a verdict of slower that noise explains so often."""
    return Verdict(1.3, 1.1, 1.5, "slower", chance)


def test_one_of_many_figures_needs_more() -> None:
    """What is one in 50 by chance is nothing special among 50 figures, but something alone or among its like."""
    calm = {f"calm {number}": Verdict(1, 0.95, 1.05, "same", 1.0) for number in range(49)}
    assert discount({"it": verdict_with(0.02)})["it"].word == "slower"
    among_many = discount({"it": verdict_with(0.02), **calm})
    assert (among_many["it"].word, among_many["it"].why) == ("unclear", "one of many figures")
    assert {among_many[key].word for key in calm} == {"same"}
    assert discount({"it": verdict_with(0.0009), **calm})["it"].word == "slower"
    assert {verdict.word for verdict in discount({key: verdict_with(0.02) for key in calm}).values()} == {"slower"}
    assert discount({}) == {}


def test_many_figures_raise_few_false_alarms() -> None:
    """Of 20 runs with 20 figures that did not change, hardly any names one."""
    alarms = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        verdicts = {at: compare(run(random, 3, 50, 0.2), run(random, 3, 50, 0.2), 50) for at in range(20)}
        alarms += any(verdict.word in ("slower", "faster") for verdict in discount(verdicts).values())
    assert alarms <= 3
