"""Callers whose microphones are always open: many at their pace, or few that bring more than time passes."""

from __future__ import annotations

from array import array
from itertools import count

import trio

from bench.attacks.clients.again import crowd
from bench.attacks.keys import ATTACKER_KEYS
from bench.attacks.site import Guest, Site
from voxint.net.frames import frame_of

__all__ = ["flood_open", "keep_open"]

OPEN: dict[str, object] = {"features": ["server_vad", "transcripts"]}
RATE = 16_000
MANY = 50
FLOODERS = 4
PIECE_S = 0.02
LONGEST_S = 2
"""What a piece may have (wire.md)."""

FLOOD_S = 0.005
"""Between two writes; each brings far more than has passed."""

BEGUN_S = 0.3
"""Until the answer has begun: ours, for the simulated model and voice."""

TINY = b"".join(frame_of(bytes(1), masked=True) for _ in range(250))
"""Each byte a frame of its own: 50,000 a second."""


def square(seconds: float, low: int = -32_768, high: int = 32_767) -> bytes:
    """Return 200 Hz at full scale: what a converter that is overdriven brings."""
    half = RATE // 400
    wave = array("h", [high] * half + [low] * half)
    return (wave.tobytes() * (round(seconds * 200) + 1))[: 2 * round(seconds * RATE)]


async def keep_open(site: Site) -> None:
    """Fifty microphones at their pace: half a second at full scale, half a second of nothing, for ever."""
    loud = frame_of(square(PIECE_S), masked=True)
    nothing = frame_of(bytes(round(2 * PIECE_S * RATE)), masked=True)

    async def one(number: int) -> None:
        key = ATTACKER_KEYS[number % len(ATTACKER_KEYS)]
        async with site.guest(key, more=OPEN) as guest, trio.open_nursery() as nursery:
            nursery.start_soon(_count, site, guest)
            at = trio.current_time() + number * PIECE_S / MANY
            for n in count():
                await trio.sleep_until(at + n * PIECE_S)
                await guest.write_raw(nothing if n % 50 < 25 else loud)
                site.count("pieces")

    await crowd(site, MANY, one)


async def flood_open(site: Site) -> None:
    """Four microphones over an answer: ten seconds at once in the longest pieces, then bytes one by one."""
    longest = frame_of(square(LONGEST_S), masked=True)

    async def one(number: int) -> None:
        key = ATTACKER_KEYS[number]
        async with site.guest(key, speech=True, more=OPEN) as guest, trio.open_nursery() as nursery:
            nursery.start_soon(_count, site, guest)
            await guest.ask("q1", f"turn {number}")
            site.count("asked")
            await trio.sleep(BEGUN_S)
            for n in range(200):
                await guest.write_raw(longest if n < 10 else TINY)
                site.count("writes")
                await trio.sleep(FLOOD_S)
            nursery.cancel_scope.cancel()

    await crowd(site, FLOODERS, one)


async def _count(site: Site, guest: Guest) -> None:
    """Read all that is said, and count what is heard and what is refused."""
    while True:
        message = await guest.next()
        payload = message["payload"]
        assert isinstance(payload, dict)
        if message["msg_type"] == "ERROR":
            site.count(str(payload.get("error_code")))
        elif message["msg_type"] == "SPEECH" and payload.get("state") == "started":
            site.count("utterances")
