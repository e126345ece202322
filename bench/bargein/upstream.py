"""The model, the answer's voice and a recogniser as one server in a process of its own, with the simulator's ledger.

The model gives the same long answer to everything, its first word after 200 ms. The voice was made before, so that no
synthesizer takes time from whoever is measured; it is handed out four times as fast as it plays.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
import trio
from attrs import field, frozen

from bench.bargein.canned import Canned
from bench.bargein.line import RATE, Language
from bench.bargein.phrases import PHRASES
from bench.bargein.synthesis import synthesize
from bench.processes import announced
from voxint.cli.agent import open_stage
from voxint.core.resample import load_resampler
from voxint.core.stages import SpeechToText, Transcript
from voxint.core.transcript import join_transcripts
from voxint.net.http import open_http
from voxint.server.config_file import StageConfig
from voxint.server.config_values import Given
from voxint.testing.sim import Sim, SimAddress, SimSettings
from voxint.testing.sim.app import Simulator
from voxint.testing.sim.play import PacedAnswer, SimCall, play

__all__ = ["CHUNK_MS", "RECOGNISERS", "canned_answer", "recogniser_config", "run_upstream", "serve_upstream"]

RECOGNISERS: dict[Language, str] = {"en": "moonshine", "zh": "whisper"}
"""Who hears which language: what voxint has for it."""

SEATS = 16
CHUNK_MS = 80.0
SETTINGS = SimSettings(first_token_s=0.2, token_interval_s=0.02, chunk_ms=CHUNK_MS, chunk_interval_s=0.02)
"""The pace of the benchmark's other runs."""

START_S = 120.0
"""Seconds to start: an engine loads for three, and a machine may be busy."""

SSE = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
PCM = (("content-type", f"audio/pcm;rate={RATE}"),)
JSON = (("content-type", "application/json"),)


def recogniser_config(language: Language) -> StageConfig:
    """Return the recogniser of a language, as a configuration has it."""
    options: dict[str, object] = {"seats": SEATS, **({"language": language} if language == "zh" else {})}
    given = {name: Given(value, "the benchmark", typed=True) for name, value in options.items()}
    return StageConfig("stt", RECOGNISERS[language], "the benchmark", given)


async def canned_answer(language: Language, folder: Path) -> Canned:
    """Return the answer of a language, its sound from the folder of syntheses."""
    phrases = PHRASES[language]
    lines = [(phrases.answerer, sentence) for sentence in phrases.answer]
    sounds = await synthesize(lines, folder)
    return Canned(phrases.answer, [sounds[line] for line in lines])


@asynccontextmanager
async def run_upstream(language: Language, folder: Path) -> AsyncIterator[Sim]:
    """Run the upstream in a process for the block."""
    arguments = ("bench.bargein.upstream", language, str(folder))
    async with announced(*arguments, passed=("VOXINT_ASSETS",), start_s=START_S) as (line, process):
        yield Sim(msgspec.json.decode(line, type=SimAddress), process.pid)


async def serve_upstream(
    canned: Canned,
    recogniser: SpeechToText | None,
    *,
    task_status: trio.TaskStatus[SimAddress] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on a free port until cancelled.

    Args:
        canned: The answer.
        recogniser: Hears what is uploaded; None: nobody does, and an upload is refused.
        task_status: Of `nursery.start`: ready when that returns.
    """
    voice = _Upstream(canned, recogniser)
    simulator = Simulator(
        SETTINGS,
        {
            "/v1/chat/completions": ("chat", voice.chat),
            "/v1/audio/speech": ("speech", voice.speech),
            "/v1/audio/transcriptions": ("transcription", voice.transcription),
        },
    )
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listeners[0].socket.getsockname()[1]
    root = f"http://127.0.0.1:{port}"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(simulator.ticker.run)
        await nursery.start(partial(trio.serve_listeners, simulator.serve, listeners))
        task_status.started(SimAddress(root, f"{root}/v1", port))


@frozen
class _Asked:
    """What is read of a request for speech."""

    input: str
    sample_rate: int = RATE


@frozen
class _Upstream:
    canned: Canned
    recogniser: SpeechToText | None
    limit: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(SEATS))

    async def chat(self, call: SimCall, settings: SimSettings) -> None:
        """Answer with the answer, word by word."""
        call.entry.bytes_received = len(await call.request.read())
        pieces = self._deltas(call.entry.id)
        answer = PacedAnswer(
            pieces,
            lambda _: _chunk(call.entry.id, {}, "stop") + b"data: [DONE]\n\n",
            b"",
            settings.first_token_s,
            settings.token_interval_s,
            SSE,
        )
        await play(call, settings, answer)

    def _deltas(self, number: int) -> Iterator[bytes]:
        chinese = not self.canned.sentences[0].isascii()
        for at, sentence in enumerate(self.canned.sentences):
            words = list(sentence) if chinese else [f"{word} " for word in sentence.split()]
            for place, word in enumerate(words):
                role = {} if at or place else {"role": "assistant"}
                yield _chunk(number, {**role, "content": word})

    async def speech(self, call: SimCall, settings: SimSettings) -> None:
        """Speak a stretch of the answer.

        Raises:
            ValueError: It is none, or another rate is asked for.
        """
        raw = await call.request.read()
        call.entry.bytes_received = len(raw)
        asked = msgspec.json.decode(raw, type=_Asked)
        if asked.sample_rate != RATE:
            raise ValueError(f"`sample_rate` must be {RATE}: what was made before has no other")
        pcm = self.canned.speak(asked.input)
        size = 2 * int(settings.chunk_ms * RATE / 1000)
        pieces = [pcm[at : at + size] for at in range(0, len(pcm), size)]
        pace = PacedAnswer(pieces, lambda _: b"", b"", settings.first_chunk_s, settings.chunk_interval_s, PCM)
        await play(call, settings, pace)

    async def transcription(self, call: SimCall, settings: SimSettings) -> None:
        """Hear an upload, and answer with its words.

        Raises:
            ValueError: There is no recogniser here.
        """
        if self.recogniser is None:
            raise ValueError("this upstream has no recogniser")
        sound, audio = trio.open_memory_channel[bytes](8)
        words, transcripts = trio.open_memory_channel[Transcript](64)
        heard: list[Transcript] = []
        async with self.limit, trio.open_nursery() as nursery:
            nursery.start_soon(_transcribe, self.recogniser, audio, words)
            nursery.start_soon(_collect, transcripts, heard)
            async with sound:
                while piece := await call.request.receive():
                    call.entry.bytes_received += len(piece)
                    await sound.send(piece)
        text = join_transcripts([each.text for each in heard if each.is_final])
        call.entry.outcome = "complete"
        await call.request.respond(200, msgspec.json.encode({"text": text}), headers=JSON)


async def _transcribe(
    recogniser: SpeechToText, audio: trio.MemoryReceiveChannel[bytes], words: trio.MemorySendChannel[Transcript]
) -> None:
    async with audio, words:
        await recogniser.transcribe(audio, words)


async def _collect(transcripts: trio.MemoryReceiveChannel[Transcript], heard: list[Transcript]) -> None:
    async with transcripts:
        heard.extend([each async for each in transcripts])


def _chunk(number: int, delta: dict[str, object], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    head = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 0, "model": "sim"}
    return b"data: " + msgspec.json.encode({**head, "choices": [choice]}) + b"\n\n"


async def _run(language: Language, folder: Path) -> None:
    await load_resampler()
    canned = await canned_answer(language, folder)
    stage = recogniser_config(language)
    async with open_http() as http, open_stage(stage, http) as recogniser, trio.open_nursery() as nursery:
        address = await nursery.start(serve_upstream, canned, cast("SpeechToText", recogniser))
        sys.stdout.write(msgspec.json.encode(address).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    trio.run(_run, cast("Language", sys.argv[1]), Path(sys.argv[2]))
