"""Server-sent events: bytes in, however they were cut, events out; the WHATWG rules, without a reconnection."""

from __future__ import annotations

import msgspec

from voxint.errors import UpstreamError

__all__ = ["EventParser", "ServerSentEvent"]

_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One event; a Struct because one is made per token.

    Args:
        data: The lines of `data`, joined by a line feed, in UTF-8 as they came.
        name: The `event` field, ``message`` where it has none.
    """

    data: bytes
    name: str = "message"

    def __repr__(self) -> str:
        """Return the size alone: it is what a model says."""
        return f"ServerSentEvent(<{len(self.data)} bytes>)"


class EventParser:
    """Turns the body of a ``text/event-stream`` response into events, chunk by chunk.

    The fields `id` and `retry` are for clients that reconnect; they are passed over. Two things are not in the rules,
    because servers of models do them: a field `error` in the place of `data` makes an event of that name, and `end`
    gives the event that lacks only its blank line.

    Args:
        max_event_bytes: The most that one event may hold, its last line whole. A mebibyte is room for the arguments of
            any function call, and keeps a mad server from filling the memory.
    """

    def __init__(self, max_event_bytes: int = 1 << 20) -> None:
        self._max = max_event_bytes
        self._partial = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._name = "message"
        self._began = False
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that `chunk` completes.

        Raises:
            UpstreamError: An event (or a line) is larger than the bound; the parser is of no more use.
        """
        # What nearly every chunk is: one event of one line.
        if (
            chunk.startswith(b"data: ")
            and chunk.endswith(b"\n\n")
            and chunk.find(b"\n") == len(chunk) - 2
            and b"\r" not in chunk
            and not (self._partial or self._data or self._after_cr)
            and self._name == "message"
            and self._began
            and len(chunk) - 2 <= self._max
        ):
            return [ServerSentEvent(chunk[6:-2])]
        return self._feed(chunk)

    def end(self) -> list[ServerSentEvent]:
        """Return the event that the end of the stream completes, if there is one; it may be cut off.

        Raises:
            UpstreamError: As `feed`.
        """
        return self._feed(b"\n\n")

    def _feed(self, chunk: bytes) -> list[ServerSentEvent]:
        if not chunk:
            return []
        if self._after_cr and chunk[0] == 0x0A:
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r") if chunk else False
        self._partial += chunk
        if not self._began:
            if len(self._partial) < len(_BOM) and _BOM.startswith(self._partial):
                return []
            self._began = True
            if self._partial.startswith(_BOM):
                del self._partial[: len(_BOM)]
        if b"\n" not in chunk and b"\r" not in chunk:
            self._bound(len(self._partial))
            return []
        lines = bytes(self._partial).splitlines()  # of bytes: at CR, LF and CRLF only
        self._partial.clear()
        if chunk[-1] not in b"\r\n":
            self._partial += lines.pop()
        events = [event for line in lines if (event := self._line(line)) is not None]
        self._bound(len(self._partial))
        return events

    def _line(self, line: bytes) -> ServerSentEvent | None:
        """Take one line; return the event that an empty one completes."""
        if not line:
            return self._dispatch()
        self._bound(len(line))
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._size += len(value) + 1
        elif field == b"event":
            self._name = value.decode("utf-8", "replace") or "message"
        elif field == b"error":
            self._name = "error"
            self._data.append(value)
            self._size += len(value) + 1
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        event = ServerSentEvent(b"\n".join(self._data), self._name) if self._data else None
        self._data.clear()
        self._size = 0
        self._name = "message"
        return event

    def _bound(self, more: int) -> None:
        if self._size + more > self._max:
            raise UpstreamError(f"the server sent an event of more than {self._max:,} bytes: not what was asked for")
