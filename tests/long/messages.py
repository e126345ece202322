"""Mutated messages against a server's connection, in virtual time and without a socket."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from random import Random

import structlog
import trio
from trio.testing import MockClock

from tests.long.mutator import Mutator
from tests.talk import OPEN, Place, Talk, open_place
from voxint.core.agent import Agent, Limits
from voxint.core.settings import SettingsChange
from voxint.core.stages import Delta, ModelOutput, Turn
from voxint.errors import WireError
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_client
from voxint.server.config import ServerConfig
from voxint.testing.stages import HEAR, ScriptedEars, ScriptedVoice

__all__ = ["PER_CONNECTION", "many_messages", "mutated_messages", "rss"]

PER_CONNECTION = 100
"""Messages of one client, where it is not closed before; chosen here: some requests are live together, and ids come
again."""

CLIENTS = 150
"""Of one server."""

GROWTH_BYTES = 24 << 20
"""What a process may grow by; chosen here: the allocator's own fragments come and go by some of these."""

STRANGERS = 0.2
"""The share of clients that do not register first."""

PAUSES_S = (0.0, 0.0, 0.02, 0.3, 1.0)


class Model:
    """Answers in a few words, quickly; asked to go on, it does so for some seconds."""

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Answer."""
        for number in range(40 if "Go on" in turn.messages[-1].content else 2):
            await trio.sleep(0.0625)
            await out.send(Delta(f"Word {number}. "))


def mutated_messages(seed: int, connections: int, first: int = 0) -> int:
    """Have so many clients send what they like, one after the other; return how many messages that were.

    Args:
        seed: Of all chance but the scheduler's.
        connections: How many.
        first: The number of the first; a failure's note says its own.

    Raises:
        AssertionError: A promise is broken, a line was logged as an error, or the server answers no more.
        Exception: Whatever a frame made the server raise; the note has the frame.
    """

    async def main() -> int:
        agent = Agent(llm=Model(), stt=ScriptedEars(HEAR, "Hm?"), tts=ScriptedVoice(), limits=Limits(request_s=20))
        async with open_place(agent, ServerConfig(resume_s=1)) as place:
            return sum([await _client(place, seed, first + number) for number in range(connections)])

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def many_messages(seed: int, count: int, told: Callable[[int], None] = lambda done: None) -> int:
    """Send at least so many messages, a server for each ten thousand or so; return how many that were.

    Args:
        seed: As in `mutated_messages`.
        count: How many.
        told: Called with how many there were so far.

    Raises:
        AssertionError: As in `mutated_messages`, or the process has grown by more than `GROWTH_BYTES` since the first
            tenth.
    """
    done, clients, settled = 0, 0, 0
    while done < count:
        done += mutated_messages(seed, CLIENTS, clients)
        clients += CLIENTS
        told(done)
        if not settled and done >= count / 10:
            settled = rss()
    grown = rss() - settled
    assert grown < GROWTH_BYTES, f"{done} messages took {grown / 2**20:.1f} MiB that did not come back"
    return done


def rss() -> int:
    """Return the memory of this process, in bytes."""
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _client(place: Place, seed: int, number: int) -> int:
    rng = Random(f"{seed}/{number}")
    place.talks.clear()
    place.book.accepted_ids.clear()
    place.book.finished_requests.clear()
    talk = place.join()
    said: list[str | bytes] = []
    try:
        with structlog.testing.capture_logs() as logs:
            await _say_all(talk, rng, said)
            await _probe(place, talk)
        assert [entry for entry in logs if entry["log_level"] in ("error", "critical")] == []
        assert talk.checker.violations == [], [str(broken) for broken in talk.checker.violations]
        assert len(place.book.finished_requests) == len(place.book.accepted_ids)
    except Exception as error:
        last = repr(said[-1])[:2000] if said else "nothing"
        error.add_note(f"seed {seed}, client {number}, message {len(said)}: {last}")
        raise
    finally:
        talk.stop_reading()
        talk.connection.lost()
    return len(said)


async def _say_all(talk: Talk, rng: Random, said: list[str | bytes]) -> None:
    if rng.random() >= STRANGERS:
        talk.register(SettingsChange(require_tts=rng.random() < 0.5), auth=OPEN)
    mutator = Mutator(rng)
    used: set[str] = set()
    while len(said) < PER_CONNECTION and talk.connection.closing is None:
        session = talk.connection.session
        frame = mutator.frame(session.id if session is not None else None)
        if isinstance(frame, str) and not _noted(talk, frame, used):
            continue
        said.append(frame)
        talk.connection.receive(frame)
        if rng.random() < 0.15:
            await trio.sleep(rng.choice(PAUSES_S))


def _noted(talk: Talk, frame: str, used: set[str]) -> bool:
    """Tell the checker of what the server will understand; return whether it can judge what comes of it.

    It can't where an ERROR will bear an id that has been used before: whether that is the end of an earlier request or
    the refusal of another is for who remembers the message.
    """
    session = talk.connection.session
    now = trio.current_time()
    try:
        inbound = decode_client(frame, talk.connection.frame_limit)
    except WireError as error:
        return error.request_id is None or _is_new(talk, error.request_id, used)
    message = inbound.message
    if session is None or inbound.session_id != session.id:
        if isinstance(message, m.Register) and session is None and message.resume is None:
            talk.checker.sent(message, now)
        return True
    if isinstance(message, m.RequestMessage):
        if message.patch.require_tts is not None:
            return False  # a request that is refused changes nothing, and the checker could not know
        known = session.registry.find(message.request_id)
        if known is not None and talk.checker._interrupts:
            return False  # an acknowledgement under way may name the id's former request: which, nobody could tell
        if message.stream_seq == -1 and known is None:
            return _is_new(talk, message.request_id, used)
        blank = message.data_type == "TEXT" and not (message.content.text or "").strip()
        if blank and not _is_new(talk, message.request_id, used):
            return False
        if message.request_id in used and message.request_id not in talk.checker._requests:
            return False  # it has been refused by that id, and nobody has read so yet
        used.add(message.request_id)
    if not isinstance(message, m.Register) and getattr(message, "mode", "commit") == "commit":
        talk.checker.sent(message, now)
    return True


def _is_new(talk: Talk, request_id: str, used: set[str]) -> bool:
    """Return whether an ERROR may bear this id, because nobody has used it; of a live request none does."""
    session = talk.connection.session
    if session is not None and session.registry.is_live(request_id):
        return True
    if request_id in used:
        return False
    used.add(request_id)
    return True


async def _probe(place: Place, talk: Talk) -> None:
    """Let all that is live end, and ask the server how it is: over this connection, or else over a new one."""
    if talk.connection.closing is None and talk.connection.session is not None:
        talk.interrupt()
        await trio.sleep(1)
        talk.checker.settled()
    await trio.sleep(1)
    asks = talk if talk.connection.closing is None else place.join()
    before = len(asks.frames)
    asks.say(m.HealthCheck())
    await asks.until(lambda: any(isinstance(frame, m.HealthCheckAck) for _, frame in asks.frames[before:]))
    if asks is not talk:
        asks.stop_reading()
        asks.connection.lost()
