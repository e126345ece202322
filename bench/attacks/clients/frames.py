"""Frames that are large, deep or many, from a caller who has registered."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count

import trio

from bench.attacks.clients.again import crowd
from bench.attacks.site import Guest, Site, envelope

__all__ = ["big_frame", "every_big_frame"]

MIB = 1024 * 1024
LARGEST = 8 * MIB - 1024
"""What a server takes by default is 8 MiB."""

PAUSE_S = 0.3
"""Between two frames of one attacker."""


_serial = count(1)


def fresh() -> str:
    """Return a request id that has not been used: one that is live would be refused for that."""
    return f"big{next(_serial)}"


def _settings(guest: Guest) -> str:
    tools = [{"name": f"tool_{n}", "description": "d" * 40, "parameters": []} for n in range(LARGEST // 100)]
    content = {"text": "turn 1"}
    request = {"request_id": fresh(), "data_type": "TEXT", "stream_flag": False, "stream_seq": 0, "content": content}
    return envelope("REQUEST", guest.session_id, {**request, "update_session": {"function_calling": tools}})


def _integers(guest: Guest) -> str:
    tools = [{"name": "look", "description": "look", "parameters": {"type": "object", "enum": "@"}}]
    request = {"request_id": fresh(), "data_type": "TEXT", "stream_flag": False, "stream_seq": 0}
    payload = {**request, "content": {"text": "turn 1"}, "update_session": {"function_calling": tools}}
    numbers = "[" + "1," * (LARGEST // 2 - 400) + "1]"
    return envelope("REQUEST", guest.session_id, payload).replace('"@"', numbers)


def _result(guest: Guest) -> str:
    result = {f"k{n}": n for n in range(LARGEST // 20)}
    return envelope("FUNCTION_RESULT", guest.session_id, {"request_id": "none", "call_id": "none", "result": result})


def _deep(guest: Guest) -> str:
    half = LARGEST // 2 - 200
    nested = "[" * half + "]" * half
    return envelope("FUNCTION_RESULT", guest.session_id, {"request_id": "none", "call_id": "c", "result": "@"}).replace(
        '"@"', nested
    )


def _wide(guest: Guest) -> str:
    nested = "[" + "[]," * (LARGEST // 3 - 200) + "[]]"
    return envelope("FUNCTION_RESULT", guest.session_id, {"request_id": "none", "call_id": "c", "result": "@"}).replace(
        '"@"', nested
    )


def _text(guest: Guest) -> str:
    content = {"text": "word " * (LARGEST // 5 - 100)}
    request = {"request_id": fresh(), "data_type": "TEXT", "stream_flag": False, "stream_seq": 0, "content": content}
    return envelope("REQUEST", guest.session_id, request)


def _voice(guest: Guest) -> str:
    voice = base64.b64encode(bytes(LARGEST * 3 // 4 // 2 * 2 - 1024)).decode()
    content = {"voice_mode": "BASE64", "voice": voice}
    request = {"request_id": fresh(), "data_type": "VOICE", "stream_flag": False, "stream_seq": 0, "content": content}
    return envelope("REQUEST", guest.session_id, request)


def _escapes(guest: Guest) -> str:
    """A text of escapes, which take longest to decode, at the length that is allowed."""
    request = {"request_id": fresh(), "data_type": "TEXT", "stream_flag": False, "stream_seq": 0}
    payload = {**request, "content": {"text": "@"}}
    return envelope("REQUEST", guest.session_id, payload).replace("@", "\\u4e2d" * 65_000)


FRAMES: dict[str, Callable[[Guest], str]] = {
    "settings": _settings,
    "integers": _integers,
    "result": _result,
    "deep": _deep,
    "wide": _wide,
    "text": _text,
    "voice": _voice,
    "escapes": _escapes,
}


def big_frame(kind: str) -> Callable[[Site], Awaitable[None]]:
    """Return the client that sends one kind of frame again and again."""
    return partial(_send, kinds=(kind,), many=1)


async def every_big_frame(site: Site) -> None:
    """Send all kinds of them in turn, four callers at once."""
    await _send(site, kinds=tuple(FRAMES), many=4)


async def _send(site: Site, *, kinds: tuple[str, ...], many: int) -> None:
    async def one(number: int) -> None:
        async with site.guest() as guest, trio.open_nursery() as nursery:
            nursery.start_soon(_note_answers, site, guest)
            for n in range(1000):
                frame = FRAMES[kinds[(n + number) % len(kinds)]](guest)
                await guest.wire.send(frame)
                site.count("frames")
                await trio.sleep(PAUSE_S)

    await crowd(site, many, one)


async def _note_answers(site: Site, guest: Guest) -> None:
    while True:
        message = await guest.next()
        if message["msg_type"] == "ERROR":
            payload = message["payload"]
            assert isinstance(payload, dict)
            site.count(str(payload.get("error_code")))
