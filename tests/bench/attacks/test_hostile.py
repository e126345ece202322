from __future__ import annotations

import gzip
import json
from functools import partial

import pytest
import trio
import trio.testing

from bench.attacks.hostile import named_attack, serve_hostile
from bench.attacks.hostile_answers import ATTACKS, SECRETS, zip_bomb
from bench.attacks.keys import UPSTREAM_KEY
from bench.attacks.site import read_head

LIMIT_S = 20.0


def body(said: str) -> bytes:
    """Return a chat request with these last words of the user."""
    messages = [{"role": "system", "content": "attack usage"}, {"role": "user", "content": said}]
    return json.dumps({"messages": messages}).encode()


async def answer(said: str, enough: int) -> bytes:
    """Return the beginning of the hostile upstream's answer."""
    asked = body(said)
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, serve_hostile, 0, host="127.0.0.1"))
        async with await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1]) as stream:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {len(asked)}\r\n\r\n"
            await stream.send_all(head.encode() + asked)
            data = b""
            with trio.fail_after(LIMIT_S):
                while len(data) < enough and (more := await stream.receive_some(65_536)):
                    data += more
        nursery.cancel_scope.cancel(reason="the answer is there")
    return data


def test_only_the_last_words_of_the_user_name_an_attack() -> None:
    """Not the prompt, and not words in the middle."""
    assert named_attack(body("turn 7")) == ("turn 7", "")
    assert named_attack(body("words before attack gzip_bomb"))[1] == "gzip_bomb"
    assert named_attack(body("attack usage, he said"))[1] == ""


async def test_a_bystander_is_answered_as_usual() -> None:
    """In numbered words, as server-sent events."""
    data = await answer("turn 7", 400)
    assert data.startswith(b"HTTP/1.1 200")
    assert b"t7w0" in data


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_begins_when_it_is_named(name: str) -> None:
    """Each writes something at once that a bystander would never get."""
    data = await answer(f"attack {name}", 300)
    assert data.startswith(b"HTTP/1.1 ")
    assert b"t0w0" not in data


def test_a_bomb_is_small_and_holds_what_it_says() -> None:
    """Zeros, a thousandth of their size, in a single gzip stream."""
    packed = zip_bomb(1, 8 << 20)
    assert len(packed) < 10_000
    assert gzip.decompress(packed) == bytes(8 << 20)
    assert gzip.decompress(gzip.decompress(zip_bomb(2, 8 << 20))) == bytes(8 << 20)


def test_the_secrets_are_the_key_in_other_dresses() -> None:
    """Each is another text, so that each is looked for by itself."""
    assert SECRETS["the key"] == UPSTREAM_KEY
    assert len(set(SECRETS.values())) == len(SECRETS)


async def test_a_head_without_an_answer_is_an_end() -> None:
    """A peer that closes is told from one that answers."""
    client, server = trio.testing.memory_stream_pair()
    await server.send_all(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbehind")
    assert await read_head(client) == (b"HTTP/1.1 200 OK\r\nA: b", b"behind")
