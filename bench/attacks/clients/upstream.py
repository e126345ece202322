"""Callers whose question has the hostile upstream attack the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count

import trio

from bench.attacks.clients.again import crowd
from bench.attacks.keys import ATTACKER_KEYS
from bench.attacks.site import Site

__all__ = ["provoke"]

ENDS_S = 6.0
"""For an answer to end by itself; what goes on for longer is interrupted, and another one asked for."""

PAUSE_S = 0.3

FIRST_FACE, FACES = 0x1F600, 61
"""Letters that JSON writes twelve times as long, in an order that repeats seldom enough."""


def provoke(name: str, *, letters: int = 0, tool: bool = False, many: int = 1) -> Callable[[Site], Awaitable[None]]:
    """Return the client that asks for an attack of the upstream again and again.

    Args:
        name: Of the attack (bench/attacks/hostile_answers.py).
        letters: Of text before it, for attacks that repeat the question.
        tool: Whether the session has a function to call.
        many: Callers.
    """
    return partial(_provoke, name=name, letters=letters, tool=tool, many=many)


async def _provoke(site: Site, *, name: str, letters: int, tool: bool, many: int) -> None:
    words = "".join(chr(FIRST_FACE + n % FACES) for n in range(letters))
    tools = {"function_calling": [{"name": "look", "description": "look", "parameters": []}]} if tool else {}

    async def one(number: int) -> None:
        async with site.guest(ATTACKER_KEYS[number], more=tools) as guest:
            for n in count():
                await guest.ask(f"q{n}", f"{words}attack {name}")
                site.count("asked")
                code = "still going on"
                with trio.move_on_after(ENDS_S):
                    code = await guest.end_of(f"q{n}")
                site.count(f"ended: {code or 'well'}")
                await trio.sleep(PAUSE_S)

    await crowd(site, many, one)
