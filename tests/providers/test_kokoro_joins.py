"""Windows of speech become one stream: nothing clicks, no sample and no word is lost, loudness stays even."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.core.stages import Speech
from voxint.providers._kokoro_jobs import SpokenWindow, Wish
from voxint.providers._kokoro_joins import Joiner
from voxint.providers._kokoro_level import FADE, MOST_GAIN, PEAK, TARGET, Leveller, faded, pcm


def samples(*values: int) -> bytes:
    """Return samples as they stand in a stream."""
    return array("h", values).tobytes()


def joined(*sounds: SpokenWindow) -> list[Speech]:
    """Return the speech of sounds, one after the other."""
    joiner = Joiner()
    return [speech for sound in sounds for speech in joiner.joined(sound)]


def sound(audio: bytes, *words: tuple[int, str], overlap: tuple[int, int] = (0, 0)) -> SpokenWindow:
    """Return a sound."""
    return SpokenWindow(words, overlap, None, None, audio)


def test_a_word_has_the_samples_from_its_begin_to_the_next() -> None:
    """What stands before the first word of a window goes on with the word before."""
    assert joined(sound(samples(1, 2, 3, 4, 5), (0, "One "), (3, "two ")), sound(samples(6, 7, 8), (1, "three"))) == [
        Speech(samples(1, 2, 3), "One "),
        Speech(samples(4, 5), "two "),
        Speech(samples(6), None),
        Speech(samples(7, 8), "three"),
    ]


def test_edges_that_fade_into_one_another_are_added() -> None:
    """The end of a window waits for the begin of the next; a word that begins at the cut begins behind what fades."""
    first = sound(samples(9, 9, 9, 4, 2), (0, "One "), overlap=(0, 1))
    second = sound(samples(3, 5, 7, 7), (0, "two"), overlap=(1, 0))
    assert joined(first, second) == [
        Speech(samples(9, 9, 9), "One "),
        Speech(samples(4 + 3), None),
        Speech(samples(2 + 5, 7, 7), "two"),
    ]


def test_a_sum_that_is_too_loud_stays_in_its_bounds() -> None:
    """Samples have 16 bits: what is more becomes the most there is."""
    first, second = sound(samples(30000, 30000), overlap=(0, 1)), sound(samples(30000, -1), overlap=(1, 0))
    assert b"".join(speech.audio for speech in joined(first, second)) == samples(32767, 29999)


def test_what_has_no_sound_is_written_all_the_same() -> None:
    """A text that nothing was said for comes with no audio; a sound without a word goes on with the one before."""
    assert joined(sound(b"", (0, "***"))) == [Speech(b"", "***")]
    assert joined(sound(samples(1))) == [Speech(samples(1), None)]


@given(st.lists(st.tuples(st.integers(4, 40), st.lists(st.integers(0, 40), max_size=4)), min_size=1, max_size=5))
def test_nothing_is_lost(windows: list[tuple[int, list[int]]]) -> None:
    """Joined, the texts are what is written, and the samples are all windows' without what two have in common."""
    sounds = [
        sound(
            samples(*range(size + 2 * (number > 0))),
            *[(at, f"{number}.{which} ") for which, at in enumerate(sorted(places))],
            overlap=(1 if number else 0, 1 if number + 1 < len(windows) else 0),
        )
        for number, (size, places) in enumerate(windows)
    ]
    spoken = joined(*sounds)
    written = "".join(text for each in sounds for _, text in each.words)
    assert "".join(speech.text or "" for speech in spoken) == written
    shared = 2 * (len(windows) - 1)
    assert sum(len(speech.audio) for speech in spoken) == sum(len(each.audio) for each in sounds) - 2 * shared


def tone(level: float, seconds: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Return a tone of so much loudness, in dB of full scale."""
    at = np.arange(int(24_000 * seconds), dtype=np.float32)
    return np.asarray(np.sin(at / 20) * np.sqrt(2) * 10 ** (level / 20), np.float32)


def loudness(audio: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    """Return the loudness in dB of full scale."""
    return float(10 * np.log10(np.mean(audio**2)))


@pytest.mark.parametrize("level", [-25.0, -20.0, -15.0])
def test_a_voice_is_brought_to_one_loudness(level: float) -> None:
    """Whatever a voice's own loudness within bounds, it is heard at the same."""
    assert loudness(Leveller(None).evened(tone(level))) == pytest.approx(TARGET, abs=0.1)


def test_what_is_far_off_is_not_blown_up() -> None:
    """A whisper stays softer, and silence is silence."""
    assert loudness(Leveller(None).evened(tone(-35))) == pytest.approx(-35 + MOST_GAIN, abs=0.1)
    silence = np.zeros(6_000, np.float32)
    leveller = Leveller(-18.0)
    assert not leveller.evened(silence).any()
    assert leveller.level == -18.0


def test_the_gain_goes_on_where_it_was() -> None:
    """A softer window begins with the gain of the one before, and changes it by little and slowly."""
    first = Leveller(None)
    first.evened(tone(-20))
    second = Leveller(first.level)
    audio = tone(-26)
    gains = second.evened(audio)[100:] / np.where(np.abs(audio[100:]) < 1e-4, np.nan, audio[100:])
    assert gains[0] == pytest.approx(1.0, abs=0.02)
    assert np.nanmax(gains) < 10 ** (3 / 20)
    assert np.nanmax(np.abs(np.diff(gains))) < 0.01


def test_a_loud_voice_does_not_crackle() -> None:
    """What goes beyond the scale is bent: no sample is cut off at its end, and the order of samples stays."""
    audio = np.linspace(-3, 3, 6_000, dtype=np.float32)
    evened = Leveller(TARGET).evened(audio)
    assert np.abs(evened).max() <= 1.0
    assert (np.diff(evened) >= 0).all()
    assert (np.abs(evened) > PEAK).any()


def test_edges_fade() -> None:
    """A window begins and ends at nothing; where two run into one another, their edges add to the whole."""
    whole = np.full(4_800, 0.5, np.float32)
    alone = faded(whole, 600, 4_200, (0, 0))
    assert len(alone) == 3_600
    assert max(abs(alone[0]), abs(alone[-1])) < 0.01
    assert np.abs(np.diff(alone)).max() < 0.01
    left, right = faded(whole, 600, 2_400, (0, FADE)), faded(whole, 2_400, 4_200, (FADE, 0))
    audio = b"".join(
        speech.audio for speech in joined(sound(pcm(left), overlap=(0, FADE)), sound(pcm(right), overlap=(FADE, 0)))
    )
    both = np.frombuffer(audio, "<i2") / 32767
    assert len(both) == 3_600
    assert np.abs(both[200:-200] - 0.5).max() < 0.001


def test_jobs_and_answers_come_back_as_they_went() -> None:
    """What is asked and what is answered is bytes in between, half characters and all."""
    wish = Wish("\ud800 “hé” 好", "zh", "zf_xiaobei", 1.5, (2, 3), -20.5, first=True)
    assert Wish.unpacked(wish.packed()) == wish
    answer = SpokenWindow(((0, "\udfff "), (5, "好")), (0, FADE), (1, 0), -19.0, samples(1, -1))
    assert SpokenWindow.unpacked(answer.packed()) == answer
    assert "hé" not in repr(wish)
    assert "好" not in repr(answer)
