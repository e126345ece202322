"""One turn over sockets that is interrupted somewhere, the turn behind it, and all that has to be true of both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio
from attrs import define, frozen

from tests.end_to_end.callers import Caller, no_descriptor_left, no_request_left, serving, turns
from tests.end_to_end.upstream import CHAT, SPEECH, TRANSCRIPTION, Upstream, stopped_by
from voxint.net.http import open_http
from voxint.protocol import messages as m
from voxint.testing.sim import LedgerEntry, Sim
from voxint.testing.sim.content import numbered

__all__ = [
    "MANNERS",
    "Bench",
    "Manner",
    "bench",
    "check_interrupted",
    "check_stages",
    "check_whole",
    "interrupt_and_check",
    "interrupted_turn",
]

TOKENS, PER_SENTENCE = 24, 6  # of `upstream.PACE`
SPEECH_SAMPLES = TOKENS // PER_SENTENCE * 2400  # four pieces of 0.15 s at 16 kHz

STAGES = {CHAT: "llm", SPEECH: "tts", TRANSCRIPTION: "stt"}


@frozen
class Manner:
    """How to interrupt.

    Args:
        everything: Name no id.
        behind: Send the next REQUEST right behind, without waiting.
    """

    everything: bool
    behind: bool

    def __str__(self) -> str:
        return f"{'all' if self.everything else 'by id'}, {'next behind' if self.behind else 'alone'}"


MANNERS = [Manner(everything, behind) for everything in (False, True) for behind in (False, True)]


@define(eq=False)
class Bench:
    """A server with the simulated upstream behind it."""

    upstream: Upstream
    url: str


@asynccontextmanager
async def bench(sim: Sim, seconds: float = 60.0, **options: object) -> AsyncIterator[Bench]:
    """Serve while the block runs; at its end no task, descriptor or connection may be left of any request.

    Args:
        sim: The upstream.
        seconds: The bound of all of it.
        **options: Of `Upstream`.
    """
    with trio.fail_after(seconds), no_descriptor_left():
        async with open_http() as http:
            upstream = Upstream(sim, http, **options)  # type: ignore[arg-type]  # attrs checks the names
            async with serving(upstream.agent()) as server:
                yield Bench(upstream, server.url)
                await upstream.quiet()
                await no_request_left()


async def interrupted_turn(
    run: Bench, caller: Caller, manner: Manner, ready: Callable[[str, int], Awaitable[object]]
) -> tuple[int, m.InterruptAck]:
    """Ask, interrupt when `ready` returns, see to the turn behind; return the turn's number and the acknowledgement."""
    turn = next(turns)
    await caller.ask(f"r{turn}", f"turn {turn}")
    await ready(f"r{turn}", turn)
    return turn, await interrupt_and_check(run, caller, manner, turn)


async def interrupt_and_check(run: Bench, caller: Caller, manner: Manner, turn: int) -> m.InterruptAck:
    """Interrupt, see to the turn behind, look at everything; return the acknowledgement."""
    asked = None if manner.everything else f"r{turn}"
    behind = next(turns)
    async with trio.open_nursery() as nursery:
        await nursery.start(caller.interrupt, asked)
        if manner.behind:
            reply = await caller.ask(f"r{behind}", f"turn {behind}")
    ack = caller.last_ack()
    check_interrupted(caller, turn, ack)
    if manner.behind:
        await reply.text()
        check_whole(caller, behind)
    entries = await run.upstream.entries(turn)
    for entry in entries:
        stopped_by(entry, caller.read_at(ack))
    if f"r{turn}" in ack.interrupted_request_ids:
        check_stages(ack, turn, entries)
    return ack


def check_interrupted(caller: Caller, turn: int, ack: m.InterruptAck) -> None:
    """Assert that the turn has one end, and the end that the acknowledgement tells of."""
    request_id = f"r{turn}"
    [final] = [frame for frame in caller.frames_of(request_id) if frame.text_stream_seq == -1]
    if final.interrupted:
        assert ack.status == "SUCCESS"
        assert ack.outcomes[request_id] == "stopped"
        assert ack.interrupted_request_ids == (request_id,)
    else:
        assert ack.status == "FAILED"
        assert ack.outcomes.get(request_id, "already_finished") == "already_finished"
    check_own(caller, turn)


def check_whole(caller: Caller, turn: int) -> None:
    """Assert that the turn was answered to its end: every token, every sample, in order."""
    frames = caller.frames_of(f"r{turn}")
    assert "".join(frame.text or "" for frame in frames) == "".join(numbered(turn, TOKENS, PER_SENTENCE))
    assert not frames[-1].interrupted
    samples = sum(len(frame.voice or b"") // 2 for frame in frames)
    assert abs(samples - SPEECH_SAMPLES) <= 8  # the resampler may round at an end
    check_own(caller, turn)


def check_own(caller: Caller, turn: int) -> None:
    """Assert that no frame carries another turn's audio: every sample is the turn's number, but at bent edges."""
    for frame in caller.frames_of(f"r{turn}"):
        if frame.voice is not None and len(frame.voice) > 320:
            middle = len(frame.voice) // 4 * 2
            assert abs(int.from_bytes(frame.voice[middle : middle + 2], "little", signed=True) - turn) <= 1


def check_stages(ack: m.InterruptAck, turn: int, entries: list[LedgerEntry]) -> None:
    """Assert that the receipt says of each stage what the upstream saw of it."""
    told = ack.receipts[f"r{turn}"].stages
    for path, stage in STAGES.items():
        seen = [entry for entry in entries if entry.endpoint == path]
        match told[stage]:
            case "idle":
                assert not seen
            case "finished":
                assert all(entry.outcome == "complete" for entry in seen)
            case state:
                assert state == "closed"
