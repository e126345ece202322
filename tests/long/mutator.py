"""Messages of protocol 1.0 in any order, and what a broken or hostile client makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from attrs import define

__all__ = ["Mutator"]

IDS = ("r0", "r1", "r2", "r3", "r4", "r" * 128)
"""Few, so that many a message meets a live request or one that has ended."""

WEIRD_TEXTS = (
    "",
    " ",
    "\0",
    "x" * 129,
    "x" * 70_000,
    "\u202eevil\u2066",
    "\x1b]52;c;AAAA\x07",
    "\u2028\u2029\ufeff",
    "\ud800",  # json writes it as an escape: text that no UTF-8 can hold
    "\udfff\ud800",
    "👩‍👩‍👧" * 50,
    "null",
    "-1",
    "__proto__",
    "../../etc/passwd",
    "%s%n{0}",
)

WEIRD_NUMBERS = (0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, 10**308, 10**400, -(2**63) - 1, 0.1, -0.0, 1e308, 5e-324)

TYPES: tuple[Any, ...] = (None, True, False, 0, -1, 1.5, "", "1", [], [[]], {}, {"": None}, [None] * 20)

MARKS = '{}[]",:\\/0123456789eE+-.truefalsn \0\x7f\x80\xff\u2028\ud7ff'


@define
class Mutator:
    """Makes one client's frames; the same again from the same random numbers.

    Args:
        rng: Where all chance comes from.
        soundness: The share of frames that are left as they should be.
    """

    rng: Random
    soundness: float = 0.4

    def frame(self, session_id: str | None) -> str | bytes:
        """Return the next frame."""
        if self.rng.random() < 0.1:
            return self.audio()
        message = self.message(session_id)
        if self.rng.random() < self.soundness:
            return json.dumps(message)
        for _ in range(self.rng.choice((1, 1, 1, 2, 4))):
            message = self.bend(message)
        text = self.written(message)
        return self.scratch(text) if self.rng.random() < 0.4 else text

    def audio(self) -> bytes:
        """Return a microphone's frame, of any size."""
        return bytes(self.rng.choice((0, 1, 2, 43, 86, 640, 641, 5000, 64_000)))

    def message(self, session_id: str | None) -> dict[str, Any]:
        """Return a sound message in its envelope."""
        (kind,) = self.rng.choices(tuple(KINDS), weights=WEIGHTS)
        envelope = {"version": "1.0", "msg_type": kind, "timestamp": self.rng.randrange(2**41)}
        if session_id is not None and kind != "REGISTER":
            envelope["session_id"] = session_id
        return envelope | {"payload": KINDS[kind](self.rng)}

    def bend(self, message: dict[str, Any]) -> dict[str, Any]:
        """Change one field somewhere: leave it out, or give it another name, type or value."""
        holder: Any = message
        while True:
            if isinstance(holder, dict) and holder:
                key: Any = self.rng.choice(list(holder))
            elif isinstance(holder, list) and holder:
                key = self.rng.randrange(len(holder))
            else:
                return message
            if not isinstance(holder[key], dict | list) or not holder[key] or self.rng.random() < 0.3:
                break
            holder = holder[key]
        match self.rng.randrange(8):
            case 0:
                del holder[key]
            case 1:
                holder[key] = deepcopy(self.rng.choice(TYPES))
            case 2:
                holder[key] = self.rng.choice(WEIRD_NUMBERS)
            case 3:
                holder[key] = self.rng.choice(WEIRD_TEXTS)
            case 4:
                holder[key] = self.nested(holder[key])
            case 5 if isinstance(holder, dict):
                holder[self.rng.choice(("msg_type", "payload", "request_id", "x", "", str(key).upper()))] = deepcopy(
                    holder[key]
                )
            case 6:
                holder[key] = [holder[key]] * self.rng.choice((0, 2, 300))
            case _:
                holder[key] = self.rng.choice(IDS)
        return message

    def nested(self, inner: Any) -> Any:
        """Return it in many lists or objects."""
        for _ in range(self.rng.choice((1, 20, 70, 200))):
            inner = [inner] if self.rng.random() < 0.5 else {"a": inner}
        return inner

    def written(self, message: dict[str, Any]) -> str:
        """Return it as JSON, or as what only looks like it."""
        text = json.dumps(message, ensure_ascii=self.rng.random() < 0.7)
        text = text.encode("utf-8", "replace").decode()  # a text frame is UTF-8: what is not never gets here
        match self.rng.randrange(12):
            case 0:
                return text + text
            case 1:
                return text.replace(": ", ": NaN, " if self.rng.random() < 0.5 else ": -Infinity, ", 1)
            case 2:
                return text.replace('"payload"', '"payload": {}, "payload"', 1)
            case 3:
                return "[" * self.rng.choice((1, 100, 5000)) + text
            case _:
                return text

    def scratch(self, text: str) -> str:
        """Change some characters: turned, cut, repeated, put in."""
        for _ in range(self.rng.choice((1, 1, 2, 8))):
            at = self.rng.randrange(len(text) + 1)
            match self.rng.randrange(4):
                case 0:
                    text = text[:at] + self.rng.choice(MARKS) + text[at + 1 :]
                case 1:
                    text = text[:at] + self.rng.choice(MARKS) + text[at:]
                case 2:
                    text = text[:at] + text[at + self.rng.randrange(20) :]
                case _:
                    text = text[:at]
        return text


def _register(rng: Random) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "auth": {"type": "API_KEY", "api_key": "any"},
        "platform": rng.choice(("WEB", "IOS", "ANDROID")),
        "require_tts": rng.random() < 0.5,
        "features": rng.sample(("binary_audio", "transcripts", "unknown"), rng.randrange(4)),
    }
    if rng.random() < 0.3:
        payload["audio"] = {"input_rate": 16_000, "output_rate": rng.choice((8000, 24_000, 48_000))}
    if rng.random() < 0.3:
        payload |= _settings(rng)
    if rng.random() < 0.1:
        seen = {rng.choice(IDS): {"text_stream_seq": rng.randrange(-1, 5)}}
        payload["resume"] = {"session_id": "nobody's", "resume_token": "none", "seen": seen}
    return payload


def _settings(rng: Random) -> dict[str, Any]:
    tool = {
        "name": f"f{rng.randrange(3)}",
        "description": "does it",
        "parameters": {"type": "object", "properties": {}},
    }
    settings = {
        "system_prompt": {"prompt": "You are a guide."},
        "scene_context": {"prompt": "The hall."},
        "function_calling": [tool],
        "function_calling_op": rng.choice(("REPLACE", "ADD", "UPDATE", "DELETE")),
        "enable_srs": True,
    }
    return {name: settings[name] for name in rng.sample(list(settings), rng.randrange(1, 4))}


def _request(rng: Random) -> dict[str, Any]:
    request: dict[str, Any] = {"request_id": rng.choice(IDS)}
    match rng.randrange(8):
        case 0 | 1 | 2:
            request |= {"data_type": "TEXT", "content": {"text": rng.choice(("Hello?", "Go on", "Tell me. " * 20))}}
        case 3:
            # An id of its own: by that of an earlier request an INTERRUPT would get the earlier one's receipt.
            request = {"request_id": f"s{rng.randrange(2**31)}", "data_type": "TEXT", "content": {"text": ""}}
            request["update_session"] = _settings(rng)
        case 4 | 5:
            content = {"voice_mode": "BINARY", "audio_format": "pcm"}
            request |= {"data_type": "VOICE", "stream_flag": True, "stream_seq": 0, "content": content}
        case 6:
            request |= {"data_type": "VOICE", "stream_flag": True, "stream_seq": -1}
        case _:
            content = {"voice_mode": "BASE64", "voice": "AAAA" * rng.choice((1, 2, 400)), "audio_format": "pcm"}
            request |= {"data_type": "VOICE", "stream_flag": False, "content": content}
    return request


def _interrupt(rng: Random) -> dict[str, Any]:
    payload: dict[str, Any] = {"reason": rng.choice(("USER_STOP", "USER_NEW_INPUT", "because"))}
    if rng.random() < 0.7:
        payload["interrupt_request_id"] = rng.choice((*IDS, "unknown", "", None))
    if rng.random() < 0.3:
        payload["played_ms"] = rng.choice((0, 12.5, 1e9, -3, "much"))
    if rng.random() < 0.1:
        payload["mode"] = rng.choice(("commit", "hold", "release"))
    return payload


KINDS: dict[str, Callable[[Random], dict[str, Any]]] = {
    "REGISTER": _register,
    "REQUEST": _request,
    "INTERRUPT": _interrupt,
    "PLAYED": lambda rng: {"request_id": rng.choice(IDS), "played_ms": rng.choice((0, 40, 1e6))},
    "FUNCTION_RESULT": lambda rng: {"request_id": rng.choice(IDS), "call_id": "c", "result": {"a": [1, None]}},
    "SESSION_QUERY": lambda rng: {"query_fields": rng.sample(("platform", "require_tts", "nothing"), 2)},
    "SHUTDOWN": lambda rng: {"reason": "bye"},
    "HEARTBEAT_REPLY": lambda rng: {"client_status": "ONLINE"},
    "HEALTH_CHECK": lambda rng: {"check_fields": rng.sample(("cpu_usage", "status", "x"), 2)},
}
WEIGHTS = (1, 20, 14, 6, 3, 5, 0.5, 3, 5)
"""Of the kinds, in their order: REQUESTs cost most, and after a goodbye nothing more is heard."""
