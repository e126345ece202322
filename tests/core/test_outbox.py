from __future__ import annotations

from collections.abc import Iterable

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from voxint.core.outbox import Outbox
from voxint.protocol.messages import Heartbeat, ServerMessage, Shutdown

pytestmark = pytest.mark.virtual_time

GOODBYE = Shutdown(reason="bye")


async def test_first_in_is_first_out() -> None:
    """Only a heartbeat overtakes."""
    outbox = Outbox()
    for reason in ("one", "two"):
        outbox.post(Shutdown(reason=reason))
    outbox.post_first(Heartbeat(remaining_seconds=60))
    taken = [await outbox.next() for _ in range(3)]
    assert taken == [Heartbeat(remaining_seconds=60), Shutdown(reason="one"), Shutdown(reason="two")]


async def test_the_writer_waits_for_the_next() -> None:
    """It gets it in the instant in which it is posted."""
    outbox = Outbox()
    taken: list[float] = []

    async def write() -> None:
        assert await outbox.next() == GOODBYE
        taken.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        await trio.sleep(0.5)
        outbox.post(GOODBYE)
    assert taken == [0.5]


async def test_a_closed_outbox_is_drained_and_takes_no_more() -> None:
    """Finals that were queued are written; nobody is left to read what comes later."""
    outbox = Outbox()
    outbox.post(GOODBYE)
    outbox.close()
    outbox.post(GOODBYE)
    outbox.post_first(GOODBYE)
    assert await outbox.next() == GOODBYE
    with pytest.raises(trio.EndOfChannel):
        await outbox.next()


async def test_closing_wakes_the_writer() -> None:
    """A writer that waits learns of the end."""
    outbox = Outbox()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def write() -> None:
            with pytest.raises(trio.EndOfChannel):
                await outbox.next()

        await wait_all_tasks_blocked()
        outbox.close()


async def test_a_cancelled_writer_loses_nothing() -> None:
    """A message that came while it was cancelled is there for the next read."""
    outbox = Outbox()
    with trio.move_on_after(0.5):
        await outbox.next()
    outbox.post(GOODBYE)
    assert await outbox.next() == GOODBYE


async def test_a_reader_that_waits_is_sent_for() -> None:
    """In the step in which a message is queued; one that was sent whole never wakes the reader."""
    outbox, sent = Outbox(), list[ServerMessage]()

    def send_now(messages: Iterable[ServerMessage]) -> bool:
        sent.extend(messages)
        return True

    outbox.send_now = send_now
    outbox.post(GOODBYE)
    assert sent == []  # nobody waits yet: it is queued
    assert await outbox.next() == GOODBYE
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.next)
        await wait_all_tasks_blocked()
        outbox.post(GOODBYE)
        outbox.post(GOODBYE)
        assert sent == [GOODBYE, GOODBYE]
        await wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1
        nursery.cancel_scope.cancel()


async def test_a_reader_goes_on_with_what_was_left() -> None:
    """Where a message went out in part the reader is woken for the rest, and what comes meanwhile is queued behind."""
    outbox = Outbox()
    outbox.send_now = lambda messages: False
    got: list[object] = []

    async def read() -> None:
        got.extend([await outbox.next(), await outbox.next()])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        outbox.post(GOODBYE)
        outbox.post(GOODBYE)
    assert got == [None, GOODBYE]


async def test_what_is_queued_together_leaves_together() -> None:
    """In one send at the end of the outermost block, with what other tasks queued meanwhile, in order."""
    outbox = Outbox()
    sends: list[list[ServerMessage]] = []

    def send_now(messages: Iterable[ServerMessage]) -> bool:
        sends.append(list(messages))
        return True

    outbox.send_now = send_now
    one, two, three = (Shutdown(reason=reason) for reason in ("one", "two", "three"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outbox.next)
        await wait_all_tasks_blocked()
        with outbox.together():
            outbox.post(one)
            with outbox.together():
                outbox.post(two)
            outbox.post(three)
            assert sends == []
        assert sends == [[one, two, three]]
        with outbox.together():
            pass
        assert len(sends) == 1
        nursery.cancel_scope.cancel()


async def test_what_is_queued_together_wakes_a_reader_that_sends_for_itself() -> None:
    """The library's reader has no `send_now`: it wakes after the block and takes one by one."""
    outbox = Outbox()
    got: list[object] = []

    async def read() -> None:
        got.extend([await outbox.next(), await outbox.next()])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        with outbox.together():
            outbox.post(GOODBYE)
            outbox.post(GOODBYE)
    assert got == [GOODBYE, GOODBYE]
