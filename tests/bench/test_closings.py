"""When the kernel saw connections end."""

from __future__ import annotations

import socket
import time

import pytest

from bench.closings import Closings, may_watch, watch_closings
from voxint.testing.sim.ledger import LedgerEntry, LedgerReport

PORT = 40_001
ENTRY = LedgerEntry(
    1, "/v1/chat/completions", 100.0, client_port=PORT, t_disconnect_seen=101.09, outcome="disconnected"
)


def ended(entry: LedgerEntry, *ends: tuple[int, float]) -> float | None:
    """Return when a request's client left, by what the kernel saw."""
    closings = Closings()
    for port, at in ends:
        closings.note(port, at)
    return closings.exact(LedgerReport(0, 0, [entry])).requests[0].t_disconnect_seen


def test_the_kernels_stamp_stands_for_a_late_one() -> None:
    """An upstream that was held up for 80 ms does not make the target late."""
    assert ended(ENTRY, (PORT, 101.01)) == 101.01


def test_another_connection_says_nothing() -> None:
    """Neither another port's end, nor an earlier or later end of the same port, is this request's."""
    assert ended(ENTRY, (PORT + 1, 101.01), (PORT, 98.0), (PORT, 102.0)) == 101.09


def test_of_the_ends_of_one_connection_the_first_counts() -> None:
    """What the upstream writes into a closed connection is answered with a reset, which is no second end."""
    assert ended(ENTRY, (PORT, 101.01), (PORT, 101.03), (PORT, 101.05)) == 101.01


def test_without_the_kernels_stamp_the_upstreams_own_stands() -> None:
    """Where packets may not be seen, nothing is corrected; a request that was answered whole stays so."""
    assert ended(ENTRY) == 101.09
    answered = LedgerEntry(2, "/v1/chat/completions", 100.0, client_port=PORT, outcome="complete")
    assert ended(answered, (PORT, 100.5)) is None


def test_an_answer_that_was_ended_for_nobody_was_broken_off() -> None:
    """A late upstream makes the last of its answer though the client has left; one that was done before is complete."""
    whole = LedgerEntry(3, "", 100.0, client_port=PORT, outcome="complete", generated_at=[101.0, 101.04])
    assert ended(whole, (PORT, 101.01)) == 101.01
    assert ended(whole, (PORT, 101.05)) is None


def test_an_end_that_the_upstream_has_not_seen_is_the_kernels() -> None:
    """One that hung until the ledger was read knows of no end; the kernel does."""
    unseen = LedgerEntry(5, "", 100.0, client_port=PORT, outcome="stalled")
    assert ended(unseen, (PORT, 101.01)) == 101.01
    assert ended(unseen) is None


def test_ends_without_a_stamp_are_counted() -> None:
    """So that nobody takes an upstream's late word for proof."""
    closings = Closings()
    closings.note(PORT, 101.01)
    other = LedgerEntry(4, "", 100.0, client_port=PORT + 1, t_disconnect_seen=101.09, outcome="disconnected")
    closings.exact(LedgerReport(0, 0, [ENTRY, other]))
    assert closings.unstamped == {4}
    closings.exact(LedgerReport(0, 0, [ENTRY]))
    assert closings.unstamped == set()


@pytest.mark.skipif(not may_watch(), reason="packets may not be seen here")
@pytest.mark.parametrize("hard", [False, True], ids=["FIN", "RST"])
async def test_an_end_is_stamped_within_the_call_that_closes(hard: bool) -> None:
    """Both ways to end a connection are seen at once, though nobody reads at its other side; other ports are not."""
    with socket.create_server(("127.0.0.1", 0)) as watched, socket.create_server(("127.0.0.1", 0)) as other:
        async with watch_closings(watched.getsockname()[1]) as closings:
            client, stranger = (socket.create_connection(to.getsockname()) for to in (watched, other))
            held = [watched.accept()[0], other.accept()[0]]
            if hard:  # data that nobody has read turns the close into a reset
                held[0].sendall(b"unread")
                client.recv(6, socket.MSG_PEEK)
            port, strange = client.getsockname()[1], stranger.getsockname()[1]
            received = before = time.monotonic()
            client.close()
            stranger.close()
            after = time.monotonic()
            entries = [
                LedgerEntry(number, "", received, client_port=at, t_disconnect_seen=after + 0.5, outcome="disconnected")
                for number, at in ((1, port), (2, strange))
            ]
            mine, theirs = (entry.t_disconnect_seen for entry in closings.exact(LedgerReport(0, 0, entries)).requests)
            for end in held:
                end.close()
    assert mine is not None
    assert before - 0.001 <= mine <= after + 0.001
    assert theirs == after + 0.5


@pytest.mark.skipif(not may_watch(), reason="packets may not be seen here")
async def test_what_was_before_is_forgotten() -> None:
    """An end of an earlier load can't be taken for one of this."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with watch_closings(server.getsockname()[1]) as closings:
            client = socket.create_connection(server.getsockname())
            port = client.getsockname()[1]
            begun = time.monotonic()
            client.close()
            closings.forget()
            entry = LedgerEntry(1, "", begun, client_port=port, t_disconnect_seen=begun + 0.2, outcome="disconnected")
            assert closings.exact(LedgerReport(0, 0, [entry])).requests == [entry]
