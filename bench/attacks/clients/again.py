"""Connections that are made anew whenever they end: what a server closes comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from bench.attacks.site import CLOSED, Site

__all__ = ["again", "crowd", "sources"]

PAUSE_S = 0.05
"""Before a connection is made anew: twenty a second for each of a crowd. Ours, so that it is the server's place that is
wanted and not the machine's processor."""


async def again(site: Site, act: Callable[[], Awaitable[None]], pause_s: float = PAUSE_S) -> None:
    """Do something again and again, whatever ends it."""
    while True:
        try:
            await act()
        except* CLOSED:
            site.count("closed_on")
        site.count("rounds")
        await trio.sleep(pause_s)


async def crowd(site: Site, many: int, act: Callable[[int], Awaitable[None]], pause_s: float = PAUSE_S) -> None:
    """Do something with so many connections at a time, again and again; each is given its number."""
    async with trio.open_nursery() as nursery:
        for number in range(many):

            async def one(number: int = number) -> None:
                await act(number)

            nursery.start_soon(again, site, one, pause_s)


def sources(number: int, many: int = 20) -> str:
    """Return one of so many addresses of this machine beside 127.0.0.1."""
    return f"127.0.0.{2 + number % many}"
