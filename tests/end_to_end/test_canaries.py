"""No word and no key of anybody's is in a log or a metric, wherever it came in: 25 and more canaries at level debug."""

from __future__ import annotations

import json
import re
import signal
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.cli.process import LIMIT_S, Running, start_cli
from tests.credentials import cheap_hash
from tests.end_to_end.wire import Wire, open_wire
from tests.test_printable import CLIPBOARD, forbidden
from voxint.core.settings import SettingsChange
from voxint.core.tools import Tool
from voxint.protocol import messages as m
from voxint.testing.sim.process import Sim, sim_process

PLACES = (
    *("key", "wrong-key", "account", "password", "wrong-password", "resume-token", "environment"),
    *("upstream-key", "upstream-header", "upstream-body"),
    *("operator-prompt", "role", "scene", "text", "voice", "transcript", "answer", "second-text"),
    *("tool", "tool-description", "tool-parameter", "arguments", "result"),
    *("raised-by-model", "raised-by-voice", "raised-on-the-way-out", "logged-by-provider"),
    *("logged-by-library", "ignored"),
    *("malformed", "unknown-type", "unknown-field", "bad-value", "query-field", "feature", "audio-format"),
    *("shutdown-reason", "client-status", "path", "query", "header", "cookie", "origin", "host", "method"),
)

CANARY = {place: f"qzx{number:02}{place.replace('-', '')}" for number, place in enumerate(PLACES)}
"""A word for each place where one comes in; it is nowhere else, and none is a part of another."""

STAGES = f"""
import logging
import structlog
import trio
from voxint import Delta, Speech, Transcript, AudioFormat
from voxint.providers.openai_chat import OpenAIChat

class Left:
    def __del__(self):
        raise ValueError({CANARY["ignored"]!r})

class Model(OpenAIChat):
    async def generate(self, turn, out):
        said = turn.messages[-1].content
        if "say it" in said:
            await out.send(Delta({CANARY["answer"]!r} + " and more. "))
            return
        if "raise it" in said:
            raise ValueError({CANARY["raised-by-model"]!r})
        if "log it" in said:
            try:
                raise ValueError({CANARY["logged-by-provider"]!r})
            except ValueError as error:
                structlog.get_logger().exception("one")
                structlog.get_logger().error("two", exc_info=error)
                logging.getLogger("other").error("said %s", {CANARY["logged-by-library"]!r})
                logging.getLogger("other").exception({CANARY["logged-by-library"]!r})
                Left()
                structlog.get_logger().error("three", exc_info=(type(error), error, error.__traceback__))
        await super().generate(turn, out)

class Ears:
    audio_format = AudioFormat(16_000)
    async def transcribe(self, audio, out):
        async for _ in audio:
            await out.send(Transcript({CANARY["transcript"]!r}, is_final=False))
        await out.send(Transcript({CANARY["transcript"]!r}, is_final=True))

class Voice:
    audio_format = AudioFormat(16_000)
    async def synthesize(self, text, out):
        async for piece in text:
            if {CANARY["answer"]!r} in str(piece):
                raise ValueError({CANARY["raised-by-voice"]!r})
            try:
                await out.send(Speech(bytes(3200), piece))
                await trio.sleep(1)
            except trio.Cancelled:
                raise ValueError({CANARY["raised-on-the-way-out"]!r})
"""

CONFIG = f"""
[server]
port = 0
drain_s = 0.2
[server.accounts]
{CANARY["account"]} = "{cheap_hash(CANARY["password"])}"
[agent]
prompt = "You are {CANARY["operator-prompt"]}."
[llm]
provider = "stages:Model"
base_url = "URL"
model = "sim"
api_key_env = "UPSTREAM_KEY"
headers = {{ x-other = "{CANARY["upstream-header"]}" }}
extra_body = {{ user = "{CANARY["upstream-body"]}" }}
[stt]
provider = "stages:Ears"
[tts]
provider = "stages:Voice"
"""

TOOL = Tool(
    CANARY["tool"],
    CANARY["tool-description"],
    {"type": "object", "properties": {"x": {"type": "string", "description": CANARY["tool-parameter"]}}},
)

KEY = m.Auth(type="API_KEY", api_key=CANARY["key"])


async def over(wire: Wire, request_id: str) -> None:
    """Wait until a request has ended, in whatever way."""

    def ended() -> bool:
        failed = any(isinstance(frame, m.Error) and frame.request_id == request_id for _, frame in wire.frames)
        return failed or any(frame.text_stream_seq == -1 for frame in wire.responses(request_id))

    await wire.until(ended, LIMIT_S)


async def ask(wire: Wire, request_id: str, text: str, *, spoken: bool = False) -> None:
    """Ask in text, and wait for the end."""
    content = m.Content(text=f"{CANARY['text']} {text}")
    patch = SettingsChange(require_tts=spoken)
    wire.say(m.RequestMessage(request_id=request_id, data_type="TEXT", content=content, patch=patch))
    await over(wire, request_id)


def raw(wire: Wire, msg_type: str, **payload: Any) -> None:
    """Send what no client of ours would."""
    frame = {"version": "1.0", "msg_type": msg_type, "session_id": wire.session_id, "timestamp": 1, "payload": payload}
    wire.send(json.dumps(frame))


async def talk(wire: Wire, sim: Sim) -> None:
    """Use a session in every way that brings words in."""
    patch = SettingsChange(
        require_tts=False, system_prompt=CANARY["role"], scene_context=CANARY["scene"], function_calling=(TOOL,)
    )
    wire.say(m.Register(auth=KEY, patch=patch, features=("transcripts", CANARY["feature"])))
    await wire.until(lambda: wire.session_id is not None, LIMIT_S)
    await ask(wire, "say", "say it")
    await ask(wire, "again", CANARY["second-text"])
    await ask(wire, "call", f'call {CANARY["tool"]} {{"x": "{CANARY["arguments"]}"}}')
    await ask(wire, "raise", "raise it")
    await ask(wire, "log", "log it")
    await ask(wire, f"loud {CLIPBOARD}\u202e", "say it", spoken=True)
    voice = CANARY["voice"].encode() * 2_000
    content = m.Content(voice_mode="BASE64", voice=voice[: len(voice) // 2 * 2], audio_format="pcm_s16le_16k")
    silent = SettingsChange(require_tts=False)
    wire.say(m.RequestMessage(request_id="voice", data_type="VOICE", content=content, patch=silent))
    await over(wire, "voice")
    quoted = " ".join(CANARY[place] for place in ("upstream-key", "operator-prompt", "role", "scene"))
    quoted = f"{quoted}, in: {CANARY['text']} {CANARY['second-text']}"
    await sim.configure(status=400, error_body=json.dumps({"error": {"message": quoted, "type": "invalid"}}))
    await ask(wire, "refused", CANARY["second-text"])
    await sim.configure(garbage_after=2)
    await ask(wire, "garbage", "Hello")
    await sim.configure(token_interval_s=0.02)
    wire.say(
        m.RequestMessage(
            request_id="cut",
            data_type="TEXT",
            content=m.Content(text="Tell me a story"),
            patch=SettingsChange(require_tts=True),
        )
    )
    await wire.until(lambda: any(frame.voice for frame in wire.responses("cut")), LIMIT_S)
    wire.say(m.Interrupt(interrupt_request_id="cut", reason=f"{CLIPBOARD}\u2028\x9b"))
    await wire.until(lambda: bool(wire.acks), LIMIT_S)
    await sim.configure()


async def misspeak(url: str) -> None:
    """Send what is wrong, with words in it, one connection each."""
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("FUNCTION_RESULT", {"request_id": "x", "call_id": "c", "result": CANARY["result"]}),
        (CANARY["unknown-type"], {}),
        ("SESSION_QUERY", {"query_fields": [CANARY["query-field"]]}),
        ("REQUEST", {"request_id": "x", "data_type": CANARY["bad-value"], "content": {"text": CANARY["malformed"]}}),
        ("REQUEST", {"request_id": "y", "data_type": "VOICE", "content": {"audio_format": CANARY["audio-format"]}}),
        ("REQUEST", {"request_id": "z", "data_type": "TEXT", "content": {"text": 3, CANARY["unknown-field"]: 1}}),
        ("HEARTBEAT_REPLY", {"client_status": CANARY["client-status"]}),
        ("SHUTDOWN", {"reason": CANARY["shutdown-reason"]}),
    ]
    for msg_type, payload in wrong:
        await _say_wrong(url, msg_type, payload)
    for auth in (
        m.Auth(type="API_KEY", api_key=CANARY["wrong-key"]),
        m.Auth(type="ACCOUNT", account=CANARY["account"], password=CANARY["wrong-password"]),
    ):
        async with open_wire(url) as wire:
            wire.say(m.Register(auth=auth))
            await wire.until_closed(LIMIT_S)


async def _say_wrong(url: str, msg_type: str, payload: dict[str, Any]) -> None:
    """Send one message that is wrong, and one that is no JSON; wait until what comes behind them is answered."""
    async with open_wire(url) as wire:
        wire.say(m.Register(auth=KEY))
        await wire.until(lambda: wire.session_id is not None, LIMIT_S)
        wire.send(f'{{"msg_type": {CANARY["malformed"]}')
        raw(wire, msg_type, **payload)
        wire.say(m.HealthCheck())
        await wire.until(lambda: bool(wire.of(m.HealthCheckAck)) or wire.closed is not None, LIMIT_S)


async def browse(port: int) -> str:
    """Ask for pages with words in every part of the request; return what /metrics says."""
    answers = []
    for target, host, key in (
        (f"/{CANARY['path']}?{CANARY['query']}={CANARY['query']}", "127.0.0.1", CANARY["header"]),
        (f"/ws/agent/stream?api_key={CANARY['query']}", "127.0.0.1", CANARY["header"]),
        ("/", CANARY["host"], CANARY["header"]),
        ("/%1b]52;c;x", "127.0.0.1", CANARY["header"]),
        ("/metrics", "127.0.0.1", CANARY["header"]),
        (f"/metrics?key={CANARY['query']}", "127.0.0.1", CANARY["key"]),
    ):
        head = [
            f"GET {target} HTTP/1.1",
            f"Host: {host}",
            f"Origin: http://{CANARY['origin']}.example",
            f"Authorization: Bearer {key}",
            f"Cookie: a={CANARY['cookie']}",
            f"User-Agent: {CANARY['header']}",
            "Connection: close",
        ]
        answers.append(await exchange(port, "\r\n".join([*head, "", ""])))
    await exchange(port, f"{CANARY['method'].upper()} / {CANARY['path']}\r\n\r\n")
    upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    origin = f"Origin: http://{CANARY['origin']}.example\r\n"
    await exchange(port, f"GET /ws/agent/stream HTTP/1.1\r\nHost: {CANARY['host']}\r\n{origin}{upgrade}\r\n")
    return answers[-1]


async def exchange(port: int, head: str) -> str:
    """Send a request as it stands, and return all that is answered; a connection that stays open is left."""
    answer = b""
    with trio.move_on_after(5):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(head.encode())
            async for data in stream:
                answer += data
    return answer.decode()


def found_in(text: str) -> list[str]:
    """Return the places whose words are in a text: as they are, in capitals, or in base64 at any offset."""
    low = text.lower()
    return [
        place
        for place, canary in CANARY.items()
        if canary in low or any(b64encode(bytes(shift) + canary.encode())[4:12].decode() in text for shift in range(3))
    ]


@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_no_canary_is_in_the_log_or_the_metrics(log_format: str, tmp_path: Path) -> None:
    """Of keys, accounts, prompts, what was said, heard, answered and called, and of every part of a bad request."""
    assert len(CANARY) >= 25
    async with sim_process(first_token_s=0.0, token_interval_s=0.0) as sim:
        (tmp_path / "stages.py").write_text(STAGES)
        (tmp_path / "voxint.toml").write_text(CONFIG.replace("URL", sim.base_url))
        env = {
            "VOXINT_API_KEYS": CANARY["key"],
            "UPSTREAM_KEY": CANARY["upstream-key"],
            "OTHER_API_KEY": CANARY["environment"],
        }
        arguments = ("serve", "--log-level", "debug", "--log-format", log_format)
        async with start_cli(*arguments, cwd=tmp_path, env=env) as server:
            metrics, token = await _used(server, sim)
            server.send(signal.SIGTERM)
            assert await server.wait() == 0
    log = server.output
    # What the test is about has happened, and each line is in the log.
    for event in (
        "registered",
        "request accepted",
        "request finished",
        "request failed",
        "clean-up failed",
        "three",
        "a library logged",
        "an exception was ignored",
    ):
        assert event in log, event
    assert "voxint_requests_total" in metrics
    assert token
    assert token not in log + metrics
    assert found_in(log) == []
    assert found_in(metrics) == []
    assert forbidden(log, but="\n") == set()
    assert "\\x1b]52;c;" in log  # of the request id and the reason, spelt out


async def _used(server: Running, sim: Sim) -> tuple[str, str]:
    """Use a server in every way; return its metrics, and the token of a session."""
    output = await server.wait_for("started")
    url = re.search(r"ws://127\.0\.0\.1:(\d+)/ws/agent/stream", output)
    assert url is not None
    async with open_wire(url[0]) as wire:
        await talk(wire, sim)
        token = wire.registered.resume_token or ""
        session_id = wire.session_id or ""
    async with open_wire(url[0]) as wire:
        wire.say(m.Register(auth=KEY, resume=m.Resume(session_id=session_id, resume_token=token)))
        await wire.until(lambda: wire.session_id is not None, LIMIT_S)
    async with open_wire(url[0]) as wire:
        wire.say(m.Register(auth=KEY, resume=m.Resume(session_id=session_id, resume_token=CANARY["resume-token"])))
        await wire.until(lambda: bool(wire.of(m.Error)), LIMIT_S)
    await misspeak(url[0])
    return await browse(int(url[1])), token


def test_a_canary_is_found() -> None:
    """In whatever case, and in base64; the test above can fail."""
    words = [CANARY["key"], CANARY["text"].upper(), b64encode(CANARY["voice"].encode()).decode()]
    assert found_in(" ".join(words)) == ["key", "text", "voice"]
    assert not any(one != other and one in other for one in CANARY.values() for other in CANARY.values())
