from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from voxint.core.receipt import AudioAccount, TextAccount, UsageAccount
from voxint.core.settings import SettingsChange
from voxint.protocol import messages as m
from voxint.protocol.receipt import FramedReceipt, LastFrames
from voxint.testing.invariants import Checker

SPOKEN = SettingsChange(require_tts=True)
AUDIO = bytes(320)


def request(request_id: str = "r1", patch: SettingsChange = SettingsChange()) -> m.RequestMessage:  # noqa: B008 - frozen
    """Return a REQUEST in text."""
    return m.RequestMessage(request_id=request_id, data_type="TEXT", content=m.Content(text="Hello?"), patch=patch)


def text(seq: int, words: str = "Well, ") -> m.Response:
    """Return a frame of text of r1; -1 ends it."""
    return m.Response(request_id="r1", text_stream_seq=seq, text=None if seq == -1 else words)


def voice(seq: int, audio: bytes = AUDIO) -> m.Response:
    """Return a frame of voice of r1."""
    return m.Response(request_id="r1", voice_stream_seq=seq, voice=audio)


END = m.Response(request_id="r1", text_stream_seq=-1)
SPOKEN_END = m.Response(request_id="r1", text_stream_seq=-1, voice_stream_seq=-1)
CUT = m.Response(request_id="r1", text_stream_seq=-1, interrupted=True, interrupt_reason="USER_STOP")
INTERRUPT = m.Interrupt(interrupt_request_id="r1")
ERROR = m.Error(error_code="UPSTREAM_ERROR", error_msg="", error_detail="", retryable=True, request_id="r1")


def back() -> m.Register:
    """Return the REGISTER of a client that has three frames of r1 and comes back."""
    seen = {"r1": m.SeenFrames(text_stream_seq=2)}
    return m.Register(
        auth=m.Auth(type="API_KEY", api_key="k"), resume=m.Resume(session_id="s", resume_token="t", seen=seen)
    )


def ack(
    *stopped: str, status: m.Ack = "SUCCESS", outcome: m.Outcome = "stopped", receipt: FramedReceipt | None = None
) -> m.InterruptAck:
    """Return the acknowledgement of an INTERRUPT of r1."""
    return m.InterruptAck(
        interrupt_request_id="r1",
        interrupted_request_ids=stopped,
        status=status,
        message="",
        outcomes={"r1": outcome},
        receipts={} if receipt is None else {"r1": receipt},
    )


def receipt(
    *, heard_ms: float = 0.0, sent_ms: float = 0.0, heard: str = "Well, ", last: int | None = 0
) -> FramedReceipt:
    """Return a receipt of r1, which had one frame of text."""
    return FramedReceipt(
        request_id="r1",
        reason="USER_STOP",
        stop_ms=0.5,
        stages={"llm": "closed"},
        usage=UsageAccount(llm_tokens=2, tts_characters=0, source="estimated"),
        audio=AudioAccount(generated_ms=sent_ms, sent_ms=sent_ms, heard_ms=heard_ms, source="estimated"),
        text=TextAccount(generated_chars=6, heard=heard),
        last=LastFrames(text_stream_seq=last, voice_stream_seq=None),
    )


def rules(*messages: m.ClientMessage | m.ServerMessage, took_s: float = 0.0) -> list[str]:
    """Feed a connection's messages to a checker, an acknowledgement `took_s` late; return the rules it saw broken."""
    checker = Checker()
    for message in messages:
        if isinstance(message, m.ClientMessage):
            checker.sent(message, 1.0)
        else:
            checker.received(message, 1.0 + took_s)
    checker.settled()
    return [violation.rule for violation in checker.violations]


@pytest.mark.parametrize(
    "messages",
    [
        (request(), text(0), text(1), END),
        (request(patch=SPOKEN), text(0), voice(0), text(1), voice(1), SPOKEN_END),
        (request(), text(0), INTERRUPT, text(1), CUT, ack("r1")),
        (request(), text(0), INTERRUPT, CUT, ack("r1", receipt=receipt()), request(), text(0), END),
        (request(), CUT, INTERRUPT, ack(status="FAILED", outcome="already_finished")),
        (request(), INTERRUPT, ERROR, ack("r1")),
        (request(), INTERRUPT, CUT, ack("r1", status="PARTIAL", outcome="overrun")),
        (back(), text(3), voice(0), SPOKEN_END),
        (text(0), voice(0), text(1), SPOKEN_END),
    ],
)
def test_a_sound_connection_breaks_no_promise(messages: tuple[m.ClientMessage | m.ServerMessage, ...]) -> None:
    """Answers, spoken or not; interruptions, early, late or overrun; a session resumed, or shared with another."""
    assert rules(*messages) == []


@pytest.mark.parametrize(
    ("messages", "broken"),
    [
        ((request(), text(0), text(2), END), "sequence"),
        ((request(), text(0), m.Response(request_id="r1", text="?"), END), "sequence"),
        ((request(), text(1), END), "sequence"),
        ((back(), text(2)), "sequence"),
        ((text(1),), "sequence"),
        ((voice(0),), "first_frame"),
        ((request(), END), "first_frame"),
        ((request(patch=SPOKEN), text(0), END), "end"),
        ((request(), text(0), m.Response(request_id="r1", interrupted=True)), "end"),
        ((request(), text(0), END, END), "after_end"),
        ((request(), text(0), ERROR, text(1)), "after_end"),
        ((request(), INTERRUPT, CUT, ack("r1"), text(0)), "leak_after_ack"),
        ((request(), text(0), voice(0), END), "voice"),
        ((request(), text(0), SPOKEN_END), "voice"),
        ((request(patch=SPOKEN), text(0), voice(0, b"\0"), SPOKEN_END), "voice"),
        ((request(patch=SPOKEN), text(0), voice(0, b""), SPOKEN_END), "voice"),
        ((request(), INTERRUPT, ack("r1"), CUT), "ack"),
        ((ack(status="FAILED", outcome="not_found"),), "ack"),
        ((request(), INTERRUPT, CUT, ack("r1", status="FAILED")), "status"),
        ((INTERRUPT, ack(outcome="not_found")), "status"),
        ((request(), INTERRUPT, CUT, ack("r1", outcome="overrun")), "status"),
        ((request(), INTERRUPT, CUT, ack("r1", outcome="not_found")), "status"),
        ((request(), text(0), INTERRUPT, CUT, ack("r1", receipt=receipt(heard_ms=1))), "receipt"),
        ((request(), text(0), INTERRUPT, CUT, ack("r1", receipt=receipt(sent_ms=1))), "receipt"),
        ((request(), text(0), INTERRUPT, CUT, ack("r1", receipt=receipt(heard="What"))), "receipt"),
        ((request(), text(0), INTERRUPT, CUT, ack("r1", receipt=receipt(last=1))), "receipt"),
        ((request(), text(0)), "unanswered"),
        ((INTERRUPT,), "unanswered"),
    ],
)
def test_a_broken_promise_is_named(messages: tuple[m.ClientMessage | m.ServerMessage, ...], broken: str) -> None:
    """Each rule is broken by its own messages."""
    assert broken in rules(*messages)


def test_a_receipt_does_not_change() -> None:
    """A second INTERRUPT gets the receipt of the first."""
    again = ack(status="FAILED", outcome="already_finished", receipt=receipt(heard=""))
    assert rules(request(), text(0), INTERRUPT, CUT, ack("r1", receipt=receipt()), INTERRUPT, again) == ["receipt"]


def test_only_what_was_asked_for_is_stopped() -> None:
    """An INTERRUPT of one request stops no other."""
    assert "ack" in rules(request(), request("r2"), INTERRUPT, CUT, ack("r1", "r2"))


def test_an_acknowledgement_can_be_late() -> None:
    """The client's clock decides."""
    assert rules(request(), INTERRUPT, CUT, ack("r1"), took_s=0.75) == []
    assert rules(request(), INTERRUPT, CUT, ack("r1"), took_s=0.76) == ["late_ack"]


def test_a_live_id_that_is_asked_again_stays_the_same_request() -> None:
    """The server refuses it with an ERROR without id, and the answer goes on."""
    refused = m.Error(error_code="MALFORMED_PAYLOAD", error_msg="", error_detail="r1", retryable=False)
    assert rules(request(), text(0), request(), refused, text(1), END) == []


def test_the_audio_of_a_receipt_is_that_of_the_session() -> None:
    """160 samples are 20 ms at the 8 kHz that REGISTER_ACK confirmed."""
    registered = m.RegisterAck(
        status="SUCCESS",
        message="",
        session_id="s",
        session_timeout_seconds=600,
        features=(),
        audio=m.Audio(input_rate=8000, output_rate=8000),
    )
    register = m.Register(auth=m.Auth(type="API_KEY", api_key="k"), patch=SPOKEN)
    cut = m.Response(request_id="r1", text_stream_seq=-1, voice_stream_seq=-1, interrupted=True)
    told = ack("r1", receipt=receipt(heard_ms=10, sent_ms=20))
    broken = rules(register, registered, request(), text(0), voice(0), INTERRUPT, cut, told)
    assert broken == ["receipt"]  # of `last`, which the receipt above has without voice; its 20 ms are right


def test_a_violation_reads_well() -> None:
    """It says which promise, whose, when and what was due."""
    checker = Checker()
    checker.sent(request(), 1.0)
    checker.received(text(1), 1.5)
    assert str(checker.violations[0]) == "first_frame of r1 at 1.500 s: text_stream_seq is 1, 0 was due"


def held(state: Literal["held", "released"] = "held") -> m.HoldMessage:
    """Return a HOLD of r1."""
    return m.HoldMessage(request_id="r1", state=state, voice_stream_seq=None)


def spoke(state: Literal["started", "stopped"] = "stopped") -> m.SpeechMessage:
    """Return a SPEECH of r1."""
    return m.SpeechMessage(state=state, at_ms=0.0, request_id="r1", text="", outcome="noise")


THEY_SPEAK = m.SpeechMessage(state="started", at_ms=0.0, request_id="u1")
THEY_WAIT = m.SpeechMessage(state="stopped", at_ms=0.0, request_id="u1", text="", outcome="protected")
COMMITTED = m.SpeechMessage(state="committed", at_ms=1.0, request_id="u1", interrupted=("r1",))
OTHER = m.Response(request_id="r2", text_stream_seq=0, text="Noon.")


@pytest.mark.parametrize(
    ("frames", "broken"),
    [
        ((text(0), held(), held("released"), text(1), held(), CUT), []),
        ((text(0), END, held()), []),
        ((text(0), held(), text(1)), ["hold"]),
        ((text(0), held(), held()), ["hold"]),
        ((text(0), held("released")), ["hold"]),
        ((spoke("started"), spoke(), text(0), END), []),
        ((spoke("started"), ERROR), []),
        ((spoke("started"), text(0)), ["speech"]),
        ((spoke(),), ["speech"]),
        ((spoke("started"), spoke("started")), ["speech"]),
        ((text(0), held(), THEY_SPEAK, COMMITTED, CUT), []),
        ((text(0), END, held(), THEY_SPEAK, COMMITTED), []),
        ((text(0), THEY_SPEAK, THEY_WAIT, COMMITTED, CUT), []),
        ((text(0), THEY_SPEAK, COMMITTED, text(1)), ["speech"]),
        ((text(0), COMMITTED), ["speech"]),
        ((THEY_SPEAK, m.SpeechMessage(state="committed", at_ms=1.0, request_id="u1")), ["speech"]),
    ],
)
def test_holds_and_utterances_have_their_order(frames: tuple[m.ServerMessage, ...], broken: list[str]) -> None:
    """Nothing of a held answer comes but its end, and an utterance ends before its answer."""
    checker = Checker()
    for frame in frames:
        checker.received(frame, 0.0)
    assert [violation.rule for violation in checker.violations] == broken


def marks(*marks: tuple[float, int]) -> m.MarksMessage:
    """Return a MARKS of r1."""
    return m.MarksMessage(request_id="r1", marks=marks)


SPOKEN_RECEIPT = msgspec.structs.replace(
    receipt(heard_ms=20.0, sent_ms=40.0), last=LastFrames(text_stream_seq=0, voice_stream_seq=0)
)
SPOKEN_CUT = m.Response(request_id="r1", text_stream_seq=-1, voice_stream_seq=-1, interrupted=True)


@pytest.mark.parametrize(
    ("messages", "broken"),
    [
        (((0.0, 6), (30.0, 6)), []),
        (((0.0, 4), (0.0, 6)), []),
        (((0.0, 2), (20.0, 6), (30.0, 8)), []),
        (((0.0, 6), (10.0, 4)), ["marks", "marks"]),
        (((10.0, 6), (0.0, 6)), ["marks"]),
        (((0.0, 4), (30.0, 6)), ["marks"]),
        (((0.0, 7), (10.0, 8)), ["marks"]),
    ],
)
def test_marks_rise_and_agree_with_the_account(messages: tuple[tuple[float, int], ...], broken: list[str]) -> None:
    """What was heard ends between what was reached at that instant and at the mark before."""
    frames = (text(0, "Well, yes"), marks(*messages), voice(0, bytes(1280)), INTERRUPT, SPOKEN_CUT)
    assert rules(request(patch=SPOKEN), *frames, ack("r1", receipt=SPOKEN_RECEIPT)) == broken


@pytest.mark.parametrize(
    ("frames", "broken"),
    [
        ((text(0), held(), marks((0.0, 1))), ["hold"]),
        ((text(0), END, marks((0.0, 1))), ["after_end"]),
        ((text(0), INTERRUPT, CUT, ack("r1"), marks((0.0, 1))), ["leak_after_ack"]),
    ],
)
def test_marks_come_only_while_the_answer_does(
    frames: tuple[m.ClientMessage | m.ServerMessage, ...], broken: list[str]
) -> None:
    """They are part of it: none while it is held, none behind its end."""
    seen = [rule for rule in rules(request(), *frames) if rule != "unanswered"]
    assert seen == broken


@pytest.mark.parametrize(
    ("closed_ms", "broken"),
    [({"llm": 0.5}, []), ({}, []), ({"llm": 0.6}, ["receipt"]), ({"tts": 0.1}, ["receipt"])],
)
def test_a_stage_closes_within_the_stop(closed_ms: dict[str, float], broken: list[str]) -> None:
    """Only one that was cut off has an instant, and none is behind the end of all."""
    account = msgspec.structs.replace(receipt(), closed_ms=closed_ms)
    assert rules(request(), text(0), INTERRUPT, CUT, ack("r1", receipt=account)) == broken


@pytest.mark.parametrize(
    ("messages", "broken"),
    [
        ((text(0), held()), ["unanswered"]),
        ((text(0), held(), OTHER), ["unanswered"]),
        ((text(0), held(), THEY_SPEAK, COMMITTED), []),
        ((text(0), END, held()), ["unanswered"]),
        ((text(0), END, held(), held("released")), []),
        ((text(0), END, held(), THEY_SPEAK, COMMITTED), []),
        ((text(0), END, held(), OTHER), []),
        ((text(0), END, held(), INTERRUPT, ack(status="FAILED", outcome="already_finished", receipt=receipt())), []),
        ((text(0), END, held(), INTERRUPT, ack(status="FAILED", outcome="already_finished")), ["unanswered"]),
    ],
)
def test_a_hold_that_nobody_ends_is_told(
    messages: tuple[m.ClientMessage | m.ServerMessage, ...], broken: list[str]
) -> None:
    """Every answer has to go on, or to have stopped, also one that was sent to its end and plays.

    That one has no frame left: the release tells it, the utterance that interrupts, an account, or another answer.
    """
    assert rules(*messages) == broken


@pytest.mark.parametrize(("outcome", "status", "broken"), [("held", "SUCCESS", []), ("held", "FAILED", ["status"])])
def test_to_hold_and_to_release_is_acknowledged(outcome: m.Outcome, status: m.Ack, broken: list[str]) -> None:
    """Nothing has stopped then, and it was no failure."""
    checker = Checker()
    checker.sent(request(), 0.0)
    checker.sent(INTERRUPT, 0.0)
    checker.received(ack(status=status, outcome=outcome), 0.0)
    assert [violation.rule for violation in checker.violations] == broken
