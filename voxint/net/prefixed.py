"""A stream with bytes already read put back in front of it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import trio

__all__ = ["PrefixedStream"]


class PrefixedStream(trio.abc.Stream):
    """Give `prefix` to the first reads, then be `stream`.

    The methods hand on the inner coroutine and await nothing of their own: this layer stays below every frame of a
    WebSocket for hours after the prefix is gone.
    """

    def __init__(self, stream: trio.abc.Stream, prefix: bytes) -> None:
        self.inner = stream
        self._prefix = prefix

    @property
    def prefixed(self) -> bool:
        """Whether some of the prefix is still to be read."""
        return bool(self._prefix)

    def send_all(self, data: bytes | bytearray | memoryview) -> Coroutine[Any, Any, None]:
        """Send as the inner stream does."""
        return self.inner.send_all(data)

    def wait_send_all_might_not_block(self) -> Coroutine[Any, Any, None]:
        """Wait as the inner stream does."""
        return self.inner.wait_send_all_might_not_block()

    def receive_some(self, max_bytes: int | None = None) -> Coroutine[Any, Any, bytes | bytearray]:
        """Receive what was put back, then what the inner stream receives."""
        return self._receive_prefix(max_bytes) if self._prefix else self.inner.receive_some(max_bytes)

    def aclose(self) -> Coroutine[Any, Any, None]:
        """Close the inner stream."""
        return self.inner.aclose()

    async def _receive_prefix(self, max_bytes: int | None) -> bytes:
        await trio.lowlevel.checkpoint()
        size = len(self._prefix) if max_bytes is None else max_bytes
        data, self._prefix = self._prefix[:size], self._prefix[size:]
        return data
