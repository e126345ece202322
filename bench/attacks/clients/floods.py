"""Callers who send, ask or have remembered as much as they can."""

from __future__ import annotations

from itertools import count

import trio

from bench.attacks.clients.again import crowd
from bench.attacks.keys import ATTACKER_KEYS
from bench.attacks.site import Guest, Site, envelope
from voxint.net.frames import frame_of

__all__ = ["ask_and_ask", "chatter", "have_remembered", "never_read", "pour_microphone"]

TEXTS = 66
EMOJI = "\U0001f600" * 63_000
"""Nearly the 65,536 letters that a text may have, each of them four bytes long."""

HEARD_S = 0.07
"""Before each is called off: the model has answered by then. With eight seconds there is time for all."""

BATCH = 50
POUR_BYTES = 16_384
POUR_S = 0.001
"""Between two writes of four callers' pieces: some 60 MB a second if the server takes it."""


async def ask_and_ask(site: Site) -> None:
    """One session asks as fast as the server reads; each question calls off the one before."""

    async def one(number: int) -> None:
        async with site.guest() as guest, trio.open_nursery() as nursery:
            nursery.start_soon(_count_refusals, site, guest)
            for n in count():
                await guest.ask(f"q{n}", f"turn {n % 30_000}")
                site.count("asked")
                await trio.sleep(0.001)

    await crowd(site, 1, one)


async def have_remembered(site: Site) -> None:
    """One session says sixty-six texts of emoji and calls off each spoken answer, so that they are remembered."""

    async def one(number: int) -> None:
        async with site.guest(speech=True) as guest:
            for n in range(TEXTS):
                await guest.ask(f"q{n}", EMOJI)
                await trio.sleep(HEARD_S)
                await guest.say("INTERRUPT", {"interrupt_request_id": f"q{n}", "reason": "USER_STOP"})
                await _acknowledged(guest)
                site.count("said")
            await trio.sleep_forever()

    await crowd(site, 1, one)


async def _acknowledged(guest: Guest) -> None:
    while (await guest.next())["msg_type"] != "INTERRUPT_ACK":
        pass


async def chatter(site: Site) -> None:
    """Four callers send the smallest messages there are, in batches, and read what is answered."""

    async def one(number: int) -> None:
        async with site.guest(ATTACKER_KEYS[number]) as guest, trio.open_nursery() as nursery:
            nursery.start_soon(guest.throw_away)
            kinds: tuple[tuple[str, dict[str, object]], ...] = (
                ("INTERRUPT", {"interrupt_request_id": "none", "reason": "USER_STOP"}),
                ("HEALTH_CHECK", {"check_fields": []}),
                ("SESSION_QUERY", {"query_fields": []}),
                ("PLAYED", {"request_id": "none", "played_ms": 1}),
            )
            kind, payload = kinds[number % len(kinds)]
            batch = frame_of(envelope(kind, guest.session_id, payload), masked=True) * BATCH
            while True:
                await guest.write_raw(batch)
                site.count("messages", BATCH)
                await trio.sleep(0.001)

    await crowd(site, 4, one)


async def pour_microphone(site: Site) -> None:
    """Four callers send audio as fast as the server reads it."""

    async def one(number: int) -> None:
        async with site.guest(ATTACKER_KEYS[number]) as guest, trio.open_nursery() as nursery:
            nursery.start_soon(_count_refusals, site, guest)
            piece = frame_of(bytes(POUR_BYTES), masked=True)
            for n in count():
                start = {"request_id": f"v{n}", "data_type": "VOICE", "stream_flag": True, "stream_seq": 0}
                content = {"voice_mode": "BINARY", "audio_format": "pcm"}
                await guest.say("REQUEST", {**start, "content": content})
                for _ in range(2000):
                    await guest.write_raw(piece)
                    site.count("bytes", len(piece))
                    await trio.sleep(POUR_S)

    await crowd(site, 4, one)


async def never_read(site: Site) -> None:
    """Eight callers ask for speech and read none of it."""

    async def one(number: int) -> None:
        async with site.guest(ATTACKER_KEYS[number % len(ATTACKER_KEYS)], speech=True) as guest:
            for n in count():
                await guest.ask(f"q{n}", f"turn {n}")
                site.count("asked")
                await trio.sleep(0.5)

    await crowd(site, 8, one)


async def _count_refusals(site: Site, guest: Guest) -> None:
    while True:
        message = await guest.next()
        if message["msg_type"] == "ERROR":
            payload = message["payload"]
            assert isinstance(payload, dict)
            site.count(str(payload.get("error_code")))
