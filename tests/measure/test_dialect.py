"""voxint's protocol as a caller that measures speaks it."""

from __future__ import annotations

import pytest

from tests.measure.peers import samples
from voxint.errors import ServerError, WireError
from voxint.measure import Heard, VoxintDialect, turn_in_pcm, turn_in_text
from voxint.protocol import messages as m
from voxint.protocol.codec import binary_voice, decode_client, encode_server


def opened(dialect: VoxintDialect, rate: int | None = None) -> VoxintDialect:
    """Return a dialect whose session is open, on a server that grants nothing but this rate."""
    assert hear(dialect, m.RegisterAck("SUCCESS", "", "s-1", 600, (), m.Audio(output_rate=rate))) == Heard("opened")
    return dialect


def hear(dialect: VoxintDialect, message: m.ServerMessage, *, binary_audio: bool = False) -> Heard:
    """Return what a frame of the server's means."""
    frame: str | bytes = encode_server(message, "s-1", 0)
    if binary_audio:
        assert isinstance(message, m.Response)
        frame = binary_voice(message.request_id, message.voice_stream_seq or 0, message.voice or b"") or b""
    return dialect.read(isinstance(frame, str), frame.encode() if isinstance(frame, str) else frame)


def said(frame: str | bytes) -> m.ClientMessage:
    """Return what a frame of the client's says."""
    return decode_client(frame).message


@pytest.mark.parametrize(("arguments", "auth"), [
    ({}, m.Auth("API_KEY", "")),
    ({"api_key": "k-1"}, m.Auth("API_KEY", "k-1")),
    ({"account": "ann", "password": "secret"}, m.Auth("ACCOUNT", None, "ann", "secret")),
])  # fmt: skip
def test_a_session_is_opened_with_a_key_or_an_account(arguments: dict[str, str], auth: m.Auth) -> None:
    """Speech is asked for, in binary frames where the server has them."""
    [frame] = VoxintDialect(**arguments).open()  # type: ignore[arg-type] # only the text arguments are given
    register = said(frame)
    assert isinstance(register, m.Register)
    assert (register.auth, register.patch.require_tts, register.features) == (auth, True, ("binary_audio",))


def test_a_question_and_its_interrupt_bear_the_same_id_and_the_session() -> None:
    """And the interrupt says what was heard by then."""
    dialect = opened(VoxintDialect(text=lambda turn: f"How much is {turn}?"))
    request, interrupt = said(dialect.ask(7)), said(dialect.interrupt(7, 120.0))
    assert isinstance(request, m.RequestMessage)
    assert isinstance(interrupt, m.Interrupt)
    assert (request.content.text, request.patch.require_tts) == ("How much is 7?", True)
    assert interrupt.interrupt_request_id == request.request_id
    assert interrupt.played_ms == 120.0
    assert decode_client(dialect.ask(8)).session_id == "s-1"


def test_a_spoken_question_is_a_start_frame() -> None:
    """The microphone's frames come behind it."""
    request = said(opened(VoxintDialect()).listen(7))
    assert isinstance(request, m.RequestMessage)
    assert (request.data_type, request.stream_flag) == ("VOICE", True)


def test_a_spoken_question_ends_with_an_end_frame() -> None:
    """Of the same request; whatever was said before it is the question."""
    dialect = opened(VoxintDialect())
    begin, end = said(dialect.listen(7)), said(dialect.finish(7))
    assert isinstance(begin, m.RequestMessage)
    assert isinstance(end, m.RequestMessage)
    assert (end.data_type, end.stream_flag, end.stream_seq, end.request_id) == ("VOICE", True, -1, begin.request_id)


@pytest.mark.parametrize("binary_audio", [False, True])
def test_speech_is_measured_in_either_form(binary_audio: bool) -> None:
    """In base64 where binary frames were not granted; its length follows from the rate that the server names."""
    dialect = opened(VoxintDialect(), 24_000)
    voice = m.Response("req_7", voice_stream_seq=0, voice=samples(0))
    assert hear(dialect, voice, binary_audio=binary_audio) == Heard("audio", 7, 40.0)


def test_a_server_that_names_no_rate_speaks_at_16_khz() -> None:
    """It does not know the extension; whatever was asked for, that is the protocol's rate."""
    voice = m.Response("req_7", voice_stream_seq=0, voice=samples(0))
    assert hear(opened(VoxintDialect(rate=24_000)), voice) == Heard("audio", 7, 60.0)


def test_numbered_answers_are_judged_by_what_they_say() -> None:
    """Words and samples of an old turn are its own, whatever id they come under; a word cut short has the id's."""
    dialect = opened(VoxintDialect(numbered=True), 24_000)
    assert hear(dialect, m.Response("req_8", voice_stream_seq=0, voice=samples(7))) == Heard("audio", 7, 40.0)
    assert hear(dialect, m.Response("req_8", text_stream_seq=0, text="t7w3 ")) == Heard("text", 7)
    assert hear(dialect, m.Response("req_8", text_stream_seq=1, text="t")) == Heard("text", 8)


def test_a_number_is_found_in_words_and_samples() -> None:
    """Of the samples the one in the middle counts; silence has none."""
    assert turn_in_text(b'{"text": "t17w3 "}') == 17
    assert turn_in_text(b"not17w3") is None
    assert turn_in_pcm(samples(17)) == 17
    assert turn_in_pcm(samples(0)) is None


@pytest.mark.parametrize(("speech", "last"), [
    (True, m.Response("req_7", text_stream_seq=-1, voice_stream_seq=-1)),
    (False, m.Response("req_7", text_stream_seq=-1)),
    (True, m.Response("req_7", text_stream_seq=-1, interrupted=True)),
])  # fmt: skip
def test_the_last_frame_is_the_end(speech: bool, last: m.Response) -> None:
    """Of what was asked for: without speech the text's."""
    assert hear(opened(VoxintDialect(speech=speech)), last) == Heard("over", 7)


def test_a_frame_without_anything_in_it_is_still_the_turns() -> None:
    """After the acknowledgement it is a leak like any other."""
    dialect = opened(VoxintDialect())
    assert hear(dialect, m.Response("req_7", text_stream_seq=0, text="")) == Heard("other", 7)
    assert hear(dialect, m.TranscriptMessage("req_7", "hello", is_final=True)) == Heard("other", 7)
    assert hear(dialect, m.Heartbeat(300)) == Heard("other")


def test_an_acknowledgement_is_its_turns() -> None:
    """With an id of nobody's it is no turn's."""
    dialect = opened(VoxintDialect())
    for request_id, turn in (("req_7", 7), ("req_²", None), (None, None)):
        ack = m.InterruptAck(request_id, (), "SUCCESS", "", {}, {})
        assert hear(dialect, ack) == Heard("stopped", turn)


def test_a_failed_turn_says_why() -> None:
    """In the server's words."""
    error = m.Error("UPSTREAM_ERROR", "out of tokens", "", True, "req_7")
    assert hear(opened(VoxintDialect()), error) == Heard("over", 7, failed="UPSTREAM_ERROR: out of tokens")


def test_a_session_that_is_refused_is_an_error() -> None:
    """Before it is open, an ERROR is about it."""
    with pytest.raises(ServerError, match="AUTH_FAILED: who are you"):
        hear(VoxintDialect(), m.Error("AUTH_FAILED", "who are you?", "", False))


@pytest.mark.parametrize("frame", [b"hello", b"\xff", b"{}"])
def test_what_is_no_voxint_is_an_error(frame: bytes) -> None:
    """Of the wire's kind: it ends one caller, not the load."""
    with pytest.raises(WireError):
        VoxintDialect().read(True, frame)
