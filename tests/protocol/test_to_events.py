from __future__ import annotations

import pytest

from voxint.core.events import (
    Called,
    Committed,
    Ended,
    Endpoint,
    Event,
    Held,
    Marks,
    Onset,
    Released,
    Text,
    Understood,
    Voice,
)
from voxint.protocol.messages import (
    Error,
    FunctionCall,
    Heartbeat,
    HoldMessage,
    MarksMessage,
    Response,
    ServerMessage,
    SpeechMessage,
    TranscriptMessage,
)
from voxint.protocol.to_events import events_of


def response(**fields: object) -> Response:
    """Return a RESPONSE of request r1."""
    return Response(request_id="r1", **fields)  # type: ignore[arg-type]  # the tests name the fields they mean


CALL = FunctionCall(name="open", parameters={"door": 1}, call_id="c1")


@pytest.mark.parametrize(
    ("message", "events"),
    [
        (response(text_stream_seq=0, text="Hi"), (Text("Hi"),)),
        (response(voice_stream_seq=3, voice=b"\1\0"), (Voice(b"\1\0"),)),
        (response(text_stream_seq=0, function_call=CALL), (Called("open", {"door": 1}, "c1"),)),
        (TranscriptMessage(request_id="r1", text="good mor", is_final=False), (Understood("good mor", False),)),
        (MarksMessage(request_id="r1", marks=((0.0, 5), (62.5, 9))), (Marks(((0.0, 5), (62.5, 9))),)),
        (response(text_stream_seq=0, text=""), ()),
        (Heartbeat(remaining_seconds=3), ()),
    ],
)
def test_each_frame_gives_its_event(message: ServerMessage, events: tuple[Event, ...]) -> None:
    """Text, voice, a call, a transcript and marks are one event each; an empty piece and a heartbeat are none."""
    assert events_of(message) == events


def test_a_frame_with_everything_gives_its_events_in_order() -> None:
    """What one frame carries comes out as text, call, voice, end."""
    frame = response(text_stream_seq=-1, voice_stream_seq=-1, text="Bye", voice=b"\1\0", function_call=CALL)

    assert events_of(frame) == (Text("Bye"), Called("open", {"door": 1}, "c1"), Voice(b"\1\0"), Ended(False))


@pytest.mark.parametrize("ends", [{"text_stream_seq": -1}, {"text_stream_seq": -1, "voice_stream_seq": -1}])
def test_an_end_is_one_event_however_many_streams_it_ends(ends: dict[str, int]) -> None:
    """The last frame gives one `Ended`, with a voice stream or without."""
    assert events_of(response(**ends)) == (Ended(False),)


def test_content_of_an_interrupted_frame_is_ignored() -> None:
    """An interrupted final frame says that it ended and why, and nothing else, even without a -1."""
    frame = response(text="late", voice=b"\1\0", interrupted=True, interrupt_reason="USER_STOP")

    assert events_of(frame) == (Ended(True, "USER_STOP"),)


STARTED = SpeechMessage(state="started", at_ms=320.0, request_id="u1")


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (STARTED, Onset(320.0)),
        (
            SpeechMessage(state="committed", at_ms=700.0, request_id="u1", interrupted=("r1", "r2")),
            Committed(700.0, ("r1", "r2")),
        ),
        (
            SpeechMessage(
                state="stopped",
                at_ms=900.0,
                request_id="u1",
                text="what time?",
                outcome="request",
                decided_ms=1300.0,
                recovered="r1",
            ),
            Endpoint(900.0, 1300.0, "what time?", "request", "r1"),
        ),
        (
            SpeechMessage(state="stopped", at_ms=900.0, request_id="u1", text="", outcome="noise"),
            Endpoint(900.0, 900.0, "", "noise"),
        ),
        (HoldMessage(request_id="r1", state="held", voice_stream_seq=7), Held()),
        (HoldMessage(request_id="r1", state="released", voice_stream_seq=7, reason="echo"), Released("echo")),
    ],
)
def test_who_speaks_and_what_waits_for_it_are_events(message: ServerMessage, event: Event) -> None:
    """SPEECH and HOLD give one event each; where no other instant is told, speech was over when it ended."""
    assert events_of(message) == (event,)


def test_an_error_is_no_event() -> None:
    """ERROR is for the caller to raise, so it gives no event, not even an end."""
    error = Error(error_code="INTERNAL_ERROR", error_msg="", error_detail="", retryable=False, request_id="r1")

    assert events_of(error) == ()
