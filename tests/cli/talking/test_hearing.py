"""From pieces of a microphone to utterances, with a detector that takes for speech what is loud."""

from __future__ import annotations

import array

from tests.cli.talking.rig import LoudDetector
from voxint.cli.talking.hearing import ALONE, Began, Heard, Hearing, Silent

PIECE_MS = 20


def pieces(amplitude: int, ms: int) -> list[bytes]:
    """Return so much of a tone, in pieces of 20 ms."""
    return [array.array("h", [amplitude, -amplitude] * 160).tobytes()] * (ms // PIECE_MS)


def feed(hearing: Hearing, sound: list[bytes], *, sounding: bool = False) -> list[tuple[int, Heard]]:
    """Return what happens, with the milliseconds after which it does."""
    return [
        (n * PIECE_MS, heard) for n, piece in enumerate(sound, 1) for heard in hearing.feed(piece, sounding=sounding)
    ]


def test_an_utterance_begins_with_what_was_before_it_and_ends_in_a_pause() -> None:
    """A soft consonant in front of a vowel belongs to it; a breath of half a second is no end."""
    hearing = Hearing(LoudDetector(), guarded=False)
    assert feed(hearing, pieces(10, 2_000)) == []
    speech = pieces(8_000, 400) + pieces(10, 500) + pieces(8_000, 400) + pieces(10, 1_000)
    (began, start), (ended, end) = feed(hearing, speech)
    assert isinstance(start, Began)
    assert end == Silent()
    assert 80 <= began <= 160
    assert abs(len(start.voice) / 32 - began - ALONE.before_ms) <= 64
    assert start.voice.endswith(b"".join(pieces(8_000, began)[1:]))
    assert 0 <= ended - 1_300 - ALONE.end_ms <= 80


def test_a_click_is_no_speech() -> None:
    """Nor is a cough."""
    hearing = Hearing(LoudDetector(), guarded=False)
    assert feed(hearing, pieces(10, 500) + pieces(8_000, 40) + pieces(10, 500)) == []


def test_the_loudspeakers_own_voice_interrupts_nothing() -> None:
    """However sure the detector is; a person who is louder does, after a quarter of a second."""
    hearing = Hearing(LoudDetector(), guarded=True)
    assert feed(hearing, pieces(1_000, 3_000), sounding=True) == []
    ((began, start),) = feed(hearing, pieces(4_000, 600), sounding=True)
    assert isinstance(start, Began)
    assert 240 <= began <= 340


def test_with_headphones_a_word_is_enough() -> None:
    """Nothing of the loudspeaker comes to the microphone."""
    hearing = Hearing(LoudDetector(), guarded=False)
    ((began, _),) = feed(hearing, pieces(1_000, 200), sounding=True)
    assert began <= 160


def test_what_is_kept_has_a_bound() -> None:
    """An hour of silence is not."""
    hearing = Hearing(LoudDetector(), guarded=False)
    feed(hearing, pieces(10, 60_000))
    assert len(hearing._kept) < 32_000
    hearing.close()
