"""The seven promises of an interruption (wire.md), in virtual time, over a connection without a socket."""

from __future__ import annotations

import pytest
import trio

from tests.talk import SPOKEN, talk_with
from voxint.core.agent import Agent
from voxint.core.stages import Delta, ModelOutput, Turn
from voxint.protocol import messages as m
from voxint.testing.stages import FOREVER, SPEAK, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

SENTENCES = ("It is half past nine. ", "The museum opens at ten. ", "Do come in by the north gate. ")


def finals(frames: list[m.Response]) -> list[m.Response]:
    """Return the frames that end a stream."""
    return [frame for frame in frames if -1 in (frame.text_stream_seq, frame.voice_stream_seq)]


async def test_promise_1_stopped_not_merely_received() -> None:
    """The acknowledgement waits for the clean-up of every stage, and is sent in the instant it ends."""
    model = ScriptedModel("Well, ", FOREVER, lingers=0.125)
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        began = trio.current_time()
        talk.interrupt("r1")
        await trio.sleep(1)
    [ack] = talk.acks
    assert (ack.status, ack.interrupted_request_ids, ack.outcomes) == ("SUCCESS", ("r1",), {"r1": "stopped"})
    assert talk.frames[-1] == (began + 0.125, ack)
    assert model.calls[0].cancelled == began
    assert model.calls[0].ended == began + 0.125
    receipt = ack.receipts["r1"]
    assert receipt.stop_ms == 125.0
    assert receipt.stages == {"stt": "idle", "llm": "closed", "tts": "idle", "tools": "idle"}


async def test_promise_1_every_stage_is_closed_at_once() -> None:
    """A reply that is being written and spoken has both stages cancelled in the instant of the INTERRUPT."""
    model = ScriptedModel(*SENTENCES, FOREVER)
    voice = ScriptedVoice(SPEAK, every=0.125)
    async with talk_with(Agent(llm=model, tts=voice), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        began = trio.current_time()
        talk.interrupt()
        await trio.sleep(1)
    assert model.calls[0].cancelled == voice.calls[0].cancelled == began
    assert talk.frames[-1][0] == began
    assert talk.acks[0].receipts["r1"].stages == {"stt": "idle", "llm": "closed", "tts": "closed", "tools": "idle"}


@pytest.mark.parametrize(
    ("model_s", "voice_s", "closed_ms"),
    [(0.125, 0.0, {"llm": 125.0, "tts": 0.0}), (0.0, 0.0625, {"llm": 0.0, "tts": 62.5})],
)
async def test_a_receipt_says_when_each_stage_had_let_go(
    model_s: float, voice_s: float, closed_ms: dict[str, float]
) -> None:
    """From the instant at which the stop counts, each with its own clean-up; the last of them is the stop itself."""
    model = ScriptedModel(*SENTENCES, FOREVER, lingers=model_s)
    voice = ScriptedVoice(SPEAK, every=0.125, lingers=voice_s)
    async with talk_with(Agent(llm=model, tts=voice), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.interrupt()
        await trio.sleep(1)
    receipt = talk.acks[0].receipts["r1"]
    assert receipt.closed_ms == closed_ms
    assert receipt.stop_ms == max(closed_ms.values())


async def test_only_a_stage_that_was_closed_has_an_instant() -> None:
    """One that had finished, or would not stop, has none; one that was closed beside it has."""
    model = ScriptedModel.turns(ScriptedModel(*SENTENCES), ScriptedModel(*SENTENCES, FOREVER, lingers=1.0))
    async with talk_with(Agent(llm=model, tts=ScriptedVoice()), SPOKEN) as talk:
        for request_id in ("r1", "r2"):
            talk.ask(request_id)
            await trio.sleep(0.5)
            talk.interrupt(request_id)
            await trio.sleep(2)
    first, second = [ack.receipts[request_id] for ack, request_id in zip(talk.acks, ("r1", "r2"), strict=True)]
    assert (first.stages["llm"], first.closed_ms) == ("finished", {"tts": 0.0})
    assert (second.stages["llm"], second.closed_ms) == ("overrun", {"tts": 0.0})


class Chatterbox:
    """A model that goes on writing for a quarter of a second after its cancellation, and for ever if let."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Say a word, then ever the same word."""
        await out.send(Delta("Well, "))
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(self.seconds):
                while True:
                    await out.send(Delta("and "))
                    await trio.sleep(0.0625)


@pytest.mark.parametrize("seconds", [0.125, 2.0])
async def test_promise_2_silence_after_the_acknowledgement(seconds: float) -> None:
    """A stage that goes on writing during its clean-up is not heard: the final, the acknowledgement, nothing."""
    async with talk_with(Agent(llm=Chatterbox(seconds))) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.interrupt("r1")
        await trio.sleep(5)
    assert [type(frame) for _, frame in talk.frames[-2:]] == [m.Response, m.InterruptAck]
    assert talk.text_of("r1") == "Well, "
    [final] = finals(talk.frames_of("r1"))
    assert (final.interrupted, final.text_stream_seq, final.interrupt_reason) == (True, -1, "USER_STOP")


async def test_promise_2_queued_audio_is_thrown_away() -> None:
    """What waits for a writer that is stuck is not sent after the INTERRUPT."""
    async with talk_with(Agent(llm=ScriptedModel(*SENTENCES, FOREVER), tts=ScriptedVoice()), SPOKEN) as talk:
        talk.stop_reading()
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.interrupt("r1")
        talk.read_on()
        await trio.sleep(5)
    [final] = talk.frames_of("r1")
    assert (final.interrupted, final.text_stream_seq, final.voice_stream_seq) == (True, -1, -1)
    assert talk.acks[0].receipts["r1"].audio.sent_ms == 0


async def test_promise_3_always_answered_once() -> None:
    """A stage that hangs for 10 s is declared overrun at exactly 250 ms, named, and reaped when it lets go."""
    model = ScriptedModel("Well, ", FOREVER, lingers=10.0)
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        began = trio.current_time()
        talk.interrupt("r1")
        await trio.sleep(1)
        [ack] = talk.acks
        assert talk.frames[-1] == (began + 0.25, ack)
        assert (ack.status, ack.interrupted_request_ids, ack.outcomes) == ("PARTIAL", ("r1",), {"r1": "overrun"})
        assert ack.receipts["r1"].stages["llm"] == "overrun"
        assert ack.receipts["r1"].stop_ms == 250.0
        assert talk.book.reaped_ids == []
        await trio.sleep(10)
        assert talk.book.reaped_ids == ["r1"]
        assert model.running == 0
        assert len(talk.acks) == 1


async def test_promise_3_the_next_request_does_not_wait_for_an_overrun() -> None:
    """The next request starts in the instant at which the one before was declared overrun."""
    model = ScriptedModel.turns(ScriptedModel(FOREVER, lingers=10.0), ScriptedModel("Yes?"))
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        began = trio.current_time()
        talk.ask("r2")
        await trio.sleep(1)
        assert talk.ended_at("r1") == began + 0.25
        assert talk.ended_at("r2") == began + 0.25
        assert talk.text_of("r2") == "Yes?"
        await trio.sleep(10)


async def test_promise_3_every_interrupt_has_its_answer() -> None:
    """A second INTERRUPT while the first is stopping waits too, and gets `stopped`."""
    async with talk_with(Agent(llm=ScriptedModel(FOREVER, lingers=0.125))) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        began = trio.current_time()
        talk.interrupt("r1")
        await trio.sleep(0.0625)
        talk.interrupt("r1")
        talk.interrupt(None)
        await trio.sleep(1)
    assert [ack.outcomes for ack in talk.acks] == [{"r1": "stopped"}] * 3
    assert [at for at, frame in talk.frames if isinstance(frame, m.InterruptAck)] == [began + 0.125] * 3
    assert sorted(str(ack.interrupt_request_id) for ack in talk.acks) == ["None", "r1", "r1"]


async def test_promise_4_idempotent() -> None:
    """Interrupting a stopped request again gives `already_finished` and the same receipt."""
    async with talk_with(Agent(llm=ScriptedModel("Well, ", FOREVER))) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.interrupt("r1")
        await trio.sleep(0.5)
        talk.interrupt("r1")
        await trio.sleep(0.5)
    first, second = talk.acks
    assert (second.status, second.interrupted_request_ids) == ("FAILED", ())
    assert second.outcomes == {"r1": "already_finished"}
    assert second.receipts == first.receipts
    assert len(finals(talk.frames_of("r1"))) == 1


async def test_promise_5_never_too_early_before_the_first_token() -> None:
    """An INTERRUPT in the same instant as its REQUEST finds it; the model is not even called."""
    model = ScriptedModel("Well, ")
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        talk.interrupt("r1")
        await trio.sleep(1)
    assert talk.acks[0].outcomes == {"r1": "stopped"}
    assert model.calls == []
    assert talk.history == [("Hello?", "", "interrupted")]


async def test_promise_5_never_too_early_during_the_upload() -> None:
    """An upload is a request: an INTERRUPT stops its recognition, and what still comes is swallowed."""
    ears = ScriptedEars.hears("hello")
    async with talk_with(Agent(llm=ScriptedModel("Yes?"), stt=ears)) as talk:
        talk.begin("r1")
        talk.speak(0.5)
        await trio.sleep(0.5)
        talk.interrupt("r1")
        talk.speak(0.5)
        talk.end("r1")
        await trio.sleep(1)
    assert talk.acks[0].receipts["r1"].stages["stt"] == "closed"
    assert talk.errors == []
    assert talk.history == []


async def test_promise_5_never_too_early_for_an_unknown_id() -> None:
    """A REQUEST whose INTERRUPT came before is answered at once and starts nothing."""
    model = ScriptedModel("Well, ")
    async with talk_with(Agent(llm=model)) as talk:
        talk.interrupt("r1")
        await trio.sleep(4.5)
        began = trio.current_time()
        talk.ask("r1")
        await trio.sleep(1)
    assert (talk.acks[0].status, talk.acks[0].outcomes) == ("FAILED", {"r1": "not_found"})
    [final] = talk.frames_of("r1")
    assert (talk.ended_at("r1"), final.interrupted, final.interrupt_reason) == (began, True, "USER_STOP")
    assert model.calls == []
    assert [request.ending for request in talk.book.finished_requests] == ["interrupted"]


async def test_promise_5_an_early_interrupt_is_forgotten_after_5_s() -> None:
    """Then the REQUEST is a new one that happens to have the id."""
    async with talk_with(Agent(llm=ScriptedModel("Well."))) as talk:
        talk.interrupt("r1")
        await trio.sleep(5)
        talk.ask("r1")
        await trio.sleep(1)
    assert talk.text_of("r1") == "Well."


async def test_promise_5_early_interrupts_are_bounded() -> None:
    """64 ids are remembered; the oldest goes."""
    async with talk_with(Agent(llm=ScriptedModel("Well."))) as talk:
        for number in range(65):
            talk.interrupt(f"r{number}")
        talk.ask("r0")
        await trio.sleep(1)
        talk.ask("r1")
        await trio.sleep(1)
    assert talk.text_of("r0") == "Well."
    assert talk.text_of("r1") == ""


async def test_promise_6_the_next_request_pays_nothing() -> None:
    """It starts in the instant at which the ones before have stopped."""
    model = ScriptedModel(FOREVER, lingers=0.125)
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        began = trio.current_time()
        talk.ask("r2")
        await trio.sleep(0.5)
        talk.interrupt()
        await trio.sleep(1)
    first, second = model.calls
    assert first.ended == second.started == began + 0.125
