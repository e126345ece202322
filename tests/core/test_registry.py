from __future__ import annotations

import pytest
import trio

from voxint.core.agent import Limits
from voxint.core.answer import Answer
from voxint.core.audio import AudioFormat
from voxint.core.events import ReleaseReason
from voxint.core.failure import Stage
from voxint.core.interrupt import InterruptOrder
from voxint.core.listener import Listener
from voxint.core.playout import PlayoutLedger
from voxint.core.registry import REMEMBERED, Interruption, Registry
from voxint.core.request import Request

pytestmark = pytest.mark.virtual_time


class Desk:
    """Owns requests that have no work, and keeps them in a registry."""

    id = "s1"

    def __init__(self) -> None:
        self.registry = Registry()

    def settle(self, request: Request) -> None:
        """Keep no dialogue."""

    def retire(self, request: Request) -> None:
        """Let the registry move it to the remembered."""
        self.registry.retire(request)

    def reaped(self, request: Request) -> None:
        """Keep no count."""

    def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
        """Keep no log."""

    def held_after_end(self, request: Request) -> None:
        """Sleep for nobody."""

    def released(self, request: Request, reason: ReleaseReason) -> None:
        """Tell nobody."""

    def admit(self, request_id: str, *, spoken: bool = False, listens: bool = False) -> Request:
        """Return a live request."""
        ledger = PlayoutLedger(AudioFormat(), spoken=spoken)
        answer = Answer(request_id, ledger, spoken=spoken, player=Listener(), ends_silently=listens)
        request = Request(request_id, 0, answer, Limits(), self)
        assert self.registry.admit(request) is None
        return request

    def run(self, request: Request) -> None:
        """End a request as if its work had ended."""
        request.end_before_start("USER_STOP")


async def test_a_request_is_live_until_its_end() -> None:
    """Then it is remembered."""
    desk = Desk()
    request = desk.admit("r1")
    assert desk.registry.live == (request,)
    assert desk.registry.is_live("r1")
    desk.run(request)
    assert not desk.registry.is_live("r1")
    assert desk.registry.find("r1") is request
    assert desk.registry.find("r2") is None


async def test_64_ended_requests_are_remembered() -> None:
    """The oldest is forgotten: an INTERRUPT of it finds nothing."""
    desk = Desk()
    for number in range(REMEMBERED + 1):
        desk.run(desk.admit(f"r{number}"))
    assert desk.registry.interrupt("r0", InterruptOrder("USER_STOP")).others == {"r0": "not_found"}
    assert desk.registry.interrupt("r1", InterruptOrder("USER_STOP")).others == {"r1": "already_finished"}


async def test_an_id_can_be_used_again() -> None:
    """Once its request has ended; a request that ends late, or twice, does not erase the one that came after it."""
    desk = Desk()
    first = desk.admit("r1")
    desk.run(first)
    second = desk.admit("r1")
    desk.registry.retire(first)
    assert desk.registry.find("r1") is second
    assert desk.registry.interrupt("r1", InterruptOrder("USER_STOP")).stopping == (second,)


async def test_an_overrun_counts_until_it_lets_go() -> None:
    """The session may refuse new work by it."""
    desk = Desk()
    request = desk.admit("r1")
    request.interrupt(InterruptOrder("USER_STOP"))
    await request.guard()
    assert (request.overran, desk.registry.overrunning) == (True, 1)
    desk.registry.reaped(request)
    assert desk.registry.overrunning == 0


async def test_who_waits_is_told_in_the_step_of_the_last_end() -> None:
    """No task has to wake up first; and who comes late is told at once."""
    desk = Desk()
    one, two = desk.admit("r1"), desk.admit("r2")
    interruption = desk.registry.interrupt(None, InterruptOrder("USER_STOP"))
    told: list[Interruption] = []
    interruption.when_stopped(told.append)
    desk.run(one)
    assert told == []
    desk.run(two)
    assert told == [interruption]
    interruption.when_stopped(told.append)
    one.when_stopped(lambda: told.append(interruption))
    assert len(told) == 3


async def test_waiting_for_nothing_is_no_wait() -> None:
    """An INTERRUPT that met nothing is acknowledged at once."""
    told: list[Interruption] = []
    interruption = Registry().interrupt(None, InterruptOrder("USER_STOP"))
    interruption.when_stopped(told.append)
    with trio.fail_after(0):
        await interruption.stopped()
    assert told == [interruption]
    assert (interruption.outcomes, interruption.receipts) == ({}, {})


@pytest.mark.parametrize("broken", ["settle", "retire", "tell"])
async def test_who_waits_is_told_whatever_the_books_say(broken: str) -> None:
    """A bug in the accounts of a request holds no acknowledgement, and goes no further than the log."""

    class Spilled(Desk):
        def settle(self, request: Request) -> None:
            if broken == "settle":
                raise ZeroDivisionError

        def retire(self, request: Request) -> None:
            super().retire(request)
            if broken == "retire":
                raise ZeroDivisionError

        def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
            failures.append((stage, type(error)))

    def tell() -> None:
        raise ZeroDivisionError

    failures: list[tuple[Stage | None, type[BaseException]]] = []
    desk = Spilled()
    request = desk.admit("r1")
    told: list[str] = []
    if broken == "tell":
        request.when_stopped(tell)
    request.when_stopped(lambda: told.append(request.id))
    request.end_before_start("USER_STOP")
    assert told == ["r1"]
    assert request.stopped.is_set()
    assert not desk.registry.is_live("r1")
    assert failures == [(None, ZeroDivisionError)]


async def test_what_only_listened_hides_no_answer_that_plays() -> None:
    """However many utterances came to nothing since its end, a voice and an interrupt of all still meet it."""
    desk = Desk()
    answer = desk.admit("r1", spoken=True)
    await answer.run(trio.lowlevel.checkpoint)
    answer.ledger.sent_until(answer.ledger.audio_format.samples(60_000), trio.current_time())
    for number in range(10):
        await desk.admit(f"u{number}", listens=True).run(trio.lowlevel.checkpoint)
    assert answer.playing
    assert desk.registry.speaking() == (answer,)
    assert desk.registry.hold(None).outcomes == {"r1": "held"}
    assert desk.registry.interrupt(None, InterruptOrder("USER_STOP")).outcomes == {"r1": "already_finished"}
    assert not answer.playing
