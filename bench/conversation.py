"""How long people wait who talk to a machine with models of its own: ``python -m bench conversation``.

The server, with its recogniser and its voice, is a process; the model is the simulated upstream, its first word after
200 ms. Callers speak human recordings in real time, listen, interrupt, and speak again. What is told is what a caller
waits for, how long an interruption takes while others are heard and spoken to, and how long the server's event loop was
away meanwhile, by its own measure.
"""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psutil
import trio
from attrs import Factory, define, frozen

from bench.processes import announced
from bench.recordings import Recording
from voxint.cli.agent import open_agent
from voxint.client import Client, RemoteReply, connect
from voxint.core.audio import AudioFormat
from voxint.core.events import Voice
from voxint.core.resample import load_resampler
from voxint.errors import ServerError
from voxint.logs import leaves
from voxint.measure.distribution import Distribution
from voxint.net.http import open_http
from voxint.server.collector import calm_collector
from voxint.server.config import ServerConfig
from voxint.server.config_file import Config, StageConfig
from voxint.server.config_values import Given
from voxint.server.serve import serve
from voxint.testing.sim import serve_sim

__all__ = ["Conversation", "converse", "loop_lag", "to_text"]

MICROPHONE = AudioFormat(16_000)
PIECE_MS = 20.0

LISTENS_S = (0.2, 2.5)
"""How long a caller listens before interrupting, at random; ours: from the first word to the end of a sentence."""

SILENT_S = 20.0
"""How long a caller waits for the first word; ours: what takes longer is lost, and told as such."""

START_S = 90.0
"""Seconds for the server to be ready; ours: loading takes three."""

LAG = re.compile(r'^voxint_loop_lag_seconds_bucket\{le="([^"]+)"\} (\d+)', re.MULTILINE)

PAUSE_S = 0.5
"""Before a caller tries again after a failure; ours."""

SEATED = frozenset({"kokoro", "moonshine", "whisper"})
"""Engines that refuse callers at the door."""

SEATS = 64
"""Of each of those: here nobody is refused, for it is to be seen what happens then."""

PERCENTILES = (50, 95, 99)

HELD_S = 0.005
"""A pass of the event loop from which on it counts as held; ours: the bound that the engines are to keep."""


@define
class Conversation:
    """What callers met, in milliseconds.

    Args:
        callers: How many spoke at once.
        first_text_ms: From the end of an utterance to the first word of its answer: recognition, and the model.
        voice_to_voice_ms: From the end of an utterance to the first sound of its answer.
        ack_ms: From an interruption written to its acknowledgement read.
        stop_ms: From an interruption read to the request's end, by the server's receipts.
        states: How often each state of the voice stood in a receipt.
        failed: What requests failed with.
        lag: Passes of the event loop up to so many seconds, by the upper limit.
        server_mib: Resident memory of the server and its engines.
    """

    callers: int
    first_text_ms: list[float] = Factory(list)
    voice_to_voice_ms: list[float] = Factory(list)
    ack_ms: list[float] = Factory(list)
    stop_ms: list[float] = Factory(list)
    states: dict[str, int] = Factory(dict)
    failed: list[str] = Factory(list)
    lag: dict[str, int] = Factory(dict)
    server_mib: float = 0.0


@frozen
class Served:
    """The server under load.

    Args:
        url: Its WebSocket.
        process: Its process.
    """

    url: str
    process: psutil.Process

    @property
    def metrics_url(self) -> str:
        """Where its figures are."""
        return self.url.replace("ws://", "http://").removesuffix("/ws/agent/stream") + "/metrics"

    def memory_mib(self) -> float:
        """Return what it and its engines' processes have in memory."""
        every = [self.process, *self.process.children(recursive=True)]
        return sum(each.memory_info().rss for each in every) / 2**20


async def converse(
    callers: int,
    rounds: int,
    recordings: Sequence[Recording],
    *,
    seed: int,
    stt: str = "moonshine",
    tts: str = "kokoro",
) -> Conversation:
    """Have so many callers converse with a fresh server, each for so many utterances.

    Args:
        callers: At once; they come one after the other within a second.
        rounds: Utterances of each.
        recordings: What they say.
        seed: Of what is said by whom, and when it is interrupted.
        stt: The recogniser.
        tts: The voice.
    """
    told = Conversation(callers)
    await load_resampler()
    voices = [each.at(MICROPHONE) for each in recordings]
    async with trio.open_nursery() as nursery:
        sim = await nursery.start(serve_sim)
        async with _server(sim.base_url, stt, tts) as server:
            async with trio.open_nursery() as talking:
                for number in range(callers):
                    talking.start_soon(_caller, server.url, voices, rounds, random.Random(f"{seed} {number}"), told)
                    await trio.sleep(1 / callers)
            told.server_mib = server.memory_mib()
            async with open_http() as http, http.stream("GET", server.metrics_url) as response:
                text = b"".join([piece async for piece in response.aiter_bytes()]).decode()
            told.lag = loop_lag(text)
        nursery.cancel_scope.cancel(reason="all have spoken")
    return told


def loop_lag(metrics: str) -> dict[str, int]:
    """Return how many passes of the event loop took up to so many seconds, by the upper limit as Prometheus has it."""
    return {limit: int(count) for limit, count in LAG.findall(metrics)}


async def _caller(url: str, voices: Sequence[bytes], rounds: int, chance: random.Random, told: Conversation) -> None:
    async with connect(url, require_tts=True, features=("binary_audio",), output_rate=24_000) as client:
        for _ in range(rounds):
            try:
                await _round(client, chance.choice(voices), chance.uniform(*LISTENS_S), told)
            except* ServerError as group:
                told.failed += [
                    f"{error.code} {error.message}" for error in leaves(group) if isinstance(error, ServerError)
                ]
                await trio.sleep(PAUSE_S)


async def _round(client: Client, voice: bytes, listens_s: float, told: Conversation) -> None:
    reply = await client.send_voice(_spoken(voice), require_tts=True)
    async with trio.open_nursery() as nursery:
        sounds = trio.Event()
        nursery.start_soon(_listen, reply, sounds)
        with trio.move_on_after(SILENT_S + MICROPHONE.bytes_ms(len(voice)) / 1000) as waited:
            await sounds.wait()
        if waited.cancelled_caught or reply.t_first_voice is None or reply.t_input_end is None:
            told.failed.append("no sound came")
        else:
            told.first_text_ms.append(((reply.t_first_text or reply.t_first_voice) - reply.t_input_end) * 1000)
            told.voice_to_voice_ms.append((reply.t_first_voice - reply.t_input_end) * 1000)
            await trio.sleep(listens_s)
        receipt = await reply.interrupt()
        if reply.t_ack is not None and reply.t_interrupt is not None:
            told.ack_ms.append((reply.t_ack - reply.t_interrupt) * 1000)
        if receipt is not None:
            told.stop_ms.append(receipt.stop_ms)
            state = receipt.stages["tts"]
            told.states[state] = told.states.get(state, 0) + 1
        nursery.cancel_scope.cancel(reason="it was interrupted")


async def _listen(reply: RemoteReply, sounds: trio.Event) -> None:
    """Read the answer as it comes; one that ends without a sound lets the caller go on, too."""
    async for event in reply:
        if isinstance(event, Voice):
            sounds.set()
    sounds.set()


async def _spoken(voice: bytes) -> AsyncIterator[bytes]:
    piece = MICROPHONE.bytes(PIECE_MS)
    began = trio.current_time()
    for sent in range(0, len(voice), piece):
        await trio.sleep_until(began + MICROPHONE.bytes_ms(sent) / 1000)
        yield voice[sent : sent + piece]


@asynccontextmanager
async def _server(base_url: str, stt: str, tts: str) -> AsyncIterator[Served]:
    arguments = ("bench.conversation", base_url, stt, tts)
    async with announced(*arguments, passed=("VOXINT_ASSETS",), start_s=START_S) as (url, process):
        yield Served(url, process)


async def _serve(base_url: str, stt: str, tts: str) -> None:
    """Run the server of a measurement, and print its address."""

    def stage(kind: Any, provider: str, **options: object) -> StageConfig:
        given = {name: Given(value, "the benchmark", typed=True) for name, value in options.items()}
        return StageConfig(kind, provider, "the benchmark", given)

    def seats(provider: str) -> dict[str, object]:
        return {"seats": SEATS} if provider in SEATED else {}

    config = Config(
        server=ServerConfig(port=0),
        llm=stage("llm", "openai_chat", base_url=base_url, model="sim"),
        stt=stage("stt", stt, **seats(stt)),
        tts=stage("tts", tts, **seats(tts)),
    )
    calm_collector()
    async with open_agent(config) as agent, trio.open_nursery() as nursery:
        server = await nursery.start(serve, agent, config.server)
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()


def to_text(found: Sequence[Conversation]) -> str:
    """Return the figures as a table of text."""
    lines = [f"load average before: {os.getloadavg()[0]:.2f}"]
    for each in found:
        lines += [f"\n{each.callers} callers, {len(each.voice_to_voice_ms)} answers, {each.server_mib:.0f} MiB"]
        for name in ("first_text_ms", "voice_to_voice_ms", "ack_ms", "stop_ms"):
            lines.append(f"  {name:18} {_percentiles(getattr(each, name))}")
        lines.append(f"  voice in receipts  {each.states}")
        total = max(each.lag.values(), default=0)
        above = {limit: total - count for limit, count in each.lag.items() if float(limit) >= HELD_S}
        lines.append(f"  passes of the loop {total}, longer than seconds: {above}")
        if each.failed:
            counted = {words: each.failed.count(words) for words in sorted(set(each.failed))}
            lines.append(f"  failed             {counted}")
    return "\n".join(lines) + "\n"


def _percentiles(values: Sequence[float]) -> str:
    if not values:
        return "none"
    measured = Distribution.of(values)
    told = "  ".join(f"p{share} {measured.percentile(share):.1f}" for share in PERCENTILES)
    return f"{told}  most {measured.maximum:.1f}"


if __name__ == "__main__":
    trio.run(_serve, sys.argv[1], sys.argv[2], sys.argv[3])
