"""One caller, who writes what the plan says when the plan says so, and notes what comes back."""

from __future__ import annotations

from itertools import count, zip_longest
from time import monotonic

import trio

from voxint.errors import Disconnected, VoxintError
from voxint.logs import leaves
from voxint.measure.dialect import Dialect, Frame, Heard
from voxint.measure.plan import PlannedTurn, SessionPlan
from voxint.measure.recording import MeasuredTurn, Recording
from voxint.measure.wire import Wire, open_wire
from voxint.net.frames import frame_of
from voxint.ticker import Ticker

__all__ = ["call"]

OPEN_S = 10.0
"""Seconds that a session has to open; the load has begun by then, so a caller this late is lost."""

QUANTUM_SAMPLES = 43
QUANTUM_S = 1 / 375
BURST = 125
"""A browser's microphone as existing 1.0 clients send it (docs/reference/wire.md): tiny frames, a burst at first."""


async def call(
    url: str,
    dialect: Dialect,
    turns: SessionPlan,
    begin: float,
    recording: Recording,
    *,
    ticker: Ticker,
    session: int = 0,
    drain_s: float,
) -> None:
    """Play a plan from the instant `begin` on, stay to the load's end, then wait for what is outstanding.

    A caller whose connection ends, or whose session is refused, says why in `recording.lost` and ends.

    Args:
        url: The server's WebSocket.
        dialect: Of this connection.
        turns: The plan.
        begin: Second 0 of the plan, on CLOCK_MONOTONIC.
        recording: Where to note it all.
        ticker: Runs, and keeps the time of its microphone.
        session: The caller's number, for the recording.
        drain_s: The longest wait after the plan's end.
    """
    try:
        async with open_wire(url) as wire:
            caller = _Caller(wire, dialect, begin, recording, session, ticker)
            with trio.move_on_after(OPEN_S) as opening:
                await caller.open()
            if opening.cancelled_caught:
                raise Disconnected("DISCONNECTED", f"the server opened no session within {OPEN_S:g} s: is it busy?")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(caller.read)
                await _play(caller, turns, begin, recording, drain_s)
                nursery.cancel_scope.cancel(reason="the plan is done")
    except* VoxintError as group:
        recording.lost.extend(map(str, leaves(group)))


async def _play(caller: _Caller, turns: SessionPlan, begin: float, recording: Recording, drain_s: float) -> None:
    """Play the plan and wait for what is outstanding; a server that stops reading can't make that last longer."""
    ends_s = max((turn.interrupt_s or turn.ask_s for turn in turns), default=0.0)
    left_s = max(begin + ends_s, recording.until) - monotonic()
    with trio.move_on_after(max(0.0, left_s) + drain_s) as scope:
        await caller.play(turns)
        await trio.sleep(max(0.0, recording.until - monotonic()))
    if scope.cancelled_caught:
        raise Disconnected("DISCONNECTED", "the server does not read what is written to it: is it held up?")
    with trio.move_on_after(drain_s):
        await caller.settled()


class _Caller:
    def __init__(
        self, wire: Wire, dialect: Dialect, begin: float, recording: Recording, session: int, ticker: Ticker
    ) -> None:
        self._ticker = ticker
        self._session = session
        self._wire = wire
        self._dialect = dialect
        self._begin = begin
        self._recording = recording
        self._turns: dict[int, MeasuredTurn] = {}
        self._unanswered: set[int] = set()  # whose acknowledgement, or without an interrupt whose end, is outstanding
        self._answered = trio.Event()
        self._hearing = trio.Event()
        self._hearing.set()
        self._speaking: int | None = None

    async def open(self) -> None:
        """Say what opens a session, and wait for it."""
        opening = self._dialect.open()
        if not opening:
            return
        await self._wire.send(*opening)
        while True:
            for text, payload in await self._wire.receive():
                if self._dialect.read(text, payload).kind == "opened":
                    return

    async def play(self, turns: SessionPlan) -> None:
        """Write every question and interrupt at its instant, whatever has been answered."""
        async with trio.open_nursery() as nursery:
            for turn, following in zip_longest(turns, turns[1:]):
                if not turn.behind:
                    await self._until(turn.ask_s)
                    question = self._ask(turn, nursery)
                    self._turns[turn.number].asked = await self._wire.send(question)
                if turn.interrupt_s is None:
                    continue
                if turn.deaf_s:
                    await self._until(turn.interrupt_s - turn.deaf_s)
                    self._hearing = trio.Event()
                await self._until(turn.interrupt_s)
                frames = [self._interrupt(turn)]
                if following is None or not following.behind:
                    self._turns[turn.number].interrupted = await self._wire.send(*frames)
                else:
                    frames.append(self._ask(following, nursery))
                    written = await self._wire.send(*frames)
                    self._turns[turn.number].interrupted = self._turns[following.number].asked = written
                self._hearing.set()
            self._speaking = None

    async def _until(self, planned_s: float) -> None:
        """Sleep to an instant of the plan, and note how much later than that the caller goes on."""
        due = self._begin + planned_s
        await trio.sleep(max(0.0, due - monotonic()))
        self._note_lag(due)

    def _note_lag(self, due: float) -> None:
        """Note how much later than `due` it is; while connections are being dialled, nothing is in time."""
        if due >= self._recording.counted_from:
            self._recording.lag_ms.append((monotonic() - due) * 1000)

    def _ask(self, turn: PlannedTurn, nursery: trio.Nursery) -> Frame:
        """Note a question and return its frame; one that is spoken begins to be."""
        self._turns[turn.number] = seen = MeasuredTurn(turn.number, self._session, monotonic(), turn.behind)
        self._recording.turns.append(seen)
        self._unanswered.add(turn.number)
        if not turn.spoken:
            return self._dialect.ask(turn.number)
        self._speaking = turn.number
        nursery.start_soon(self._speak, turn)
        return self._dialect.listen(turn.number)

    def _interrupt(self, turn: PlannedTurn) -> Frame:
        self._speaking = None
        self._unanswered.add(turn.number)  # also where its answer had ended
        seen = self._turns[turn.number]
        seen.interrupted = monotonic()
        return self._dialect.interrupt(turn.number, seen.played_ms)

    async def _speak(self, turn: PlannedTurn) -> None:
        """Send a microphone's quanta to the question's end, or while the turn is the one that speaks.

        It is not cancelled but looks for itself: a send that is cut leaves half a frame on the wire. A question that
        ends counts as asked then.
        """
        quantum = turn.number.to_bytes(2, "little") * QUANTUM_SAMPLES
        frame = frame_of(quantum, masked=True)
        began = monotonic()
        await self._wire.send(*[quantum] * BURST)
        for sent in count(1):
            due = began + sent * QUANTUM_S
            await self._ticker.until(trio.current_time() + due - monotonic())
            if self._speaking != turn.number:
                return
            self._note_lag(due)
            if turn.speaks_s and due >= began + turn.speaks_s:
                self._turns[turn.number].asked = await self._wire.send(self._dialect.finish(turn.number))
                return
            if not self._wire.send_now(frame):
                await self._wire.send(quantum)

    async def settled(self) -> None:
        """Wait until every answer has ended and every interrupt is acknowledged; the caller gives the bound."""
        while self._unanswered:
            self._answered = trio.Event()
            await self._answered.wait()

    async def read(self) -> None:
        """Note what comes in, for as long as the connection lasts; nothing while the caller is deaf."""
        while True:
            await self._hearing.wait()
            messages = await self._wire.receive()
            now = monotonic()
            for text, payload in messages:
                heard = self._dialect.read(text, payload)
                turn = self._turns.get(heard.turn or 0)
                if turn is not None:
                    self._take(turn, heard, now)

    def _take(self, turn: MeasuredTurn, heard: Heard, now: float) -> None:
        if turn.acknowledged is not None and heard.kind != "stopped":
            turn.leaked += 1
        match heard.kind:
            case "text":
                turn.first_text = turn.first_text or now
                turn.last_stale = turn.last_stale if turn.interrupted is None else now
            case "audio":
                self._take_audio(turn, heard.audio_ms, now)
            case "stopped":
                turn.acknowledged = turn.acknowledged or now
                self._settle(turn)
            case "over":
                turn.ended = turn.ended or now
                turn.failed = turn.failed or heard.failed
                if turn.interrupted is None:
                    self._settle(turn)

    def _take_audio(self, turn: MeasuredTurn, audio_ms: float, now: float) -> None:
        turn.audio_ms += audio_ms
        if turn.interrupted is not None:
            turn.first_audio = turn.first_audio or now
            turn.last_stale = now
            turn.stale_audio_ms += audio_ms
            turn.stale_frames += 1
            return
        if turn.first_audio is None:
            turn.first_audio = now
        else:
            turn.late_ms.append(max(0.0, now - turn.plays_until) * 1000)
        turn.plays_until = max(turn.plays_until, now) + audio_ms / 1000

    def _settle(self, turn: MeasuredTurn) -> None:
        self._unanswered.discard(turn.number)
        self._answered.set()
