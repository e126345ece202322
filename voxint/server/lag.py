"""How busy the event loop is."""

from __future__ import annotations

import time

import trio

__all__ = ["LoopLag"]

WINDOW_S = 1.0
"""What the share is measured over: ours, long enough to be steady and short enough to be acted on."""


class LoopLag(trio.abc.Instrument):
    """Measures what share of the time the loop does something, rather than wait for something to do.

    Attributes:
        busy: That share over the last second, 0 to 1; 0 until it has been measured.
    """

    def __init__(self) -> None:
        self.busy = 0.0
        self._begin = time.perf_counter()
        self._waited_s = 0.0
        self._waits_since: float | None = None

    async def run(self, until: trio.CancelScope) -> None:
        """Measure until `until` is cancelled: as long as the server lives."""
        trio.lowlevel.add_instrument(self)
        try:
            with until:
                await trio.sleep_forever()
        finally:
            trio.lowlevel.remove_instrument(self)

    def before_io_wait(self, timeout: float) -> None:
        """Note that the loop looks for news; without a timeout it only looks, and goes on at once."""
        self._waits_since = time.perf_counter() if timeout > 0 else None

    def after_io_wait(self, timeout: float) -> None:
        """Note that it goes on."""
        now = time.perf_counter()
        if self._waits_since is not None:
            self._waited_s += now - self._waits_since
            self._waits_since = None
        if (elapsed := now - self._begin) >= WINDOW_S:
            self.busy = max(0.0, 1 - self._waited_s / elapsed)
            self._begin, self._waited_s = now, 0.0
