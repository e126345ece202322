"""The set over the systems: for each language one upstream, for each system a fresh server, one call after the other.

Calls don't overlap, so that none pays for another, and what an upstream makes is the call's that is under way.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import trio
from attrs import Factory, define, frozen

from bench.bargein.caller import Job
from bench.bargein.canned import Canned
from bench.bargein.figures import Kept, SystemInfo, Timeline
from bench.bargein.line import RATE, Language, System
from bench.bargein.overlaps import write_overlap
from bench.bargein.rating import Rating, rate
from bench.bargein.record import Record
from bench.bargein.samples import Sample, lines_of, make_set
from bench.bargein.synthesis import synthesize
from bench.bargein.systems import system
from bench.bargein.timeline import AFTER_MS, timeline_of, typical
from bench.bargein.upstream import canned_answer, run_upstream
from bench.environments import ROOT
from bench.machine import commit, machine
from bench.processes import TargetFailed
from bench.recordings import Recording, RecordingsMissing, from_packages
from voxint.children import python_environment
from voxint.core.ears.barge_in import Overlap
from voxint.core.voice_activity import VoiceCuts
from voxint.logs import leaves
from voxint.providers.silero import Silero
from voxint.testing.sim import LedgerEntry

__all__ = ["Plan", "run_bargein", "speech_in"]

AROUND_S = 0.3
"""Of the microphone around an overlap in which its speech is looked for; ours: a detector is late at both ends."""

CALL_S = 60.0
"""For one call: the longest takes 30."""


@frozen
class Plan:
    """What is run.

    Args:
        systems: By name, in their order.
        languages: In which.
        samples: Of each language.
        seed: Of the set.
        voices: The folder of syntheses.
        overlaps: Where the calls are written in Full-Duplex-Bench's layout; None: nowhere.
    """

    systems: Sequence[str]
    languages: Sequence[Language]
    samples: int
    seed: int
    voices: Path
    overlaps: Path | None = None


async def run_bargein(
    plan: Plan, tell: Callable[[str], object] = lambda words: None, keep: Callable[[Kept], object] = lambda kept: None
) -> Kept:
    """Run the set over the systems, and return what is kept of it.

    Args:
        plan: What is run.
        tell: Called with what is done next.
        keep: Called with what there is, after each system.

    Raises:
        ConfigError: A voice or a recogniser of this machine is missing.
    """
    kept = Kept(
        datetime.now(UTC).isoformat(timespec="seconds"),
        commit(),
        machine(),
        plan.seed,
        plan.samples,
        list(plan.languages),
    )
    voices = await synthesize(lines_of(plan.languages), plan.voices, tell)
    samples = make_set(plan.languages, plan.samples, plan.seed, voices, _recordings(tell))
    async with Silero() as detector:
        for language in plan.languages:
            mine = [sample for sample in samples if sample.language == language]
            canned = await canned_answer(language, plan.voices)
            tell(f"{language}: the model, the voice and the recogniser start")
            async with run_upstream(language, plan.voices) as upstream:
                for name in plan.systems:
                    chosen = _found(name, kept)
                    if chosen is None or kept.systems[name].missing:
                        continue
                    await upstream.clear()
                    calls = _Calls(chosen, mine, canned, language, plan.overlaps)
                    try:
                        await calls.make(upstream.base_url, tell)
                    except* (TargetFailed, trio.TooSlowError) as group:
                        info = kept.systems[name]
                        why = "; ".join(str(error) for error in leaves(group))
                        kept.systems[name] = SystemInfo(info.notes, info.versions, why)
                    ledger = (await upstream.ledger()).requests
                    rated, times = calls.rated(ledger, detector)
                    kept.ratings.setdefault(name, []).extend(rated)
                    kept.timelines.setdefault(name, []).extend(times)
                    keep(kept)
    return kept


def _recordings(tell: Callable[[str], object]) -> list[Recording]:
    """Return what people said, where it is installed."""
    try:
        return from_packages()
    except RecordingsMissing as missing:
        tell(f"no interruptions by people: {missing}")
        return []


def _found(name: str, kept: Kept) -> System | None:
    """Return a system, and note what it is; None where there is none of that name here."""
    try:
        chosen = system(name)
    except ImportError as error:
        kept.systems[name] = SystemInfo("", {}, str(error))
        return None
    kept.systems.setdefault(name, SystemInfo(chosen.notes, chosen.versions()))
    return chosen


@define(eq=False)
class _Calls:
    """The calls of one system in one language."""

    system: System
    samples: Sequence[Sample]
    canned: Canned
    language: Language
    overlaps: Path | None = None
    records: list[Record] = Factory(list)

    async def make(self, base_url: str, tell: Callable[[str], object]) -> None:
        """Make the calls by a caller in a process of its own, and keep their records.

        Raises:
            TargetFailed: The system did not start, or the caller ended before its calls.
            trio.TooSlowError: A call did not end.
        """
        async with (
            self.system.serve(base_url, self.language) as url,
            _caller(self.system.name, url, self.samples) as out,
        ):
            reader = _Reader(out)
            for sample in self.samples:
                with trio.fail_after(CALL_S):
                    record = await reader.next()
                if record is None:
                    raise TargetFailed("the caller ended in the middle of the set; standard error says why")
                self.records.append(record)
                tell(f"{self.system.name}: {record.sample} {record.failure}")
                if self.overlaps is not None:
                    await trio.to_thread.run_sync(write_overlap, self.overlaps / self.system.name, sample, record)

    def rated(self, ledger: Sequence[LedgerEntry], detector: Silero) -> tuple[list[Rating], list[Timeline]]:
        """Return the calls' figures, and the timelines of a typical interruption and of a typical false alarm."""
        pairs = {record.sample: (sample, record) for sample, record in zip(self.samples, self.records, strict=False)}
        ratings = [
            rate(sample, record, self.canned, ledger, speech_in(record, detector)) for sample, record in pairs.values()
        ]
        meant = [each for each in ratings if each.kind == "interruption" and each.stopped]
        shown = [each for each in meant if _ends_ms(each, pairs[each.sample][1]) < AFTER_MS]
        back = [each for each in ratings if each.kind == "backchannel"]
        wanted = {
            "An interruption": typical(shown or meant, lambda each: each.onset_to_silence_ms),
            "A backchannel": typical(
                [each for each in back if not each.stopped] or back, lambda each: each.onset_to_pause_ms
            ),
        }
        times = [
            timeline_of(*pairs[name], self.canned, ledger, f"{title}, {name}") for title, name in wanted.items() if name
        ]
        return ratings, [each for each in times if each is not None]


def _ends_ms(rating: Rating, record: Record) -> float:
    """Return when the next answer came, after the overlap's onset."""
    if rating.next_voice_ms is None or record.overlap is None:
        return float("inf")
    return rating.next_voice_ms + (record.overlap[1] - record.overlap[0]) * 1000 / RATE


@asynccontextmanager
async def _caller(name: str, url: str, samples: Sequence[Sample]) -> AsyncGenerator[trio.abc.ReceiveStream]:
    """Run the caller for the block, and give what it writes."""
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "bench.bargein.caller"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=python_environment(),
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        await process.stdin.send_all(msgspec.msgpack.encode(Job(name, url, list(samples))))
        await process.stdin.aclose()
        yield process.stdout
    finally:
        process.kill()
        with trio.CancelScope(shield=True):  # it has been killed: only the kernel is waited for
            await process.wait()


@define(eq=False)
class _Reader:
    """Records, each behind its size."""

    _stream: trio.abc.ReceiveStream
    _data: bytearray = Factory(bytearray)

    async def next(self) -> Record | None:
        """Return the next; None: the stream has ended."""
        while True:
            size = int.from_bytes(self._data[:4], "big")
            if len(self._data) >= 4 and len(self._data) >= 4 + size:
                record = msgspec.msgpack.decode(bytes(self._data[4 : 4 + size]), type=Record)
                del self._data[: 4 + size]
                return record
            piece = await self._stream.receive_some()
            if not piece:
                return None
            self._data += piece


def speech_in(record: Record, detector: Silero) -> float:
    """Return how many milliseconds of speech a detector hears in an overlap at most, short pauses aside."""
    if record.overlap is None:
        return 0.0
    cuts, longest, heard, is_speech = VoiceCuts(), 0.0, Overlap(), False
    window_ms = detector.audio_format.ms(detector.window_samples)
    around = int(AROUND_S * RATE)
    stream = detector.open()
    try:
        probabilities = np.array(stream.feed(record.input))
    finally:
        stream.close()
    first, last = (at // detector.window_samples for at in (record.overlap[0] - around, record.overlap[1] + around))
    for probability in probabilities[first : last + 1]:
        is_speech = bool(probability >= (cuts.off if is_speech else cuts.on))
        heard = heard.heard(window_ms, is_speech=is_speech)
        longest = max(longest, heard.speech_ms)
    return longest
