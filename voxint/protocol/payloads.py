"""The payloads that differ from their message: how clients write them, and the way into `messages` and back.

What existing 1.0 clients may leave open ends here: null means absent, session settings come in snake_case or camelCase,
and prompts come in pieces. Where a message can be decoded as it is, it has no class in this file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from voxint.core.settings import OnDisconnect, Platform, SettingsChange
from voxint.errors import WireError
from voxint.protocol.message_repr import Discreet
from voxint.protocol.messages import (
    Audio,
    Auth,
    Content,
    FunctionCall,
    FunctionResult,
    HealthCheck,
    Interrupt,
    Played,
    Register,
    RequestId,
    RequestMessage,
    Response,
    Resume,
    SessionQuery,
    Shutdown,
)
from voxint.protocol.settings import Payload, SettingsPayload, check_depth, first, settings_of

__all__ = [
    "FunctionResultPayload",
    "HealthCheckPayload",
    "InterruptPayload",
    "PlayedPayload",
    "RegisterPayload",
    "RequestPayload",
    "ResponseContent",
    "ResponsePayload",
    "SessionQueryPayload",
    "ShutdownPayload",
]

MAX_REASON_CHARS = 64  # wire.md

_NULL = msgspec.Raw(b"null")
_NUMBER = msgspec.json.Decoder(float | None).decode
_STRING = msgspec.json.Decoder(str | None).decode


class RegisterPayload(SettingsPayload, frozen=True, kw_only=True):
    """REGISTER; its settings stand beside the other fields."""

    auth: Auth
    platform: Platform | None = None
    client_type: Platform | None = None
    features: tuple[str, ...] | None = None
    audio: Audio | None = None
    resume: Resume | None = None
    on_disconnect: OnDisconnect | None = None

    @classmethod
    def of(cls, message: Register) -> RegisterPayload:
        """Return the payload that says `message`."""
        return cls(
            auth=message.auth,
            platform=message.platform,
            features=message.features,
            audio=message.audio,
            resume=message.resume,
            on_disconnect=None if message.on_disconnect == "interrupt" else message.on_disconnect,
            **settings_of(message.patch),
        )

    def message(self) -> Register:
        """Return the message."""
        return Register(
            auth=self.auth,
            platform=self.platform or self.client_type or "WEB",
            patch=self.patch(),
            features=self.features or (),
            audio=self.audio or Audio(),
            resume=self.resume,
            on_disconnect=self.on_disconnect or "interrupt",
        )


class RequestPayload(SettingsPayload, frozen=True, kw_only=True):
    """REQUEST; a setting in `update_session` wins over the same one beside it."""

    request_id: RequestId
    data_type: Literal["TEXT", "VOICE"]
    stream_flag: bool | None = None
    stream_seq: int | None = None
    content: Content | None = None
    update_session: SettingsPayload | None = None

    @classmethod
    def of(cls, message: RequestMessage) -> RequestPayload:
        """Return the payload that says `message`."""
        unchanged = message.patch == SettingsChange()
        return cls(
            request_id=message.request_id,
            data_type=message.data_type,
            stream_flag=message.stream_flag,
            stream_seq=message.stream_seq,
            content=message.content,
            update_session=None if unchanged else SettingsPayload(**settings_of(message.patch)),
        )

    def message(self) -> RequestMessage:
        """Return the message."""
        request = RequestMessage(
            request_id=self.request_id,
            data_type=self.data_type,
            stream_flag=self.stream_flag or False,
            stream_seq=self.stream_seq or 0,
            content=self.content or Content(),
            patch=self._merged(),
        )
        fault = _fault(request)
        if fault is not None:
            raise fault
        return request

    def _merged(self) -> SettingsChange:
        beside = self.patch()
        if self.update_session is None:
            return beside
        update = self.update_session.patch()
        return SettingsChange(
            require_tts=first(update.require_tts, beside.require_tts),
            enable_srs=first(update.enable_srs, beside.enable_srs),
            system_prompt=first(update.system_prompt, beside.system_prompt),
            scene_context=first(update.scene_context, beside.scene_context),
            function_calling=first(update.function_calling, beside.function_calling),
            function_calling_op=first(self.update_session.op(), self.op()) or "REPLACE",
            voice=first(update.voice, beside.voice),
            language=first(update.language, beside.language),
        )


def _fault(request: RequestMessage) -> WireError | None:
    """Return what is wrong with a REQUEST whose fields are sound each but do not fit together."""

    def wrong(field: str, expected: str, code: str = "MALFORMED_PAYLOAD") -> WireError:
        return WireError(code, expected, f"$.payload.{field}", request.request_id)

    content, text, ends = request.content, request.data_type == "TEXT", request.stream_seq == -1
    if request.stream_seq not in (0, -1) or (text and ends):
        return wrong(
            "stream_seq", "`stream_seq` must be 0, or -1 in the frame that ends a voice upload", "STREAM_SEQ_ERROR"
        )
    if content.voice is not None and len(content.voice) % 2:
        return wrong("content.voice", "`voice` must hold whole 16-bit samples, not an odd number of bytes")
    if text and request.stream_flag:
        return wrong("stream_flag", "`stream_flag` must be false where data_type is TEXT: a text is one frame")
    if text and content.text is None:
        return wrong("content.text", "`content` must have the field `text` where data_type is TEXT; it may be empty")
    if text or ends:  # of an end frame only the request_id says anything
        return None
    if request.stream_flag:
        return (
            None
            if content.voice_mode == "BINARY"
            else wrong("content.voice_mode", "`voice_mode` must be BINARY where stream_flag is true")
        )
    if content.voice_mode != "BASE64":
        return wrong("content.voice_mode", "`voice_mode` must be BASE64 where stream_flag is false")
    return (
        wrong("content.voice", "`content` must have the field `voice`, with base64 audio")
        if content.voice is None
        else None
    )


class InterruptPayload(Payload, frozen=True):
    """INTERRUPT; no id, null or "" asks for every live request.

    What only informs is read apart: where it can't be read, that must not keep the request alive.
    """

    interrupt_request_id: Annotated[str, Meta(max_length=128)] | None = None
    reason: msgspec.Raw = _NULL
    played_ms: msgspec.Raw = _NULL
    mode: Literal["commit", "hold", "release"] | None = None

    @classmethod
    def of(cls, message: Interrupt) -> InterruptPayload:
        """Return the payload that says `message`."""
        return cls(
            interrupt_request_id=message.interrupt_request_id,
            reason=_raw(message.reason),
            played_ms=_NULL if message.played_ms is None else _raw(message.played_ms),
            mode=message.mode,
        )

    def message(self) -> Interrupt:
        """Return the message."""
        reason = _words(self.reason)
        return Interrupt(
            interrupt_request_id=self.interrupt_request_id or None,
            reason="USER_STOP" if reason is None else reason[:MAX_REASON_CHARS],
            played_ms=_position(self.played_ms),
            mode=self.mode or "commit",
        )


class PlayedPayload(Payload, frozen=True):
    """PLAYED *ext*; a position before the beginning is the beginning."""

    request_id: RequestId
    played_ms: float

    def message(self) -> Played:
        """Return the message."""
        return Played(request_id=self.request_id, played_ms=max(0.0, self.played_ms))


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _words(text: msgspec.Raw) -> str | None:
    """Return the text, None for what is none."""
    try:
        return _STRING(text)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _position(played_ms: msgspec.Raw) -> float | None:
    """Return the position, 0 for one before the beginning, None for what is no number."""
    try:
        position = _NUMBER(played_ms)
    except (msgspec.DecodeError, UnicodeError):
        return None
    return None if position is None else max(0.0, position)


class FunctionResultPayload(Payload, frozen=True):
    """FUNCTION_RESULT *ext*."""

    request_id: RequestId
    call_id: str
    result: Any = None
    error: str | None = None

    def __post_init__(self) -> None:
        check_depth(self.result)

    def message(self) -> FunctionResult:
        """Return the message."""
        return FunctionResult(request_id=self.request_id, call_id=self.call_id, result=self.result, error=self.error)


class SessionQueryPayload(Payload, frozen=True):
    """SESSION_QUERY."""

    query_fields: tuple[str, ...] | None = None

    def message(self) -> SessionQuery:
        """Return the message."""
        return SessionQuery(query_fields=self.query_fields or ())


class HealthCheckPayload(Payload, frozen=True):
    """HEALTH_CHECK."""

    check_fields: tuple[str, ...] | None = None

    def message(self) -> HealthCheck:
        """Return the message."""
        return HealthCheck(check_fields=self.check_fields or ())


class ShutdownPayload(Payload, frozen=True):
    """SHUTDOWN of a client; whatever its reason is, it goes."""

    reason: msgspec.Raw = _NULL

    def message(self) -> Shutdown:
        """Return the message."""
        return Shutdown(reason=_words(self.reason) or "")


class ResponseContent(Discreet, frozen=True, omit_defaults=True, gc=False):
    """What a RESPONSE says; msgspec writes `voice` as base64."""

    text: str | None = None
    voice: bytes | None = None


class ResponsePayload(Discreet, frozen=True, omit_defaults=True, gc=False):
    """RESPONSE; `content` is there even when empty, so that a client may look into it unasked.

    One is made for each token and audio frame: positional and untracked by the collector, which halves its cost.
    """

    request_id: str
    content: ResponseContent
    text_stream_seq: int | None = None
    voice_stream_seq: int | None = None
    function_call: FunctionCall | None = None
    interrupted: bool = False
    interrupt_reason: str | None = None

    @classmethod
    def of(cls, message: Response) -> ResponsePayload:
        """Return the payload that says `message`."""
        return cls(
            message.request_id,
            ResponseContent(message.text, message.voice),
            message.text_stream_seq,
            message.voice_stream_seq,
            message.function_call,
            message.interrupted,
            message.interrupt_reason,
        )

    def message(self) -> Response:
        """Return the message."""
        return Response(
            request_id=self.request_id,
            text_stream_seq=self.text_stream_seq,
            voice_stream_seq=self.voice_stream_seq,
            text=self.content.text,
            voice=self.content.voice,
            function_call=self.function_call,
            interrupted=self.interrupted,
            interrupt_reason=self.interrupt_reason,
        )
