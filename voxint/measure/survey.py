"""Measure a running server of which nothing is known: its network, then its pace, then loads that fit it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import trio
from attrs import frozen

from voxint.errors import ServerError, WireError
from voxint.measure.dialect import Dialect, Heard, MakeDialect
from voxint.measure.load import run_load
from voxint.measure.plan import SessionPlan, Workload, plan
from voxint.measure.recording import MeasuredTurn, Recording
from voxint.measure.wire import Wire, open_wire
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_server, encode_client

__all__ = ["Load", "Pace", "learn_pace", "measure_load", "round_trips"]

ROUND_TRIPS_S = 5.0
"""Seconds for all round trips: a person waits for them."""

TRIPS_OF_A_CONNECTION = 30
"""Beside the one that warms it; a voxint server reads 32 frames of who has not registered."""

ANSWER_S = 10.0
"""Seconds that a server has to open a session, or to say that it is well: as long as a client waits for an answer."""

FIRST_WORDS_S = 30.0
"""Seconds that a model has to begin: one that takes longer will not do for a conversation. Chosen here."""

ACK_S = 2.0
"""Seconds that an acknowledgement may take before the load: eight times what the protocol gives a server."""

SPEECH_S = 10.0
"""Seconds from the first words to the first audio: synthesis begins at a sentence's end, without speech never."""

BEGIN_S = 0.5
"""Seconds for a load's connections to be dialled before anybody asks: two round trips around the world, and TLS."""


@frozen
class Pace:
    """How a server answers when nobody else asks.

    Args:
        first_s: From a question to the first audio, or without speech to the first words: the slowest of the turns.
        speaks: Whether its answers are spoken.
    """

    first_s: float
    speaks: bool

    def plans(self, sessions: int, seconds: float, *, seed: int = 0) -> list[SessionPlan]:
        """Return what callers do so that they interrupt 0.1 to 0.5 s after they have begun to hear an answer.

        They ask for so many seconds, and go on until the last of those answers has been interrupted.
        """
        workload = Workload(begin_s=BEGIN_S, first_audio_s=self.first_s)
        return plan(workload, sessions, seconds + workload.longest_s, seed=seed)


@frozen
class Load:
    """One load: what a number of callers met who called at once.

    Args:
        sessions: How many they were.
        round_trip_ms: Of the idle server, right before.
        recording: What they saw.
    """

    sessions: int
    round_trip_ms: list[float]
    recording: Recording


async def round_trips(url: str, count: int = 100) -> list[float]:
    """Ask a voxint server whether it is well, again and again, and return how long each answer took.

    Some thirty times on one connection: who has not registered may not ask for long.

    It is the least that any exchange with this server takes over this network. Within 5 s there may be fewer than
    `count`.

    Returns:
        Milliseconds from HEALTH_CHECK written to HEALTH_CHECK_ACK read; the first of a connection, which warms it, is
        not among them.

    Raises:
        ConfigError: The url is not a WebSocket's.
        Disconnected: The server can't be reached, or broke off.
        ServerError: It did not answer, or not in the protocol: it is no voxint server.
    """
    taken: list[float] = []
    until = monotonic() + ROUND_TRIPS_S
    while len(taken) < count and monotonic() < until:
        async with open_wire(url) as wire:
            await _round_trip(wire)
            for _ in range(min(TRIPS_OF_A_CONNECTION, count - len(taken))):
                taken.append(await _round_trip(wire))
    return taken


async def _round_trip(wire: Wire) -> float:
    with _bounded(ANSWER_S, "it did not answer a HEALTH_CHECK: is it a voxint server?"):
        began = monotonic()
        await wire.send(encode_client(m.HealthCheck(), None, int(time.time() * 1000)))
        while True:
            messages = await wire.receive()
            now = monotonic()
            for _, payload in messages:
                match decode_server(payload):
                    case m.HealthCheckAck():
                        return (now - began) * 1000
                    case m.Error() as error:
                        raise ServerError(
                            error.error_code,
                            error.error_msg,
                            error.error_detail,
                            error.retryable,
                            error_id=error.error_id,
                        )


async def learn_pace(url: str, make_dialect: MakeDialect, *, turns: int = 4, speech: bool = True) -> Pace:
    """Ask a few questions, one after the other, and interrupt each answer as soon as it is heard.

    Args:
        url: The server's WebSocket.
        make_dialect: How it is spoken to.
        turns: How many questions are asked. The first, for which the server may have to connect to its providers, does
            not count if there are others.
        speech: Whether to wait for audio; a server that sends none with its first answer is not waited for again.

    Raises:
        ConfigError: The url is not a WebSocket's.
        Disconnected: The server can't be reached, or broke off.
        ServerError: It refused the session, or failed a question, or nothing came of one within 30 s, or it is no
            voxint server.
    """
    async with open_wire(url) as wire:
        patient = _Patient(wire, make_dialect())
        await patient.open()
        seen = []
        for number in range(1, turns + 1):
            seen.append(await patient.ask(number, speech=speech))
            speech = seen[0].first_audio is not None
    counted = seen[1:] or seen
    spoken = [turn.first_audio - turn.asked for turn in counted if turn.first_audio is not None]
    written = [turn.first_text - turn.asked for turn in counted if turn.first_text is not None]
    return Pace(max(spoken or written), bool(spoken))


async def measure_load(
    url: str, make_dialect: MakeDialect, pace: Pace, sessions: int, *, warmup_s: float, seconds: float, seed: int = 0
) -> Load:
    """Measure round trips to the idle server, then let so many callers ask and interrupt at once.

    Their plan is `pace.plans(sessions, warmup_s + seconds)`, and is kept whatever the server does (open-loop). It takes
    some 10 s more than the two spans together at most, and the pace.

    Raises:
        ConfigError: The url is not a WebSocket's.
        Disconnected: The server can't be reached, or broke off, before the load; a caller that it meets later is named
            in the recording.
        ServerError: It is no voxint server.
    """
    trips = await round_trips(url)
    plans = pace.plans(sessions, warmup_s + seconds, seed=seed)
    return Load(sessions, trips, await run_load(url, make_dialect, plans, warmup_s=warmup_s, seconds=seconds))


class _Patient:
    """A caller who waits for each answer before going on, as the callers of a load never do."""

    def __init__(self, wire: Wire, dialect: Dialect) -> None:
        self._wire = wire
        self._dialect = dialect

    async def open(self) -> None:
        """Open the session."""
        if not (opening := self._dialect.open()):
            return
        with _bounded(ANSWER_S, "it opened no session: is it a voxint server?"):
            await self._wire.send(*opening)
            while not any(heard.kind == "opened" for heard, _ in await self._hear()):
                pass

    async def ask(self, number: int, *, speech: bool) -> MeasuredTurn:
        """Ask, wait for the first words, with `speech` also for the first audio, and interrupt what goes on then."""
        turn = MeasuredTurn(number, 0, monotonic())
        with _bounded(FIRST_WORDS_S, "nothing came of a question: does the same question work with `voxint say`?"):
            await self._wire.send(self._dialect.ask(number))
            await self._until(turn, lambda: bool(turn.first_text or turn.first_audio or turn.ended))
        if speech:
            with trio.move_on_after(SPEECH_S):
                await self._until(turn, lambda: bool(turn.first_audio or turn.ended))
        if turn.failed:
            code, _, words = turn.failed.partition(": ")
            raise ServerError(code, words, "of a question asked before the load")
        if turn.first_text is None and turn.first_audio is None:
            raise ServerError("UPSTREAM_ERROR", "an answer ended without a word: does another --question get one?")
        turn.interrupted = monotonic()
        with trio.move_on_after(ACK_S):  # a missing acknowledgement is for the load to count
            await self._wire.send(self._dialect.interrupt(number, turn.played_ms))
            await self._until(turn, lambda: turn.acknowledged is not None)
        return turn

    async def _until(self, turn: MeasuredTurn, seen: Callable[[], bool]) -> None:
        """Note what is heard of a turn until it is enough; the caller gives the bound."""
        while not seen():
            for heard, now in await self._hear():
                if heard.turn != turn.number:
                    continue
                match heard.kind:
                    case "text":
                        turn.first_text = turn.first_text or now
                    case "audio":
                        turn.first_audio = turn.first_audio or now
                    case "over":
                        turn.ended, turn.failed = now, heard.failed
                    case "stopped":
                        turn.acknowledged = now

    async def _hear(self) -> list[tuple[Heard, float]]:
        messages = await self._wire.receive()
        now = monotonic()
        return [(self._dialect.read(text, payload), now) for text, payload in messages]


@contextmanager
def _bounded(seconds: float, what: str) -> Iterator[None]:
    """Give the block a number of seconds.

    Raises:
        ServerError: It took longer, and `what` is what to think of; or it is no voxint server that answers.
    """
    with trio.move_on_after(seconds) as scope:
        try:
            yield
        except WireError as error:
            words = "what it answers is not voxint's protocol: is this a voxint server's port and path?"
            raise ServerError(error.code, words) from error
    if scope.cancelled_caught:
        raise ServerError("REQUEST_TIMEOUT", f"within {seconds:g} s {what}")
