"""Taking connections in, also where the system has no file descriptor left: nobody is left waiting in its queue."""

from __future__ import annotations

import errno
import os
import select
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio

from voxint.logs import Seldom, get_logger

__all__ = ["accept_connections", "has_left", "peer_of"]

CAPACITY = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
"""What the system answers where it has no room for another connection (accept(2))."""

OURS = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EOPNOTSUPP}
"""What it answers to a bug of ours. All else is of one connection, or of the network, and the next one may be good."""

PAUSE_S = 0.05
"""Between two tries where nothing can be done; ours."""

LINE_EVERY_S = 10.0
"""Of the lines about it; ours: it goes on until an operator does something."""

log = get_logger()


async def accept_connections(
    listener: trio.SocketListener,
    serve: Callable[[trio.SocketStream], Awaitable[None]],
    nursery: trio.Nursery,
    make_room: Callable[[], float | None],
    refused: Callable[[], None],
) -> None:
    """Take in whoever connects, until cancelled; the listener is closed then.

    Where there is no descriptor left, somebody who can be spared has to go; where nobody can, the newcomer is closed at
    once: it had rather know than wait. One descriptor is held in reserve for that.

    Args:
        listener: Where they connect.
        serve: Serves one connection, and closes it. What it raises ends the nursery.
        nursery: Where it is served.
        make_room: Has somebody go, and returns 0; or says in how many seconds somebody can; None: nobody.
        refused: Told of each that was closed at once.
    """
    async with listener:
        reserve = _Reserve()
        try:
            while True:
                try:
                    stream = await listener.accept()
                except OSError as error:
                    if error.errno in OURS:
                        raise
                    if error.errno in CAPACITY:
                        if (spared := await reserve.bridge(listener, make_room, refused)) is not None:
                            nursery.start_soon(serve, spared)
                    else:
                        await trio.sleep(PAUSE_S)
                else:
                    nursery.start_soon(serve, stream)
        finally:
            reserve.give_up()


class _Reserve:
    """A descriptor that is held in order to be given up."""

    def __init__(self) -> None:
        self._fd: int | None = None
        self._seldom = Seldom(LINE_EVERY_S)
        self._hold()

    def _hold(self) -> None:
        with suppress(OSError):
            self._fd = os.open(os.devnull, os.O_RDONLY)

    def give_up(self) -> None:
        """Close it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    async def bridge(
        self, listener: trio.SocketListener, make_room: Callable[[], float | None], refused: Callable[[], None]
    ) -> trio.SocketStream | None:
        """Do what can be done for one newcomer where there is no descriptor; return it where one was free after all.

        Linux says that there is none also while nobody is in the queue. So somebody may have left until one comes.
        """
        if self._seldom.due("descriptors", trio.current_time()) is not None:  # how many tries there were says nothing
            log.error("no file descriptor is left", remedy="raise LimitNOFILE of the unit, or ulimit -n")
        wait_s = make_room()
        if wait_s is not None:
            # The newcomer waits in the system's queue; and who has to go needs a moment to close its socket.
            await trio.sleep(max(PAUSE_S / 10, min(wait_s, PAUSE_S)))
            return None
        if self._fd is None:
            await trio.sleep(PAUSE_S)
            self._hold()
            return None
        self.give_up()
        stream = None
        with suppress(OSError), trio.move_on_after(PAUSE_S):
            stream = await listener.accept()
        self._hold()
        if stream is None or self._fd is not None:
            return stream
        refused()
        await trio.aclose_forcefully(stream)
        return None


def has_left(stream: trio.SocketStream) -> bool:
    """Return whether whoever is connected has said that nothing more comes, though what came before is still unread.

    Where the system does not tell that, it is seen when all has been read.
    """
    if sys.platform == "win32" or not hasattr(select, "POLLRDHUP"):
        return False
    looking = select.poll()
    looking.register(stream.socket.fileno(), select.POLLRDHUP)
    return bool(looking.poll(0))


def peer_of(stream: trio.SocketStream) -> str:
    """Return the address of who is connected; empty where it has gone already, or has none."""
    try:
        name = stream.socket.getpeername()
    except OSError:
        return ""
    return str(name[0]) if isinstance(name, tuple) else ""
