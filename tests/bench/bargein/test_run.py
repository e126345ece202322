"""What a run makes of its records."""

from __future__ import annotations

import numpy as np

from bench.bargein.line import RATE
from bench.bargein.record import Record
from bench.bargein.run import speech_in
from bench.recordings import LIBRIVOX, read_aloud
from tests.needs import missing, needs_silero, skip_for
from voxint.core.audio import AudioFormat
from voxint.providers.silero import Silero


def _record(sound: bytes) -> Record:
    quiet = (np.random.default_rng(1).standard_normal(RATE) * 20).astype("<i2").tobytes()
    return Record("a", 0.0, (0, 1), (RATE, RATE + len(sound) // 2), input=quiet + sound + quiet)


@needs_silero
async def test_speech_is_measured_by_the_detector() -> None:
    """A person's sentence has seconds of speech, a burst of noise has hardly any, and no overlap has none."""
    skip_for(missing(files=[LIBRIVOX], debian="pocketsphinx-testdata"))
    sentence = read_aloud()[0].at(AudioFormat(RATE))
    noise = (np.random.default_rng(2).standard_normal(RATE // 10) * 9000).astype("<i2").tobytes()
    async with Silero() as detector:
        assert speech_in(_record(sentence), detector) > 1000
        assert speech_in(_record(noise), detector) < 200
        assert speech_in(Record("a", 0.0, (0, 1)), detector) == 0
