"""Callers who converse with a server whose recogniser and voice are on this machine."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from bench.conversation import Conversation, converse, loop_lag, to_text
from bench.recordings import Recording
from tests.bench.sounds import recorded
from tests.providers.recordings import readings
from voxint.core.audio import AudioFormat
from voxint.core.stages import Transcript
from voxint.errors import UpstreamError

LIMIT_S = 120.0
"""For a server to start and two utterances; a machine that is busy is far below it."""


class Deaf:
    """A recogniser that understands nobody; the server of the test below loads it by its name."""

    audio_format = AudioFormat(16_000)

    async def transcribe(
        self, audio: trio.MemoryReceiveChannel[bytes], transcripts: trio.MemorySendChannel[Transcript]
    ) -> None:
        """Fail once somebody speaks."""
        await audio.receive()
        raise UpstreamError("deaf")


async def conversed(recordings: Sequence[Recording], rounds: int, *, stt: str) -> Conversation:
    """Let one caller converse."""
    with trio.fail_after(LIMIT_S):
        return await converse(1, rounds, recordings, seed=1, stt=stt, tts="espeak")


async def test_a_caller_hears_answers_and_interrupts_them() -> None:
    """Each utterance has its times, its receipt and its memory, and the loop's lag is the server's own."""
    audio, text = min(readings(), key=lambda reading: len(reading[0]))
    told = await conversed([Recording("", "", text, audio, AudioFormat(16_000))], 2, stt="pocketsphinx")
    assert told.failed == []
    assert [len(each) for each in (told.first_text_ms, told.voice_to_voice_ms, told.ack_ms, told.stop_ms)] == [2] * 4
    pairs = zip(told.first_text_ms, told.voice_to_voice_ms, strict=True)
    assert all(text_ms <= voice_ms for text_ms, voice_ms in pairs)
    assert sum(told.states.values()) == 2
    assert told.server_mib > 20
    counts = list(told.lag.values())
    assert counts == sorted(counts)
    assert counts[-1] > 100


async def test_a_failure_is_counted_and_the_caller_goes_on() -> None:
    """Once for each utterance, in the server's words."""
    told = await conversed([recorded("yes")], 2, stt="tests.bench.test_conversation:Deaf")
    assert told.failed == 2 * ["UPSTREAM_ERROR deaf"]
    assert told.voice_to_voice_ms == []


def test_the_lag_is_read_out_of_the_metrics() -> None:
    """Of the one histogram, whatever stands around it."""
    text = """\
# TYPE voxint_loop_lag_seconds histogram
voxint_loop_lag_seconds_bucket{le="0.001"} 90
voxint_loop_lag_seconds_bucket{le="+Inf"} 100
voxint_loop_lag_seconds_sum 0.5
another_voxint_loop_lag_seconds_bucket{le="0.001"} 7
"""
    assert loop_lag(text) == {"0.001": 90, "+Inf": 100}


def test_the_figures_are_told_in_lines() -> None:
    """Percentiles by the nearest rank, each failure with its count, and passes of the loop that were too long."""
    told = Conversation(4, voice_to_voice_ms=[256.0, 64.0, 128.0, 512.0], ack_ms=[2.0], states={"closed": 4})
    told.failed += ["busy", "busy"]
    told.lag |= {"0.001": 90, "0.005": 97, "0.01": 99, "+Inf": 100}
    lines = [" ".join(line.split()) for line in to_text([told]).splitlines()]
    assert lines[2:] == [
        "4 callers, 4 answers, 0 MiB",
        "first_text_ms none",
        "voice_to_voice_ms p50 128.0 p95 512.0 p99 512.0 most 512.0",
        "ack_ms p50 2.0 p95 2.0 p99 2.0 most 2.0",
        "stop_ms none",
        "voice in receipts {'closed': 4}",
        "passes of the loop 100, longer than seconds: {'0.005': 3, '0.01': 1, '+Inf': 0}",
        "failed {'busy': 2}",
    ]
