"""One whole message of each kind that clients send, as the protocol's page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from voxint.core.agent import Limits
from voxint.protocol import messages as m
from voxint.protocol.payloads import (
    FunctionResultPayload,
    HealthCheckPayload,
    InterruptPayload,
    PlayedPayload,
    RegisterPayload,
    RequestPayload,
    SessionQueryPayload,
    ShutdownPayload,
)

__all__ = ["FROM_CLIENT", "SESSION_ID", "TIMESTAMP", "FromClient"]

SESSION_ID = "sess_4f1c0e0a7d5b4b6f9a3e2d1c0b9a8f7e"
TIMESTAMP = 1_796_000_000_000


@frozen
class FromClient:
    """A message that clients send.

    Args:
        about: What it is for, in a sentence.
        payload: The class it is read with.
        examples: Payloads, each by what it does.
        defaults: What stands for a field that is absent, by its path; a str in square brackets is in words.
        types: In other words than the class's, by path.
        closed: The objects whose fields another message's table has.
        ext: The fields that are voxint's own.
    """

    about: str
    payload: type
    examples: Mapping[str, Mapping[str, Any]]
    defaults: Mapping[str, Any] = field(factory=dict)
    types: Mapping[str, str] = field(factory=dict)
    closed: tuple[str, ...] = ()
    ext: tuple[str, ...] = ()


_AS_IT_IS = "[as it is]"
_SETTINGS = ("require_tts", "enable_srs", "system_prompt", "scene_context", "function_calling", "voice", "language")
_WEATHER = {
    "name": "weather",
    "description": "The weather at a place.",
    "parameters": [{"name": "place", "type": "string", "description": "A town."}],
}

FROM_CLIENT: Mapping[str, FromClient] = {
    "REGISTER": FromClient(
        "Opens a session, or goes on with one. The first message of a connection.",
        RegisterPayload,
        {
            "A new session": {
                "auth": {"type": "API_KEY", "api_key": "voxt_AQFB"},
                "platform": "WEB",
                "require_tts": True,
                "system_prompt": {"role_description": "You are the guide of a lighthouse."},
                "function_calling": [_WEATHER],
                "features": ["transcripts"],
            },
            "The same session on a new connection": {
                "auth": {"type": "API_KEY", "api_key": "voxt_AgFC"},
                "resume": {
                    "session_id": SESSION_ID,
                    "resume_token": "kV2JX0WcG5nq",
                    "seen": {"req_1": {"text_stream_seq": 3, "voice_stream_seq": 17}},
                },
            },
        },
        defaults={
            "auth.api_key": "[needed with `API_KEY`]",
            "auth.account": "[needed with `ACCOUNT`]",
            "auth.password": "[needed with `ACCOUNT`]",
            "platform": "WEB",
            "client_type": "[as `platform`]",
            "require_tts": False,
            "enable_srs": True,
            "system_prompt": "",
            "scene_context": "",
            "function_calling": [],
            "function_calling_op": "REPLACE",
            "voice": "[the agent's own]",
            "language": "[what speech is taken for]",
            "features": [],
            "audio.input_rate": 16_000,
            "audio.output_rate": 16_000,
            "resume": "[a new session]",
            "resume.seen": "[what comes from now on]",
            "on_disconnect": "interrupt",
        },
        ext=("voice", "language", "features", "audio", "resume", "on_disconnect"),
    ),
    "REQUEST": FromClient(
        "Asks in text or in voice, begins or ends an upload, or changes the session.",
        RequestPayload,
        {
            "A question in text": {
                "request_id": "req_1",
                "data_type": "TEXT",
                "stream_flag": False,
                "stream_seq": 0,
                "content": {"text": "Who lived here?"},
            },
            "A question in voice, in one piece": {
                "request_id": "req_2",
                "data_type": "VOICE",
                "stream_flag": False,
                "stream_seq": 0,
                "content": {"voice_mode": "BASE64", "voice": "AAABAAIAAwA="},
            },
            "The begin of an upload; binary frames of PCM follow": {
                "request_id": "req_3",
                "data_type": "VOICE",
                "stream_flag": True,
                "stream_seq": 0,
                "content": {"voice_mode": "BINARY", "audio_format": "pcm"},
            },
            "The end of that upload": {
                "request_id": "req_3",
                "data_type": "VOICE",
                "stream_flag": True,
                "stream_seq": -1,
            },
            "A change of the session, and no question": {
                "request_id": "req_4",
                "data_type": "TEXT",
                "content": {"text": ""},
                "update_session": {"require_tts": False, "function_calling_op": "ADD", "function_calling": [_WEATHER]},
            },
        },
        defaults={
            "stream_flag": False,
            "stream_seq": 0,
            "content": {},
            "function_calling_op": "REPLACE",
            **dict.fromkeys((*_SETTINGS, "update_session"), _AS_IT_IS),
        },
        types={
            "content.text": f"string, {Limits().text_chars:,} characters at most unless configured",
            "content.voice": "string: base64 of PCM",
            "stream_seq": "`0`, `-1`",
            "system_prompt": "as in REGISTER",
            "scene_context": "as in REGISTER",
            "function_calling": "as in REGISTER",
            "update_session": "object of the same settings; what is there wins over what is beside it",
        },
        closed=("system_prompt", "function_calling", "update_session"),
        ext=("voice", "language"),
    ),
    "INTERRUPT": FromClient(
        "Stops one request, or all live ones of the session, or holds or releases them. Answered by one INTERRUPT_ACK.",
        InterruptPayload,
        {
            "One request": {"interrupt_request_id": "req_1", "reason": "USER_STOP", "played_ms": 1840},
            "Every live one": {},
            "One request is to wait (feature `hold`)": {"interrupt_request_id": "req_1", "mode": "hold"},
        },
        defaults={
            "interrupt_request_id": "[every live one]",
            "reason": "USER_STOP",
            "played_ms": "[reckoned]",
            "mode": "commit",
        },
        types={
            "reason": "string; 64 characters of it are kept",
            "played_ms": "number",
            "mode": "`commit`; with the feature `hold` also `hold`, `release`",
        },
        ext=("played_ms", "mode"),
    ),
    "PLAYED": FromClient(
        "**ext** Says how much of an answer's speech has been heard. Not answered.",
        PlayedPayload,
        {"The playback position": {"request_id": "req_1", "played_ms": 1840}},
    ),
    "SESSION_QUERY": FromClient(
        "Asks what the session is. Answered by SESSION_INFO.",
        SessionQueryPayload,
        {"Two fields of it": {"query_fields": ["platform", "remaining_seconds"]}},
        defaults={"query_fields": []},
    ),
    "HEALTH_CHECK": FromClient(
        "Asks how the server is, before REGISTER too. Answered by HEALTH_CHECK_ACK.",
        HealthCheckPayload,
        {"All of it": {}},
        defaults={"check_fields": []},
    ),
    "HEARTBEAT_REPLY": FromClient(
        "Answers HEARTBEAT. Not answered.",
        m.HeartbeatReply,
        {"Still there": {"client_status": "ONLINE"}},
        defaults={"client_status": "[nothing]"},
    ),
    "SHUTDOWN": FromClient(
        "Says that the client leaves for good. The connection is closed with 1000.",
        ShutdownPayload,
        {"A goodbye": {"reason": "the page was closed"}},
        defaults={"reason": ""},
        types={"reason": "string"},
    ),
    "FUNCTION_RESULT": FromClient(
        "**ext** What a function gave. Not granted yet: it gets MALFORMED_PAYLOAD.",
        FunctionResultPayload,
        {"A result": {"request_id": "req_1", "call_id": "call_1", "result": {"sky": "clear"}}},
        defaults={"result": "[null]", "error": "[nothing]"},
    ),
}
