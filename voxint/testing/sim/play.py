"""Send an answer piece by piece, at its pace and with its faults; the same for tokens, speech and transcripts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from math import inf

import msgspec
import trio
from attrs import define, frozen

from voxint.net.http_request import Headers, HttpRequest, ResponseStream
from voxint.testing.sim.ledger import LedgerEntry
from voxint.testing.sim.settings import Fault, SimSettings
from voxint.ticker import Ticker

__all__ = ["PacedAnswer", "SimCall", "play", "refuse"]


@frozen
class PacedAnswer:
    """An answer that is to be sent piece by piece.

    Args:
        pieces: The body, piece by piece; made lazily, so that what was generated is what was asked for.
        tail: Makes what follows the last piece, such as the stream's own end mark, from how many there were.
        garbage: What a ``garbage`` fault sends.
        first_s: Seconds to the first piece.
        interval_s: Seconds from piece to piece.
        headers: The response's headers.
    """

    pieces: Iterable[bytes]
    tail: Callable[[int], bytes]
    garbage: bytes
    first_s: float
    interval_s: float
    headers: Headers


@frozen
class SimCall:
    """One request to a model, as its endpoint sees it.

    Args:
        request: The HTTP request.
        entry: Its place in the ledger.
        ticker: What it waits with.
    """

    request: HttpRequest
    entry: LedgerEntry
    ticker: Ticker


async def play(call: SimCall, settings: SimSettings, answer: PacedAnswer) -> None:
    """Answer a request as the settings say; a client that leaves cancels it, wherever it is.

    A stall has no bound, by intent: silence for ever is the fault that it simulates.
    """
    request, entry = call.request, call.entry
    if settings.status != 200:
        body = settings.error_body.encode() if settings.error_body is not None else None
        await refuse(call, settings.status, "the simulated upstream was told to refuse", body)
        return
    if settings.stall_headers:
        await _stall(entry, settings.stall_s)
    out = await request.stream(headers=answer.headers)
    interval_s = 0.0 if settings.flood else answer.interval_s
    pace = _Pace(call, out, trio.current_time() + answer.first_s, interval_s)
    pieces = iter(answer.pieces)
    position = 0
    for at, fault in settings.faults():
        await pace.send(islice(pieces, at - position))
        if entry.tokens_generated < at:
            break
        position = at
        if not await _misbehave(fault, request, out, entry, settings, answer):
            return
        pace.due = trio.current_time() + answer.interval_s
    await pace.send(pieces)
    tail = answer.tail(entry.tokens_generated)
    await out.send(tail)
    entry.bytes_written += len(tail)
    await out.end()
    entry.outcome = "complete"


async def refuse(call: SimCall, status: int, message: str, body: bytes | None = None) -> None:
    """Answer with an error in OpenAI's form, or with `body`."""
    error = {"error": {"message": message, "type": "sim_error", "param": None, "code": None}}
    call.entry.outcome = "refused"
    body = msgspec.json.encode(error) if body is None else body
    await call.request.respond(status, body, headers=(("content-type", "application/json"),))


@define(eq=False)
class _Pace:
    """Sends pieces on an absolute timetable: a late piece does not delay those after it."""

    call: SimCall
    out: ResponseStream
    due: float
    interval_s: float

    async def send(self, pieces: Iterable[bytes]) -> None:
        request, entry, out, due = self.call.request, self.call.entry, self.out, self.due
        until = self.call.ticker.until
        for piece in pieces:
            if due > trio.current_time():
                await until(due)
            else:
                await trio.lowlevel.checkpoint()  # behind time, or a flood: the others have their turn too
            if request.disconnected_at is not None:  # the wake-up came in the same pass as the client's leaving
                await trio.lowlevel.checkpoint_if_cancelled()
            entry.generated(time.monotonic())
            if not out.send_nowait(piece):
                await out.flush()
            entry.written(len(piece))
            if entry.t_first_written is None:
                entry.t_first_written = time.monotonic()
            due += self.interval_s
        self.due = due


async def _misbehave(
    fault: Fault,
    request: HttpRequest,
    out: ResponseStream,
    entry: LedgerEntry,
    settings: SimSettings,
    answer: PacedAnswer,
) -> bool:
    """Do the fault; return whether the answer goes on after it."""
    match fault:
        case "stall":
            await _stall(entry, settings.stall_s)
            return True
        case "reset":
            entry.outcome = "reset"
            request.reset()
        case "garbage":
            entry.outcome = "garbage"
            await out.send(answer.garbage)
            await out.end()
        case "truncate":
            entry.outcome = "truncated"
            await out.end()
    return False


async def _stall(entry: LedgerEntry, stall_s: float | None) -> None:
    entry.outcome = "stalled"
    await trio.sleep(inf if stall_s is None else stall_s)
    entry.outcome = "open"
