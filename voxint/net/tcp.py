"""A TCP connection whose socket is at hand, for what trio's streams cannot do: send or read now, without a wait.

trio's sockets have no call that never waits. Here the standard library's socket is taken out of a stream by public
means and put under a stream of trio again, so that both are at hand: trio waits, the socket itself sends and receives.
It works on every platform: no file descriptor is read or written past the socket.
"""

from __future__ import annotations

import socket

import trio

__all__ = ["READ_BYTES", "TcpStream"]

READ_BYTES = 16_384
"""At a time, where the caller does not say: many frames of a microphone, few of a model's stream."""


class TcpStream(trio.abc.HalfCloseableStream):
    """A TCP connection that waits before it reads, and can write without a wait.

    trio tries to receive first and waits then; a small message is hardly ever there already, so that each would cost a
    failed call and its exception.

    Args:
        stream: The connection, which nobody else uses from now on.

    Attributes:
        stream: A stream of trio over the same connection, for what needs one, such as `trio.SSLStream`.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        bare = stream.socket
        family, kind, proto = bare.family, bare.type, bare.proto
        self._socket = socket.socket(family, kind, proto, fileno=bare.detach())
        self.stream = trio.SocketStream(trio.socket.from_stdlib_socket(self._socket))

    @property
    def closed(self) -> bool:
        """Whether it was closed here."""
        return self._socket.fileno() < 0

    @property
    def readable(self) -> bool:
        """Whether something is there to be read now, the end included."""
        return self.stream.socket.is_readable()

    def send_now(self, data: bytes | bytearray | memoryview) -> int:
        """Hand the kernel what it takes of `data` now and return how much; 0 where it is full, or the connection gone.

        A `send_all` of the rest waits for room, or raises what is wrong.
        """
        try:
            return self._socket.send(data)
        except OSError:
            return 0

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data` as trio does. Cancelled, an unknown part of it has been sent."""
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as trio does."""
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Wait until there is something to read, and read it, at most `max_bytes`; empty at the end.

        Raises:
            trio.BrokenResourceError: The connection was lost.
            trio.ClosedResourceError: It was closed here.
        """
        while True:
            if self.closed:
                raise trio.ClosedResourceError
            await trio.lowlevel.wait_readable(self._socket)
            try:
                return self._socket.recv(max_bytes or READ_BYTES)
            except BlockingIOError:
                continue  # a false alarm: the kernel dropped what it had announced
            except OSError as error:
                raise trio.BrokenResourceError("the connection was lost") from error

    async def send_eof(self) -> None:
        """Say that nothing more comes, as trio does."""
        await self.stream.send_eof()

    def close(self) -> None:
        """Close the socket now; who waits for it gets `trio.ClosedResourceError`."""
        self.stream.socket.close()

    def setsockopt(self, level: int, option: int, value: int | bytes) -> None:
        """Set an option of the socket."""
        self._socket.setsockopt(level, option, value)

    async def aclose(self) -> None:
        """Close the socket now; a checkpoint, but no cancellation can cut it short."""
        self.close()
        await trio.lowlevel.checkpoint()
