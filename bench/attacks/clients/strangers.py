"""Who connects and says nothing, or half of it, while somebody with the right key wants to get in."""

from __future__ import annotations

import time

import trio

from bench.attacks.clients.again import crowd, sources
from bench.attacks.keys import RIGHT_KEY
from bench.attacks.site import CLOSED, LOCAL, Site
from voxint.net.frames import TEXT

__all__ = ["hold_places", "hold_places_beside", "leave_unfinished"]

STRANGERS = 60
TRIES = 20
TRY_S = 3.0
"""Seconds after which somebody with the right key gives up. Ours; a browser's user would sooner."""

FAR_S = 0.1
"""The way of the right key, there and back: a caller on another continent. Strangers may be nearer. Ours."""

AGAIN_S = 0.01
"""Before a stranger who has lost a place wants one again. Ours."""

UNFINISHED = 200
DECLARED_BYTES = 250_000
SENT_BYTES = 240_000
"""Of a message that never ends: below the 256 KiB that one may have before its REGISTER."""

LATE_S = 0.3
"""Before somebody with the right key tries: the strangers are there by then."""


async def hold_places(site: Site) -> None:
    """Sixty strangers from twenty addresses want places, and come back when they lose them; twenty tries to get in."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_silent, site, True)
        nursery.start_soon(_try_the_right_key, site)


async def hold_places_beside(site: Site) -> None:
    """The same with all strangers at the address from which the right key comes, as behind one router."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_silent, site, False)
        nursery.start_soon(_try_the_right_key, site)


async def _silent(site: Site, spread: bool) -> None:
    async def one(number: int) -> None:
        async with site.websocket(sources(number) if spread else LOCAL) as (wire, _):
            site.count("in")
            while True:
                await wire.receive()

    await crowd(site, STRANGERS, one, AGAIN_S)


async def _try_the_right_key(site: Site) -> None:
    await trio.sleep(LATE_S)
    pause_s = max(0.0, site.left_s - LATE_S) / TRIES
    async with trio.open_nursery() as nursery:
        for _ in range(TRIES):
            nursery.start_soon(_try_once, site)
            await trio.sleep(pause_s)


async def _try_once(site: Site) -> None:
    """Get in with the right key within 3 s, or note why not; trying is counted at the end, as the attack may end it."""
    began = time.monotonic()
    with trio.move_on_after(TRY_S) as scope:
        try:
            async with site.guest(RIGHT_KEY, far_s=FAR_S):
                site.took_ms["admitted"].append((time.monotonic() - began) * 1000)
                site.count("admitted")
        except CLOSED as error:
            site.count(f"refused: {str(error)[:40]}")
        site.count("tries")
    if scope.cancelled_caught:
        site.count("tries")
        site.count("refused: no answer in 3 s")


async def leave_unfinished(site: Site) -> None:
    """Two hundred strangers begin a message of 250 kB each, and never end it."""
    begun = bytes((0x80 | TEXT, 0x80 | 127)) + DECLARED_BYTES.to_bytes(8, "big") + bytes(4) + b"x" * SENT_BYTES

    async def one(number: int) -> None:
        async with site.dial(sources(number)) as stream:
            await stream.send_all(
                f"GET /ws/agent/stream HTTP/1.1\r\nHost: {LOCAL}:{site.job.port}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                f"Sec-WebSocket-Version: 13\r\n\r\n".encode()
                + begun
            )
            site.count("begun")
            while await stream.receive_some(65_536):
                pass

    await crowd(site, UNFINISHED, one, pause_s=0.25)
