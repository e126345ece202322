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
    Said,
    Text,
    Understood,
    Voice,
)
from voxint.core.failure import Failure
from voxint.core.journal import Seen
from voxint.core.receipt import AudioAccount, Receipt, TextAccount, UsageAccount
from voxint.core.registry import REMEMBERED
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_server
from voxint.protocol.receipt import FramedReceipt, LastFrames
from voxint.protocol.renderer import Renderer, granted

AUDIO = bytes(320)
END = Ended(False)


def a_renderer(*features: str) -> Renderer:
    """Return the renderer of a connection that has registered."""
    renderer = Renderer()
    renderer.session_id = "sess_1"
    renderer.features = frozenset(features)
    return renderer


def say(
    renderer: Renderer, *events: Event, request_id: str = "r1", spoken: bool = True, pieces: int = 1
) -> list[m.ServerMessage]:
    """Return the messages that say these events."""
    said = [Said(request_id, event, spoken, pieces) for event in events]
    return [decode_server(frame) for each in said for frame in renderer.render(each, 0)]


def numbers(messages: list[m.ServerMessage]) -> list[tuple[int | None, int | None]]:
    """Return the numbers of text and voice."""
    return [(each.text_stream_seq, each.voice_stream_seq) for each in messages if isinstance(each, m.Response)]


def back_again(
    old: Renderer, seen: m.SeenFrames | None, before: Seen | None = None, request_id: str = "r1"
) -> Renderer:
    """Return the renderer of a client's next connection."""
    renderer = a_renderer()
    if before is None:
        assert seen is not None
        before = old.seen(request_id, seen)
        assert before is not None
    renderer.begin(request_id, seen, before, old)
    return renderer


def test_each_stream_is_numbered_for_itself() -> None:
    """A call takes its place in the text; the last frame ends both at once."""
    call = Called("wave", {}, "c1")
    messages = say(a_renderer(), Text("a"), Voice(AUDIO), call, Voice(AUDIO), Text("b"), END)
    assert numbers(messages) == [(0, None), (None, 0), (1, None), (None, 1), (2, None), (-1, -1)]


def test_the_first_frame_is_of_text() -> None:
    """An empty one stands in front of voice, and of an end, that comes first; not of an interrupted end."""
    assert numbers(say(a_renderer(), Voice(AUDIO), Text("a"))) == [(0, None), (None, 0), (1, None)]
    assert numbers(say(a_renderer("binary_audio"), Voice(AUDIO))) == [(0, None), (None, 0)]
    assert numbers(say(a_renderer(), END, spoken=False)) == [(0, None), (-1, None)]
    assert numbers(say(a_renderer(), Ended(True, "USER_STOP"))) == [(-1, -1)]


def test_transcripts_are_for_who_asked() -> None:
    """They bear no number."""
    heard = Understood("what time?", is_final=True)
    assert say(a_renderer(), heard) == []
    [told] = say(a_renderer("transcripts"), heard)
    assert told == m.TranscriptMessage(request_id="r1", text="what time?", is_final=True)


def test_who_listens_always_is_told_who_speaks() -> None:
    """By SPEECH, with the utterance's id, and what it interrupts by theirs; to others nothing is said of it."""
    events = (Onset(320.0), Committed(700.0, ("r1",)), Endpoint(900.0, 1300.0, "what time?", "request", "r1"))
    assert say(a_renderer("hold", "transcripts"), *events, request_id="u1") == []
    assert say(a_renderer("server_vad"), *events, request_id="u1") == [
        m.SpeechMessage(state="started", at_ms=320.0, request_id="u1"),
        m.SpeechMessage(state="committed", at_ms=700.0, request_id="u1", interrupted=("r1",)),
        m.SpeechMessage(
            state="stopped",
            at_ms=900.0,
            request_id="u1",
            text="what time?",
            outcome="request",
            decided_ms=1300.0,
            recovered="r1",
        ),
    ]


def test_what_was_asked_in_vain_is_told_with_its_frames() -> None:
    """The account of a request that was begun at a pause says that nothing of it was sent."""
    spent = Receipt(
        request_id="u1",
        reason="SPEECH_WENT_ON",
        stop_ms=0.5,
        stages={"llm": "closed"},
        usage=UsageAccount(llm_tokens=3, tts_characters=0, source="estimated"),
        audio=AudioAccount(generated_ms=0.0, sent_ms=0.0, heard_ms=0.0, source="estimated"),
        text=TextAccount(generated_chars=9, heard=""),
    )
    endpoint = Endpoint(900.0, 1300.0, "what time?", "request", speculative=(spent,))
    [stopped] = say(a_renderer("server_vad"), endpoint, request_id="u1")
    assert isinstance(stopped, m.SpeechMessage)
    [told] = stopped.speculative
    assert isinstance(told, FramedReceipt)
    assert (told.reason, told.usage) == (spent.reason, spent.usage)
    assert told.last == LastFrames(text_stream_seq=None, voice_stream_seq=None)


def test_marks_are_for_who_asked() -> None:
    """They take no number of a stream."""
    marks = Marks(((0.0, 7), (62.5, 12)))
    assert say(a_renderer("hold", "transcripts", "server_vad"), marks) == []
    told, *rest = say(a_renderer("marks"), marks, Text("Hi"), Voice(AUDIO))
    assert told == m.MarksMessage(request_id="r1", marks=((0.0, 7), (62.5, 12)))
    assert [(frame.text_stream_seq, frame.voice_stream_seq) for frame in rest if isinstance(frame, m.Response)] == [
        (0, None),
        (None, 0),
    ]


def test_a_hold_is_for_who_asked() -> None:
    """It names the last frame of speech that this connection was sent, before the hold and behind the end too."""
    assert say(a_renderer("transcripts"), Voice(AUDIO), Held(), Released("noise"))[2:] == []
    renderer = a_renderer("hold")
    assert say(renderer, Held()) == [m.HoldMessage(request_id="r1", state="held", voice_stream_seq=None)]
    messages = say(renderer, Voice(AUDIO), Voice(AUDIO), Held(), Released("noise"), Voice(AUDIO), END, Held())
    assert messages[3:5] == [
        m.HoldMessage(request_id="r1", state="held", voice_stream_seq=1),
        m.HoldMessage(request_id="r1", state="released", voice_stream_seq=1, reason="noise"),
    ]
    assert messages[-1] == m.HoldMessage(request_id="r1", state="held", voice_stream_seq=2)
    assert numbers(messages) == [(0, None), (None, 0), (None, 1), (None, 2), (-1, -1)]


def test_utterances_that_become_nothing_are_not_remembered() -> None:
    """No end of theirs would ever come; the numbers of an answer that goes on are kept through any number of them."""
    renderer = a_renderer("server_vad", "transcripts")
    say(renderer, Text("a"))
    for number in range(2 * REMEMBERED):
        noise = (Onset(0.0), Understood("hm", is_final=False), Endpoint(1.0, 2.0, "", "noise"))
        say(renderer, *noise, request_id=f"u{number}")
    assert renderer.seen("u1", m.SeenFrames(text_stream_seq=0)) is None
    assert numbers(say(renderer, Text("b"))) == [(1, None)]


@pytest.mark.parametrize(
    ("asked", "listens", "given"),
    [
        (("binary_audio", "telepathy"), True, {"binary_audio"}),
        (("server_vad",), True, {"server_vad", "hold"}),
        (("server_vad", "transcripts"), False, {"transcripts"}),
        (("hold",), False, {"hold"}),
        (("marks", "mimes"), False, {"marks"}),
    ],
)
def test_what_can_be_had_is_granted(asked: tuple[str, ...], listens: bool, given: set[str]) -> None:
    """An open microphone only of an agent that can listen to one, and holds with it."""
    assert granted(asked, listens=listens) == given


def test_a_failure_is_an_error_with_the_id() -> None:
    """And no last frame beside it."""
    failure = Failure("timeout", "too long", retryable=True)
    [error] = say(a_renderer(), Ended(False, None, failure))
    assert isinstance(error, m.Error)
    assert error.error_id == failure.error_id
    assert (error.request_id, error.error_code) == ("r1", "REQUEST_TIMEOUT")


def test_frames_are_pieces_again() -> None:
    """A frame may join several pieces of text; what the client has is told in pieces."""
    renderer = a_renderer()
    say(renderer, Text("a b c"), pieces=3)
    say(renderer, Voice(AUDIO), Text("d"))
    assert renderer.seen("r1", m.SeenFrames()) == Seen(0, 0)
    assert renderer.seen("r1", m.SeenFrames(text_stream_seq=0)) == Seen(3, 0)
    assert renderer.seen("r1", m.SeenFrames(text_stream_seq=1, voice_stream_seq=0)) == Seen(4, 1)


def test_who_claims_more_than_was_sent_has_what_was_sent() -> None:
    """Its numbers go on from there."""
    renderer = a_renderer()
    say(renderer, Text("a"), Voice(AUDIO))
    claims = m.SeenFrames(text_stream_seq=10**12, voice_stream_seq=99)
    assert renderer.seen("r1", claims) == Seen(1, 1)
    assert numbers(say(back_again(renderer, claims), Text("b"), Voice(AUDIO))) == [(1, None), (None, 1)]


def test_who_was_sent_nothing_from_here_is_told_so() -> None:
    """What frames of another connection's are worth is not known here; none are worth nothing."""
    assert a_renderer().seen("r1", m.SeenFrames(text_stream_seq=0)) is None
    assert a_renderer().seen("r1", m.SeenFrames()) == Seen()


def test_numbers_go_on_over_any_number_of_connections() -> None:
    """Also where the last brought nothing, and where the client goes back behind what it claimed at first."""
    first = a_renderer()
    say(first, Text("a b"), pieces=2)
    say(first, Text("c"), Text("d"), Voice(AUDIO))
    second = back_again(first, m.SeenFrames(text_stream_seq=1))
    third = back_again(second, m.SeenFrames(text_stream_seq=1))
    assert numbers(say(third, Text("d"), Voice(AUDIO), Text("e"))) == [(2, None), (None, 0), (3, None)]
    assert third.seen("r1", m.SeenFrames(text_stream_seq=2, voice_stream_seq=0)) == Seen(4, 1)
    assert third.seen("r1", m.SeenFrames(text_stream_seq=0)) == Seen(2, 0)


def test_what_was_lost_is_counted() -> None:
    """The numbers have no gap; what the client has at its next return is reckoned behind the gap."""
    first = a_renderer()
    say(first, *[Voice(AUDIO)] * 9)
    seen = m.SeenFrames(text_stream_seq=0, voice_stream_seq=1)
    second = back_again(first, seen, Seen(voices=7))
    assert numbers(say(second, Voice(AUDIO), Voice(AUDIO))) == [(None, 2), (None, 3)]
    assert second.seen("r1", m.SeenFrames(text_stream_seq=0, voice_stream_seq=3)) == Seen(0, 9)


def test_who_counts_anew_begins_at_0() -> None:
    """It has no numbers, and is sent what comes."""
    first = a_renderer()
    say(first, Text("a"), Voice(AUDIO))
    second = back_again(first, None, Seen(1, 1))
    assert numbers(say(second, Text("b"), Voice(AUDIO))) == [(0, None), (None, 0)]
    assert second.seen("r1", m.SeenFrames(text_stream_seq=0, voice_stream_seq=0)) == Seen(2, 2)


def test_an_id_that_is_used_again_begins_anew() -> None:
    """Its old numbers are worth nothing."""
    renderer = a_renderer()
    say(renderer, Text("a"), Text("b"), END)
    assert numbers(say(renderer, Text("c"), END)) == [(0, None), (-1, -1)]


def test_only_ended_requests_are_forgotten() -> None:
    """The oldest first; one that is live keeps its numbers over any number of others."""
    renderer = a_renderer()
    say(renderer, Text("a"))
    for number in range(REMEMBERED + 1):
        say(renderer, Text("x"), END, request_id=f"u{number}")
    assert numbers(say(renderer, Text("b"))) == [(1, None)]
    assert renderer.seen("u1", m.SeenFrames(text_stream_seq=0)) is None
    assert renderer.seen(f"u{REMEMBERED}", m.SeenFrames(text_stream_seq=0)) == Seen(1)


@pytest.mark.parametrize("event", [Called("wave", {"at": object()}, "c1"), Text("\ud800")])
def test_what_cannot_be_written_raises(event: Event) -> None:
    """For the connection's writer to close with; the numbers of others are untouched."""
    with pytest.raises((TypeError, ValueError)):
        say(a_renderer(), event)
