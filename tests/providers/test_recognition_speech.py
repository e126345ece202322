"""Speech cut out of audio: whatever comes in, in whatever pieces, no sample of speech is lost or given twice."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.scripted_ears import FORMAT, WINDOW, ScriptedDetector, quiet, talk
from voxint.core.voice_activity import VoiceCuts
from voxint.providers._recognition_speech import Cuts, SpeechCutter, Stretch

CUTS = Cuts(VoiceCuts(), long_ms=1500.0, most_ms=3000.0, choice_ms=1000.0)
"""Shorter than the real ones by far, so that little audio shows all of it."""

SCRIPTS = st.lists(
    st.tuples(st.integers(0, 3).map(lambda word: 50 * min(word, 1)), st.integers(1, 40)), min_size=0, max_size=14
)
"""Words, and how many hundredths of two seconds each lasts; a word 0 is silence."""


def cut(audio: bytes, piece: int, cuts: Cuts = CUTS) -> tuple[list[Stretch], list[bytes]]:
    """Return the stretches of some audio that comes in pieces, and the sound of each."""
    speech, stream = SpeechCutter(FORMAT, WINDOW, cuts), ScriptedDetector().open()
    stretches, sounds = list[Stretch](), list[bytes]()

    def take() -> None:
        while speech.ended:
            stretches.append(speech.ended[0])
            sounds.append(speech.sound_of(speech.ended[0]))
            speech.ended.popleft()

    for at in range(0, len(audio), piece * 2):
        pcm = audio[at : at + piece * 2]
        speech.feed(pcm, stream.feed(pcm), 0.0)
        if (stretch := speech.open) is not None:
            assert speech.sound_of(stretch) == audio[stretch.start * 2 : speech.end_of(stretch) * 2]
        take()
    speech.hear(stream.feed(bytes((WINDOW - 1) * 2)), 0.0)
    speech.finish()
    take()
    return stretches, sounds


@settings(deadline=None, max_examples=60)
@given(SCRIPTS, st.integers(50, 4000))
def test_stretches_are_what_was_said(script: list[tuple[int, int]], piece: int) -> None:
    """They lie in order, none overlaps another or is too long, and each one's sound is the audio between its ends."""
    audio = b"".join(talk(word, seconds=count / 50) for word, count in script)
    stretches, sounds = cut(audio, piece)
    before = 0
    for stretch, sound in zip(stretches, sounds, strict=True):
        assert stretch.end is not None
        assert before <= stretch.start < stretch.end <= len(audio) // 2
        assert sound == audio[stretch.start * 2 : stretch.end * 2]
        assert FORMAT.ms(stretch.end - stretch.start) <= CUTS.most_ms + 32
        before = stretch.end


@settings(deadline=None, max_examples=60)
@given(SCRIPTS, st.integers(50, 4000))
def test_no_speech_is_lost(script: list[tuple[int, int]], piece: int) -> None:
    """Of any speech of 0.2 s and more, every sample lies in a stretch."""
    audio, spoken = b"", list[tuple[int, int]]()
    for word, count in script:
        more = talk(word, seconds=count / 50)
        if word and count >= 10:
            spoken.append((len(audio) // 2, (len(audio) + len(more)) // 2))
        audio += more
    covered = [(stretch.start, stretch.end or 0) for stretch in cut(audio, piece)[0]]
    for start, end in spoken:
        at = start
        for first, last in covered:
            if first <= at < last:
                at = last
        assert at >= end, (start, end, covered)


@settings(deadline=None, max_examples=60)
@given(SCRIPTS, st.integers(50, 4000))
def test_pieces_do_not_matter(script: list[tuple[int, int]], piece: int) -> None:
    """However the audio is cut on its way, the stretches are the same."""
    audio = b"".join(talk(word, seconds=count / 50) for word, count in script)
    assert cut(audio, piece)[1] == cut(audio, 512)[1]


def test_silence_is_thrown_away() -> None:
    """After a minute of silence no more is kept than what may belong to speech that begins now."""
    speech, stream = SpeechCutter(FORMAT, WINDOW, Cuts()), ScriptedDetector().open()
    for _ in range(600):
        speech.feed(quiet(0.1), stream.feed(quiet(0.1)), 0.0)
    assert speech.kept_ms <= 600


def test_a_cut_lies_where_it_is_quietest() -> None:
    """Loud, a soft tenth of a second, loud: the cut is in the soft part."""
    audio = talk(90, seconds=2.3) + talk(1, seconds=0.1) + talk(90, seconds=2)
    (first, second), _ = cut(audio, 512)
    assert first.end == second.start
    assert 2.3 <= FORMAT.ms(second.start) / 1000 <= 2.4
