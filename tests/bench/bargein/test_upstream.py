"""The upstream, over a real socket: its answer's text and sound, and what it hears."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import trio
import trio.abc

from bench.bargein.line import RATE
from bench.bargein.upstream import serve_upstream
from tests.bench.bargein.scripted import canned
from voxint.core.audio import AudioFormat
from voxint.core.stages import Speech, Transcript
from voxint.net.http import HttpClient, open_http
from voxint.net.sse import EventParser
from voxint.testing.sim import Sim, SimAddress
from voxint.testing.upstream_stages import HttpSpeech

ANSWER = canned(1.0)


class _Counts:
    """A recogniser that tells how much it was given."""

    audio_format = AudioFormat(RATE)

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        size = 0
        async for piece in audio:
            size += len(piece)
        await out.send(Transcript("a part", is_final=False))
        await out.send(Transcript(f"{size} bytes", is_final=True))


@asynccontextmanager
async def _served() -> AsyncIterator[tuple[Sim, HttpClient]]:
    async with open_http() as http, trio.open_nursery() as nursery:
        address: SimAddress = await nursery.start(serve_upstream, ANSWER, _Counts())
        yield Sim(address, 0), http
        nursery.cancel_scope.cancel(reason="it was asked")


async def test_writes_the_answer_word_by_word() -> None:
    """The same to every question, and the ledger counts its words."""
    async with _served() as (sim, http):
        text = ""
        body = {"messages": [{"role": "user", "content": "what?"}], "model": "sim", "stream": True}
        parser = EventParser()
        async with http.stream("POST", f"{sim.base_url}/chat/completions", json=body) as response:
            async for piece in response.aiter_bytes():
                for event in parser.feed(piece):
                    if event.data != b"[DONE]":
                        delta = msgspec.json.decode(event.data)["choices"][0]["delta"]
                        text += delta.get("content", "")
        assert text.split() == " ".join(ANSWER.sentences).split()
        (entry,) = (await sim.ledger(settled=True)).requests
        assert entry.tokens_generated == len(text.split())


async def test_speaks_what_a_server_cuts() -> None:
    """Stretches of the answer, however they are cut, are its sound without a seam."""
    async with _served() as (sim, http):
        speech = HttpSpeech(http, sim.base_url, AudioFormat(RATE))
        texts, words = trio.open_memory_channel[str](8)
        sound, heard = trio.open_memory_channel[Speech](1000)
        async with texts, sound:
            for piece in ("This is", "the first sentence. And here", "the second ends."):
                texts.send_nowait(piece)
            texts.close()
            await speech.synthesize(words, sound)
        assert b"".join([each.audio async for each in heard]) == ANSWER.pcm


async def test_hears_an_upload() -> None:
    """What comes is the recogniser's, and its settled words are the answer."""
    async with _served() as (sim, http):
        url = f"{sim.base_url}/audio/transcriptions?sample_rate={RATE}"
        async with http.stream("POST", url, content=bytes(64_000)) as response:
            heard = b"".join([piece async for piece in response.aiter_bytes()])
        assert msgspec.json.decode(heard) == {"text": "64000 bytes"}


async def test_other_text_is_refused() -> None:
    """A server that speaks what the model did not write is told so."""
    async with (
        _served() as (sim, http),
        http.stream("POST", f"{sim.base_url}/audio/speech", json={"input": "hello"}) as response,
    ):
        assert response.status_code == 400
