"""Whether somebody has come to the end of what they want to say, by Smart Turn, in processes of this machine.

The model hears how something is said: the fall of a voice at the end of a question, and the held tone of somebody who
looks for a word. It needs no transcript and no network, and knows 23 languages, English and Chinese among them.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from pathlib import Path

import trio

from voxint.assets import find
from voxint.core.audio import AudioFormat
from voxint.providers import _smart_turn_worker
from voxint.providers._model_files import model_file
from voxint.providers._options import check_folder, check_number, check_seconds
from voxint.providers._pool_owner import PoolOwner
from voxint.providers._smart_turn_worker import JUDGE, unpacked
from voxint.workers.pool import WorkerPool, open_pool
from voxint.workers.process import WorkerKind

__all__ = ["SmartTurn"]

FILE = "smart-turn"
"""The model's name in the table of files."""

MOST_WORKERS = 32
"""Upper limit of `workers` and `threads`. Chosen here: more than a mistyped number should start."""

HEARD_S = 8
"""Seconds that the model hears. Its own."""

WORKER = WorkerKind(
    name="smart_turn",
    noun="end-of-turn detector",
    script=_smart_turn_worker.__file__,
    packages=("onnxruntime", "numpy", "attr"),
    memory_mib=768,
    start_s=30.0,  # it takes 0.5 s on an idle machine
    answer_s=2,  # it takes 0.05 s on an idle machine; who waits longer has decided by the words alone
    abort_s=0.15,  # it lets go within a step of the model
    threads=True,
    remedy="raise workers",
    nice=5,  # the event loop, and a voice that must not falter, come first
)
"""Its process, with our bounds."""


class SmartTurn(PoolOwner):
    """Hear whether a turn is complete: `core.ears.turn_detector.TurnDetector`, used as an async context manager.

    A question takes 0.05 s of one core, however long the utterance is. One that is cancelled is let go of within a
    step of the model; a process that does not in 0.15 s is killed, and another is started.

    Entering starts the processes; leaving kills them. A process has no environment, a bound on its memory, and on Linux
    no network (`voxint.children`); the system prefers other processes to it. As with a nursery, an error of the body
    leaves in a group.

    Args:
        workers: Processes, each 120 MB. One serves all callers in turn; it is asked once or twice in each utterance.
        threads: Threads with which a process computes.
        wait_s: Seconds that a question waits for a process, before it fails with an error. Ours: about as long as the
            silence lasts that it is asked in.
        assets: A folder with the model's file, looked in first; None: the one of the environment, if any.

    Raises:
        ConfigError: An option has a bad value; on entering, the `speech` extra is missing, or the model's file.
    """

    def __init__(
        self, workers: int = 1, threads: int = 1, wait_s: float = 1.0, assets: str | Path | None = None
    ) -> None:
        super().__init__()
        self._folder = check_folder("smart_turn option assets", assets)
        self._workers = check_number("smart_turn option workers", workers, 1, MOST_WORKERS)
        self._threads = check_number("smart_turn option threads", threads, 1, MOST_WORKERS)
        self._wait_s = check_seconds("smart_turn option wait_s", wait_s)
        self._audio_format = AudioFormat(16_000)

    async def _open(self, stack: AsyncExitStack) -> WorkerPool:
        # In a thread, for it asks the disk for the file. Cancelled, it waits for the thread.
        asset = await trio.to_thread.run_sync(find, FILE, self._folder)
        arguments = (json.dumps(model_file(asset)), str(self._threads))
        kind = WORKER.with_threads(self._threads)
        return await stack.enter_async_context(open_pool(kind, arguments, least=self._workers, most=self._workers))

    @property
    def audio_format(self) -> AudioFormat:
        """16,000 Hz."""
        return self._audio_format

    async def complete(self, pcm: bytes) -> float:
        """Return the probability, 0 to 1, that the turn is complete.

        Cancelled, the process has let go of it when this raises `trio.Cancelled`, or it is dead and is replaced.

        Args:
            pcm: The utterance up to now, 16-bit samples at 16 kHz; its last 8 seconds are heard.

        Raises:
            UpstreamError: Every process was busy for `wait_s`, or this one failed.
            UpstreamTimeout: There was no answer for 2 s.
            RuntimeError: It was not entered.
        """
        heard = pcm[-self._audio_format.bytes(1000 * HEARD_S) :]
        async with self._entered().worker(self._wait_s) as worker:
            return unpacked(await worker.ask(JUDGE, heard))

    async def _try_out(self) -> str:
        """Have it hear a second of silence."""
        begin = trio.current_time()
        await self.complete(bytes(self._audio_format.bytes(1000)))
        took_ms = (trio.current_time() - begin) * 1000
        return f"the end-of-turn detector took {took_ms:.0f} ms"
