"""The shapes of the messages: what is left out on the wire, what stays, what is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from voxint.core.receipt import AudioAccount, TextAccount, UsageAccount
from voxint.errors import WireError
from voxint.protocol.codec import decode_server
from voxint.protocol.message_repr import Plain, Secret, WireMessage
from voxint.protocol.messages import (
    Audio,
    Auth,
    Error,
    HealthStatus,
    InterruptAck,
    Played,
    Register,
    RegisterAck,
    Response,
    Resume,
    Shutdown,
    SpeechMessage,
)
from voxint.protocol.receipt import FramedReceipt, LastFrames

RECEIPT = FramedReceipt(
    request_id="req_1",
    reason="USER_STOP",
    stop_ms=1.5,
    stages={"stt": "idle", "llm": "closed", "tts": "closed", "tools": "idle"},
    usage=UsageAccount(llm_tokens=None, tts_characters=12, source="unknown"),
    audio=AudioAccount(generated_ms=900.0, sent_ms=400.0, heard_ms=100.0, source="estimated"),
    text=TextAccount(generated_chars=40, heard="The hall"),
    last=LastFrames(text_stream_seq=3, voice_stream_seq=None),
)


def shape(message: msgspec.Struct) -> Any:
    """Return what the message is on the wire."""
    return msgspec.json.decode(msgspec.json.encode(message))


def test_an_acknowledgement_for_all_names_null() -> None:
    """`interrupt_request_id` is there as null: older clients pair the acknowledgement by it."""
    ack = InterruptAck(
        interrupt_request_id=None,
        interrupted_request_ids=(),
        status="FAILED",
        message="nothing to interrupt",
        outcomes={},
        receipts={},
    )

    assert shape(ack) == {
        "interrupt_request_id": None,
        "interrupted_request_ids": [],
        "status": "FAILED",
        "message": "nothing to interrupt",
        "outcomes": {},
        "receipts": {},
    }


def test_what_was_read_in_time_is_not_said_to_be_late() -> None:
    """`read_late_ms` is there only where it says something, in an acknowledgement as in a receipt."""
    ack = InterruptAck(
        interrupt_request_id="r1",
        interrupted_request_ids=(),
        status="FAILED",
        message="nothing to interrupt",
        outcomes={"r1": "not_found"},
        receipts={},
        read_late_ms=1250.5,
    )
    assert shape(ack)["read_late_ms"] == 1250.5
    assert "read_late_ms" not in shape(msgspec.structs.replace(ack, read_late_ms=None))
    assert "read_late_ms" not in shape(RECEIPT)
    assert shape(msgspec.structs.replace(RECEIPT, read_late_ms=7.0))["read_late_ms"] == 7.0


def test_a_stage_that_was_not_cut_off_has_no_instant() -> None:
    """`closed_ms` is left out of a receipt where no stage was."""
    assert "closed_ms" not in shape(RECEIPT)
    closed = msgspec.structs.replace(RECEIPT, closed_ms={"llm": 0.5, "tts": 1.5})
    assert shape(closed)["closed_ms"] == {"llm": 0.5, "tts": 1.5}


def test_a_receipt_is_written_whole() -> None:
    """Every field of a receipt is there, null where nothing is known, with the protocol's names."""
    assert shape(RECEIPT) == {
        "request_id": "req_1",
        "reason": "USER_STOP",
        "stop_ms": 1.5,
        "stages": {"stt": "idle", "llm": "closed", "tts": "closed", "tools": "idle"},
        "usage": {"llm_tokens": None, "tts_characters": 12, "source": "unknown"},
        "audio": {"generated_ms": 900.0, "sent_ms": 400.0, "heard_ms": 100.0, "source": "estimated"},
        "text": {"generated_chars": 40, "heard": "The hall"},
        "last": {"text_stream_seq": 3, "voice_stream_seq": None},
    }


def test_an_error_names_a_request_only_where_it_ends_one() -> None:
    """`request_id` and `stage` are left out unless set: with an id the client ends that request."""
    error = Error(error_code="SERVER_BUSY", error_msg="full", error_detail="", retryable=True)

    assert shape(error) == {"error_code": "SERVER_BUSY", "error_msg": "full", "error_detail": "", "retryable": True}


def test_what_is_not_set_is_left_out() -> None:
    """Optional fields are absent rather than null; a SHUTDOWN always has its reason."""
    ack = RegisterAck(
        status="SUCCESS", message="", session_id="s", session_timeout_seconds=60, features=(), audio=Audio()
    )

    assert "resume_token" not in shape(ack)
    assert shape(ack)["audio"] == {}
    assert shape(HealthStatus(status="UP")) == {"status": "UP"}
    assert shape(Shutdown()) == {"reason": ""}


def test_messages_are_frozen() -> None:
    """A message can be handed on without a copy, since nobody can change it."""
    response = Response(request_id="req_1", text_stream_seq=0, text="Hello")

    with pytest.raises(AttributeError):
        response.text = "Goodbye"  # type: ignore[misc]  # the wrong assignment is the test


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Audio, {"input_rate": 7999}),
        (Audio, {"output_rate": 48001}),
        (Played, {"request_id": "", "played_ms": 1}),
        (Played, {"request_id": "x" * 129, "played_ms": 1}),
        (Played, {"request_id": "req_1", "played_ms": -0.5}),
    ],
)
def test_a_value_out_of_range_is_refused(kind: type[msgspec.Struct], value: dict[str, Any]) -> None:
    """Sample rates are those of speech engines, request ids have 1 to 128 characters, no position is negative."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, kind)


def test_a_repr_tells_no_secret() -> None:
    """Keys, passwords and tokens are dots, also inside other messages and for rich's printer; the rest is there."""
    register = Register(
        auth=Auth(type="ACCOUNT", account="lobby", password="hush-1", api_key="hush-2"),
        resume=Resume(session_id="sess_1", resume_token="hush-3"),
    )
    acknowledged = RegisterAck(
        status="SUCCESS",
        message="registered",
        session_id="sess_1",
        session_timeout_seconds=600,
        features=(),
        audio=Audio(),
        resume_token="hush-4",
    )
    told = repr((register, acknowledged)) + repr([*register.auth.__rich_repr__(), *acknowledged.__rich_repr__()])
    assert "hush" not in told
    assert "account='lobby', password='...'" in told
    assert repr(Auth(type="API_KEY")) == "Auth(type='API_KEY', api_key=None, account=None, password=None)"


class Newcomer(WireMessage, frozen=True):
    """A message whose fields nobody has thought of."""

    words: str = "persimmon"
    several: tuple[str, ...] = ("persimmon",)
    sound: bytes = b"persimmon"
    anything: Any = "persimmon"
    by_id: dict[Plain, str] = msgspec.field(default_factory=lambda: {"one": "persimmon"})
    maybe: str | None = None
    secrets: tuple[Secret, ...] = ("persimmon",)
    codes: dict[Plain, int] = msgspec.field(default_factory=lambda: {"ids": 1})
    code: Plain | None = "SAID"


def test_what_is_not_marked_is_not_shown() -> None:
    """A text of a field that is new is taken for a person's, until it is marked as plain."""
    assert repr(Newcomer()) == (
        "Newcomer(words=<9 chars>, several=<1 item>, sound=<9 bytes>, anything=<9 chars>, by_id=<1 entry>,"
        " maybe=None, secrets='...', codes={'ids': 1}, code='SAID')"
    )


def test_speech_that_has_ended_says_what_became_of_it() -> None:
    """A SPEECH `stopped` without its text or outcome is refused, so that nobody has to guess."""
    head = '{"version":"1.0","msg_type":"SPEECH","payload":{"state":"stopped","at_ms":1,"request_id":"u"%s}}'
    with pytest.raises(WireError, match="must have `text` and `outcome`"):
        decode_server(head % ', "text": ""')
    assert isinstance(decode_server(head % ', "text": "", "outcome": "noise"'), SpeechMessage)
