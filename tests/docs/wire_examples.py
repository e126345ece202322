"""One whole message of each kind, as the protocol's page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from voxint.core.agent import Limits
from voxint.core.receipt import AudioAccount, TextAccount, UsageAccount
from voxint.protocol import messages as m
from voxint.protocol.payloads import (
    FunctionResultPayload,
    HealthCheckPayload,
    InterruptPayload,
    PlayedPayload,
    RegisterPayload,
    RequestPayload,
    ResponsePayload,
    SessionQueryPayload,
    ShutdownPayload,
)
from voxint.protocol.receipt import FramedReceipt, LastFrames

__all__ = ["FROM_CLIENT", "FROM_SERVER", "SESSION_ID", "TIMESTAMP", "FromClient", "FromServer"]

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


@frozen
class FromServer:
    """A message that the server sends.

    Args:
        about: When it comes, in a sentence.
        payload: The class it is written with.
        examples: Messages, each by what it says.
        ext: The fields that are voxint's own.
    """

    about: str
    payload: type
    examples: Mapping[str, m.ServerMessage]
    ext: tuple[str, ...] = ()


_AS_IT_IS = "[as it is]"
_SETTINGS = ("require_tts", "enable_srs", "system_prompt", "scene_context", "function_calling")
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
            "features": [],
            "audio.input_rate": 16_000,
            "audio.output_rate": 16_000,
            "resume": "[a new session]",
            "resume.seen": "[what comes from now on]",
            "on_disconnect": "interrupt",
        },
        ext=("features", "audio", "resume", "on_disconnect"),
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

_RECEIPT = FramedReceipt(
    request_id="req_1",
    reason="USER_STOP",
    stop_ms=0.4,
    stages={"stt": "idle", "llm": "closed", "tts": "closed", "tools": "idle"},
    usage=UsageAccount(llm_tokens=31, tts_characters=64, source="estimated"),
    audio=AudioAccount(generated_ms=2600.0, sent_ms=2120.0, heard_ms=1840.0, source="client"),
    text=TextAccount(generated_chars=118, heard="The keeper lived here with his"),
    last=LastFrames(text_stream_seq=28, voice_stream_seq=52),
)

FROM_SERVER: Mapping[str, FromServer] = {
    "REGISTER_ACK": FromServer(
        "The session is open.",
        m.RegisterAck,
        {
            "After `resume`; without it `resumed` is left out": m.RegisterAck(
                status="SUCCESS",
                message="resumed",
                session_id=SESSION_ID,
                session_timeout_seconds=600,
                features=("transcripts",),
                audio=m.Audio(input_rate=16_000, output_rate=16_000),
                resume_token="b0Xh3m8sQx1T",
                resumed=m.Resumed(live=("req_1",), lost=(), outcomes={"req_0": "complete"}),
            )
        },
        ext=("features", "audio", "resume_token", "resumed"),
    ),
    "RESPONSE": FromServer(
        "A frame of an answer.",
        ResponsePayload,
        {
            "A piece of text": m.Response(request_id="req_1", text_stream_seq=3, text=" lived here"),
            "A piece of speech": m.Response(request_id="req_1", voice_stream_seq=17, voice=bytes((0, 0, 1, 0, 2, 0))),
            "A function that the client is to call": m.Response(
                request_id="req_1",
                text_stream_seq=4,
                function_call=m.FunctionCall(name="weather", parameters={"place": "Bergen"}, call_id="call_1"),
            ),
            "The last frame of a spoken answer": m.Response(
                request_id="req_1", text_stream_seq=-1, voice_stream_seq=-1
            ),
            "The last frame of one that was interrupted": m.Response(
                request_id="req_1",
                text_stream_seq=-1,
                voice_stream_seq=-1,
                interrupted=True,
                interrupt_reason="USER_STOP",
            ),
        },
        ext=("function_call.call_id",),
    ),
    "INTERRUPT_ACK": FromServer(
        "The requests have stopped. One for each INTERRUPT.",
        m.InterruptAck,
        {
            "One was stopped": m.InterruptAck(
                interrupt_request_id="req_1",
                interrupted_request_ids=("req_1",),
                status="SUCCESS",
                message="stopped",
                outcomes={"req_1": "stopped"},
                receipts={"req_1": _RECEIPT},
            ),
            "There was nothing to interrupt, which is no error": m.InterruptAck(
                interrupt_request_id="req_9",
                interrupted_request_ids=(),
                status="FAILED",
                message="nothing to interrupt",
                outcomes={"req_9": "not_found"},
                receipts={},
            ),
            "One is held": m.InterruptAck(
                interrupt_request_id="req_1",
                interrupted_request_ids=(),
                status="SUCCESS",
                message="held",
                outcomes={"req_1": "held"},
                receipts={},
                mode="hold",
            ),
        },
        ext=("outcomes", "receipts", "read_late_ms", "mode"),
    ),
    "ERROR": FromServer(
        "A message could not be used, or, with `request_id`, a request has failed.",
        m.Error,
        {
            "A message": m.Error(
                error_code="MALFORMED_PAYLOAD",
                error_msg="Object missing required field `request_id`",
                error_detail="$.payload",
                retryable=False,
            ),
            "A request": m.Error(
                error_code="UPSTREAM_ERROR",
                error_msg="the model's provider failed while it answered; try again",
                error_detail="stage llm",
                retryable=True,
                request_id="req_1",
                stage="llm",
                error_id="5b1f0c9a7e42",
            ),
        },
        ext=("stage", "error_id"),
    ),
    "TRANSCRIPT": FromServer(
        "**ext** (feature `transcripts`) What was understood so far.",
        m.TranscriptMessage,
        {"The whole of it": m.TranscriptMessage(request_id="req_3", text="who lived here", is_final=True)},
    ),
    "SPEECH": FromServer(
        "**ext** (feature `server_vad`) Who speaks into the open microphone. `text` and what follows it belong to"
        " `stopped`.",
        m.SpeechMessage,
        {
            "Somebody has begun to speak": m.SpeechMessage(state="started", at_ms=48_320.0, request_id="req_7"),
            "They have ended, and are answered": m.SpeechMessage(
                state="stopped",
                at_ms=49_856.0,
                request_id="req_7",
                text="who lived here",
                outcome="request",
                decided_ms=50_240.0,
            ),
        },
    ),
    "HOLD": FromServer(
        "**ext** (feature `hold`) An answer is held where it is, or goes on.",
        m.HoldMessage,
        {
            "Pause": m.HoldMessage(request_id="req_6", state="held", voice_stream_seq=52),
            "It was a cough": m.HoldMessage(request_id="req_6", state="released", voice_stream_seq=52, reason="noise"),
        },
    ),
    "HEARTBEAT": FromServer("Every 30 s.", m.Heartbeat, {"A sign of life": m.Heartbeat(remaining_seconds=600)}),
    "SESSION_WARN": FromServer(
        "60 s before a silent session ends.",
        m.SessionWarn,
        {
            "Say something": m.SessionWarn(
                warn_type="EXPIRE_SOON", remaining_seconds=60, message="the session ends unless something is heard"
            )
        },
    ),
    "SESSION_INFO": FromServer(
        "The answer to SESSION_QUERY.",
        m.SessionInfo,
        {
            "Two fields": m.SessionInfo(
                status="SUCCESS", message="", session_data={"platform": "WEB", "remaining_seconds": 600}
            )
        },
    ),
    "HEALTH_CHECK_ACK": FromServer(
        "The answer to HEALTH_CHECK.",
        m.HealthCheckAck,
        {"All of it": m.HealthCheckAck(health_status=m.HealthStatus(cpu_usage=3.1, conn_count=2, status="HEALTHY"))},
    ),
    "SHUTDOWN": FromServer(
        "The server begins to drain.", m.Shutdown, {"Going down": m.Shutdown(reason="the server is shutting down")}
    ),
}
