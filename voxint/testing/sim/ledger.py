"""What the simulated upstream generated, wrote and saw, request by request: the evidence that a cancel arrived."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Literal

import trio
from attrs import Factory, define, field

__all__ = ["Ledger", "LedgerEntry", "LedgerOutcome", "LedgerReport"]

REQUESTS = 10_000  # that a ledger keeps; older ones are forgotten, so that a soak test cannot eat the machine
STAMPS = 256  # of tokens, kept of each request: the latest 5 s at 20 ms a token, longer than any interrupt may take

LedgerOutcome = Literal[
    "open", "stalled", "complete", "disconnected", "reset", "garbage", "truncated", "refused", "stopped"
]


@define(eq=False)
class LedgerEntry:
    """One request. Instants are `time.monotonic()` seconds, which processes of one machine can compare.

    Args:
        id: Counts up from 1.
        endpoint: The path.
        tag: The request's `X-Request-Id`, else the body's `user` field, else empty.
        turn: The turn's number where the input carried one.
        recalled_turn: Which turn's answer stood last in the history that a chat request brought, by its numbered words.
        recalled_words: How many of them there were.
        connection: Which connection it came on, counting up from 1.
        client_port: The port it came from; 0 where it came by no socket.
        t_received: When its head had been read.
        t_first_written: When the first token, chunk or delta had been handed to the socket.
        t_disconnect_seen: When the client was seen to leave before the answer's end.
        tokens_generated: Tokens, chunks or deltas made, whether or not they could still be written.
        tokens_written: Those of them that the socket took.
        tokens_after_disconnect: Those made after `t_disconnect_seen`; a number above 0 is a fault of the simulator.
        bytes_written: Bytes of the answer's body.
        bytes_received: Bytes of the request's body.
        generated_at: When the latest tokens (at most 511) were made.
        outcome: How it ended; ``open`` and ``stalled`` have not, ``stopped`` ended with the simulator.
    """

    id: int
    endpoint: str
    t_received: float
    connection: int = 0
    client_port: int = 0
    tag: str = ""
    turn: int | None = None
    recalled_turn: int | None = None
    recalled_words: int = 0
    t_first_written: float | None = None
    t_disconnect_seen: float | None = None
    tokens_generated: int = 0
    tokens_written: int = 0
    tokens_after_disconnect: int = 0
    bytes_written: int = 0
    bytes_received: int = 0
    generated_at: list[float] = field(factory=list, repr=False)
    outcome: LedgerOutcome = "open"

    def generated(self, now: float) -> None:
        """Note a token made at `now`."""
        self.tokens_generated += 1
        self.generated_at.append(now)
        if len(self.generated_at) >= 2 * STAMPS:
            del self.generated_at[:STAMPS]

    def written(self, size: int) -> None:
        """Note that the socket took the token, of `size` bytes."""
        self.tokens_written += 1
        self.bytes_written += size

    def settle(self, disconnected_at: float | None) -> None:
        """Note the end, which was the client's leaving if it was seen, else the simulator's own."""
        self.t_disconnect_seen = disconnected_at
        if disconnected_at is not None:
            self.outcome = "disconnected"
            self.tokens_after_disconnect = sum(stamp > disconnected_at for stamp in self.generated_at)
        elif self.outcome in ("open", "stalled"):
            self.outcome = "stopped"


@define
class LedgerReport:
    """The ledger as `GET /ledger` gives it, oldest request first."""

    open_connections: int
    open_requests: int
    requests: list[LedgerEntry]


@define(eq=False)
class Ledger:
    """The latest requests, and how many are under way."""

    open_connections: int = 0
    open_requests: int = 0
    _entries: deque[LedgerEntry] = Factory(lambda: deque(maxlen=REQUESTS))
    _ids: count[int] = Factory(lambda: count(1))
    _settled: trio.Event = Factory(trio.Event)

    def begin(self, endpoint: str, now: float, connection: int, client_port: int = 0) -> LedgerEntry:
        """Return the entry of a new request."""
        entry = LedgerEntry(next(self._ids), endpoint, now, connection, client_port)
        self._entries.append(entry)
        self.open_requests += 1
        return entry

    def end(self, entry: LedgerEntry, disconnected_at: float | None) -> None:
        """Note a request's end, and wake who waits for the last one."""
        entry.settle(disconnected_at)
        self.open_requests -= 1
        if not self.open_requests:
            self._settled.set()
            self._settled = trio.Event()

    async def settled(self) -> None:
        """Wait until no request is under way; whoever waits gives the bound."""
        while self.open_requests:
            await self._settled.wait()

    def report(self, after: int = 0) -> LedgerReport:
        """Return the requests whose id is above `after`."""
        kept = [entry for entry in self._entries if entry.id > after]
        return LedgerReport(self.open_connections, self.open_requests, kept)

    def clear(self) -> None:
        """Forget the requests; those under way go on unseen."""
        self._entries.clear()
