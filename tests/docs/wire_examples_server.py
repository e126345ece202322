"""One whole message of each kind that the server sends, as the protocol's page shows them."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from tests.docs.wire_examples import SESSION_ID
from voxint.core.receipt import AudioAccount, TextAccount, UsageAccount
from voxint.protocol import messages as m
from voxint.protocol.payloads import ResponsePayload
from voxint.protocol.receipt import FramedReceipt, LastFrames

__all__ = ["FROM_SERVER", "FromServer"]


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


_RECEIPT = FramedReceipt(
    request_id="req_1",
    reason="USER_STOP",
    stop_ms=0.4,
    stages={"stt": "idle", "llm": "closed", "tts": "closed", "tools": "idle"},
    usage=UsageAccount(llm_tokens=31, tts_characters=64, source="estimated"),
    audio=AudioAccount(generated_ms=2600.0, sent_ms=2120.0, heard_ms=1840.0, source="client"),
    text=TextAccount(generated_chars=118, heard="The keeper lived here with his"),
    last=LastFrames(text_stream_seq=28, voice_stream_seq=52),
    closed_ms={"llm": 0.2, "tts": 0.3},
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
        "**ext** (feature `server_vad`) Who speaks into the open microphone, and what that interrupts. `interrupted`"
        " belongs to `committed`; `text` and what follows it belong to `stopped`.",
        m.SpeechMessage,
        {
            "Somebody has begun to speak": m.SpeechMessage(state="started", at_ms=48_320.0, request_id="req_7"),
            "It is meant, and interrupts an answer": m.SpeechMessage(
                state="committed", at_ms=48_928.0, request_id="req_7", interrupted=("req_6",)
            ),
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
    "MARKS": FromServer(
        "**ext** (feature `marks`) How far in its text the voice of an answer is. Each mark is an instant of the"
        " answer's sound in milliseconds, and how many code points of its text are reached by then.",
        m.MarksMessage,
        {"Two sentences begin": m.MarksMessage(request_id="req_1", marks=((0.0, 24), (1420.0, 58)))},
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
            ),
            "A token to join by": m.SessionInfo(
                status="SUCCESS", message="", session_data={"join_token": "4cHh0wUuB7yJx9q3M0dZ1sT6vK8eN2aRfLgPiXoYbCk"}
            ),
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
