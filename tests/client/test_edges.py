"""What the client says to a program that uses it wrongly, or too late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
import trio

from tests.client.rig import PATIENCE_S, serving
from voxint.client import Client, connect
from voxint.core.agent import Agent
from voxint.core.tools import Tool
from voxint.errors import Disconnected
from voxint.testing.stages import FOREVER, ScriptedEars, ScriptedModel

CANARY = "persimmon"
wrong: Any = CANARY
octets: Any = CANARY.encode()
number: Any = 3
nothing: Any = None
nested: Any = {}


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        ({"url": nothing}, TypeError, "url must be a str, not None"),
        ({"url": octets}, TypeError, "url must be a str, not bytes: decode it"),
        ({"api_key": octets}, TypeError, "api_key must be a str or None, not bytes: decode it"),
        ({"password": CANARY}, ValueError, "account and password go together: give both, or an api_key"),
        ({"account": CANARY}, ValueError, "account and password go together: give both, or an api_key"),
        (
            {"account": "ann", "password": CANARY, "api_key": CANARY},
            ValueError,
            "api_key and account are two ways to register: give one of them",
        ),
        ({"platform": CANARY}, ValueError, "platform must be one of WEB, APP, MINI_PROGRAM, TV, and is another string"),
        (
            {"features": CANARY},
            TypeError,
            "features must be a list or tuple of str, not a str: a single one is",
        ),
        ({"features": [number]}, TypeError, "features must be a list or tuple of str, and has an int in it"),
        ({"tools": Tool("look")}, TypeError, "tools must be a list or tuple of Tool, not a Tool: a single one is"),
        ({"tools": [nested]}, TypeError, "tools must be a list or tuple of Tool, and has a dict in it"),
        ({"input_rate": wrong}, TypeError, "input_rate must be a whole number or None, not a str"),
        ({"resume": nested}, TypeError, "resume must be a ResumePoint or None, not a dict: write ResumePoint(...)"),
        ({"ssl_context": False}, TypeError, "ssl_context must be an SSLContext or None, not a bool"),
        ({"on_frame": number}, TypeError, "on_frame must be a function or None, not an int"),
        ({"connect_timeout_s": wrong}, TypeError, "connect_timeout_s must be a number, not a str"),
    ],
)
async def test_what_connect_is_given_is_judged_before_it_dials(
    given: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    """A sentence that names the argument; a key or a password is quoted in none."""
    with pytest.raises(kind) as raised:
        async with connect(**{"url": "ws://127.0.0.1:9", **given}):
            pytest.fail("it has connected")
    assert str(raised.value).startswith(sentence)
    assert CANARY not in str(raised.value)


WAV = b"RIFF\x2c\0\0\0WAVEfmt "

USES: list[tuple[Callable[[Client], Any], type[Exception], str]] = [
    (lambda c: c.send_text(octets), TypeError, "text must be a str, not bytes: decode it"),
    (lambda c: c.send_text(" "), ValueError, "text is empty: give at least a word"),
    (lambda c: c.send_text("Hi", request_id=number), TypeError, "request_id must be a str or None, not an int"),
    (lambda c: c.send_text("Hi", require_tts=wrong), TypeError, "require_tts must be True or False or None, not a str"),
    (
        lambda c: c.send_voice(wrong),
        TypeError,
        "audio must be bytes, a bytearray, a memoryview or an AsyncIterable",
    ),
    (lambda c: c.send_voice(b"x"), ValueError, "the audio is empty, or an odd number of bytes: give"),
    (lambda c: c.send_voice(WAV), ValueError, "audio is a WAV file: give its samples alone"),
    (lambda c: c.update(tools=wrong), TypeError, "tools must be a list or tuple of Tool or None, not a str"),
    (
        lambda c: c.update(tools=[nested]),
        TypeError,
        "tools must be a list or tuple of Tool, and has a dict in it",
    ),
    (lambda c: c.update(tools=(), tools_op=wrong), ValueError, "tools_op must be one of REPLACE, ADD, UPDATE, DELETE"),
    (lambda c: c.update(system_prompt=octets), TypeError, "system_prompt must be a str or None, not bytes: decode it"),
    (lambda c: c.session_info(["history"]), TypeError, "fields must be a str, not a list"),  # type: ignore[arg-type]  # wrong on purpose
    (lambda c: c.health(nothing), TypeError, "fields must be a str, not None"),
    (lambda c: c.interrupt(number), TypeError, "request_id must be a str or None, not an int"),
    (lambda c: c.interrupt(reason=nothing), TypeError, "reason must be a str, not None"),
    (lambda c: c.interrupt(played_ms=-1), ValueError, "played_ms must be a number from 0 on, not -1"),
]


async def test_what_a_client_is_given_is_judged_before_it_is_sent() -> None:
    """The connection doesn't hear of it: the next request is fine."""
    agent = Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars())
    async with serving(agent) as server, connect(server.url) as client:
        for use, kind, sentence in USES:
            with pytest.raises(kind) as raised:
                await use(client)
            assert str(raised.value).startswith(sentence)
            assert CANARY not in str(raised.value)
        reply = await client.send_text("Hi")
        assert await reply.text() == "Yes."
        reports: tuple[Callable[[], None], ...] = (
            lambda: client.played(number, 1),
            lambda: reply.played(wrong),
            lambda: reply.played(-0.5),
            lambda: reply.played(10**400),
        )
        for report in reports:
            with pytest.raises((TypeError, ValueError), match=r"^(request_id|played_ms) "):
                report()
        upload = await client.open_voice()
        with pytest.raises(TypeError, match=r"^audio must be bytes, a bytearray or a memoryview, not a str: PCM"):
            await upload.send(wrong)
        await upload.send(bytearray(640))


async def test_numbers_of_numpy_are_numbers() -> None:
    """What a sound library reckons goes over the wire as a plain number."""
    agent = Agent(llm=ScriptedModel("Yes.", FOREVER))
    rate: Any = np.int64(24_000)
    async with serving(agent) as server, connect(server.url, input_rate=rate, output_rate=rate) as client:
        assert client.registered.audio.output_rate == 24_000
        reply = await client.send_text("Hi")
        foreign: tuple[Any, ...] = (np.int64(20), np.float32(20), np.float64(20))
        for played_ms in foreign:
            client.played(reply.request_id, played_ms)
            reply.played(played_ms)
        acknowledged = await client.interrupt(played_ms=foreign[0])
        assert acknowledged.status == "SUCCESS"


async def test_a_client_after_its_block_says_which_block_has_ended() -> None:
    """Every method that asks for something, and what of a reply was not there yet."""
    async with serving(Agent(llm=ScriptedModel("Yes.", 60.0))) as server:
        async with connect(server.url) as client:
            reply = await client.send_text("Hi")
        uses: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: client.send_text("Hi"),
            lambda: client.send_voice(bytes(640)),
            client.open_voice,
            client.interrupt,
            client.session_info,
            client.health,
            lambda: client.update(require_tts=True),
            reply.text,
            reply.interrupt,
        )
        for use in uses:
            with trio.fail_after(PATIENCE_S), pytest.raises(Disconnected, match=r"the block of connect\(\) has ended"):
                await use()
        reports: tuple[Callable[[], None], ...] = (lambda: client.played("r1", 10), lambda: reply.played(10))
        for report in reports:
            with pytest.raises(Disconnected, match=r"the block of connect\(\) has ended"):
                report()
        await client.wait_disconnected()
