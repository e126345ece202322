from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import frozen
from trio.testing import wait_all_tasks_blocked

from voxint.core.listener import MOST_AT_ONCE, Listener
from voxint.protocol.messages import Heartbeat, ServerMessage, Shutdown

pytestmark = pytest.mark.virtual_time

GOODBYE = Shutdown(reason="bye")
HEARTBEAT = Heartbeat(remaining_seconds=60)


@frozen(eq=False)
class _Draft:
    """Something of somebody's."""

    owner: object
    message: ServerMessage
    size: int = 1

    def take(self, now: float) -> ServerMessage:
        return self.message


@asynccontextmanager
async def sending(*, ends: bool = False) -> AsyncGenerator[tuple[Listener, list[list[object]]]]:
    """Yield an listener whose reader waits, and what `send_now` was given: all of it is sent.

    Args:
        ends: Whether the reader meets the end by the end of the block; otherwise it still waits then.
    """
    listener, sends, ended = Listener(), list[list[object]](), trio.Event()

    def send_now(messages: Iterable[object]) -> bool:
        sends.append(list(messages))
        return True

    async def read() -> None:
        with pytest.raises(trio.EndOfChannel):
            await listener.next()
        ended.set()

    listener.send_now = send_now
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        yield listener, sends
        await wait_all_tasks_blocked()
        assert ended.is_set() == ends
        nursery.cancel_scope.cancel()


async def test_nothing_is_not_sent() -> None:
    """Who has nothing to say to a listener costs it no write."""
    async with sending() as (listener, sends):
        listener.queue()
        assert sends == []


async def test_first_in_is_first_out() -> None:
    """Only a heartbeat overtakes."""
    listener = Listener()
    for reason in ("one", "two"):
        listener.post(Shutdown(reason=reason))
    listener.post_first(HEARTBEAT)
    taken = [await listener.next() for _ in range(3)]
    assert taken == [HEARTBEAT, Shutdown(reason="one"), Shutdown(reason="two")]


async def test_the_writer_waits_for_the_next() -> None:
    """It gets it in the instant in which it is posted."""
    listener = Listener()
    taken: list[float] = []

    async def write() -> None:
        assert await listener.next() == GOODBYE
        taken.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        await trio.sleep(0.5)
        listener.post(GOODBYE)
    assert taken == [0.5]


async def test_a_closed_listener_is_drained_and_takes_no_more() -> None:
    """Finals that were queued are written; nobody is left to read what comes later."""
    listener = Listener()
    listener.post(GOODBYE)
    listener.close()
    listener.post(GOODBYE)
    listener.post_first(GOODBYE)
    assert await listener.next() == GOODBYE
    with pytest.raises(trio.EndOfChannel):
        await listener.next()


async def test_closing_wakes_the_writer() -> None:
    """A writer that waits learns of the end."""
    listener = Listener()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def write() -> None:
            with pytest.raises(trio.EndOfChannel):
                await listener.next()

        await wait_all_tasks_blocked()
        listener.close()


async def test_a_cancelled_writer_loses_nothing() -> None:
    """A message that came while it was cancelled is there for the next read."""
    listener = Listener()
    with trio.move_on_after(0.5):
        await listener.next()
    listener.post(GOODBYE)
    assert await listener.next() == GOODBYE


async def test_a_reader_that_waits_is_sent_for() -> None:
    """In the step in which a message is queued; one that was sent whole never wakes the reader."""
    listener, sent = Listener(), list[object]()

    def send_now(messages: Iterable[object]) -> bool:
        sent.extend(messages)
        return True

    listener.send_now = send_now
    listener.post(GOODBYE)
    assert sent == []  # nobody waits yet: it is queued
    assert await listener.next() == GOODBYE
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listener.next)
        await wait_all_tasks_blocked()
        listener.post(GOODBYE)
        listener.post(GOODBYE)
        assert sent == [GOODBYE, GOODBYE]
        await wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1
        nursery.cancel_scope.cancel()


async def test_a_reader_goes_on_with_what_was_left() -> None:
    """Where a message went out in part the reader is woken for the rest, and what comes meanwhile is queued behind."""
    listener = Listener()
    listener.send_now = lambda messages: False
    got: list[object] = []

    async def read() -> None:
        got.extend([await listener.next(), await listener.next()])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        listener.post(GOODBYE)
        listener.post(GOODBYE)
    assert got == [None, GOODBYE]


async def test_a_heartbeat_is_sent_in_front_of_what_comes_next() -> None:
    """It wakes the reader; what is queued before that has run takes it along, and the reader waits on."""
    async with sending() as (listener, sends):
        listener.post_first(HEARTBEAT)
        assert sends == []
        listener.post(GOODBYE)
        assert sends == [[HEARTBEAT, GOODBYE]]


async def test_what_is_queued_together_leaves_together() -> None:
    """In one send at the end of the outermost block, in order; an empty block sends nothing."""
    one, two, three = (Shutdown(reason=reason) for reason in ("one", "two", "three"))
    async with sending() as (listener, sends):
        with listener.together():
            listener.post(one)
            with listener.together():
                listener.post(two)
            listener.post(three)
            assert sends == []
        assert sends == [[one, two, three]]
        with listener.together():
            pass
        assert len(sends) == 1


async def test_a_heartbeat_goes_in_front_of_what_is_together() -> None:
    """It is held with the others."""
    async with sending() as (listener, sends):
        with listener.together():
            listener.post(GOODBYE)
            listener.post_first(HEARTBEAT)
        assert sends == [[HEARTBEAT, GOODBYE]]


async def test_what_is_discarded_together_is_never_sent() -> None:
    """What somebody else queued in the same block is; where nothing is left there is no send."""
    mine, theirs = _Draft(object(), Shutdown(reason="mine")), _Draft(object(), Shutdown(reason="theirs"))
    async with sending() as (listener, sends):
        with listener.together():
            listener.queue(mine, theirs, mine)
            listener.discard(mine.owner)
        assert sends == [[theirs.message]]
        with listener.together():
            listener.queue(mine)
            listener.discard(mine.owner)
        assert len(sends) == 1


async def test_what_was_together_before_the_close_is_sent() -> None:
    """What comes behind it in the block is dropped, and the reader learns of the end."""
    async with sending(ends=True) as (listener, sends):
        with listener.together():
            listener.post(GOODBYE)
            listener.close()
            listener.post(HEARTBEAT)
            assert sends == []
        assert sends == [[GOODBYE]]


async def test_what_is_left_of_what_was_together_is_the_readers() -> None:
    """A block behind it that ends before the reader has run is queued whole, behind what was left."""
    listener = Listener()
    listener.send_now = lambda messages: False
    got: list[object] = []

    async def read() -> None:
        got.extend([await listener.next() for _ in range(3)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        with listener.together():
            listener.post(GOODBYE)
            listener.post(GOODBYE)
        assert len(listener) == 0
        with listener.together():
            listener.post(HEARTBEAT)
            listener.post(GOODBYE)
        assert len(listener) == 2
    assert got == [None, HEARTBEAT, GOODBYE]


async def test_what_is_queued_together_wakes_a_reader_that_sends_for_itself() -> None:
    """The library's reader has no `send_now`: it wakes after the block and takes one by one."""
    listener = Listener()
    got: list[object] = []

    async def read() -> None:
        got.extend([await listener.next(), await listener.next()])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        with listener.together():
            listener.post(GOODBYE)
            listener.post(GOODBYE)
    assert got == [GOODBYE, GOODBYE]


async def test_much_at_once_is_left_to_the_reader() -> None:
    """What is queued in one step is sent in it up to a bound: others have to get their turn."""
    listener, sent, got = Listener(), list[object](), list[object]()

    def send_now(messages: Iterable[object]) -> bool:
        sent.extend(messages)
        return True

    async def read() -> None:
        while True:
            got.append(await listener.next())

    listener.send_now = send_now
    numbered = [Heartbeat(remaining_seconds=number) for number in range(MOST_AT_ONCE + 3)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        with listener.together():
            for message in numbered:
                listener.post(message)
        assert sent == numbered[:MOST_AT_ONCE]
        await wait_all_tasks_blocked()
        assert got == numbered[MOST_AT_ONCE:]
        nursery.cancel_scope.cancel()
