from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import msgspec
import pytest
import trio
from trio_websocket import WebSocketConnection, open_websocket_url

from bench.environments import TARGETS, environment_of
from bench.targets.plain import FRAME_BYTES, RATE
from voxint.testing.sim import LedgerEntry, Sim, SimAddress

ROOT = Path(__file__).parent.parent.parent
NAMES = {"DIALECT", "PACKAGES", "NOTES", "CANNOT", "run"}

BY_HAND = ("asyncio_httpx", "asyncio_aiohttp", "flag")
ENDS_FIRST = ("asyncio_aiohttp",)
"""Those that acknowledge only when the turn has ended."""

WAIT_S = 20.0
QUANTUM_BYTES = 86

SENTENCES = 4
SENTENCE_S = 0.6
SIM = {
    "content": "numbered",
    "first-token-s": 0.02,
    "token-interval-s": 0.1,
    "tokens": 16,
    "tokens-per-sentence": 16 // SENTENCES,
    "first-chunk-s": 0.02,
    "chunk-interval-s": 0.06,
    "speech-s": SENTENCE_S,
}
"""Slow enough that model and synthesis are both in mid-stream for a while after the first audio."""


def names_of(path: Path) -> set[str]:
    """Return what a module has at its top level, imports included; its own packages may be absent here."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.Assign():
                names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.ImportFrom():
                names |= {alias.asname or alias.name for alias in node.names}
    return names


FILES = {path.stem: names_of(path) for path in sorted(ROOT.joinpath("bench/targets").glob("*.py"))}


@contextmanager
def running(command: list[str]) -> Iterator[dict[str, object]]:
    """Run a process while the block runs; yield the line of JSON that it prints when it listens."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())  # empty if it died; its standard error says why
        finally:
            process.kill()


class Caller:
    """A client of the plain protocol, which keeps what it reads: what model and synthesis said, and events."""

    def __init__(self, ws: WebSocketConnection) -> None:
        self.ws = ws
        self.words: list[str] = []
        self.audio: list[bytes] = []
        self.audio_at: list[float] = []

    async def say(self, **command: object) -> None:
        """Send a command."""
        await self.ws.send_message(json.dumps(command))

    async def ask(self, turn: int) -> None:
        """Ask turn `turn`'s question, with nothing kept of what was before."""
        self.words, self.audio, self.audio_at = [], [], []
        await self.say(ask=turn, text=f"turn {turn}")

    async def speak(self, turn: int, quanta: int) -> None:
        """Send microphone audio, as fast as it goes."""
        for _ in range(quanta):
            await self.ws.send_message(turn.to_bytes(2, "little") * (QUANTUM_BYTES // 2))

    async def until(self, event: str, turn: int) -> None:
        """Read up to an event of a turn."""
        await self._read(lambda message: json.loads(message) == {event: turn} if isinstance(message, str) else False)

    async def until_audio(self) -> None:
        """Read up to the next frame of audio."""
        await self._read(lambda message: isinstance(message, bytes))

    async def _read(self, last: Callable[[str | bytes], bool]) -> None:
        with trio.fail_after(WAIT_S):
            while True:
                message = await self.ws.get_message()
                if isinstance(message, bytes):
                    self.audio.append(message)
                    self.audio_at.append(trio.current_time())
                elif "text" in (event := json.loads(message)):
                    self.words += event["text"].split()
                if last(message):
                    return

    @property
    def turns(self) -> set[int]:
        """Whose words and samples were read."""
        words = {int(word.partition("w")[0].removeprefix("t")) for word in self.words}
        samples = {int.from_bytes(pcm[at : at + 2], "little") for pcm in self.audio for at in range(0, len(pcm), 2)}
        return words | samples


@pytest.fixture(scope="module")
def sim() -> Iterator[Sim]:
    """Return a simulated upstream, started without trio because it outlives the tests."""
    with running([sys.executable, "-m", "voxint.testing.sim", *(f"--{name}={SIM[name]}" for name in SIM)]) as said:
        yield Sim(msgspec.convert(said, SimAddress), 0)


@pytest.fixture(scope="module", params=BY_HAND)
def target(request: pytest.FixtureRequest, sim: Sim) -> Iterator[tuple[str, str]]:
    """Return the name and the URL of a running target."""
    name: str = request.param
    environment = environment_of(name)
    if environment.missing:
        pytest.skip(environment.missing)
    with running([environment.python, "-m", "bench.targets", name, *[sim.base_url] * 3]) as said:
        yield name, str(said["url"])


async def entries(sim: Sim, endpoint: str, *, settled: bool = True) -> list[LedgerEntry]:
    """Return the requests to one endpoint since the ledger was cleared."""
    report = await sim.ledger(settled=settled)
    return [entry for entry in report.requests if entry.endpoint.endswith(endpoint)]


async def hearing(sim: Sim, size: int) -> None:
    """Wait until the transcription has so many bytes; the upstream tells nobody, so it is asked."""
    with trio.fail_after(WAIT_S):
        while sum(entry.bytes_received for entry in await entries(sim, "transcriptions", settled=False)) < size:  # noqa: ASYNC110 - there is no event: the upstream tells nobody
            await trio.sleep(0.01)


def test_every_target_has_its_place() -> None:
    """A target's file has the five names, and `TARGETS` knows it; what `TARGETS` knows has a file."""
    targets = {name: has for name, has in FILES.items() if "DIALECT" in has or name in TARGETS}
    assert {name: NAMES - has for name, has in targets.items() if NAMES - has} == {}
    assert set(targets) == set(TARGETS)


async def test_the_runner_says_where_and_what_runs() -> None:
    """`python -m bench.targets` prints one line of JSON when it listens; there, the echo sends back what it gets."""
    with running([environment_of("echo").python, "-m", "bench.targets", "echo", "", "", ""]) as said:
        assert set(said) == {"url", "versions", "dialect", "notes", "cannot"}
        assert said["dialect"] == "echo"
        assert isinstance(said["versions"], dict)
        assert {"python", "trio-websocket"} <= set(said["versions"])
        with trio.fail_after(WAIT_S):
            async with open_websocket_url(str(said["url"])) as ws:
                await ws.send_message("as it came")
                assert await ws.get_message() == "as it came"


async def test_a_turn_is_answered_as_it_plays(target: tuple[str, str], sim: Sim) -> None:
    """Every word and sample of the answer arrives, audio in frames of 40 ms and no faster than it plays."""
    async with open_websocket_url(target[1]) as ws:
        caller = Caller(ws)
        await caller.ask(7)
        await caller.until("done", 7)
    assert caller.turns == {7}
    assert caller.words == [f"t7w{n}" + "." * ((n + 1) % 4 == 0) for n in range(16)]
    assert {len(frame) for frame in caller.audio} == {FRAME_BYTES}
    assert sum(map(len, caller.audio)) == 2 * round(RATE * SENTENCE_S * SENTENCES)
    played_s = [n * 0.04 for n in range(len(caller.audio))]
    ahead_s = [due - (at - caller.audio_at[0]) for due, at in zip(played_s, caller.audio_at, strict=True)]
    # by medians, as a busy machine may hold single frames up; as fast as it is synthesized, it would gain 0.25 s
    half = len(ahead_s) // 2
    assert median(ahead_s[half:]) - median(ahead_s[:half]) <= 0.15


async def test_a_stop_ends_both_upstreams(target: tuple[str, str], sim: Sim) -> None:
    """Model and synthesis see their connection close; a question right behind is answered, after the one before it.

    What waits for the turn's end before it acknowledges says nothing more of it.
    """
    name, url = target
    await sim.clear()
    async with open_websocket_url(url) as ws:
        caller = Caller(ws)
        await caller.ask(1)
        await caller.until_audio()
        await caller.say(stop=1)
        await caller.say(ask=2, text="turn 2")
        await caller.until("stopped", 1)
        heard = " ".join(caller.words)
        caller.words, caller.audio = [], []
        await caller.until("done", 2)
    assert 2 in caller.turns
    assert caller.turns == {2} or name not in ENDS_FIRST
    first, second = await entries(sim, "completions")
    assert (first.outcome, second.outcome) == ("disconnected", "complete")
    assert second.bytes_received > first.bytes_received + len(heard), "the conversation is kept"
    assert {entry.outcome for entry in await entries(sim, "speech") if entry.turn == 1} <= {"complete", "disconnected"}
    assert [entry.outcome for entry in await entries(sim, "speech") if entry.turn == 1][-1] == "disconnected"


async def test_speech_is_transcribed_while_it_is_spoken(target: tuple[str, str], sim: Sim) -> None:
    """The upload begins before the speaker has ended, and the answer is to its transcript."""
    await sim.clear()
    async with open_websocket_url(target[1]) as ws:
        caller = Caller(ws)
        await caller.say(hear=11)
        await caller.speak(11, 100)
        await hearing(sim, 90 * QUANTUM_BYTES)
        await caller.speak(11, 3)
        await caller.say(heard=11)
        await caller.until_audio()
        await caller.say(stop=11)
        await caller.until("stopped", 11)
    assert caller.turns == {11}
    (upload,) = await entries(sim, "transcriptions")
    assert (upload.outcome, upload.bytes_received) == ("complete", 103 * QUANTUM_BYTES)


async def test_a_stop_ends_an_upload(target: tuple[str, str], sim: Sim) -> None:
    """Recognition sees its connection close; what still comes of the upload is swallowed, and the next is answered."""
    await sim.clear()
    async with open_websocket_url(target[1]) as ws:
        caller = Caller(ws)
        await caller.say(hear=21)
        await caller.speak(21, 50)
        await hearing(sim, 40 * QUANTUM_BYTES)
        await caller.say(stop=21)
        await caller.speak(21, 20)
        await caller.say(heard=21)
        await caller.until("stopped", 21)
        await caller.ask(22)
        await caller.until_audio()
        await caller.say(stop=22)
        await caller.until("stopped", 22)
    assert caller.turns == {22}
    (upload,) = await entries(sim, "transcriptions")
    assert upload.outcome == "disconnected"
    assert [entry.turn for entry in await entries(sim, "completions")] == [22]


async def leave_in_mid_answer(url: str, turn: int) -> None:
    """Ask, and drop the connection after some audio without a word, with more on its way; no library's client can."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    ask = json.dumps({"ask": turn, "text": f"turn {turn}"}).encode()
    read = b""
    async with await trio.open_tcp_stream(parts.hostname, parts.port) as stream:
        await stream.send_all(
            f"GET / HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
        )
        while not read.endswith(b"\r\n\r\n"):
            read += await stream.receive_some()
        await stream.send_all(b"\x81%c\0\0\0\0%b" % (0x80 | len(ask), ask))  # masked, as a client must, with zeros
        while len(read) < 4 * FRAME_BYTES:
            read += await stream.receive_some()


async def test_who_leaves_takes_the_turn_along(target: tuple[str, str], sim: Sim) -> None:
    """Model and synthesis see their connections close, though the turn is in the middle of a send to nobody."""
    await sim.clear()
    with trio.fail_after(WAIT_S):
        async with trio.open_nursery() as nursery:
            for turn in range(31, 41):
                nursery.start_soon(leave_in_mid_answer, target[1], turn)
    assert [entry.outcome for entry in await entries(sim, "completions")] == ["disconnected"] * 10
    assert {entry.outcome for entry in await entries(sim, "speech")} <= {"complete", "disconnected"}
