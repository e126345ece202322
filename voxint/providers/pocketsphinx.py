"""Recognition by pocketsphinx, in processes of this machine that an interruption kills: no network, no key.

The engine holds Python's global lock for up to half a second at a time, which would stall every session of the server;
and what it computes can't be stopped in a thread. So each recogniser is a process with a pipe to it.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import trio
import trio.abc

from voxint.core.audio import AudioFormat
from voxint.core.stages import Transcript
from voxint.errors import ConfigError
from voxint.providers import _pocketsphinx_worker
from voxint.providers._options import check_number, check_seconds
from voxint.providers._pocketsphinx_worker import AUDIO, END
from voxint.providers._pool_owner import PoolOwner
from voxint.workers.pool import WorkerPool, open_pool
from voxint.workers.process import WorkerKind

__all__ = ["PocketSphinx", "demo_sentences"]

GRAMMAR = "pocketsphinx option grammar"

DEMO_GRAMMAR = Path(__file__).with_name("demo.gram")

MOST_WORKERS = 256
"""Upper limit of `max_workers`. Chosen here: 5 GB of processes, more than a mistyped number should start."""

WORKER = WorkerKind(
    name="pocketsphinx",
    noun="recogniser",
    script=_pocketsphinx_worker.__file__,
    packages=("pocketsphinx",),
    memory_mib=512,  # general English took 132 after two minutes of noise, the demo 38
    start_s=10.0,  # it takes 0.15 s, general English 0.6 s, on an idle machine
    answer_s=10,  # the end of 11 s of general English took half a second
)
"""Its process, with our bounds. It keeps an utterance from one job to the next, so an interruption kills it."""

ONE_MORE = 1
"""Processes beyond `max_workers`, which one caller alone can't have: who holds all it may leaves one to others."""


class PocketSphinx(PoolOwner):
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
        super().__init__()
        self._grammar = _grammar_path(grammar)
        self._least = check_number("pocketsphinx option workers", workers, 1, MOST_WORKERS)
        self._most = check_number("pocketsphinx option max_workers", max_workers, self._least, MOST_WORKERS)
        self._wait_s = check_seconds("pocketsphinx option wait_s", wait_s)
        self._audio_format = AudioFormat(16_000)

    languages: Final = ("en",)
    """What a caller can choose: there is English alone."""

    def hearing(self, language: str) -> PocketSphinx:
        """Return itself: it hears English, whatever it is told."""
        return self

    async def _open(self, stack: AsyncExitStack) -> WorkerPool:
        pool = open_pool(WORKER, (self._grammar,), least=self._least, most=self._most, spare=ONE_MORE)
        return await stack.enter_async_context(pool)

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
                    text = (await worker.ask(AUDIO, pcm)).decode()
                    if text and text != heard:
                        heard = text
                        await out.send(Transcript(text, is_final=False))
                    pcm = await _next(audio)
                text = (await worker.ask(END)).decode()
        await out.send(Transcript(text, is_final=True))

    async def _try_out(self) -> str:
        """Have a recogniser listen to a little silence."""
        begin = trio.current_time()
        async with self._entered().worker(self._wait_s) as worker:
            await worker.ask(AUDIO, bytes(self._audio_format.bytes(100)))
            await worker.ask(END)
        return f"a pocketsphinx process answered in {(trio.current_time() - begin) * 1000:.0f} ms"


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


def _grammar_path(grammar: object) -> str:
    """The grammar's file, or nothing for general English."""
    if grammar is None or grammar == "general":
        return ""
    path = DEMO_GRAMMAR if grammar == "demo" else Path(grammar) if isinstance(grammar, str) else None
    if path is None or not path.is_file():
        raise ConfigError(GRAMMAR, f"write demo, general, or the path of a JSGF grammar, not {grammar!r}")
    return str(path.absolute())
