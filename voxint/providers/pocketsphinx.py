"""Recognition by pocketsphinx, in processes of this machine that an interruption kills: no network, no key.

The engine holds Python's global lock for up to half a second at a time, which would stall every session of the server;
and what it computes can't be stopped in a thread. So each recogniser is a process with a pipe to it.
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import trio
import trio.abc

from voxint.background import open_background
from voxint.children import bare_environment, confined_command
from voxint.core.audio import AudioFormat
from voxint.core.stages import Transcript
from voxint.core.turns import LANE, Lane, Shared
from voxint.errors import ConfigError, UpstreamError, UpstreamTimeout
from voxint.extras import to_add
from voxint.providers import _pocketsphinx_worker as frames

__all__ = ["PocketSphinx", "demo_sentences"]

DEMO_GRAMMAR = Path(__file__).with_name("demo.gram")

START_S = 10.0
"""Longest a process may take to be ready. Chosen here: it takes 0.15 s, general English 0.6 s, on an idle machine."""

MOST_WORKERS = 256
"""Upper limit of `max_workers`. Chosen here: 5 GB of processes, more than a mistyped number should start."""

MEMORY_MIB = 512
"""Address space of a process. Ours: general English took 132 MiB of it after two minutes of noise, the demo 38."""

ONE_MORE = 1
"""Processes beyond `max_workers`, which one caller alone can't have: who holds all it may leaves one to others."""

RETRY_S = 1.0
"""Pause before another try where a process failed to start, so that a broken machine is not kept busy by it."""


class PocketSphinx:
    """Recognise English with pocketsphinx: `core.stages.SpeechToText`, used as an async context manager.

    It writes a partial transcript when the words have changed, looked at five times a second of audio, and exactly one
    final at the end, with an empty text where nothing was understood, as with silence. A grammar is closed: noise or
    other words may be taken for the sentence that sounds most like them.

    Entering starts the processes; leaving kills them. A process has no environment, no file of ours, a bound on its
    memory, and on Linux no network (`voxint.children`). As with a nursery, an error of the body leaves in a group.

    Args:
        grammar: ``demo`` understands `demo_sentences`; ``general`` (or None) any English, less reliably; else the path
            of a JSGF grammar.
        workers: Processes kept warm, each 25 MB (general English 110 MB); one serves one utterance at a time.
        max_workers: Most processes of one caller (a key; a library has one); those beyond `workers` are started when
            all are busy, and then kept. One more is started for another caller while one has all of these.
        wait_s: Seconds an utterance waits for a free process.

    Raises:
        ConfigError: An option has a bad value; on entering, the `speech` extra is missing or the grammar is no good.
    """

    def __init__(
        self, grammar: str | None = "demo", workers: int = 1, max_workers: int = 4, wait_s: float = 2.0
    ) -> None:
        self._grammar = _grammar_path(grammar)
        self._least = _whole_number("workers", workers, 1)
        self._most = _whole_number("max_workers", max_workers, self._least)
        if isinstance(wait_s, bool) or not isinstance(wait_s, int | float) or not 0 <= wait_s <= 60:
            raise ConfigError("pocketsphinx option wait_s", f"seconds from 0 to 60, not {wait_s!r}")
        self._wait_s = wait_s
        self._audio_format = AudioFormat(16_000)
        self._stack = AsyncExitStack()
        self._pool: _Pool | None = None

    async def __aenter__(self) -> Self:
        if self._pool is not None:
            raise RuntimeError("this PocketSphinx has been entered already")
        self._pool = await self._stack.enter_async_context(_open_pool(self._grammar, self._least, self._most))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool = None
        await self._stack.__aexit__(kind, error, trace)

    @property
    def audio_format(self) -> AudioFormat:
        """16,000 Hz, what the acoustic model was trained on."""
        return self._audio_format

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        """Recognise one utterance. Each piece of audio is answered before the next is read, so none queues up.

        Cancellation kills the process; it is gone and reaped when this raises `trio.Cancelled`, and another one is
        started in the background.

        Raises:
            UpstreamError: Every recogniser was busy for `wait_s`, or this one's process died.
            UpstreamTimeout: The recogniser gave no answer for 10 s.
        """
        pool = self._entered()
        # Not before there is something to recognise: who opens a microphone and says nothing holds no process.
        pcm = await _next(audio)
        heard = text = ""
        if pcm is not None:
            async with pool.worker(self._wait_s) as worker:
                while pcm is not None:
                    text = await worker.ask(frames.AUDIO, pcm)
                    if text and text != heard:
                        heard = text
                        await out.send(Transcript(text, is_final=False))
                    pcm = await _next(audio)
                text = await worker.ask(frames.END)
        await out.send(Transcript(text, is_final=True))

    async def check(self) -> str:
        """Have a recogniser listen to a little silence, entering for that time where need be.

        Raises:
            ConfigError: No recogniser can be started.
            UpstreamError: It was started and failed, or all are busy.
        """
        if self._pool is None:
            async with self:
                return await self.check()
        begin = trio.current_time()
        async with self._pool.worker(self._wait_s) as worker:
            await worker.ask(frames.AUDIO, bytes(self._audio_format.bytes(100)))
            await worker.ask(frames.END)
        return f"a pocketsphinx process answered in {(trio.current_time() - begin) * 1000:.0f} ms"

    def _entered(self) -> _Pool:
        if self._pool is None:
            raise RuntimeError("PocketSphinx owns processes: enter it first, `async with PocketSphinx() as stt`")
        return self._pool


def demo_sentences() -> tuple[str, ...]:
    """Return the sentences that ``grammar="demo"`` understands."""
    _, _, alternatives = DEMO_GRAMMAR.read_text(encoding="utf-8").partition("=")
    return tuple(sentence.strip(" \n;") for sentence in alternatives.split("|"))


async def _next(audio: trio.abc.ReceiveChannel[bytes]) -> bytes | None:
    """Return the next piece; None at the end."""
    try:
        return await audio.receive()
    except trio.EndOfChannel:
        return None


class _Worker:
    """One recogniser process. It is used by one task at a time."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._to = process.stdin
        self._from = process.stdout
        self._received = bytearray()

    async def ask(self, kind: int, payload: bytes = b"") -> str:
        """Send one frame and return the words of its answer.

        Raises:
            UpstreamError: The process has died, or gave no answer in time.
        """
        frame = frames.HEADER.pack(kind, len(payload)) + payload
        try:
            with trio.fail_after(frames.ANSWER_S):
                await self._to.send_all(frame)
                _, answer = await self.receive()
        except trio.TooSlowError:
            raise UpstreamTimeout(
                f"the recogniser gave no answer for {frames.ANSWER_S} s", operator_detail="a pocketsphinx process hangs"
            ) from None
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise UpstreamError(
                "the recogniser failed in mid-utterance; try again",
                operator_detail="a pocketsphinx process died; another is started",
            ) from error
        return answer

    async def receive(self) -> tuple[int, str]:
        """Return the next frame from the process, its kind and text.

        Raises:
            trio.BrokenResourceError: The process has closed its end.
        """
        kind, size = frames.HEADER.unpack(await self._exactly(frames.HEADER.size))
        return kind, (await self._exactly(size)).decode()

    async def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            more = await self._from.receive_some()
            if not more:
                raise trio.BrokenResourceError("the process has closed its pipe")
            self._received += more
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    async def kill(self) -> None:
        """Kill the process, reap it and close its pipes, cancelled or not; safe to call twice.

        Shielded: a killed process ends within milliseconds unless the kernel holds it, hence the bound of a second.
        """
        self.process.kill()
        with trio.move_on_after(1, shield=True):
            await self.process.wait()
        with trio.CancelScope(shield=True):  # closing forcefully never blocks
            await trio.aclose_forcefully(self._to)
            await trio.aclose_forcefully(self._from)


class _Share:
    """What one caller may have of the processes at a time.

    Args:
        most: So many.
    """

    def __init__(self, most: int) -> None:
        self.turns = Shared(*range(most))
        self.users = 0  # those who have one, and those who wait


class _Pool:
    """The processes. A task for each keeps it warm and replaces it when it dies, by whosever hand."""

    def __init__(self, nursery: trio.Nursery, grammar: str, most: int) -> None:
        self._nursery = nursery
        self._grammar = grammar
        self._most = most
        self._kept = 0
        self._users = 0  # those who have a process, and those who wait for one
        self._failure = ""
        # It holds each living process once, and a dead one until somebody meets it.
        self._idle: Shared[_Worker] = Shared()
        self._shares: dict[Lane, _Share] = {}

    @asynccontextmanager
    async def worker(self, wait_s: float) -> AsyncIterator[_Worker]:
        """Lend a process for one utterance: taken back after its end, killed and reaped if the body does not finish.

        Raises:
            UpstreamError: None became free within `wait_s`.
        """
        share = self._shares.setdefault(LANE.get()[:1], _Share(self._most))
        share.users += 1
        turn = None
        try:
            with trio.move_on_after(wait_s):
                turn = await share.turns.take()
            if turn is None:
                raise self._busy(wait_s)
            async with self._lent(wait_s) as worker:
                yield worker
        finally:
            share.users -= 1
            if turn is not None:
                share.turns.put(turn)
            if not share.users:
                self._shares.pop(LANE.get()[:1], None)

    @asynccontextmanager
    async def _lent(self, wait_s: float) -> AsyncIterator[_Worker]:
        self._users += 1
        try:
            worker = await self._take(wait_s)
            finished = False
            try:
                yield worker
                finished = True
            finally:
                if finished:
                    self._idle.put(worker)
                else:
                    await worker.kill()
        finally:
            self._users -= 1

    def add(self, first: _Worker | None = None) -> None:
        """Keep one process more, up to the limit; `first` is one that is ready."""
        if self._kept < self._most + ONE_MORE:
            self._kept += 1
            self._nursery.start_soon(self._keep, first)

    async def _take(self, wait_s: float) -> _Worker:
        if self._users > self._kept:
            self.add()
        with trio.move_on_after(wait_s):
            while True:
                worker = await self._idle.take()
                if worker.process.poll() is None:
                    return worker
        raise self._busy(wait_s)

    def _busy(self, wait_s: float) -> UpstreamError:
        detail = f"all {self._kept} for {wait_s:g} s: raise max_workers{self._failure}"
        return UpstreamError("every recogniser is busy; try again later", operator_detail=detail)

    async def _keep(self, worker: _Worker | None) -> None:
        while True:
            worker = worker or await self._warm()
            self._idle.put(worker)
            try:
                await worker.process.wait()
            finally:
                await worker.kill()
            worker = None

    async def _warm(self) -> _Worker:
        while True:
            try:
                return await _start(self._grammar)
            except (ConfigError, UpstreamError, OSError) as error:
                self._failure = f" (and one failed to start: {error})"
            await trio.sleep(RETRY_S)


@asynccontextmanager
async def _open_pool(grammar: str, least: int, most: int) -> AsyncIterator[_Pool]:
    """Run a pool; ready when the first process is, for the others differ in nothing."""
    try:
        first = await _start(grammar)
    except OSError as error:
        raise ConfigError("pocketsphinx", f"a system that lets processes be started: {error}") from error
    async with open_background() as nursery:
        pool = _Pool(nursery, grammar, most)
        pool.add(first)
        for _ in range(least - 1):
            pool.add()
        yield pool
        nursery.cancel_scope.cancel()


async def _start(grammar: str) -> _Worker:
    """Start a process and wait until it is ready.

    Raises:
        ConfigError: pocketsphinx is not installed there, or can't load the grammar.
        UpstreamError: The process died, or was not ready in time.
        OSError: It can't be started.
    """
    command = confined_command(frames.__file__, grammar, memory_mib=MEMORY_MIB, packages=("pocketsphinx",))
    process = await trio.lowlevel.open_process(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=bare_environment(),
    )
    worker = _Worker(process)
    kind = frames.FAILED
    try:
        with trio.fail_after(START_S):
            kind, why = await worker.receive()
    except trio.TooSlowError:
        raise UpstreamTimeout(f"a pocketsphinx process was not ready after {START_S:.0f} s") from None
    except trio.BrokenResourceError as error:
        raise UpstreamError("a pocketsphinx process died while it started") from error
    finally:
        if kind != frames.READY:
            await worker.kill()
    if kind == frames.MISSING:
        raise ConfigError("pocketsphinx", f"the speech extra: {to_add('speech')}")
    if kind == frames.FAILED:
        raise ConfigError("pocketsphinx option grammar", f"a JSGF grammar of words in the CMU dictionary ({why})")
    return worker


def _grammar_path(grammar: object) -> str:
    """The grammar's file, or nothing for general English."""
    if grammar is None or grammar == "general":
        return ""
    path = DEMO_GRAMMAR if grammar == "demo" else Path(grammar) if isinstance(grammar, str) else None
    if path is None or not path.is_file():
        wanted = f"demo, general, or the path of a JSGF grammar, not {grammar!r}"
        raise ConfigError("pocketsphinx option grammar", wanted)
    return str(path.absolute())


def _whole_number(option: str, value: object, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= MOST_WORKERS:
        raise ConfigError(
            f"pocketsphinx option {option}", f"expected a whole number from {low} to {MOST_WORKERS}, not {value!r}"
        )
    return value
