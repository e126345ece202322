"""Measured values, round by round, and what could as well have been measured."""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from voxint.measure.distribution import Distribution, Statistic

RANDOM = np.random.default_rng


def lognormal(seed: int, size: int, drift: float = 0.0) -> Distribution:
    """Return a round of times as servers have them: around 10 ms, with a long tail."""
    random = RANDOM(seed)
    return Distribution.of(10 * np.exp(random.normal(drift * random.normal(), 0.5, size)))


def test_whole_rounds_of_numbers_come_back() -> None:
    """Count, mean, maximum and nearest-rank percentiles are those of the values, to 3 digits."""
    values = Distribution.of(float(value) for value in range(1, 101))
    assert values.count == 100
    assert values.percentile(50) == pytest.approx(50, rel=1e-3)
    assert values.percentile(99) == pytest.approx(99, rel=1e-3)
    assert values.percentile(0) == 1
    assert values.percentile(100) == values.maximum == pytest.approx(100, rel=1e-3)
    assert values.mean == values.at("mean") == pytest.approx(50.5, rel=1e-3)


def test_zero_and_less_are_zero() -> None:
    """An acknowledgement can't come before the interrupt: what is below zero is the clock's grain."""
    values = Distribution.of([-3.0, 0.0, 0.0004])
    assert (values.count, values.maximum, values.mean) == (3, 0.0, 0.0)


def test_what_is_beyond_the_limit_is_kept_as_the_limit() -> None:
    """It is not lost: a lost value would make the tail look better."""
    assert Distribution.of([1e9]).maximum == pytest.approx(3_600_000, rel=1e-3)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    """It would be a fault of who measured."""
    with pytest.raises(ValueError, match="not a finite number"):
        Distribution.of([1.0, value])


def test_a_round_is_an_hdrhistogram() -> None:
    """Its levels are the library's own, and its text is what the library writes and reads."""
    values = [0.0, 0.001, 2.047, 2.049, 17.0, 123.456, 98765.4, 3_600_000.0]
    theirs = HdrHistogram(1, 3_600_000_000, 3)
    for value in values:
        theirs.record_value(round(value * 1000))
    ours = Distribution.of(values)
    assert ours == Distribution.decode(theirs.encode().decode())
    read = HdrHistogram.decode(ours.encode())
    assert read.get_total_count() == len(values)
    for q in (25, 50, 75):
        assert read.get_value_at_percentile(q) / 1000 == pytest.approx(ours.percentile(q), rel=1e-3, abs=1e-3)


def test_encoded_rounds_stay_apart() -> None:
    """What is read back equals what was written, in its rounds."""
    rounds = [lognormal(seed, 50) for seed in range(3)]
    joined = Distribution.decode_all(one.encode() for one in rounds)
    assert joined == Distribution.joined(rounds)
    assert len(joined.rounds) == 3


def test_several_rounds_have_no_single_histogram() -> None:
    """It would forget which value is of which round."""
    with pytest.raises(ValueError, match="one round, not 2"):
        Distribution.joined([Distribution.of([1]), Distribution.of([2])]).encode()


@pytest.mark.parametrize("text", ["", "?", "AAAA", "AAAAAAAAAAAAAAAA", Distribution.of([1]).encode()[:-8]])
def test_what_is_no_histogram_is_refused(text: str) -> None:
    """A damaged file is told as such."""
    with pytest.raises(ValueError, match="not an HdrHistogram"):
        Distribution.decode(text)


def test_nothing_measured_has_no_percentile() -> None:
    """It counts zero values, can be written and read, and refuses to say more."""
    nothing = Distribution.decode(Distribution.of([]).encode())
    assert nothing.count == 0
    assert nothing.ecdf() == []
    assert not nothing.supports("mean")
    assert Distribution.joined([nothing]).rounds == ()
    for figure in (lambda: nothing.maximum, lambda: nothing.at("mean"), lambda: nothing.interval(50)):
        with pytest.raises(ValueError, match="nothing was measured"):
            figure()


@pytest.mark.parametrize(
    ("count", "q", "enough"), [(99, 99, False), (100, 99, True), (1000, 99.9, True), (2, 50, True)]
)
def test_a_percentile_needs_values_beyond_it(count: int, q: float, enough: bool) -> None:
    """The 99th percentile of fewer than 100 values is no more than their maximum."""
    assert Distribution.of([1.0] * count).supports(q) is enough


def test_the_curve_rises_to_one() -> None:
    """Each value has the share of those not above it."""
    assert Distribution.of([0, 0, 1, 2]).ecdf() == [(0, 0.5), (1, 0.75), (2, 1)]


@pytest.mark.parametrize(
    ("statistic", "true"), [(50, 10.0), (99, 10 * np.exp(0.5 * 2.326)), ("mean", 10 * np.exp(0.125))]
)
def test_an_interval_holds_the_true_value(statistic: Statistic, true: float) -> None:
    """Of rounds without drift at least 95 % of the intervals do (two stages widen them), and not by being huge."""
    held, widths = 0, []
    for trial in range(100):
        measured = Distribution.joined(lognormal(10 * trial + one, 200) for one in range(5))
        low, high = measured.interval(statistic)
        held += low <= true <= high
        widths.append((high - low) / true)
    assert held >= 93
    assert np.mean(widths) < 0.5


def test_drift_between_rounds_widens_the_interval() -> None:
    """Values that agree within their rounds, but not between them, are known only as well as the rounds agree."""
    calm = Distribution.joined(lognormal(seed, 300) for seed in range(5)).interval(50)
    drifting = Distribution.joined(lognormal(seed, 300, drift=0.2) for seed in range(5)).interval(50)
    assert drifting.high - drifting.low > 2 * (calm.high - calm.low)


def test_the_shortcut_draws_what_drawing_each_value_would() -> None:
    """The spread of a percentile and of the mean is that of a bootstrap that draws all values one by one."""
    values = RANDOM(1).lognormal(2, 0.5, 400)
    drawn = RANDOM(2).choice(values, (2000, 400))
    plainly: dict[Statistic, NDArray[np.float64]] = {
        50: np.median(drawn, axis=1),
        95: np.percentile(drawn, 95, axis=1),
        "mean": drawn.mean(axis=1),
    }
    for statistic, plain in plainly.items():
        resampled = Distribution.of(values).resampled(statistic)
        assert resampled.mean() == pytest.approx(plain.mean(), rel=0.01)
        assert resampled.std() == pytest.approx(plain.std(), rel=0.1)


def test_the_mean_of_what_never_varies_is_certain() -> None:
    """Zeros stay zeros, and equal values leave no doubt."""
    assert Distribution.of([0] * 9).interval("mean") == (0, 0)
    assert Distribution.joined([Distribution.of([2])] * 5).interval("mean") == (2, 2)


def test_an_interval_is_the_same_each_time() -> None:
    """The same results give the same report."""
    assert lognormal(1, 100).interval(95) == lognormal(1, 100).interval(95)


def test_an_interval_is_quick() -> None:
    """Ten rounds of 3,000 values take some milliseconds; a report has a thousand of these."""
    measured = Distribution.joined(lognormal(seed, 3000, 0.1) for seed in range(10))
    began = perf_counter()
    measured.interval(50)
    assert perf_counter() - began < 0.5  # ten times as long as it may take, as other tests share the machine


def test_importing_voxint_loads_no_statistics() -> None:
    """Who only serves needs neither numpy nor HdrHistogram from here."""
    program = "import sys, voxint; print(*sorted({'numpy', 'hdrh', 'voxint.measure'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
