"""Frames: the envelope, what is refused and how, the shapes on the wire, and the way back."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.protocol import wire_messages
from voxint.errors import WireError
from voxint.protocol.codec import (
    Inbound,
    binary_voice,
    decode_client,
    decode_server,
    encode_client,
    encode_server,
    refused_upload,
)
from voxint.protocol.messages import (
    ClientMessage,
    FunctionCall,
    Heartbeat,
    HeartbeatReply,
    Interrupt,
    Response,
    ServerMessage,
)

PCM = bytes(range(8))
HELLO = {"request_id": "req_1", "data_type": "TEXT", "content": {"text": "Hello"}}
relaxed = settings(deadline=None)  # the machine may be busy


def envelope(msg_type: object, payload: object, **fields: object) -> str:
    """Return a frame."""
    return json.dumps({"version": "1.0", "msg_type": msg_type, "session_id": "s", "payload": payload} | fields)


def refusal(frame: str | bytes, **limits: int) -> WireError:
    """Return the error that the client's frame gets."""
    with pytest.raises(WireError) as caught:
        decode_client(frame, **limits)
    return caught.value


@pytest.mark.parametrize(
    ("fields", "session_id"),
    [({}, "s"), ({"session_id": None}, None), ({"session_id": ""}, None), ({"extra": {"a": [1]}}, "s")],
)
def test_the_envelope_names_the_session(fields: dict[str, object], session_id: str | None) -> None:
    """Null and "" name none; unknown keys do not matter."""
    assert decode_client(envelope("HEARTBEAT_REPLY", {}, **fields)) == Inbound(session_id, HeartbeatReply())


def test_the_envelope_may_leave_out_what_says_nothing() -> None:
    """Without `session_id` and `timestamp` a frame is read all the same, from bytes as from text."""
    frame = '{"version":"1.0","msg_type":"HEARTBEAT_REPLY","payload":{}}'

    assert decode_client(frame) == decode_client(frame.encode()) == Inbound(None, HeartbeatReply())


@pytest.mark.parametrize("timestamp", ["null", '"now"', "-1", "1e999", "9" * 400, "{}"])
def test_the_timestamp_is_not_looked_at(timestamp: str) -> None:
    """Whatever it is, it orders nothing."""
    frame = f'{{"version":"1.0","msg_type":"HEARTBEAT_REPLY","payload":{{}},"timestamp":{timestamp}}}'

    assert decode_client(frame).message == HeartbeatReply()


def test_minor_versions_are_welcome_and_major_ones_are_not() -> None:
    """Another minor version is read; another major one is refused for its version, whatever else it holds."""
    assert decode_client(envelope("HEARTBEAT_REPLY", {}, version="1.1")).message == HeartbeatReply()

    error = refusal(envelope("REQUEST", HELLO | {"content": 1}, version="2.0"))
    assert (error.code, error.detail, error.request_id) == ("MALFORMED_PAYLOAD", "$.version", "req_1")


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        ("", "$"),
        ("{", "$"),
        ("[]", "$"),
        ("null", "$"),
        (b"\x00\x01", "$"),
        ("\ud800", "$"),
        (b'{"version":"\xff"}', "$"),
        ("[" * 15_000, "$"),
        ("{}", "$"),
        (envelope("HELLO", {}), "$.msg_type"),
        (envelope("RESPONSE", {}), "$.msg_type"),
        (envelope(5, {}), "$.msg_type"),
        (envelope("HEARTBEAT_REPLY", {}, version=1.0), "$.version"),
        (envelope("HEARTBEAT_REPLY", {}, session_id=5), "$.session_id"),
        (envelope("HEARTBEAT_REPLY", []), "$.payload"),
        (envelope("HEARTBEAT_REPLY", None), "$.payload"),
        (envelope("HEARTBEAT_REPLY", {}).replace("{}", '{"client_status":' + "[" * 15_000), "$"),
        (envelope("HEARTBEAT_REPLY", {}).replace("{}", '{"client_status":NaN}'), "$"),
        (envelope("HEARTBEAT_REPLY", {}).replace("{}", '{"client_status":"\xff"}').encode("latin-1"), "$.payload"),
    ],
)
def test_what_is_no_frame_is_refused(frame: str | bytes, place: str) -> None:
    """Bad JSON, bad Unicode, endless nesting, unknown types and wrong shapes all give the same code and a place."""
    error = refusal(frame)

    assert (error.code, error.detail, error.request_id) == ("MALFORMED_PAYLOAD", place, None)


def test_a_frame_has_a_size_limit_in_bytes() -> None:
    """Characters count with the bytes they take; exactly the limit is allowed."""
    ascii_frame = envelope("HEARTBEAT_REPLY", {"client_status": "x" * 100})
    wide_frame = ascii_frame.replace("x", "好")

    for frame in (ascii_frame, wide_frame):
        size = len(frame.encode())
        assert decode_client(frame, max_bytes=size) == decode_client(frame)
        assert decode_client(frame.encode(), max_bytes=size) == decode_client(frame)
        assert refusal(frame, max_bytes=size - 1).code == "PAYLOAD_TOO_LARGE"
        assert refusal(frame.encode(), max_bytes=size - 1).code == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize(
    "fields",
    [
        {"version": "9"},
        {"session_id": 1},
        {"payload": HELLO | {"data_type": "sesame"}},
        {"payload": HELLO | {"content": {"text": ["sesame"]}}},
        {"payload": HELLO | {"content": {"voice_mode": "sesame - at `$.sesame'"}}},
        {"payload": HELLO | {"sceneContext": {"sesame": 1}, "enable_srs": "sesame"}},
    ],
)
def test_a_broken_request_is_named_and_nothing_of_it_repeated(fields: dict[str, Any]) -> None:
    """The error has the id, wherever the frame is broken, and no word that the client sent."""
    error = refusal(json.dumps(json.loads(envelope("REQUEST", HELLO)) | fields))

    assert error.request_id == "req_1"
    assert "sesame" not in str(error)


def test_the_error_says_what_was_expected() -> None:
    """What to do about it is in the message, for the person who reads the client's log."""
    error = refusal(envelope("REQUEST", HELLO | {"stream_seq": "0"}))

    assert (
        str(error)
        == "MALFORMED_PAYLOAD: `stream_seq` must be a whole number or null, not a string ($.payload.stream_seq)"
    )


def payload_of(message: ServerMessage) -> Any:
    """Return the payload as a client reads it."""
    return json.loads(encode_server(message, "s", 1))["payload"]


def test_a_server_frame_has_the_whole_envelope() -> None:
    """All five fields, the session possibly null."""
    assert json.loads(encode_server(Heartbeat(remaining_seconds=9), None, 17)) == {
        "version": "1.0",
        "msg_type": "HEARTBEAT",
        "session_id": None,
        "payload": {"remaining_seconds": 9},
        "timestamp": 17,
    }


def test_a_response_leaves_out_what_does_not_exist() -> None:
    """A stream that is not there is absent, never null; `content` is there even when empty."""
    assert payload_of(Response(request_id="r", text_stream_seq=0, text="Hi")) == {
        "request_id": "r",
        "text_stream_seq": 0,
        "content": {"text": "Hi"},
    }
    assert payload_of(Response(request_id="r", voice_stream_seq=3, voice=PCM)) == {
        "request_id": "r",
        "voice_stream_seq": 3,
        "content": {"voice": base64.b64encode(PCM).decode()},
    }
    assert payload_of(
        Response(
            request_id="r", text_stream_seq=-1, voice_stream_seq=-1, interrupted=True, interrupt_reason="USER_STOP"
        )
    ) == {
        "request_id": "r",
        "text_stream_seq": -1,
        "voice_stream_seq": -1,
        "content": {},
        "interrupted": True,
        "interrupt_reason": "USER_STOP",
    }


def test_a_function_call_rides_on_a_response() -> None:
    """It is an object beside the content."""
    call = FunctionCall(name="map", parameters={"floor": 2}, call_id="c")

    assert payload_of(Response(request_id="r", text_stream_seq=0, function_call=call)) == {
        "request_id": "r",
        "text_stream_seq": 0,
        "content": {},
        "function_call": {"name": "map", "parameters": {"floor": 2}, "call_id": "c"},
    }


def test_a_client_frame_says_what_another_server_needs() -> None:
    """A reason is written also where it is the default; an untouched session is not mentioned."""
    assert json.loads(encode_client(Interrupt(), "s", 1))["payload"] == {"reason": "USER_STOP", "mode": "commit"}
    request = decode_client(envelope("REQUEST", HELLO)).message
    assert json.loads(encode_client(request, "s", 1))["payload"] == HELLO | {"stream_flag": False, "stream_seq": 0}


def test_a_binary_frame_has_the_protocols_layout() -> None:
    """Kind, length and id, big-endian sequence number, samples; an id too long for the header has none."""
    frame = b"\x01\x03r\xc3\xa9\x00\x00\x01\x02" + PCM
    assert binary_voice("ré", 258, PCM) == frame
    assert decode_server(frame) == Response(request_id="ré", voice_stream_seq=258, voice=PCM)
    assert binary_voice("好" * 86, 0, PCM) is None


@pytest.mark.parametrize(
    "frame",
    [
        b"\x01",
        b"\x01\x05req",
        b"\x01\x01r\x00\x00\x00",
        b"\x01\x01r\x00\x00\x00\x00\x07",
        b"\x01\x01\xff\x00\x00\x00\x00",
        b"\x02",
    ],
)
def test_a_broken_binary_frame_is_refused(frame: bytes) -> None:
    """Too short a header, half a sample, an id that is no UTF-8, an unknown kind."""
    with pytest.raises(WireError, match="MALFORMED_PAYLOAD"):
        decode_server(frame)


@pytest.mark.parametrize(
    ("fields", "request_id"),
    [
        ({"request_id": "req_1", "data_type": "VOICE", "stream_flag": True, "content": 7}, "req_1"),
        ({"request_id": 7, "data_type": "SONG", "stream_flag": True, "stream_seq": 5}, ""),
        ({"request_id": "req_1", "data_type": "VOICE", "stream_flag": True, "stream_seq": -1}, None),
        ({"request_id": "req_1", "data_type": "TEXT", "stream_flag": True}, None),
        ({"request_id": "req_1", "data_type": "VOICE"}, None),
        ([], None),
    ],
)
def test_a_broken_start_frame_is_told_from_other_frames(fields: object, request_id: str | None) -> None:
    """Audio follows a start frame, however broken it is; none follows an end frame or a text."""
    assert refused_upload(envelope("REQUEST", fields)) == request_id
    assert refused_upload(envelope("INTERRUPT", fields)) is None


@relaxed
@given(wire_messages.client_messages, st.none() | wire_messages.text.filter(bool))
def test_a_server_reads_what_a_client_wrote(message: ClientMessage, session_id: str | None) -> None:
    """Every client message comes back as it was."""
    assert decode_client(encode_client(message, session_id, 1)) == Inbound(session_id, message)


@relaxed
@given(wire_messages.server_messages)
def test_a_client_reads_what_a_server_wrote(message: ServerMessage) -> None:
    """Every server message comes back as it was."""
    assert decode_server(encode_server(message, "s", 1)) == message


msg_types = st.sampled_from(("REGISTER", "REQUEST", "INTERRUPT", "PLAYED", "FUNCTION_RESULT", "RESPONSE", "ERROR"))
keys = st.sampled_from(
    [
        *("auth", "type", "content", "text", "voice", "voice_mode", "request_id", "data_type", "stream_seq"),
        *("stream_flag", "update_session", "scene_context", "system_prompt", "function_calling", "parameters", "name"),
        *("played_ms", "interrupt_request_id", "reason", "result", "call_id"),
    ]
)
values = st.recursive(
    st.sampled_from(("TEXT", "VOICE", "API_KEY", "BASE64", "BINARY", "", "YWI=", 0, -1, 10**400, 1e308, True, None))
    | wire_messages.json_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=8),
)
frames = st.one_of(
    st.text(),
    st.binary(),
    st.binary().map(lambda rest: b"\x01" + rest),
    values.map(json.dumps),
    st.builds(envelope, msg_types, st.dictionaries(keys, values)),
)
RESULT = '{"version":"1.0","msg_type":"FUNCTION_RESULT","payload":{"request_id":"r","call_id":"c","result":%s}}'
DEEP_RESULT = RESULT % ("[" * 900 + "]" * 900)
HUGE_RESULT = RESULT % ("9" * 5000)


@relaxed
@given(frames)
@example(DEEP_RESULT)
@example(HUGE_RESULT)
@example('"\\ud800"')
def test_whatever_is_sent_gives_a_message_or_a_wire_error(frame: str | bytes) -> None:
    """No frame raises anything else, on either side, and what is read can be written."""
    with suppress(WireError):
        inbound = decode_client(frame)
        encode_client(inbound.message, inbound.session_id, 1)
    with suppress(WireError):
        encode_server(decode_server(frame), "s", 1)
    if isinstance(frame, str):
        refused_upload(frame)
