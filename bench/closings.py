"""When the kernel saw connections to the upstream end: a stamp that no busy process can be late with.

The upstream shares its core with the generator, which goes first. On a full core its own stamp of an end can be tens of
milliseconds behind the end itself, and would be counted as the target's time. Every connection's first FIN or RST is
stamped as it passes the loopback interface, within the call with which the target closes its socket.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import trio
from attrs import define, evolve, field

from voxint.background import open_background
from voxint.testing.sim.ledger import LedgerEntry, LedgerReport

__all__ = ["Closings", "may_watch", "watch_closings"]

ETH_P_IP = 0x0800
SO_ATTACH_FILTER = 26
SOL_PACKET = 263
PACKET_STATISTICS = 6
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
"""Constants of Linux (asm-generic/socket.h, linux/if_packet.h); Python names none of them."""

PROTOCOL_AT = 9
"""Offsets in the header of an IP packet."""

PORT_AT = 2
FLAGS_AT = 13
FIN_OR_RST = 0x05
"""Offsets in the header of a TCP segment: the destination's port, and the flags."""

KEPT = 64
"""Bytes of a packet: both headers' fixed parts, with room for options."""

BUFFER = 4 * 2**20
"""Bytes: 200 callers end some 900 connections a second, of 1 to 2 KiB each in the kernel's count. Asked for as root,
it is granted, else cut to net.core.rmem_max; what does not fit is told as `Closings.unstamped`."""

READ_S = 0.1
"""Seconds between two looks: rarely, since the core is shared, and long before the buffer is full."""

READ_LATE_S = 0.2
"""An upstream may be so late as to read a request after the connection's end. No port is given anew so soon."""

CLOCKS_S = 20e-6
TRIES = 10
"""Both clocks are read until nothing came between them."""


@define(eq=False)
class Closings:
    """The ends seen so far, as instants of CLOCK_MONOTONIC by the client's port.

    Attributes:
        unstamped: Of the ledger that `exact` returned last, the requests whose end has the upstream's own stamp.
    """

    _packets: socket.socket | None = None
    _ends: dict[int, list[float]] = field(factory=dict)
    unstamped: set[int] = field(factory=set)

    def forget(self) -> None:
        """Forget what was seen until now."""
        self.read()
        self._ends.clear()

    def note(self, port: int, at: float) -> None:
        """Note that the client at `port` ended its connection."""
        self._ends.setdefault(port, []).append(at)

    def exact(self, report: LedgerReport) -> LedgerReport:
        """Return a ledger whose ends are the kernel's stamps, where there is one; the upstream's own else."""
        self.read()
        self.unstamped.clear()
        if self._dropped():  # of two ends of a connection the first may be missing: none can be trusted
            self._ends.clear()
        return evolve(report, requests=[self._exact(entry) for entry in report.requests])

    def _exact(self, entry: LedgerEntry) -> LedgerEntry:
        seen = entry.t_disconnect_seen
        latest = seen or float("inf")  # one that is still open here may only not have been looked at
        if entry.outcome == "complete":
            # An upstream that looks late may have made the last of its answer for a client that had left.
            latest = entry.generated_at[-1] if entry.generated_at else 0.0
        fitting = [at for at in self._ends.get(entry.client_port, ()) if entry.t_received - READ_LATE_S <= at < latest]
        if fitting:
            # The first: what an upstream writes into a closed connection is answered with a RST, after the end.
            return evolve(entry, t_disconnect_seen=min(fitting), outcome="disconnected")
        if seen is not None:
            self.unstamped.add(entry.id)
        return entry

    def _dropped(self) -> bool:
        """Return whether the kernel had no room for some packets since this was asked last."""
        if self._packets is None:
            return False
        _, drops = struct.unpack("II", self._packets.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        return bool(drops)

    def read(self) -> None:
        """Take the packets that the kernel holds."""
        if self._packets is None:
            return
        offset = _clocks_apart()
        with suppress(BlockingIOError):
            while True:
                packet, ancillary, _, _ = self._packets.recvmsg(KEPT, KEPT)
                header = 4 * (packet[0] & 0x0F)
                client_port: int = struct.unpack_from("!H", packet, header)[0]
                stamp = next(data for _, kind, data in ancillary if kind == SO_TIMESTAMPNS)
                seconds, nanoseconds = struct.unpack_from("qq", stamp)
                self.note(client_port, seconds + nanoseconds / 1e9 - offset)


def _clocks_apart() -> float:
    """Return CLOCK_REALTIME, with which the kernel stamps, less CLOCK_MONOTONIC, to `CLOCKS_S` if that is to be had."""
    closest, offset = float("inf"), 0.0
    for _ in range(TRIES):
        before, now, after = time.monotonic(), time.time(), time.monotonic()
        if after - before < closest:
            closest, offset = after - before, now - (before + after) / 2
        if closest <= CLOCKS_S:
            break
    return offset


def may_watch() -> bool:
    """Return whether this process may see packets (on Linux, with CAP_NET_RAW)."""
    with suppress(AttributeError, OSError):
        _open(0).close()
        return True
    return False


@asynccontextmanager
async def watch_closings(port: int) -> AsyncIterator[Closings]:
    """Note the ends of all connections to `port` of this machine while the block runs; none where that is forbidden."""
    if not may_watch():
        yield Closings()
        return
    with _open(port) as packets:
        closings = Closings(packets)
        async with open_background() as nursery:
            nursery.start_soon(_keep_reading, closings)
            yield closings
            nursery.cancel_scope.cancel(reason="nobody asks for the ends of connections any more")


async def _keep_reading(closings: Closings) -> None:
    while True:
        closings.read()
        await trio.sleep(READ_S)


def _open(port: int) -> socket.socket:
    """Return a socket that gets the packets with which clients of `port` end their connections, each with a stamp."""
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)  # without a protocol it gets nothing until it is bound
    try:
        program = _filter(port)
        held = ctypes.create_string_buffer(program)
        packets.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program) // 8, ctypes.addressof(held))
        )
        packets.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        try:
            packets.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        except PermissionError:
            packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        packets.setblocking(False)
        packets.bind(("lo", ETH_P_IP))
    except BaseException:
        packets.close()
        raise
    return packets


def _filter(port: int) -> bytes:
    """Return the classic BPF program that takes TCP packets to `port` with FIN or RST (linux/filter.h)."""
    load_byte, load_byte_x, load_half_x, header_to_x = 0x30, 0x50, 0x48, 0xB1
    if_equal, if_set, give = 0x15, 0x45, 0x06
    program = (  # an instruction, how many to skip if it holds and if not, its operand
        (load_byte, 0, 0, PROTOCOL_AT),
        (if_equal, 0, 6, socket.IPPROTO_TCP),
        (header_to_x, 0, 0, 0),
        (load_half_x, 0, 0, PORT_AT),
        (if_equal, 0, 3, port),
        (load_byte_x, 0, 0, FLAGS_AT),
        (if_set, 0, 1, FIN_OR_RST),
        (give, 0, 0, KEPT),
        (give, 0, 0, 0),
    )
    return b"".join(struct.pack("HBBI", *step) for step in program)
