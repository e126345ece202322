"""The messages of the wire protocol 1.0: one frozen class per `msg_type`, one union per direction.

The fields are the payload's; the envelope (`version`, `msg_type`, `session_id`, `timestamp`) belongs to `codec`.
Fields marked *ext* are voxint's own and additive.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from voxint.core.dialogue import Ending
from voxint.core.settings import OnDisconnect, Platform, SettingsChange
from voxint.protocol.asides import HoldMessage, MarksMessage, SpeechMessage, TranscriptMessage
from voxint.protocol.message_repr import SHOWN, Plain, Secret, WireMessage
from voxint.protocol.receipt import FramedReceipt

__all__ = [
    "VERSION",
    "Ack",
    "Audio",
    "Auth",
    "ClientMessage",
    "Content",
    "Error",
    "ErrorCode",
    "FunctionCall",
    "FunctionResult",
    "HealthCheck",
    "HealthCheckAck",
    "HealthStatus",
    "Heartbeat",
    "HeartbeatReply",
    "HoldMessage",
    "Interrupt",
    "InterruptAck",
    "LongText",
    "MarksMessage",
    "Outcome",
    "Pause",
    "Played",
    "Register",
    "RegisterAck",
    "RequestId",
    "RequestMessage",
    "Response",
    "Resume",
    "Resumed",
    "SeenFrames",
    "ServerMessage",
    "SessionInfo",
    "SessionQuery",
    "SessionWarn",
    "Shutdown",
    "SpeechMessage",
    "TranscriptMessage",
]

VERSION = "1.0"

Ack = Literal["SUCCESS", "PARTIAL", "FAILED"]
Outcome = Literal["stopped", "already_finished", "not_found", "overrun", "held", "released"]
Pause = Literal["hold", "release"]
"""What an INTERRUPT does to an answer that is not to end."""

ErrorCode = Literal[
    "AUTH_FAILED",
    "SESSION_INVALID",
    "STREAM_SEQ_ERROR",
    "PAYLOAD_TOO_LARGE",
    "SERVER_BUSY",
    "MALFORMED_PAYLOAD",
    "INTERNAL_ERROR",
    "REQUEST_TIMEOUT",
    "UPSTREAM_ERROR",
]
RequestId = Annotated[str, Meta(min_length=1, max_length=128), SHOWN]
"""The client's own name for a request, unique per client only."""

LongText = Annotated[str, Meta(max_length=65_536)]
"""What a client says in words; chosen here, ten times what anybody reads out to a guide."""

_Millis = Annotated[float, Meta(ge=0)]
_Rate = Annotated[int, Meta(ge=8_000, le=48_000)]


class Auth(WireMessage, frozen=True):
    """Who the client is: an API key, or an account with its password."""

    type: Literal["API_KEY", "ACCOUNT"]
    api_key: Secret | None = None
    account: Plain | None = None
    password: Secret | None = None


class Audio(WireMessage, frozen=True):
    """*ext* The sample rates of the session in Hz, asked for in REGISTER and confirmed in REGISTER_ACK."""

    input_rate: _Rate | None = None
    output_rate: _Rate | None = None


class SeenFrames(WireMessage, frozen=True):
    """*ext* The last frames of a request that the client has, by their numbers; -1: it has the end."""

    text_stream_seq: Annotated[int, Meta(ge=-1)] | None = None
    voice_stream_seq: Annotated[int, Meta(ge=-1)] | None = None


class Resume(WireMessage, frozen=True):
    """*ext* The session to go on with, and what the client has of each request; None: it wants what comes from now."""

    session_id: Plain
    resume_token: Secret
    seen: Annotated[dict[RequestId, SeenFrames], Meta(max_length=64)] | None = None


class Register(WireMessage, frozen=True):
    """REGISTER: open a session."""

    auth: Auth
    platform: Platform = "WEB"
    patch: SettingsChange = SettingsChange()
    features: tuple[Plain, ...] = ()
    audio: Audio = Audio()
    resume: Resume | None = None
    on_disconnect: OnDisconnect = "interrupt"


class Content(WireMessage, frozen=True):
    """What a REQUEST says: text, one piece of base64 voice, or the mark of a binary upload."""

    text: LongText | None = None
    voice_mode: Literal["BASE64", "BINARY"] | None = None
    voice: bytes | None = None
    audio_format: str | None = None


class RequestMessage(WireMessage, frozen=True):
    """REQUEST: ask in text or voice, begin or end an upload, or only update the session."""

    request_id: RequestId
    data_type: Literal["TEXT", "VOICE"]
    stream_flag: bool = False
    stream_seq: int = 0
    content: Content = Content()
    patch: SettingsChange = SettingsChange()


class Interrupt(WireMessage, frozen=True):
    """INTERRUPT: stop one request, or with None every live request of the session; or hold it, or let it go on."""

    interrupt_request_id: Plain | None = None
    reason: Plain = "USER_STOP"
    played_ms: _Millis | None = None
    mode: Literal["commit", "hold", "release"] = "commit"


class Played(WireMessage, frozen=True):
    """PLAYED *ext*: how much of a request's audio the client has played."""

    request_id: RequestId
    played_ms: _Millis


class FunctionResult(WireMessage, frozen=True):
    """FUNCTION_RESULT *ext*: what a function call gave; not granted yet."""

    request_id: RequestId
    call_id: Plain
    result: Any = None
    error: str | None = None


class SessionQuery(WireMessage, frozen=True):
    """SESSION_QUERY: ask for fields of the session; none named means all."""

    query_fields: tuple[str, ...] = ()


class Shutdown(WireMessage, frozen=True, omit_defaults=False):
    """SHUTDOWN, both ways: the sender is about to close."""

    reason: str = ""


class HeartbeatReply(WireMessage, frozen=True):
    """HEARTBEAT_REPLY: the client is alive."""

    client_status: str | None = None


class HealthCheck(WireMessage, frozen=True):
    """HEALTH_CHECK: ask how the server is; none named means all."""

    check_fields: tuple[str, ...] = ()


ClientMessage = (
    Register
    | RequestMessage
    | Interrupt
    | Played
    | FunctionResult
    | SessionQuery
    | Shutdown
    | HeartbeatReply
    | HealthCheck
)


class Resumed(WireMessage, frozen=True, omit_defaults=False):
    """*ext* What a client finds that has come back.

    Args:
        live: The requests that go on.
        lost: Those of which something that it lacks can't be had any more.
        outcomes: How those ended that ended meanwhile.
    """

    live: tuple[Plain, ...]
    lost: tuple[Plain, ...]
    outcomes: dict[Plain, Ending]


class RegisterAck(WireMessage, frozen=True):
    """REGISTER_ACK: the session is open."""

    status: Literal["SUCCESS"]
    message: Plain
    session_id: Plain
    session_timeout_seconds: int
    features: tuple[Plain, ...]
    audio: Audio
    resume_token: Secret | None = None
    resumed: Resumed | None = None


class FunctionCall(WireMessage, frozen=True):
    """A function the model asks the client to call."""

    name: Plain
    parameters: dict[str, Any]
    call_id: Plain


class Response(WireMessage, frozen=True):
    """RESPONSE: a frame of an answer.

    A sequence number counts from 0 by 1 and -1 ends its stream; a stream that does not exist is left out. `voice` is
    raw PCM here; the codec makes it base64, or a binary frame where the client asked for those.
    """

    request_id: Plain
    text_stream_seq: int | None = None
    voice_stream_seq: int | None = None
    text: str | None = None
    voice: bytes | None = None
    function_call: FunctionCall | None = None
    interrupted: bool = False
    interrupt_reason: Plain | None = None


class InterruptAck(WireMessage, frozen=True):
    """INTERRUPT_ACK: what was asked has stopped, and `receipts` proves it; or, as `mode` says, is held or goes on.

    Where the INTERRUPT waited for its turn, `read_late_ms` says how long at most, as far as that is known.
    """

    interrupt_request_id: Plain | None
    interrupted_request_ids: tuple[Plain, ...]
    status: Ack
    message: Plain
    outcomes: dict[Plain, Outcome]
    receipts: dict[Plain, FramedReceipt]
    read_late_ms: float | None = None
    mode: Pause | None = None


class Error(WireMessage, frozen=True):
    """ERROR: a message or a request failed; with `request_id` it ends that request.

    By `error_id` the server's operator finds the line of the log that says more, where there is one.
    """

    error_code: ErrorCode
    error_msg: Plain
    error_detail: Plain
    retryable: bool
    request_id: Plain | None = None
    stage: Literal["stt", "llm", "tts"] | None = None
    error_id: Plain | None = None


class SessionInfo(WireMessage, frozen=True):
    """SESSION_INFO: the fields SESSION_QUERY asked for."""

    status: Literal["SUCCESS"]
    message: Plain
    session_data: dict[str, Any]


class Heartbeat(WireMessage, frozen=True):
    """HEARTBEAT: the server is alive and so is the session."""

    remaining_seconds: int


class SessionWarn(WireMessage, frozen=True):
    """SESSION_WARN: the session is about to expire."""

    warn_type: Literal["EXPIRE_SOON"]
    remaining_seconds: int
    message: Plain


class HealthStatus(WireMessage, frozen=True):
    """How the server is; a field not asked for is left out."""

    cpu_usage: float | None = None
    conn_count: int | None = None
    status: Plain | None = None


class HealthCheckAck(WireMessage, frozen=True):
    """HEALTH_CHECK_ACK: the answer to HEALTH_CHECK."""

    health_status: HealthStatus


ServerMessage = (
    RegisterAck
    | Response
    | InterruptAck
    | Error
    | SessionInfo
    | Heartbeat
    | SessionWarn
    | HealthCheckAck
    | Shutdown
    | TranscriptMessage
    | SpeechMessage
    | HoldMessage
    | MarksMessage
)
