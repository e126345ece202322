"""A model's upstream that attacks whoever asks for it by name, and answers all others as usual; its own process.

``attack NAME`` as the last words of the user have it do what `ATTACKS` holds under that name; anything else gets
numbered words at the pace of the simulated upstream. It prints its port, and serves until it is killed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial

import trio

from bench.attacks.hostile_answers import ATTACKS
from bench.attacks.hostile_http import EVENTS, HostileCall, chunk, read_request
from bench.attacks.site import CLOSED
from voxint.testing.sim.content import numbered, turn_of

__all__ = ["named_attack", "serve_hostile"]

TOKEN_S = 0.02
TOKENS = 2000
SENTENCE = 8
"""As the simulated upstream answers the bystanders elsewhere (bench/scenarios.py)."""

NAMED = re.compile(r"attack (\w+)\s*$")


def named_attack(body: bytes) -> tuple[str, str]:
    """Return the last words of the user in a chat request, and the attack that they name, if any."""
    messages = json.loads(body)["messages"]
    said = next((str(each["content"]) for each in reversed(messages) if each["role"] == "user"), "")
    found = NAMED.search(said)
    return said, found[1] if found else ""


async def serve_hostile(stream: trio.SocketStream) -> None:
    """Serve one connection, request after request, until either side ends it."""
    with suppress(*CLOSED):
        ahead = b""
        while (request := await read_request(stream, ahead)) is not None:
            head, body, ahead = request
            said, name = named_attack(body)
            act: Callable[[HostileCall], Awaitable[None]] = ATTACKS.get(name, partial(_as_usual, said))
            await act(HostileCall(stream, head, body))
            if name in ATTACKS:
                break
    await trio.aclose_forcefully(stream)


async def _as_usual(said: str, call: HostileCall) -> None:
    """Write numbered words, a token each 20 ms."""
    await call.stream.send_all(EVENTS)
    for word in numbered(turn_of(said) or 0, TOKENS, SENTENCE):
        await trio.sleep(TOKEN_S)
        await call.stream.send_all(chunk(event({"delta": {"content": word}})))
    await call.stream.send_all(chunk(event({"delta": {}, "finish_reason": "stop"}) + b"data: [DONE]\n\n") + chunk(b""))


def event(choice: Mapping[str, object]) -> bytes:
    """Return a piece of an answer as a server-sent event."""
    return b"data: " + json.dumps({"choices": [{"index": 0, **choice}]}).encode() + b"\n\n"


async def _main() -> None:
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve_hostile, 0, host="127.0.0.1"))
        sys.stdout.write(f"{listeners[0].socket.getsockname()[1]}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    trio.run(_main)
