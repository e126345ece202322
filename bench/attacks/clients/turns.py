"""Callers who hold what there are few of: recognisers, and the synthesizer's turn."""

from __future__ import annotations

import time

import trio

from bench.attacks.clients.again import crowd
from bench.attacks.keys import ATTACKER_KEYS, RIGHT_KEY
from bench.attacks.site import CLOSED, Site

__all__ = ["creep_uploads", "hog_synthesis"]

UPLOADERS = 4
CREEP_BYTES = 64
SPEECH_RATE = 32_000
PIECE_S = 0.02
SPEAKERS = 50
LONG_TEXT = "This is a sentence that takes a while to say, and there are many of its kind. " * 20
HONEST_S = 10.0
EVERY_S = 0.5


async def creep_uploads(site: Site) -> None:
    """Four uploads of 64 bytes a second by one key, while another one speaks for a second, again and again."""

    async def one(number: int) -> None:
        async with site.guest(ATTACKER_KEYS[0]) as guest, trio.open_nursery() as nursery:
            nursery.start_soon(guest.throw_away)
            start = {"request_id": "slow", "data_type": "VOICE", "stream_flag": True, "stream_seq": 0}
            await guest.say("REQUEST", {**start, "content": {"voice_mode": "BINARY", "audio_format": "pcm"}})
            while True:
                await guest.wire.send(bytes(CREEP_BYTES))
                site.count("crept")
                await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd, site, UPLOADERS, one)
        nursery.start_soon(_honest, site, _speak)


async def _honest(site: Site, act: object) -> None:
    assert callable(act)
    await trio.sleep(1)
    n = 0
    while True:
        n += 1
        began = time.monotonic()
        try:
            with trio.fail_after(HONEST_S):
                code = await act(site, n)
        except* (*CLOSED, trio.TooSlowError):
            code = "no answer"
        site.count("honest tries")
        if code:
            site.count(f"honest: {code}")
        else:
            site.count("honest answers")
            site.took_ms["honest"].append((time.monotonic() - began) * 1000)
        await trio.sleep(EVERY_S)


async def _speak(site: Site, n: int) -> str:
    """Speak a second of noise at a microphone's pace; return the code of the refusal, or nothing."""
    async with site.guest(RIGHT_KEY) as guest:
        start = {"request_id": "v", "data_type": "VOICE", "stream_flag": True}
        content = {"voice_mode": "BINARY", "audio_format": "pcm"}
        await guest.say("REQUEST", {**start, "stream_seq": 0, "content": content})
        for _ in range(int(1 / PIECE_S)):
            await guest.wire.send(bytes(int(SPEECH_RATE * PIECE_S)))
            await trio.sleep(PIECE_S)
        await guest.say("REQUEST", {**start, "stream_seq": -1, "content": {}})
        return await guest.end_of("v")


async def hog_synthesis(site: Site) -> None:
    """Fifty answers spoken at once by one key, while another one asks for one, again and again."""

    async def one(number: int) -> None:
        async with site.guest(ATTACKER_KEYS[0], speech=True) as guest, trio.open_nursery() as nursery:
            nursery.start_soon(guest.throw_away)
            await guest.ask("q", f"turn {number + 1}")
            site.count("asked")
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd, site, SPEAKERS, one, 0.5)
        nursery.start_soon(_honest, site, _ask)


async def _ask(site: Site, n: int) -> str:
    """Ask, and wait for the first audio; return the code of the refusal, or nothing."""
    async with site.guest(RIGHT_KEY, speech=True) as guest:
        await guest.ask("q", f"turn {n}")
        while True:
            message = await guest.next()
            payload = message["payload"]
            assert isinstance(payload, dict)
            if message["msg_type"] == "ERROR":
                return str(payload.get("error_code"))
            if message["msg_type"] == "RESPONSE" and (payload.get("content") or {}).get("voice"):
                return ""
