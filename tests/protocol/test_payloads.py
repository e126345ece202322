"""Client payloads: what existing clients may leave open, and what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from voxint.core.settings import SettingsChange
from voxint.core.tools import Tool
from voxint.errors import WireError
from voxint.protocol.codec import decode_client
from voxint.protocol.messages import (
    Audio,
    Auth,
    ClientMessage,
    Content,
    FunctionResult,
    HealthCheck,
    HeartbeatReply,
    Interrupt,
    Played,
    Register,
    RequestMessage,
    Resume,
    SessionQuery,
    Shutdown,
)

KEY = {"type": "API_KEY", "api_key": "k"}
PCM = b"\x01\x00\x02\x00"
BASE64 = base64.b64encode(PCM).decode()


def read(msg_type: str, payload: object) -> ClientMessage:
    """Decode a payload in a sound envelope."""
    envelope = {"version": "1.0", "msg_type": msg_type, "session_id": "s", "payload": payload, "timestamp": 1}
    return decode_client(json.dumps(envelope)).message


def refusal(msg_type: str, payload: object) -> WireError:
    """Return the error that the payload gets."""
    with pytest.raises(WireError) as caught:
        read(msg_type, payload)
    return caught.value


def text(**fields: Any) -> dict[str, Any]:
    """Return a REQUEST in text, with fields changed."""
    return {
        "request_id": "req_1",
        "data_type": "TEXT",
        "stream_flag": False,
        "stream_seq": 0,
        "content": {"text": "Hello"},
    } | fields


def voice(**fields: Any) -> dict[str, Any]:
    """Return a REQUEST with one piece of voice, with fields changed."""
    return text(data_type="VOICE", content={"voice_mode": "BASE64", "voice": BASE64}) | fields


def test_register_of_an_existing_client() -> None:
    """A REGISTER as 1.0 clients send it: settings beside the rest, an empty list of functions, unknown keys."""
    payload = {
        "auth": {"type": "ACCOUNT", "account": "a", "password": "p", "remember": True},
        "platform": "APP",
        "require_tts": True,
        "enable_srs": True,
        "function_calling": [],
        "system_prompt": {"role_description": "A guide", "response_requirements": "Be short"},
        "scene_context": {"scene_description": "The hall"},
        "sdk": "1.4",
    }

    assert read("REGISTER", payload) == Register(
        auth=Auth(type="ACCOUNT", account="a", password="p"),
        platform="APP",
        patch=SettingsChange(
            require_tts=True,
            enable_srs=True,
            system_prompt="A guide\nBe short",
            scene_context="The hall",
            function_calling=(),
        ),
    )


def test_register_with_the_extensions() -> None:
    """Features, sample rates and a session to resume are read; null leaves each out."""
    resume = {"session_id": "s", "resume_token": "t"}
    asked = {"features": ["binary_audio"], "audio": {"input_rate": 48000}, "resume": resume}

    assert read("REGISTER", {"auth": KEY} | asked) == Register(
        auth=Auth(type="API_KEY", api_key="k"),
        features=("binary_audio",),
        audio=Audio(input_rate=48000),
        resume=Resume(session_id="s", resume_token="t"),
    )
    assert read("REGISTER", {"auth": KEY} | dict.fromkeys(asked)) == Register(auth=Auth(type="API_KEY", api_key="k"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "WEB"),
        ({"platform": None, "client_type": None}, "WEB"),
        ({"client_type": "TV"}, "TV"),
        ({"platform": "APP", "client_type": "TV"}, "APP"),
    ],
)
def test_platform_has_an_alias_and_a_default(fields: dict[str, Any], expected: str) -> None:
    """`client_type` stands in for `platform`, and a client that names neither is a page."""
    message = read("REGISTER", {"auth": KEY} | fields)

    assert isinstance(message, Register)
    assert expected == message.platform


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ({}, "$.payload"),
        ({"auth": {"type": "TOKEN"}}, "$.payload.auth.type"),
        ({"auth": KEY, "platform": "FRIDGE"}, "$.payload.platform"),
        ({"auth": KEY, "audio": {"input_rate": 96000}}, "$.payload.audio.input_rate"),
        ({"auth": KEY, "features": [1]}, "$.payload.features[0]"),
        ({"auth": KEY, "resume": {"session_id": "s"}}, "$.payload.resume"),
    ],
)
def test_a_bad_register_names_the_place(payload: object, place: str) -> None:
    """The error bears the path in the whole frame and no request."""
    error = refusal("REGISTER", payload)

    assert (error.code, error.detail, error.request_id) == ("MALFORMED_PAYLOAD", place, None)


def test_a_text_request_of_an_existing_client() -> None:
    """`require_tts` false means false, `update_session` is mostly empty, the content says an audio format too."""
    payload = text(require_tts=False, update_session={}, content={"text": "", "audio_format": "pcm"}, seq=9)

    assert read("REQUEST", payload) == RequestMessage(
        request_id="req_1",
        data_type="TEXT",
        content=Content(text="", audio_format="pcm"),
        patch=SettingsChange(require_tts=False),
    )


def test_null_is_absent_in_a_request() -> None:
    """Optional fields may be null."""
    nothing = dict.fromkeys(("stream_flag", "stream_seq", "update_session", "require_tts", "function_calling"))

    assert read("REQUEST", text(**nothing)) == RequestMessage(
        request_id="req_1", data_type="TEXT", content=Content(text="Hello")
    )


def test_update_session_wins_over_the_settings_beside_it() -> None:
    """Setting by setting the more specific place counts, the other one where it is silent."""
    payload = text(
        require_tts=False,
        enable_srs=False,
        function_calling=[{"name": "map"}],
        function_calling_op="ADD",
        update_session={"requireTts": True, "systemPrompt": {"roleDescription": "A guide"}},
    )
    message = read("REQUEST", payload)

    assert isinstance(message, RequestMessage)
    assert message.patch == SettingsChange(
        require_tts=True,
        enable_srs=False,
        system_prompt="A guide",
        function_calling=(Tool("map"),),
        function_calling_op="ADD",
    )


def test_voice_in_one_piece() -> None:
    """Base64 voice arrives as bytes."""
    assert read("REQUEST", voice()) == RequestMessage(
        request_id="req_1", data_type="VOICE", content=Content(voice_mode="BASE64", voice=PCM)
    )


def test_a_voice_upload_is_framed_by_two_requests() -> None:
    """The start frame says BINARY; of the end frame only the sequence number counts, whatever its flag and content."""
    start = voice(stream_flag=True, content={"voice_mode": "BINARY", "audio_format": "pcm"})
    begun = RequestMessage(
        request_id="req_1",
        data_type="VOICE",
        stream_flag=True,
        content=Content(voice_mode="BINARY", audio_format="pcm"),
    )
    ended = RequestMessage(request_id="req_1", data_type="VOICE", stream_flag=True, stream_seq=-1)

    assert read("REQUEST", start) == begun
    assert read("REQUEST", voice(stream_flag=True, stream_seq=-1, content=None)) == ended
    assert isinstance(read("REQUEST", voice(stream_seq=-1, content={"text": "x"})), RequestMessage)


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        (text(data_type="SMELL"), "$.payload.data_type"),
        (text(stream_flag=True), "$.payload.stream_flag"),
        (text(stream_seq="0"), "$.payload.stream_seq"),
        (text(content=None), "$.payload.content.text"),
        (text(content={"text": None}), "$.payload.content.text"),
        (text(content={"text": 5}), "$.payload.content.text"),
        (text(content="Hello"), "$.payload.content"),
        (text(update_session=[]), "$.payload.update_session"),
        (text(update_session={"sceneContext": {"a": 1}, "enableSrs": 1}), "$.payload.update_session.enableSrs"),
        (text(function_calling=[{"name": "a", "parameters": "b"}]), "$.payload.function_calling[0].parameters"),
        (text(content={"text": "x" * 65_537}), "$.payload.content.text"),
        (voice(stream_flag=True), "$.payload.content.voice_mode"),
        (voice(content=None), "$.payload.content.voice_mode"),
        (voice(content={"voice_mode": "BINARY"}), "$.payload.content.voice_mode"),
        (voice(content={"voice_mode": "SUNG"}), "$.payload.content.voice_mode"),
        (voice(content={"voice_mode": "BASE64"}), "$.payload.content.voice"),
        (voice(content={"voice_mode": "BASE64", "voice": "YWI"}), "$.payload.content.voice"),
        (voice(content={"voice_mode": "BASE64", "voice": "Y W="}), "$.payload.content.voice"),
        (voice(content={"voice_mode": "BASE64", "voice": "YWJj"}), "$.payload.content.voice"),
    ],
)
def test_a_bad_request_names_the_place_and_itself(payload: object, place: str) -> None:
    """The error bears the path in the whole frame and the id, so that the client can end what it began."""
    error = refusal("REQUEST", payload)

    assert (error.code, error.detail, error.request_id) == ("MALFORMED_PAYLOAD", place, "req_1")


@pytest.mark.parametrize(
    "payload", [text(stream_seq=1), text(stream_seq=-1), voice(stream_seq=2), voice(stream_seq=-2)]
)
def test_a_stream_seq_other_than_a_start_or_an_end_is_refused(payload: object) -> None:
    """A client never counts its upload's frames: 0 begins, -1 ends, and text only begins."""
    error = refusal("REQUEST", payload)

    assert (error.code, error.detail, error.request_id) == ("STREAM_SEQ_ERROR", "$.payload.stream_seq", "req_1")


@pytest.mark.parametrize("request_id", ["", "x" * 129, 7, None])
def test_a_request_needs_an_id_of_1_to_128_characters(request_id: object) -> None:
    """An id that is none is not named in the error either."""
    error = refusal("REQUEST", text(request_id=request_id))

    assert (error.detail, error.request_id) == ("$.payload.request_id", None)


@pytest.mark.parametrize("asked", [{}, {"interrupt_request_id": None}, {"interrupt_request_id": ""}])
def test_an_interrupt_without_an_id_means_every_request(asked: dict[str, Any]) -> None:
    """Absent, null and empty are one; without a reason the user stopped."""
    everything = Interrupt(interrupt_request_id=None, reason="USER_STOP", played_ms=None, mode="commit")

    assert everything == read("INTERRUPT", asked | {"reason": None, "played_ms": None, "mode": None})


def test_an_interrupt_is_read_as_it_is() -> None:
    """Any reason is kept, cut at 64 characters; whether a mode is granted is for the session to say."""
    payload = {
        "interrupt_request_id": "msg_7",
        "reason": "USER_VOICE_INPUT" + "x" * 64,
        "played_ms": 12,
        "mode": "hold",
    }

    assert read("INTERRUPT", payload) == Interrupt(
        interrupt_request_id="msg_7", reason="USER_VOICE_INPUT" + "x" * 48, played_ms=12.0, mode="hold"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("interrupt_request_id", 5),
        ("interrupt_request_id", "x" * 129),
        ("mode", "pause"),
    ],
)
def test_a_bad_interrupt_names_the_place(field: str, value: object) -> None:
    """Each field of the wrong type or out of range is named; the error ends no request."""
    error = refusal("INTERRUPT", {"interrupt_request_id": "req_1", "request_id": "req_1"} | {field: value})

    assert (error.code, error.detail, error.request_id) == ("MALFORMED_PAYLOAD", f"$.payload.{field}", None)


@pytest.mark.parametrize(
    ("value", "position"),
    [("-0.4", 0.0), ("null", None), ('"12"', None), ("1e999", None), ('{"ms": 1}', None)],
)
def test_no_playback_position_keeps_an_interrupt_from_being_read(value: str, position: float | None) -> None:
    """It is a hint: before the beginning is the beginning, and what is no number is as good as none."""
    frame = f'{{"version":"1.0","msg_type":"INTERRUPT","payload":{{"interrupt_request_id":"r","played_ms":{value}}}}}'

    assert decode_client(frame).message == Interrupt(interrupt_request_id="r", played_ms=position)


@pytest.mark.parametrize("value", ["3", "null", "[[]]", '{"why": "x"}'])
@pytest.mark.parametrize(
    ("msg_type", "expected"), [("INTERRUPT", Interrupt(reason="USER_STOP")), ("SHUTDOWN", Shutdown(reason=""))]
)
def test_no_reason_keeps_an_interrupt_or_a_goodbye_from_being_done(
    value: str, msg_type: str, expected: ClientMessage
) -> None:
    """It only informs: what is no text is as good as none."""
    frame = f'{{"version":"1.0","msg_type":"{msg_type}","payload":{{"reason":{value}}}}}'

    assert decode_client(frame).message == expected


@pytest.mark.parametrize(("value", "position"), [("-0.5", 0.0), ("-1e300", 0.0), ("1e300", 1e300), ("12", 12.0)])
def test_a_playback_position_is_a_hint(value: str, position: float) -> None:
    """Any number will do: before the beginning is the beginning, and beyond what was sent is for the ledger."""
    frame = f'{{"version":"1.0","msg_type":"PLAYED","payload":{{"request_id":"r","played_ms":{value}}}}}'

    assert decode_client(frame).message == Played(request_id="r", played_ms=position)


@pytest.mark.parametrize(
    "value", ['"x"', '"12"', "null", "true", "[]", "1e999", "-1e999", "NaN", "Infinity", "9" * 5000]
)
def test_a_playback_position_is_a_number(value: str) -> None:
    """A PLAYED that has none says nothing at all: its client is told of the mistake."""
    frame = f'{{"version":"1.0","msg_type":"PLAYED","payload":{{"request_id":"r","played_ms":{value}}}}}'

    with pytest.raises(WireError, match="MALFORMED_PAYLOAD"):
        decode_client(frame)


@pytest.mark.parametrize("payload", [{"request_id": "r"}, {"played_ms": 1}, {"request_id": "", "played_ms": 1}])
def test_a_playback_position_has_a_number_and_a_request(payload: dict[str, Any]) -> None:
    """Both are required."""
    assert refusal("PLAYED", payload).code == "MALFORMED_PAYLOAD"


@pytest.mark.parametrize(
    ("msg_type", "payload", "expected"),
    [
        ("PLAYED", {"request_id": "r", "played_ms": 0}, Played(request_id="r", played_ms=0.0)),
        (
            "FUNCTION_RESULT",
            {"request_id": "r", "call_id": "c", "result": {"open": [9, 17]}},
            FunctionResult(request_id="r", call_id="c", result={"open": [9, 17]}),
        ),
        (
            "FUNCTION_RESULT",
            {"request_id": "r", "call_id": "c", "error": "closed"},
            FunctionResult(request_id="r", call_id="c", error="closed"),
        ),
        ("SESSION_QUERY", {}, SessionQuery()),
        ("SESSION_QUERY", {"query_fields": None}, SessionQuery()),
        ("SESSION_QUERY", {"query_fields": ["platform"]}, SessionQuery(query_fields=("platform",))),
        ("HEALTH_CHECK", {"check_fields": None}, HealthCheck()),
        ("HEALTH_CHECK", {"check_fields": ["status"]}, HealthCheck(check_fields=("status",))),
        ("SHUTDOWN", {"reason": None}, Shutdown()),
        ("SHUTDOWN", {"reason": "bye"}, Shutdown(reason="bye")),
        ("HEARTBEAT_REPLY", {}, HeartbeatReply()),
        ("HEARTBEAT_REPLY", {"client_status": "ONLINE"}, HeartbeatReply(client_status="ONLINE")),
    ],
)
def test_the_small_messages(msg_type: str, payload: object, expected: ClientMessage) -> None:
    """Each is read with its defaults, null counting as absent."""
    assert expected == read(msg_type, payload)


def test_a_function_result_has_a_bound_on_its_depth() -> None:
    """Any JSON may be a result, but not one that nobody can walk through."""
    error = refusal("FUNCTION_RESULT", {"request_id": "r", "call_id": "c", "result": json.loads("[" * 90 + "]" * 90)})

    assert (error.detail, error.request_id) == ("$.payload", None)
