"""The peers' servers, where they are installed: each answers who speaks, and stops for who interrupts."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import trio

from bench.bargein.bots import wire
from bench.bargein.caller import call
from bench.bargein.line import Language
from bench.bargein.rating import rate
from bench.bargein.samples import Overlap, Sample, Stretch
from bench.bargein.systems.livekit import SYSTEM as LIVEKIT
from bench.bargein.systems.peer import Peer
from bench.bargein.systems.pipecat import SYSTEM as PIPECAT
from bench.bargein.upstream import serve_upstream
from bench.environments import environment_of
from bench.recordings import PROMPTS, prompts
from tests.bench.bargein.scripted import canned
from tests.needs import missing, skip_for
from voxint.core.audio import AudioFormat
from voxint.core.stages import Transcript
from voxint.testing.sim import SimAddress

ENGLISH: Language = "en"
LATEST_MS = 2_000.0
"""To silence, on a machine that is busy with other tests; alone it takes 0.3 to 0.6 s."""


class _Understands:
    """A recogniser that takes everything for the same words."""

    audio_format = AudioFormat(wire.RATE)

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        """Hear to the end, then say them."""
        async for _ in audio:
            pass
        await out.send(Transcript("Please tell me the way to the station.", is_final=True))


def spoken() -> Stretch:
    """Return what a person says, or skip."""
    skip_for(missing(files=[PROMPTS], debian="asterisk-core-sounds-en-wav"))
    recording = next(each for each in prompts() if each.name == "vm-nobodyavail")
    pcm = np.frombuffer(recording.at(AudioFormat(wire.RATE)), dtype="<i2")
    return Stretch.of(pcm.astype(np.float64), -6.0, recording.text)


@pytest.mark.parametrize(("peer", "pauses"), [(PIPECAT, False), (LIVEKIT, True)], ids=("pipecat", "livekit"))
async def test_speech_is_answered_and_speech_ends_the_answer(peer: Peer, pauses: bool) -> None:
    """Its own detector hears both. pipecat stops for good at once; livekit pauses first, and ends it at the words."""
    skip_for(environment_of(peer.name).missing)
    said, answer = spoken(), canned(30.0)
    sample = Sample("en-000", "interruption", ENGLISH, "person", -6.0, -60.0, 1, said, Overlap(1_500.0, said))
    with trio.fail_after(180):
        async with trio.open_nursery() as nursery:
            upstream: SimAddress = await nursery.start(partial(serve_upstream, answer, _Understands()))
            async with (
                peer.serve(upstream.base_url, ENGLISH) as url,
                peer.connect(url, ENGLISH) as line,
            ):
                record = await call(line, sample)
            nursery.cancel_scope.cancel(reason="the call is over")
    rated = rate(sample, record, answer)
    assert rated.failure == ""
    assert rated.stopped
    assert rated.onset_to_silence_ms is not None
    assert rated.onset_to_silence_ms < LATEST_MS
    assert (rated.onset_to_hold_ms is not None) is pauses
    assert rated.words == "Please tell me the way to the station."
