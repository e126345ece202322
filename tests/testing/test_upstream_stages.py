from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import pytest
import trio

from tests.testing.simulated import simulated
from voxint.core.stages import Speech, SpeechToText, TextToSpeech, Transcript
from voxint.errors import UpstreamError
from voxint.testing.upstream_stages import HttpSpeech, HttpTranscription

In = TypeVar("In")
Out = TypeVar("Out")


async def collect(
    stage: Callable[[trio.abc.ReceiveChannel[In], trio.abc.SendChannel[Out]], Awaitable[None]], given: Sequence[In]
) -> list[Out]:
    """Run a stage on the given items and return what it wrote."""
    give, taken = trio.open_memory_channel[In](len(given))
    told, heard = trio.open_memory_channel[Out](1000)
    for item in given:
        give.send_nowait(item)
    give.close()
    await stage(taken, told)
    told.close()
    return [item async for item in heard]


async def test_speech_marks_where_each_text_begins() -> None:
    """Every piece of text is spoken in order, and its first audio, and no other, bears the text."""
    async with simulated(content="numbered", speech_s=0.2) as upstream:
        stage: TextToSpeech = HttpSpeech(upstream.http, upstream.sim.base_url)
        spoken: list[Speech] = await collect(stage.synthesize, ["t1w0.", "t2w0."])
    assert [speech.text for speech in spoken if speech.text is not None] == ["t1w0.", "t2w0."]
    assert spoken[0].text == "t1w0."
    samples = array("h", b"".join(speech.audio for speech in spoken))
    assert samples == array("h", [1] * 4800 + [2] * 4800)


async def test_transcription_writes_partials_and_the_final() -> None:
    """Partials grow word by word, and one final transcript ends them."""
    async with simulated(transcript="it is me") as upstream:
        stage: SpeechToText = HttpTranscription(upstream.http, upstream.sim.base_url)
        told: list[Transcript] = await collect(stage.transcribe, [bytes(640)] * 3)
        assert (await upstream.last()).bytes_received == 1920
    *partials, final = told
    assert [partial.text for partial in partials] == ["it ", "it is ", "it is me"]
    assert not any(partial.is_final for partial in partials)
    assert final == Transcript("it is me", is_final=True)


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"status": 503}, 503),
        ({"status": 401}, 401),
        ({"reset_after": 1}, None),
        ({"garbage_after": 1}, None),
    ],
)
async def test_upstream_faults_are_errors_of_the_provider(settings: dict[str, Any], status: int | None) -> None:
    """A refusal, a reset and nonsense are `UpstreamError` of either stage; only some refusals are final."""
    async with simulated(**settings) as upstream:
        speech = HttpSpeech(upstream.http, upstream.sim.base_url)
        transcription = HttpTranscription(upstream.http, upstream.sim.base_url)
        with pytest.raises(UpstreamError) as spoken:
            await collect(speech.synthesize, ["hello there"])
        with pytest.raises(UpstreamError) as heard:
            await collect(transcription.transcribe, [bytes(640)])
    assert (spoken.value.status, heard.value.status) == (status, status)
    assert spoken.value.retryable == heard.value.retryable == (status != 401)


async def test_transcription_without_a_final_is_an_error() -> None:
    """An answer that ends early is not taken for the whole."""
    async with simulated(transcript="it is me", truncate_after=2) as upstream:
        stage = HttpTranscription(upstream.http, upstream.sim.base_url)
        with pytest.raises(UpstreamError, match="final"):
            await collect(stage.transcribe, [bytes(640)])


async def test_cancelled_speech_closes_its_connection() -> None:
    """The upstream sees a cancelled synthesis leave, with speech that nobody reads still to come."""
    async with simulated(speech_s=1000.0, chunk_interval_s=0.005) as upstream:
        stage = HttpSpeech(upstream.http, upstream.sim.base_url)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(collect, stage.synthesize, ["hello"])
            await upstream.until(lambda entry: entry.tokens_written > 3)
            nursery.cancel_scope.cancel()
        entry = await upstream.last()
        assert (entry.outcome, entry.tokens_after_disconnect) == ("disconnected", 0)


@pytest.mark.parametrize("upload_ends", [False, True])
async def test_cancelled_transcription_closes_its_connection(upload_ends: bool) -> None:
    """The upstream sees a cancelled recognition leave, within the upload and while it thinks after it."""
    async with simulated(stall_headers=True) as upstream:
        stage = HttpTranscription(upstream.http, upstream.sim.base_url)
        give, taken = trio.open_memory_channel[bytes](1)
        told, _heard = trio.open_memory_channel[Transcript](0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.transcribe, taken, told)
            await give.send(bytes(640))
            if upload_ends:
                give.close()
            stalled = "stalled" if upload_ends else "open"
            await upstream.until(lambda entry: entry.bytes_received == 640 and entry.outcome == stalled)
            nursery.cancel_scope.cancel()
        assert (await upstream.last()).outcome == "disconnected"
