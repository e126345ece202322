"""Frames that are large, deep or many, from a caller who has registered."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from functools import cache, partial
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


def _request(guest: Guest, **more: object) -> str:
    request = {"request_id": fresh(), "data_type": "TEXT", "stream_flag": False, "stream_seq": 0}
    return envelope("REQUEST", guest.session_id, {**request, "content": {"text": "turn 1"}, **more})


def _function(guest: Guest, parameters: object) -> str:
    tools = [{"name": "look", "description": "look", "parameters": parameters}]
    return _request(guest, update_session={"function_calling": tools})


def _result(guest: Guest) -> str:
    return envelope("FUNCTION_RESULT", guest.session_id, {"request_id": "none", "call_id": "none", "result": "@"})


@cache
def _members() -> str:
    """Return an object of nearly the largest size; made once, as it takes a second."""
    return json.dumps({f"k{n}": n for n in range(LARGEST // 20)})


@cache
def _properties() -> str:
    """Return the properties of a schema of nearly the largest size."""
    return json.dumps({f"p{n}": {"type": "string"} for n in range(LARGEST // 32)})


def _filled(message: str, large: str) -> str:
    """Put what is large into a message that holds a placeholder for it."""
    return message.replace('"@"', large, 1)


def _repeated(item: str, last: str) -> str:
    """Return an array of nearly the largest size."""
    return "[" + item * ((LARGEST - 1000) // len(item)) + last + "]"


def _deep() -> str:
    half = (LARGEST - 1000) // 2
    return "[" * half + "]" * half


def _voice(guest: Guest) -> str:
    voice = base64.b64encode(bytes((LARGEST - 1000) // 8 * 6)).decode()
    return _request(guest, data_type="VOICE", content={"voice_mode": "BASE64", "voice": voice})


FRAMES: dict[str, Callable[[Guest], str]] = {
    "settings": lambda guest: _filled(_function(guest, {"type": "object", "properties": "@"}), _properties()),
    "integers": lambda guest: _filled(_function(guest, {"type": "object", "enum": "@"}), _repeated("1,", "1")),
    "result": lambda guest: _filled(_result(guest), _members()),
    "deep": lambda guest: _filled(_result(guest), _deep()),
    "wide": lambda guest: _filled(_result(guest), _repeated("[],", "[]")),
    "text": lambda guest: _request(guest, content={"text": "word " * (LARGEST // 5 - 200)}),
    "voice": _voice,
    "escapes": lambda guest: _filled(_request(guest, content={"text": "@"}), '"' + "\\u4e2d" * 65_000 + '"'),
}
"""By kind; a text of escapes is at the length that is allowed, and takes longest to decode."""


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
                site.count("frames")
                frame = FRAMES[kinds[(n + number) % len(kinds)]](guest)
                await guest.wire.send(frame)
                await trio.sleep(PAUSE_S)

    await crowd(site, many, one)


async def _note_answers(site: Site, guest: Guest) -> None:
    while True:
        message = await guest.next()
        if message["msg_type"] == "ERROR":
            payload = message["payload"]
            assert isinstance(payload, dict)
            site.count(str(payload.get("error_code")))
