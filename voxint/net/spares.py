"""Spare connections: dialed ahead of the request that will need one."""

from __future__ import annotations

import math

import trio
from attrs import define, field

from voxint.net.dial import Dialer
from voxint.net.link import Link, Origin

__all__ = ["Spares"]

SPARE_LIFE_S = 15.0
"""How long a spare stays: the length of a person's next utterance, and less than servers wait for a request head."""

SPARE_DELAY_S = 0.002
"""How long the dial of a spare stands back, unless it is wanted: the interrupt it follows has to be acknowledged first,
and the whole of that is 1 ms of work. Chosen by a trace: the dials used to take a third of it."""

SPARES_PER_ORIGIN = 4
"""Warm connections (spare or idle) to one origin beyond which no spare is dialed: interrupts rarely coincide more."""

SPARES_IN_ALL = 16
"""Spares of all origins; they come on top of `max_connections`."""


@define(eq=False)
class _Spare:
    """A connection dialed ahead of its request; its keeper task, once it has begun, takes it from the list.

    Args:
        origin: Where it leads.
        begins_at: When its dial begins, in seconds of trio's clock; infinite: it has.
    """

    origin: Origin
    begins_at: float
    ready: bool = False
    claimed: bool = False
    link: Link | None = None
    watch: trio.CancelScope = field(factory=trio.CancelScope)
    ended: trio.Event = field(factory=trio.Event)


class Spares:
    """Dials connections in the background and hands each of them out at most once.

    Args:
        nursery: Where they are dialed and kept; its cancellation closes them.
        dialer: What dials them.
        dial_timeout_s: Bounds each dial, in seconds.
    """

    def __init__(self, nursery: trio.Nursery, dialer: Dialer, dial_timeout_s: float) -> None:
        self._nursery = nursery
        self._dialer = dialer
        self._dial_timeout_s = dial_timeout_s
        self._kept: list[_Spare] = []
        self._changed = trio.Event()
        self._alarm: trio.CancelScope | None = None

    def count(self, origin: Origin | None = None) -> int:
        """Return how many spares there are, to `origin` or in all."""
        return sum(1 for spare in self._kept if origin is None or spare.origin == origin)

    def ready(self) -> int:
        """Return how many spares are dialed and waiting."""
        return sum(1 for spare in self._kept if spare.ready)

    def dial(self, origin: Origin, idle: int = 0) -> bool:
        """Have one more dialed in a moment, unless with the `idle` connections of the pool enough are warm.

        Returns whether. It costs hardly anything now: it is called on the way out of an interrupt.
        """
        if idle + self.count(origin) >= SPARES_PER_ORIGIN or self.count() >= SPARES_IN_ALL:
            return False
        begins_at = trio.current_time() + SPARE_DELAY_S
        self._kept.append(_Spare(origin, begins_at))
        if self._alarm is None:
            self._alarm = trio.CancelScope(deadline=begins_at)
            self._nursery.start_soon(self._begin_in_time, self._alarm)
        elif begins_at < self._alarm.deadline:
            self._alarm.deadline = begins_at
        return True

    async def _begin_in_time(self, alarm: trio.CancelScope) -> None:
        """Begin each dial when it is due, for as long as the nursery lasts; one task sleeps for all of them."""
        while True:
            with alarm:
                await trio.sleep_forever()
            now = trio.current_time()
            for spare in self._kept:
                if spare.begins_at <= now:
                    self._begin(spare)
            self._alarm = alarm = trio.CancelScope(
                deadline=min((spare.begins_at for spare in self._kept), default=math.inf)
            )

    def _begin(self, spare: _Spare) -> None:
        if spare.begins_at < math.inf:
            spare.begins_at = math.inf
            self._nursery.start_soon(self._keep, spare)

    async def take(self, origin: Origin) -> Link | None:
        """Return a live spare to `origin`, or None where the caller has to dial.

        One that is still being dialed may hang, so another dial is begun beside it, and the first of all to be ready
        is taken; the rest are there for the next request. Having to wait means that requests follow their
        cancellations at once, so there will be one.
        """
        joined = False
        while True:
            kept = [spare for spare in self._kept if spare.origin == origin and not spare.claimed]
            ready = next((spare for spare in kept if spare.ready), None)
            if ready is not None:
                if (link := await self._claim(ready)) is not None:
                    return link
            elif not kept or not (joined or self.dial(origin)):
                return None
            else:
                joined = True
                for spare in self._kept:
                    if spare.origin == origin:
                        self._begin(spare)
                await self._changed.wait()  # each keeper bounds its dial, and announces its end

    async def _claim(self, spare: _Spare) -> Link | None:
        """Return a spare's connection, None where it died in this instant."""
        spare.claimed = True
        spare.watch.cancel()
        with trio.CancelScope(shield=True):  # one step of a keeper that waits for nothing any more
            await spare.ended.wait()
        return spare.link

    def _announce(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def _keep(self, spare: _Spare) -> None:
        """Dial a spare, then hold it until it is claimed, dies or has grown old."""
        link = None
        try:
            with trio.fail_after(self._dial_timeout_s):
                link = await self._dialer.open(spare.origin)
            spare.watch.deadline = trio.current_time() + SPARE_LIFE_S
            spare.ready = True
            self._announce()
            with spare.watch:
                # Swallows the session tickets of TLS 1.3, which make a live socket look readable; it returns only
                # when the peer closes, or speaks unasked.
                await link.receive()
            if spare.claimed and spare.watch.cancelled_caught:
                spare.link, link = link, None
        except Exception:  # noqa: BLE001 - nobody asked for this one, and raising here would end every request
            pass  # the next request dials for itself and reports what it meets
        finally:
            if link is not None:
                link.close()
            self._kept.remove(spare)
            spare.ended.set()
            self._announce()
