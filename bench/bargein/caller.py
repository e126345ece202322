"""One call: the microphone runs from its first moment to its last, and what comes is played.

As a process it makes one call after the other: a job on standard input, a record for each of its samples on standard
output, in MessagePack behind its size.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable

import msgspec
import trio
from attrs import define, field, frozen

from bench.bargein.line import (
    PIECE_MS,
    RATE,
    Audio,
    Ended,
    Flushed,
    Heard,
    Line,
    LineEvent,
    Paused,
    Resumed,
    Transcribed,
)
from bench.bargein.microphone import Microphone
from bench.bargein.player import Player
from bench.bargein.record import Happened, Record
from bench.bargein.samples import Sample
from bench.bargein.systems import system

__all__ = ["AFTER_S", "Job", "call"]

BEFORE_S = 0.6
"""Of silence before the question; ours: a detector has met the room by then."""

AFTER_S = 4.0
"""For which a call goes on behind the overlap; ours: a hold's own limit of 2 s, and a new answer, fit in."""

ECHO_AFTER_S, ECHO_S = 0.3, 5.0
"""Of the answer where nothing but its echo comes into it, from when and for how long; ours: two sentences, from where
the answer is no longer one to half a question."""

ANSWER_S = 12.0
"""For the first sound of the answer, from the end of the question; a call without one has failed."""

PIECE = PIECE_MS * RATE // 1000


@frozen
class Job:
    """Calls to make, one after the other.

    Args:
        system: With which system.
        url: Where its server is.
        samples: Of what.
    """

    system: str
    url: str
    samples: list[Sample]


async def call(line: Line, sample: Sample) -> Record:
    """Make a call, and return its record; one that failed says so.

    Args:
        line: A line that was opened for this call.
        sample: What the caller says, and what comes into the answer.
    """
    return await _Call(line, sample, Microphone(sample.seed, sample.room_db, sample.echo)).run()


@define(eq=False)
class _Call:
    line: Line
    sample: Sample
    microphone: Microphone
    player: Player = field(factory=Player)
    began: float = 0.0
    kept_from: int = 0  # what sounded before was thrown away: it was an answer to half a question
    record: Record = field(init=False)
    ends: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        asked, question = int(BEFORE_S * RATE), self.sample.question
        self.record = Record(self.sample.name, 0.0, (asked + question.onset, asked + question.end))
        self.microphone.say(question, asked)
        self.ends = self.record.question[1] + int(ANSWER_S * RATE)

    async def run(self) -> Record:
        self.began, self.record.began = trio.current_time(), time.monotonic()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen)
            try:
                await self._speak()
            except trio.BrokenResourceError:
                self.record.failure = "the connection was lost"
            nursery.cancel_scope.cancel(reason="the call is over")
        record = self.record
        if not self.player.sounded:
            record.failure = record.failure or "no answer came"
        record.input, record.output = bytes(self.microphone.track), bytes(self.player.track)
        record.sounded = self.player.sounded
        return record

    async def _speak(self) -> None:
        """Send the microphone, piece by piece, each when its last sample has sounded."""
        while self.microphone.now < self.ends:
            end = self.microphone.now + PIECE
            await trio.sleep_until(self.began + end / RATE)
            self.player.advance(end)
            if self.record.overlap is None:
                self._place()
            pcm = self.microphone.take(PIECE, self.player.track)
            await self.line.send(pcm)
            late_ms = (trio.current_time() - self.began - end / RATE) * 1000
            self.record.late_ms = max(self.record.late_ms, late_ms)

    def _place(self) -> None:
        """Let the overlap come at its time behind the first sound of an answer that has not been thrown away."""
        overlap, at = self.sample.overlap, self.microphone.now
        answered = next((each.at for each in self.player.sounded if each.at + each.count > self.kept_from), None)
        after_s = ECHO_AFTER_S if overlap is None else overlap.after_ms / 1000
        if answered is None or at < max(answered, self.kept_from) + int(after_s * RATE):
            return
        if overlap is None:
            self.record.overlap = (at, at + int(ECHO_S * RATE))
        else:
            self.microphone.say(overlap.stretch, at)
            self.record.overlap = (at + overlap.stretch.onset, at + overlap.stretch.end)
        self.ends = self.record.overlap[1] + int(AFTER_S * RATE)

    async def _listen(self) -> None:
        answers: set[str] = set()
        while True:
            try:
                event = await self.line.receive()
            except trio.EndOfChannel:
                self.record.failure = "the system ended the call"
                return
            at = max(self.player.now, int((trio.current_time() - self.began) * RATE))
            self._play(event, at)
            if isinstance(event, Audio):
                if event.answer in answers:
                    continue
                answers.add(event.answer)
            self.record.happened.append(_happened(event, at))

    def _play(self, event: LineEvent, at: int) -> None:
        match event:
            case Audio():
                self.player.take(at, event.pcm, event.answer)
            case Paused():
                self.player.pause(at, event.answer)
            case Resumed():
                self.player.resume(at)
            case Flushed():
                self.player.flush(at, event.answer)
                self.kept_from = at
            case _:
                pass


def _happened(event: LineEvent, at: int) -> Happened:
    match event:
        case Audio(answer=answer):
            return Happened(at, "audio", answer)
        case Paused(answer=answer):
            return Happened(at, "paused", answer)
        case Resumed(answer=answer, reason=reason):
            return Happened(at, "resumed", answer, detail=reason)
        case Flushed(answer=answer, reason=reason):
            return Happened(at, "flushed", answer, detail=reason)
        case Ended(answer=answer):
            return Happened(at, "ended", answer)
        case Heard():
            return Happened(at, event.what, at_ms=event.at_ms, detail=event.outcome)
        case Transcribed():
            return Happened(at, "final" if event.is_final else "transcribed", detail=event.text)


async def _calls(job: Job, done: Callable[[Record], None]) -> None:
    chosen = system(job.system)
    for sample in job.samples:
        async with chosen.connect(job.url, sample.language) as line:
            record = await call(line, sample)
        gc.collect()  # between two calls, where it delays nobody
        done(record)


def _write(record: Record) -> None:
    data = msgspec.msgpack.encode(record)
    sys.stdout.buffer.write(len(data).to_bytes(4, "big") + data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    gc.disable()
    trio.run(_calls, msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job), _write)
