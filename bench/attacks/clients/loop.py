"""The server's standard error, which somebody has to read, and its signals."""

from __future__ import annotations

import os
import signal

import trio

from bench.attacks.clients.again import crowd
from bench.attacks.site import Site

__all__ = ["ask_shortly", "hang_up"]

SPEAKERS = 4


async def ask_shortly(site: Site) -> None:
    """Ask and be answered in short, so that there is a line in the log for each."""

    async def one(number: int) -> None:
        async with site.guest() as guest:
            for n in range(10):
                await guest.ask(f"q{n}", f"turn {n}")
                await trio.sleep(0.05)
                await guest.say("INTERRUPT", {"interrupt_request_id": f"q{n}", "reason": "USER_STOP"})
                await guest.answer("INTERRUPT_ACK")
                site.count("asked")

    await crowd(site, SPEAKERS, one)


async def hang_up(site: Site) -> None:
    """Send SIGHUP once, as a terminal that closes does."""
    os.kill(site.job.pid, signal.SIGHUP)
    site.count("signals")
    await trio.sleep_forever()
