"""A broken frame for each kind of fault that the decoder knows, and what its sender is told."""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen

__all__ = ["MALFORMED", "Malformed"]

SAID = "sesame"
"""A word that a person may have said: no error repeats it."""

AUTH = {"type": "API_KEY", "api_key": SAID}
ASK: dict[str, Any] = {"request_id": "req_1", "data_type": "TEXT"}
DEEP: dict[str, Any] = {}
_here = DEEP
for _ in range(100):
    _here[SAID] = {}
    _here = _here[SAID]


@frozen
class Malformed:
    """A frame and its error.

    Args:
        frame: As a client sends it.
        message: What is wrong, in a sentence.
        place: Where in the frame.
    """

    frame: str | bytes
    message: str
    place: str


def _wrong(msg_type: str, payload: object, message: str, place: str) -> Malformed:
    frame = {"version": "1.0", "msg_type": msg_type, "session_id": SAID, "payload": payload, "timestamp": 0}
    return Malformed(json.dumps(frame), message, f"$.payload{place}")


MALFORMED = (
    _wrong("REQUEST", ASK | {"stream_seq": SAID}, "`stream_seq` must be a whole number or null, not a string",
           ".stream_seq"),
    _wrong("REQUEST", ASK | {"stream_seq": 1.5}, "`stream_seq` must be a whole number or null, not a number with a"
           " fraction", ".stream_seq"),
    _wrong("REQUEST", ASK | {"stream_flag": 1}, "`stream_flag` must be true, false or null, not a whole number",
           ".stream_flag"),
    _wrong("REQUEST", ASK | {"content": [SAID]}, "`content` must be an object or null, not an array", ".content"),
    _wrong("REQUEST", ASK | {"content": {"text": True}}, "`text` must be a string or null, not a boolean",
           ".content.text"),
    _wrong("REQUEST", ASK | {"system_prompt": 5}, "`system_prompt` must be a string, an object or null, not a whole"
           " number", ".system_prompt"),
    _wrong("REQUEST", ASK | {"data_type": SAID}, "`data_type` must be TEXT or VOICE", ".data_type"),
    _wrong("REQUEST", ASK | {"data_type": None}, "`data_type` must be TEXT or VOICE, not null", ".data_type"),
    _wrong("REQUEST", ASK | {"content": {"voice_mode": "sesame - at `$.sesame`"}},
           "`voice_mode` must be BASE64 or BINARY", ".content.voice_mode"),
    _wrong("INTERRUPT", {"mode": SAID}, "`mode` must be commit, hold or release", ".mode"),
    _wrong("REGISTER", {"auth": {"type": SAID}}, "`type` must be ACCOUNT or API_KEY", ".auth.type"),
    _wrong("REGISTER", {"auth": AUTH, "platform": SAID}, "`platform` must be APP, MINI_PROGRAM, TV or WEB",
           ".platform"),
    _wrong("REGISTER", {"auth": AUTH, "features": [SAID, 1]}, "each item of `features` must be a string, not a whole"
           " number", ".features[1]"),
    _wrong("REGISTER", {}, "`payload` must have the field `auth`", ""),
    _wrong("REGISTER", {"auth": AUTH, "function_calling": [{"name": SAID, "parameters": [{"name": SAID}]}]},
           "each item of `parameters` must have the field `type`", ".function_calling[0].parameters[0]"),
    _wrong("REGISTER", {"auth": AUTH, "function_calling": [{"name": SAID}] * 200},
           "`function_calling` must have at most 128 items", ".function_calling"),
    _wrong("REQUEST", ASK | {"request_id": ""}, "`request_id` must have at least 1 character", ".request_id"),
    _wrong("REQUEST", ASK | {"request_id": SAID * 50}, "`request_id` must have at most 128 characters", ".request_id"),
    _wrong("REGISTER", {"auth": AUTH, "audio": {"input_rate": 5}}, "`input_rate` must be at least 8000",
           ".audio.input_rate"),
    _wrong("REGISTER", {"auth": AUTH, "audio": {"output_rate": 96_000}}, "`output_rate` must be at most 48000",
           ".audio.output_rate"),
    _wrong("REGISTER", {"auth": AUTH, "resume": {"session_id": "s", "resume_token": SAID,
                                                 "seen": {"r": {"text_stream_seq": -2}}}},
           "`text_stream_seq` must be at least -1", ".resume.seen[...].text_stream_seq"),
    _wrong("REGISTER", {"auth": AUTH, "resume": {"session_id": "s", "resume_token": SAID, "seen": {"": {}}}},
           "each key of `seen` must have at least 1 character", ".resume.seen"),
    _wrong("REGISTER", {"auth": AUTH, "resume": {"session_id": "s", "resume_token": SAID, "seen": {SAID: 1}}},
           "each value of `seen` must be an object, not a whole number", ".resume.seen[...]"),
    _wrong("REQUEST", ASK | {"content": {"voice": "%%"}}, "`voice` must be base64, with its padding",
           ".content.voice"),
    _wrong("REQUEST", ASK | {"scene_context": DEEP}, "`payload` holds JSON that is nested deeper than 64 levels", ""),
    _wrong("REQUEST", SAID, "`payload` must be an object, not a string", ""),
    Malformed('{"version":"1.0","msg_type":"PLAYED","payload":{"request_id":"r","played_ms":1e999}}',
              "`played_ms` is a number too large to be read", "$.payload.played_ms"),
    Malformed(SAID, "the message is no JSON: invalid character at byte 0", "$"),
    Malformed('{"version":"1.0",}', "the message is no JSON: trailing comma in object at byte 17", "$"),
    Malformed('{"version":"1.0","msg', "the message is no whole JSON: it breaks off", "$"),
    Malformed("[" * 20, "the message must be an object, not an array", "$"),
    Malformed('{"msg_type":"REGISTER"}', "the message must have the field `version`", "$"),
    Malformed('"\ud800"', "the message holds what is no valid Unicode", "$"),
    Malformed('{"version":"1.0","msg_type":"PLAYED","payload":{"request_id":"\xff"}}'.encode("latin-1"),
              "`payload` holds what is no valid Unicode", "$.payload"),
    Malformed('{"version":"1.0","msg_type":"PLAYED","payload":{"x":' + "[" * 15_000, "the message is nested too deeply",
              "$"),
    Malformed('{"version":"2.0","msg_type":"REGISTER","payload":{}}',
              "`version` must be 1.0, or begin with its first number", "$.version"),
    Malformed('{"version":"1.0","msg_type":"SESAME","payload":{}}',
              "`msg_type` must be REGISTER, REQUEST, INTERRUPT, PLAYED, FUNCTION_RESULT, SESSION_QUERY, SHUTDOWN,"
              " HEARTBEAT_REPLY or HEALTH_CHECK", "$.msg_type"),
)  # fmt: skip
"""One of each kind."""
