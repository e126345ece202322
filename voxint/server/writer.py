"""The one task that waits for a connection's socket to take something."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import count
from typing import Protocol

import trio

from voxint.core.listener import MOST_AT_ONCE
from voxint.logs import get_logger, places
from voxint.server.connection import FAULT, Connection
from voxint.server.words import FAILED

__all__ = ["Socket", "Writer"]

log = get_logger()


class Socket(Protocol):
    """What a writer needs of a WebSocket."""

    def send_now(self, *messages: str | bytes) -> bool:
        """Send as far as possible without an await; return whether that was all."""

    async def send_message(self, message: str | bytes) -> None:
        """Send one message."""

    async def flush(self) -> None:
        """Send what `send_now` has left."""


class Writer:
    """Renders what a listener gets, and sends it.

    While it waits for something to send, whoever has something sends it in its own step, which no cancellation can
    cut. What can't be rendered is this connection's end, with 1011 and a line in the log; whose request it was of, and
    everybody else, never hears of it.

    Args:
        connection: Whose listener and renderer they are.
        socket: Where the frames go.
    """

    def __init__(self, connection: Connection, socket: Socket) -> None:
        self._connection = connection
        self._socket = socket
        self._broken = False

    async def run(self) -> None:
        """Send until the listener is closed and empty; cancelled only together with the connection."""
        listener = self._connection.listener
        listener.send_now = self._send_now
        try:
            for number in count():
                if not number % MOST_AT_ONCE:  # a socket that takes everything must not keep all others waiting
                    await trio.lowlevel.checkpoint()
                item = await listener.next()
                if item is not None:
                    for frame in self._frames((item,)):
                        await self._socket.send_message(frame)
                elif not self._broken:
                    await self._socket.flush()
                if self._broken:
                    self._connection.close(FAULT, FAILED)
        except trio.EndOfChannel:
            pass

    def _send_now(self, items: Iterable[object]) -> bool:
        """Send in the step of whoever has something to say; what goes wrong is left for the task, which closes."""
        sent = self._socket.send_now(*self._frames(items))
        return sent and not self._broken

    def _frames(self, items: Iterable[object]) -> list[str | bytes]:
        frames: list[str | bytes] = []
        if self._broken:
            return frames
        now_ms = int(time.time() * 1000)
        try:
            for item in items:
                frames.extend(self._connection.renderer.render(item, now_ms))
        except Exception as error:  # noqa: BLE001 - the boundary: it may run in the step in which a request ends
            self._broken = True
            session_id = self._connection.renderer.session_id
            log.error("what was to be said can't be written", session_id=session_id, trace=places(error))
        return frames
