"""A line over a WebSocket: what all systems have of it in common."""

from __future__ import annotations

import trio
from attrs import define
from trio_websocket import ConnectionClosed, WebSocketConnection

__all__ = ["SocketLine"]


@define(eq=False)
class SocketLine:
    """A call's socket: the microphone goes out in binary frames; a subclass reads what comes."""

    _socket: WebSocketConnection

    async def send(self, pcm: bytes) -> None:
        """Send the next piece of the microphone.

        Raises:
            trio.BrokenResourceError: The connection is lost.
        """
        try:
            await self._socket.send_message(pcm)
        except ConnectionClosed:
            raise trio.BrokenResourceError from None

    async def _next(self) -> str | bytes:
        """Return the next frame; the call's end bounds the wait.

        Raises:
            trio.EndOfChannel: The connection is closed.
        """
        try:
            frame: str | bytes = await self._socket.get_message()
        except ConnectionClosed:
            raise trio.EndOfChannel from None
        return frame
