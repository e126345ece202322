"""What recognisers of whole sounds share: their processes, their voice detector, and how many callers they carry."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import trio
import trio.abc

from voxint.core.audio import AudioFormat
from voxint.core.stages import Transcript
from voxint.providers._pool_owner import PoolOwner
from voxint.providers._recognition import Desk, recognise
from voxint.providers._recognition_job import RECOGNISE, packed, unpacked
from voxint.providers._recognition_speech import Cuts, Recognised
from voxint.providers.silero import Silero
from voxint.workers.pool import WorkerPool, open_pool
from voxint.workers.process import WorkerKind

__all__ = ["RecogniserHost"]

SPEED_A_SEAT = 8.0
"""Times faster than speech that a process has to be for a caller. Ours, from a process 45 times faster than speech on a
busy machine: of 4 who spoke all the time, half had their final within 0.16 s and 95 % within 0.41 s; of 10, within 0.3
and 1.6 s. Callers in a conversation listen half of the time."""


class RecogniserHost(PoolOwner):
    """Recognisers in processes, behind a voice detector: the base of their providers, an async context manager.

    Args:
        kind: What kind of process. Its engine does `RECOGNISE` jobs, and tells its ``speed`` when it is ready: how many
            times faster than speech it is.
        find_files: Returns what the process finds in `sys.argv`. It blocks, and is called in a thread.
        workers: How many processes.
        wait_s: Seconds that an utterance waits for one.
        seats: How many callers it carries; None: as many as the speed allows.
        cuts: Where speech is cut.
        lets_go: Whether the engine lets go of a job at once.

    Attributes:
        seats: Callers that it carries at once; None where that is to be measured and it was not entered yet.
    """

    def __init__(
        self,
        kind: WorkerKind,
        find_files: Callable[[], Sequence[str]],
        *,
        workers: int,
        wait_s: float,
        seats: int | None,
        cuts: Cuts,
        lets_go: bool = True,
    ) -> None:
        super().__init__()
        self._audio_format = AudioFormat(16_000)
        self.seats = seats
        self._kind = kind
        self._find_files = find_files
        self._workers = workers
        self._wait_s = wait_s
        self._cuts = cuts
        self._detector = Silero()
        self._desk = Desk(self._ask, workers, wait_s, lets_go=lets_go)

    async def _open(self, stack: AsyncExitStack) -> WorkerPool:
        await stack.enter_async_context(self._detector)
        # In a thread, for it asks the disk for the files. Cancelled, it waits for the thread.
        arguments = await trio.to_thread.run_sync(self._find_files)
        pool = await stack.enter_async_context(
            open_pool(self._kind, arguments, least=self._workers, most=self._workers)
        )
        if self.seats is None:
            speed = float(json.loads(pool.ready)["speed"])
            at_once = min(self._workers, os.cpu_count() or 1)
            self.seats = max(1, int(at_once * speed / SPEED_A_SEAT))
        return pool

    @property
    def audio_format(self) -> AudioFormat:
        """16,000 Hz, what the model was trained on."""
        return self._audio_format

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        """Recognise one utterance.

        Cancelled, its process has let go of it, or is dead, when this raises `trio.Cancelled`.

        Raises:
            UpstreamError: Every process was busy for `wait_s`, or this one's died.
            UpstreamTimeout: A process gave no answer in time.
        """
        await self._recognise(audio, out)

    async def _recognise(
        self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript], hint: bytes = b""
    ) -> None:
        self._entered()
        await recognise(audio, out, self._detector, self._desk, self._cuts, hint)

    async def _try_out(self) -> str:
        """Have a process hear a second of silence."""
        begin = trio.current_time()
        async with self._desk.turn_to_settle():
            await self._ask(bytes(self._audio_format.bytes(1000)), b"")
        took_ms = (trio.current_time() - begin) * 1000
        return f"a {self._kind.name} process heard a second of silence in {took_ms:.0f} ms; seats for {self.seats}"

    async def _ask(self, pcm: bytes, hint: bytes) -> Recognised:
        async with self._entered().worker(self._wait_s) as worker:
            hint, words = unpacked(await worker.ask(RECOGNISE, packed(hint, pcm)))
        return Recognised(words.decode(errors="replace"), hint)
