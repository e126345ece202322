"""The fitting of the browser's voice detector: that it learns, by chance that a seed decides, and what it writes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bench.detector.fit import SCALE, UNITS, fit, source
from bench.detector.hearing import FEATURES
from bench.detector.sounds import KINDS, alone, mixed, recordings
from bench.recordings import LIBRIVOX, PROMPTS
from tests.needs import missing, needs


def test_it_learns_what_a_row_says_in_bytes() -> None:
    """A thing that one feature tells is known after some steps, with the weights as they are written."""
    chance = np.random.default_rng(1)
    rows = chance.standard_normal((4000, FEATURES)).astype(np.float32)
    truth = (rows[:, 3] > 0).astype(np.float32)
    hidden, output = fit(rows, truth, np.ones_like(truth), steps=300)
    assert hidden.shape == (UNITS, FEATURES + 1)
    assert output.shape == (UNITS + 1,)
    sums = (rows @ hidden[:, :-1].T + hidden[:, -1]) / SCALE
    told = (sums / (1 + np.abs(sums))) @ output[:-1] + output[-1] > 0
    assert np.mean(told == (truth > 0)) > 0.97


def test_the_same_seed_fits_the_same_weights() -> None:
    """So a source can be made again."""
    rows = np.random.default_rng(2).standard_normal((500, FEATURES)).astype(np.float32)
    truth = (rows[:, 0] > 0).astype(np.float32)
    first, second = (fit(rows, truth, np.ones_like(truth), steps=20)[0] for _ in range(2))
    assert np.array_equal(first, second)


def test_the_source_has_every_weight_in_its_order() -> None:
    """In lines that fit the page."""
    hidden = np.arange(UNITS * (FEATURES + 1)).reshape(UNITS, -1).astype(np.int8)
    output = np.arange(UNITS + 1).astype(np.int8)
    text = source(hidden, output)
    found = re.findall(r"\(\[\n(.*?)\n\]\)", text, re.DOTALL)
    assert [int(each) for each in re.findall(r"-?\d+", found[0])] == hidden.ravel().tolist()
    assert [int(each) for each in re.findall(r"-?\d+", found[1])] == output.tolist()
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("kind", KINDS)
def test_a_noise_is_as_long_as_is_wanted_and_never_over_full_scale(kind: str) -> None:
    """Of every kind, and no speech is in it."""
    mix = alone(np.random.default_rng(3), 4, kind)
    assert (len(mix.sound), mix.speech, mix.ratio_db) == (64_000, None, None)
    assert 0 < np.max(np.abs(mix.sound)) <= 1.01


@needs(missing(files=[LIBRIVOX, PROMPTS], debian="pocketsphinx-testdata, asterisk-core-sounds-en-wav"))
def test_what_is_judged_with_was_not_learned_from() -> None:
    """The held recordings are others, and a mix has its speech beside it."""
    files = recordings()
    assert not set(files["telephone"]) & set(files["held"])
    assert len(files["held"]) > 50
    assert len(files["read"]) == 5
    mix = mixed(np.random.default_rng(4), files["read"], 3)
    assert mix.speech is not None
    assert len(mix.sound) == len(mix.speech) == 48_000
