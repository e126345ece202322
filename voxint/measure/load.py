"""Let callers loose on a server, and record what they see."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import monotonic

import trio

from voxint.measure.caller import call
from voxint.measure.dialect import MakeDialect
from voxint.measure.plan import SessionPlan
from voxint.measure.recording import Recording
from voxint.ticker import Ticker

__all__ = ["run_load"]

BEGIN_S = 0.05
"""Seconds from the call to second 0 of the plan, in which the callers' tasks start."""


async def run_load(
    url: str,
    make_dialect: MakeDialect,
    plans: Sequence[SessionPlan],
    *,
    warmup_s: float,
    seconds: float,
    drain_s: float = 5.0,
    counting: Callable[[float, float], None] = lambda counted_from, until: None,
) -> Recording:
    """Play the plans, one caller each, all at once.

    The garbage collector of this process is off meanwhile: its pauses would be measured as the server's.

    Args:
        url: The server's WebSocket.
        make_dialect: How each caller speaks.
        plans: What each caller does; they cover `warmup_s` and `seconds` together.
        warmup_s: Turns asked so early do not count: connections are dialled and caches filled by them.
        seconds: How long is counted.
        drain_s: The longest wait, after the plans' end, for answers and acknowledgements.
        counting: Called before the load begins with the two instants, on CLOCK_MONOTONIC, between which it counts,
            for whoever measures the server's processor time in the same span.

    Returns:
        What the callers saw. A caller that was refused or cut off is named in `lost`.
    """
    begin = monotonic() + BEGIN_S
    recording = Recording(begin + warmup_s, begin + warmup_s + seconds)
    counting(recording.counted_from, recording.until)
    ticker = Ticker()
    with _calm():
        async with trio.open_nursery() as beside:
            beside.start_soon(ticker.run)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_own_cpu, recording)
                for session, turns in enumerate(plans):
                    one = partial(call, ticker=ticker, session=session, drain_s=drain_s)
                    nursery.start_soon(one, url, make_dialect(), turns, begin, recording)
            beside.cancel_scope.cancel(reason="nobody speaks any more")
    recording.finished = monotonic()
    return recording


async def _own_cpu(recording: Recording) -> None:
    await trio.sleep(max(0.0, recording.counted_from - monotonic()))
    before = time.process_time()
    await trio.sleep(max(0.0, recording.until - monotonic()))
    recording.cpu_s = time.process_time() - before


@contextmanager
def _calm() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
