"""The set: the same seed gives the same samples, and each tells the truth about itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest

from bench.bargein.line import RATE
from bench.bargein.noises import NOISES, distant, room
from bench.bargein.samples import AUDIBLE, FALSE, KINDS, Sample, Stretch, lines_of, make_set
from tests.bench.sounds import recorded


def _voices() -> Mapping[tuple[str, str], bytes]:
    """Return a second of a tone for each line, silent before and behind."""
    sound = np.zeros(RATE)
    sound[2000:14_000] = np.sin(np.arange(12_000) / 3) * 0.5
    pcm = (sound * 32767).astype("<i2").tobytes()
    return dict.fromkeys(lines_of(["en", "zh"]), pcm)


def _set(seed: int = 3) -> list[Sample]:
    return make_set(["en", "zh"], 30, seed, _voices(), [recorded("somebody said this")])


def test_same_seed_same_set() -> None:
    """To the sample; another seed gives another."""
    assert _set() == _set()
    assert _set(4) != _set()


def test_every_kind_has_its_share() -> None:
    """Of thirty samples of a language, of each kind as many as it has of them; every name is there once."""
    samples = _set()
    counts = Counter((sample.language, sample.kind) for sample in samples)
    assert counts["en", "interruption"] == counts["zh", "interruption"] == 8
    assert counts["zh", "backchannel"] == 6
    assert {kind for _, kind in counts} == set(KINDS)
    assert len({sample.name for sample in samples}) == 60


def test_few_samples_have_the_most_telling_kinds() -> None:
    """Ten have what must end an answer, what must not, and the echo."""
    kinds = {sample.kind for sample in make_set(["en"], 10, 3, _voices())}
    assert "interruption" in kinds
    assert len(kinds & FALSE) >= 4


def test_truth_is_to_the_sample() -> None:
    """The onset is the first sample that is audible, and the end follows the last, at the level that is told."""
    for sample in _set():
        if sample.overlap is None:
            assert sample.echo is not None
            assert sample.kind == "echo"
            continue
        stretch = sample.overlap.stretch
        loud = np.abs(np.frombuffer(stretch.pcm, dtype="<i2").astype(int))
        least = AUDIBLE * loud.max()
        assert loud[: stretch.onset].max(initial=0) <= least + 1
        assert loud[stretch.onset] >= least - 1
        assert loud[stretch.end :].max(initial=0) <= least + 1
        assert 20 * np.log10(loud.max() / 32767) == pytest.approx(sample.level_db, abs=0.1)


def test_people_interrupt_too() -> None:
    """Recordings of people are among the English interruptions, with their words."""
    said = {sample.overlap.stretch.text for sample in _set() if sample.kind == "interruption" and sample.overlap}
    assert "somebody said this" in said


def test_halting_questions_pause() -> None:
    """Some questions have a silence in their middle that is longer than a breath."""
    longest = []
    for sample in make_set(["en"], 40, 3, _voices()):
        loud = np.abs(np.frombuffer(sample.question.pcm, dtype="<i2").astype(int))
        audible = np.flatnonzero(loud > AUDIBLE * loud.max())
        longest.append(int(np.diff(audible).max()) / RATE)
    halting = [pause for pause in longest if pause > 0.3]
    assert 4 <= len(halting) <= 20
    assert max(halting) < 0.75


@pytest.mark.parametrize("name", sorted(NOISES))
def test_noises_differ_by_seed_and_are_short(name: str) -> None:
    """Each begins at once, ends within three seconds, and the same seed gives the same sound."""
    first, again, other = (NOISES[name](np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)
    stretch = Stretch.of(first, -6.0)
    assert stretch.onset < 0.4 * RATE
    assert stretch.end < 3 * RATE


def test_room_has_its_level() -> None:
    """The root mean square of a room's sound is one."""
    assert np.sqrt(np.mean(room(np.random.default_rng(1), RATE) ** 2)) == pytest.approx(1)


def test_distance_lengthens_and_dulls() -> None:
    """What comes from across a room lasts longer, and has less of its highs."""
    hiss = np.random.default_rng(1).standard_normal(RATE)
    far = distant(np.random.default_rng(2), hiss)

    def highs(sound: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        power = np.abs(np.fft.rfft(sound)) ** 2
        return float(power[len(power) // 2 :].sum() / power.sum())

    assert len(far) > len(hiss)
    assert highs(far) < highs(hiss) / 2
