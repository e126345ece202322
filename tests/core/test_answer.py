from __future__ import annotations

import pytest
import trio

from voxint.core.answer import ROOM, Answer
from voxint.core.audio import AudioFormat
from voxint.core.outbox import Outbox
from voxint.core.playout import PlayoutLedger
from voxint.core.stages import ToolCall
from voxint.protocol import messages as m

pytestmark = pytest.mark.virtual_time


def an_answer(*, spoken: bool = False, outbox: Outbox | None = None, request_id: str = "r1") -> tuple[Answer, Outbox]:
    """Return an answer and the queue its frames go to."""
    outbox = Outbox() if outbox is None else outbox
    return Answer(request_id, outbox, PlayoutLedger(AudioFormat(), spoken=spoken), spoken=spoken), outbox


async def drain(outbox: Outbox) -> list[m.ServerMessage]:
    """Return all that waits, as the writer takes it."""
    return [message for _ in range(len(outbox)) if (message := await outbox.next()) is not None]


async def test_text_that_waits_is_one_frame() -> None:
    """Sequence numbers are given when the writer takes a frame, so none is missing."""
    answer, outbox = an_answer()
    answer.text("Well, ")
    answer.text("yes. ")
    first = await drain(outbox)
    answer.text("So?")
    second = await drain(outbox)
    assert [*first, *second] == [
        m.Response(request_id="r1", text_stream_seq=0, text="Well, yes. "),
        m.Response(request_id="r1", text_stream_seq=1, text="So?"),
    ]
    assert answer.ledger.shown == "Well, yes. So?"


async def test_a_call_keeps_its_place_in_the_text() -> None:
    """It counts as a frame of the text stream, and text after it is a frame of its own."""
    answer, outbox = an_answer()
    answer.text("Let me see. ")
    answer.call(ToolCall("c1", "look_up", {"word": "voxint"}))
    answer.text("There.")
    frames = await drain(outbox)
    call = m.FunctionCall(name="look_up", parameters={"word": "voxint"}, call_id="c1")
    assert frames == [
        m.Response(request_id="r1", text_stream_seq=0, text="Let me see. "),
        m.Response(request_id="r1", text_stream_seq=1, function_call=call),
        m.Response(request_id="r1", text_stream_seq=2, text="There."),
    ]
    assert answer.ledger.shown == "Let me see. There."


async def test_voice_goes_frame_by_frame() -> None:
    """Each is accounted for as sent when the writer takes it."""
    answer, outbox = an_answer(spoken=True)
    answer.voice(bytes(320))
    answer.voice(bytes(320))
    assert answer.ledger.audio_account(0.0).sent_ms == 0
    assert [frame.voice_stream_seq for frame in await drain(outbox) if isinstance(frame, m.Response)] == [0, 1]
    assert answer.ledger.audio_account(0.0).sent_ms == 20


@pytest.mark.parametrize("spoken", [False, True])
async def test_an_empty_answer_has_a_first_frame(spoken: bool) -> None:
    """Clients decide from it which streams there are; then one frame ends them."""
    answer, outbox = an_answer(spoken=spoken)
    answer.end()
    answer.end(interrupt_reason="USER_STOP")
    first, last = await drain(outbox)
    assert first == m.Response(request_id="r1", text_stream_seq=0, text="")
    assert last == m.Response(request_id="r1", text_stream_seq=-1, voice_stream_seq=-1 if spoken else None)


async def test_a_silenced_answer_has_only_its_end() -> None:
    """What waits is thrown away, what comes is refused; the frames of others stay."""
    answer, outbox = an_answer(spoken=True)
    other, _ = an_answer(outbox=outbox, request_id="r2")
    answer.text("Well, ")
    other.text("I stay.")
    answer.voice(bytes(320))
    answer.silence()
    answer.text("late")
    answer.voice(bytes(320))
    answer.call(ToolCall("c1", "sing"))
    answer.understood("late", is_final=True)
    answer.silence()
    answer.end(interrupt_reason="USER_STOP")
    kept, final = await drain(outbox)
    assert kept == m.Response(request_id="r2", text_stream_seq=0, text="I stay.")
    assert isinstance(final, m.Response)
    assert final.interrupted
    assert answer.ledger.shown == ""


async def test_an_error_is_the_end_too() -> None:
    """No RESPONSE follows it."""
    answer, outbox = an_answer()
    error = m.Error(error_code="INTERNAL_ERROR", error_msg="", error_detail="", retryable=True, request_id="r1")
    answer.end(error=error)
    assert await drain(outbox) == [error]


async def test_nothing_that_waits_counts_for_nothing() -> None:
    """A transcript without words is waited for as well, and a flood of them is full one day."""
    answer, outbox = an_answer()
    answer.understood("", is_final=True)
    with trio.move_on_after(1) as waited:
        await answer.flushed()
    assert waited.cancelled_caught
    while not answer.full:
        answer.understood("", is_final=False)
    await drain(outbox)
    await answer.flushed()


async def test_room_comes_back_when_the_writer_takes() -> None:
    """A full answer waits; silence lets everybody go."""
    answer, outbox = an_answer()
    answer.text("x" * ROOM)
    assert answer.full
    with trio.move_on_after(1) as waited:
        await answer.room()
    assert waited.cancelled_caught
    await drain(outbox)
    await answer.room()
    await answer.flushed()
    answer.text("x" * ROOM)
    answer.silence()
    await answer.room()
    await answer.flushed()
