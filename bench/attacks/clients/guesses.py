"""Who tries keys, as fast as the server answers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial

from bench.attacks.clients.again import crowd, sources
from bench.attacks.site import CLOSED, Site

__all__ = ["guess_keys", "guess_passwords"]

GUESSERS = 20


def guess_keys(addresses: int) -> Callable[[Site], Awaitable[None]]:
    """Return the client that tries keys from so many addresses."""
    return partial(_guess, addresses=addresses, account=False)


def guess_passwords(addresses: int) -> Callable[[Site], Awaitable[None]]:
    """Return the client that tries passwords of one account from so many addresses."""
    return partial(_guess, addresses=addresses, account=True)


async def _guess(site: Site, *, addresses: int, account: bool) -> None:
    async def one(number: int) -> None:
        guess = secrets.token_hex(32)
        auth = {"type": "ACCOUNT", "account": "somebody", "password": guess}
        source = sources(number, addresses)
        began = time.monotonic()
        try:
            async with site.guest(guess, source, more={"auth": auth} if account else None):
                site.count("let in")
        except CLOSED as error:
            if "AUTH_FAILED" in str(error):
                site.count("answered")
                site.took_ms["answered"].append((time.monotonic() - began) * 1000)
            else:
                site.count(f"unanswered: {str(error)[:40]}")

    await crowd(site, GUESSERS, one, pause_s=0)
