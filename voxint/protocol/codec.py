"""Frames to messages and back: the envelope, and the binary voice frame.

A frame is read in two steps: the envelope with the payload left as it is, then the payload by `msg_type`, whose errors
get the payload's place put in front. Whatever a peer sends, reading it gives a message or a `WireError`, and the error
repeats nothing of what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from attrs import frozen
from msgspec.json import Decoder, Encoder

from voxint.errors import WireError
from voxint.protocol import messages as m
from voxint.protocol.malformed import malformed, one_of
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
from voxint.protocol.size import SPEECHLESS_BYTES, check_size, says_true

__all__ = [
    "MAX_FRAME_BYTES",
    "REGISTER_FIRST",
    "Inbound",
    "auth_of",
    "binary_voice",
    "decode_client",
    "decode_server",
    "encode_client",
    "encode_server",
    "refused_upload",
    "write_response",
]

MAX_FRAME_BYTES = 8 * 1024 * 1024  # wire.md: minutes of base64 speech fit

REGISTER_FIRST = "this connection has not registered: send REGISTER first"

VOICE_FRAME = 0x01
MAX_BINARY_ID_BYTES = 255  # its length is one byte

_T = TypeVar("_T")
_UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)

_ClientPayload = (
    RegisterPayload
    | RequestPayload
    | InterruptPayload
    | FunctionResultPayload
    | SessionQueryPayload
    | HealthCheckPayload
    | ShutdownPayload
    | PlayedPayload
    | m.HeartbeatReply
)
_Read = Callable[[str | bytes | msgspec.Raw], _T]

_CLIENT_KINDS: dict[str, type[_ClientPayload]] = {
    "REGISTER": RegisterPayload,
    "REQUEST": RequestPayload,
    "INTERRUPT": InterruptPayload,
    "PLAYED": PlayedPayload,
    "FUNCTION_RESULT": FunctionResultPayload,
    "SESSION_QUERY": SessionQueryPayload,
    "SHUTDOWN": ShutdownPayload,
    "HEARTBEAT_REPLY": m.HeartbeatReply,
    "HEALTH_CHECK": HealthCheckPayload,
}
_SERVER_KINDS: dict[str, type[m.ServerMessage | ResponsePayload]] = {
    "REGISTER_ACK": m.RegisterAck,
    "RESPONSE": ResponsePayload,
    "INTERRUPT_ACK": m.InterruptAck,
    "ERROR": m.Error,
    "SESSION_INFO": m.SessionInfo,
    "HEARTBEAT": m.Heartbeat,
    "SESSION_WARN": m.SessionWarn,
    "HEALTH_CHECK_ACK": m.HealthCheckAck,
    "SHUTDOWN": m.Shutdown,
    "TRANSCRIPT": m.TranscriptMessage,
    "SPEECH": m.SpeechMessage,
    "HOLD": m.HoldMessage,
    "MARKS": m.MarksMessage,
}
_CLIENT: dict[str, _Read[_ClientPayload]] = {name: Decoder(kind).decode for name, kind in _CLIENT_KINDS.items()}
_SERVER: dict[str, _Read[m.ServerMessage | ResponsePayload]] = {
    name: Decoder(kind).decode for name, kind in _SERVER_KINDS.items()
}
_CLIENT_TYPES: dict[type[m.ClientMessage], str] = {
    m.Register: "REGISTER",
    m.RequestMessage: "REQUEST",
    m.Interrupt: "INTERRUPT",
    m.Played: "PLAYED",
    m.FunctionResult: "FUNCTION_RESULT",
    m.SessionQuery: "SESSION_QUERY",
    m.Shutdown: "SHUTDOWN",
    m.HeartbeatReply: "HEARTBEAT_REPLY",
    m.HealthCheck: "HEALTH_CHECK",
}
_SERVER_TYPES: dict[type[m.ServerMessage], str] = {
    m.RegisterAck: "REGISTER_ACK",
    m.Response: "RESPONSE",
    m.InterruptAck: "INTERRUPT_ACK",
    m.Error: "ERROR",
    m.SessionInfo: "SESSION_INFO",
    m.Heartbeat: "HEARTBEAT",
    m.SessionWarn: "SESSION_WARN",
    m.HealthCheckAck: "HEALTH_CHECK_ACK",
    m.Shutdown: "SHUTDOWN",
    m.TranscriptMessage: "TRANSCRIPT",
    m.SpeechMessage: "SPEECH",
    m.HoldMessage: "HOLD",
    m.MarksMessage: "MARKS",
}


class _Envelope(msgspec.Struct, gc=False):
    """The envelope as it is written."""

    version: str
    msg_type: str
    session_id: str | None
    payload: Any
    timestamp: int


class _Head(msgspec.Struct):
    """The envelope as it is read; `timestamp` orders nothing and is not looked at."""

    version: str
    msg_type: str
    payload: msgspec.Raw
    session_id: str | None = None


class _Named(msgspec.Struct):
    request_id: m.RequestId


class _NamedRequest(msgspec.Struct, tag_field="msg_type", tag="REQUEST"):
    """As much of a broken REQUEST as its ERROR needs."""

    payload: _Named


_NOTHING = msgspec.Raw(b"null")

SHORT_BYTES = 1024
"""Of a field that is read although its frame is broken; chosen here: an id has 128 characters."""


class _Upload(msgspec.Struct):
    request_id: msgspec.Raw = _NOTHING
    data_type: msgspec.Raw = _NOTHING
    stream_flag: msgspec.Raw = _NOTHING
    stream_seq: msgspec.Raw = _NOTHING


class _UploadRequest(msgspec.Struct, tag_field="msg_type", tag="REQUEST"):
    """As much of a REQUEST as says whether it means to begin an upload, however broken it is."""

    payload: _Upload


class _Registering(msgspec.Struct):
    """As much of a REGISTER as says who it is."""

    auth: m.Auth


_REGISTERING: _Read[_Registering] = Decoder(_Registering).decode
_HEAD: _Read[_Head] = Decoder(_Head).decode
_NAMED_REQUEST: _Read[_NamedRequest] = Decoder(_NamedRequest).decode
_UPLOAD_REQUEST: _Read[_UploadRequest] = Decoder(_UploadRequest).decode
_encode = Encoder().encode


@frozen
class Inbound:
    """A client's message and the session it names.

    Args:
        session_id: The session named in the envelope; None where it is absent, null or empty.
        message: The payload.
    """

    session_id: str | None
    message: m.ClientMessage


def decode_client(frame: str | bytes, max_bytes: int = MAX_FRAME_BYTES) -> Inbound:
    """Read a client's text frame. How large it is, and of how many values, is judged before it is decoded.

    Args:
        frame: One JSON object; as bytes it is UTF-8.
        max_bytes: The most bytes a frame may have in UTF-8, its speech in base64 included; without that it may have
            512 KiB, whatever is said here.

    Returns:
        The message. Its numbers are in range and the fields of a REQUEST fit together; whether it is allowed now is for
        the session to say.

    Raises:
        WireError: `PAYLOAD_TOO_LARGE`; `STREAM_SEQ_ERROR` for a REQUEST's bad `stream_seq`; else `MALFORMED_PAYLOAD`.
            It bears the `request_id` of a REQUEST where that could be read, which is not tried in one too large.
    """
    check_size(frame, max_bytes)
    try:
        head = _read_head(frame)
        payload = _read_payload(head, _CLIENT, _CLIENT_KINDS)
    except WireError as error:
        raise WireError(error.code, error.message, error.detail, _request_id(frame)) from None
    message = payload if isinstance(payload, m.HeartbeatReply) else payload.message()
    return Inbound(head.session_id or None, message)


def refused_upload(frame: str) -> str | None:
    """Return the id that a refused start frame of an upload names, "" where that is none; None for other frames.

    Audio follows such a frame all the same. One too large to be read costs no more than a look for the word.
    """
    if len(frame) > SPEECHLESS_BYTES:
        return "" if says_true(frame, "stream_flag") else None
    try:
        asked = _UPLOAD_REQUEST(frame).payload
    except _UNREADABLE:
        return None
    if _short(asked.stream_flag) is not True or _short(asked.data_type) == "TEXT" or _short(asked.stream_seq) == -1:
        return None
    request_id = _short(asked.request_id)
    return request_id if isinstance(request_id, str) else ""


def auth_of(frame: str) -> m.Auth | None:
    """Return who registers by this frame of a stranger's, and nothing else of it; None where it is a HEALTH_CHECK.

    A stranger's settings are not looked at: to make objects of them is work, and they may be any.

    Raises:
        WireError: `SESSION_INVALID` for another message, `MALFORMED_PAYLOAD` for what is none, or has no `auth`.
    """
    head = _read_head(frame)
    if head.msg_type == "HEALTH_CHECK":
        return None
    if head.msg_type == "REGISTER":
        try:
            return _REGISTERING(head.payload).auth
        except _UNREADABLE as error:
            raise malformed(error, "$.payload", _Registering) from None
    if head.msg_type in _CLIENT:
        raise WireError("SESSION_INVALID", REGISTER_FIRST)
    raise _unknown(_CLIENT)


def encode_server(message: m.ServerMessage, session_id: str | None, timestamp_ms: int) -> str:
    """Write a server's text frame.

    Args:
        message: What to say.
        session_id: The connection's session.
        timestamp_ms: Milliseconds since the epoch; informative only.
    """
    if isinstance(message, m.Response):
        return write_response(ResponsePayload.of(message), session_id, timestamp_ms)
    return _write(_SERVER_TYPES[type(message)], message, session_id, timestamp_ms)


def write_response(payload: ResponsePayload, session_id: str | None, timestamp_ms: int) -> str:
    """Write a RESPONSE as a text frame, without a message in between: one is made for every token."""
    return _write("RESPONSE", payload, session_id, timestamp_ms)


def binary_voice(request_id: str, voice_stream_seq: int, audio: bytes) -> bytes | None:
    """Write speech as a binary frame.

    Returns:
        The frame; None where the id is too long for its header, as it can be from 64 characters on, all of them beyond
        ASCII. Such speech goes in a text frame, which every client understands.
    """
    name = request_id.encode()
    if len(name) > MAX_BINARY_ID_BYTES:
        return None
    return b"".join((bytes((VOICE_FRAME, len(name))), name, voice_stream_seq.to_bytes(4, "big"), audio))


def encode_client(message: m.ClientMessage, session_id: str | None, timestamp_ms: int) -> str:
    """Write a client's text frame; `timestamp_ms` counts from the epoch and is informative only."""
    payload: object
    match message:
        case m.Register():
            payload = RegisterPayload.of(message)
        case m.RequestMessage():
            payload = RequestPayload.of(message)
        case m.Interrupt():
            payload = InterruptPayload.of(message)
        case _:
            payload = message
    return _write(_CLIENT_TYPES[type(message)], payload, session_id, timestamp_ms)


def decode_server(frame: str | bytes) -> m.ServerMessage:
    """Read a server's frame, text or binary; a binary voice frame becomes a `Response` with voice.

    Raises:
        WireError: `MALFORMED_PAYLOAD`, where the server breaks the protocol.
    """
    if isinstance(frame, bytes) and frame[:1] == bytes((VOICE_FRAME,)):
        return _read_voice_frame(frame)
    payload = _read_payload(_read_head(frame), _SERVER, _SERVER_KINDS)
    return payload.message() if isinstance(payload, ResponsePayload) else payload


def _write(msg_type: str, payload: object, session_id: str | None, timestamp_ms: int) -> str:
    return _encode(_Envelope(m.VERSION, msg_type, session_id, payload, timestamp_ms)).decode()


def _short(raw: msgspec.Raw) -> object:
    """Return the value of a field that is short; None for any other."""
    if len(memoryview(raw)) > SHORT_BYTES:
        return None
    try:
        value: object = msgspec.json.decode(raw)
    except _UNREADABLE:
        return None
    return value


def _read_head(frame: str | bytes) -> _Head:
    try:
        head = _HEAD(frame)
    except _UNREADABLE as error:
        raise malformed(error, "$", _Head) from None
    if head.version.partition(".")[0] != m.VERSION.partition(".")[0]:
        raise WireError(
            "MALFORMED_PAYLOAD",
            f"`version` must be {m.VERSION}, or begin with its first number",
            "$.version",
        )
    return head


def _read_payload(head: _Head, readers: dict[str, _Read[_T]], kinds: Mapping[str, object]) -> _T:
    read = readers.get(head.msg_type)
    if read is None:
        raise _unknown(readers)
    try:
        return read(head.payload)
    except _UNREADABLE as error:
        raise malformed(error, "$.payload", kinds[head.msg_type]) from None


def _unknown(known: Iterable[str]) -> WireError:
    return WireError("MALFORMED_PAYLOAD", f"`msg_type` must be {one_of([*known])}", "$.msg_type")


def _request_id(frame: str | bytes) -> str | None:
    try:
        return _NAMED_REQUEST(frame).payload.request_id
    except _UNREADABLE:
        return None


def _read_voice_frame(frame: bytes) -> m.Response:
    pcm = 2 + (frame[1] if len(frame) > 1 else 0) + 4
    if len(frame) < pcm or (len(frame) - pcm) % 2:
        raise WireError(
            "MALFORMED_PAYLOAD", "a binary voice frame must have a whole header, and whole 16-bit samples behind it"
        )
    try:
        request_id = frame[2 : pcm - 4].decode()
    except UnicodeError:
        raise WireError("MALFORMED_PAYLOAD", "a binary voice frame must have its request_id in UTF-8") from None
    seq = int.from_bytes(frame[pcm - 4 : pcm], "big")
    return m.Response(request_id=request_id, voice_stream_seq=seq, voice=frame[pcm:])
