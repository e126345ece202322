"""What a stage may do on its way out, when nobody waits for it any more; and what an interrupt finds there."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from structlog.testing import capture_logs

from tests.talk import SPOKEN, Book, talk_with
from voxint.core.agent import Agent
from voxint.core.conversation import open_conversation
from voxint.core.stages import Delta, ModelOutput, Speech, Turn, Usage
from voxint.errors import UpstreamError
from voxint.server.telemetry import Telemetry
from voxint.testing.stages import FOREVER, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

SENTENCE = "The museum opens at ten o'clock in the morning. "


async def test_what_a_clean_up_raises_is_told() -> None:
    """Each time, with its stage, although the request has its end already; the acknowledgement does not suffer."""
    model = ScriptedModel("Well, ", FOREVER, breaks=OSError("no goodbye"))
    async with talk_with(Agent(llm=model)) as talk:
        for request_id in ("r1", "r2"):
            talk.ask(request_id)
            await trio.sleep(0.5)
            talk.interrupt(request_id)
            await trio.sleep(0.5)
    assert [ack.outcomes for ack in talk.acks] == [{"r1": "stopped"}, {"r2": "stopped"}]
    assert talk.book.cleanup_failures == [("r1", "llm", "OSError"), ("r2", "llm", "OSError")]


async def test_what_fails_beside_a_cancellation_is_told_too() -> None:
    """A stage's own tasks may each end in their own way; the cancellation goes where it belongs."""

    class Torn:
        async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                try:
                    await trio.sleep_forever()
                finally:
                    raise ValueError("torn")

    async with talk_with(Agent(llm=Torn())) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.interrupt("r1")
        await trio.sleep(0.5)
    assert talk.acks[0].outcomes == {"r1": "stopped"}
    assert talk.book.cleanup_failures == [("r1", "llm", "ValueError")]


def test_an_operator_sees_the_place_and_not_the_words() -> None:
    """A line in the log and a number for alarms."""
    telemetry = Telemetry()

    async def main() -> None:
        async with talk_with(Agent(llm=ScriptedModel(FOREVER, breaks=OSError("a secret")))) as talk:
            talk.host.observer = telemetry
            talk.connection.session._observer = telemetry  # type: ignore[union-attr]  # it has registered
            talk.ask("r1")
            await trio.sleep(0.5)
            talk.interrupt("r1")

    with capture_logs() as lines:
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    [line] = [line for line in lines if line["event"] == "clean-up failed"]
    assert (line["req_id"], line["stage"], line["log_level"]) == ("r1", "llm", "warning")
    assert "OSError at" in str(line["trace"])
    assert "secret" not in str(lines)
    assert 'voxint_cleanup_failures_total{stage="llm"} 1.0' in telemetry.exposition(0, 0).decode()


async def test_a_program_without_an_observer_sees_the_place_too() -> None:
    """What a clean-up raises is in the log of the library as well, with the stage."""
    with capture_logs() as lines:
        async with open_conversation(Agent(llm=ScriptedModel(FOREVER, breaks=OSError("a secret")))) as conversation:
            conversation.ask("Well?", request_id="r1")
            await trio.sleep(0.5)
            await conversation.interrupt()
    [line] = [line for line in lines if line["event"] == "clean-up failed"]
    assert (line["req_id"], line["stage"], line["log_level"]) == ("r1", "llm", "warning")
    assert "secret" not in str(lines)


async def test_a_stage_that_writes_in_a_shielded_clean_up_waits_for_nobody() -> None:
    """What it writes is thrown away at once, however much it is."""
    written: list[int] = []

    class Gushing(ScriptedVoice):
        async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
            try:
                async for piece in text:
                    await out.send(Speech(bytes(64_000), piece))
            finally:
                with trio.CancelScope(shield=True):
                    for number in range(100):
                        await out.send(Speech(bytes(64_000)))
                        written.append(number)

    async with talk_with(Agent(llm=ScriptedModel(*[SENTENCE] * 9, FOREVER), tts=Gushing()), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        began = trio.current_time()
        talk.interrupt("r1")
        await trio.sleep(1)
    assert len(written) == 100
    assert talk.frames[-1][0] == began
    assert talk.acks[0].outcomes == {"r1": "stopped"}


async def test_a_send_that_is_shielded_when_the_end_comes_is_let_go() -> None:
    """A stage may protect a write that waits for room; the end makes room."""

    class Stubborn(ScriptedVoice):
        async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
            await text.receive()
            with trio.CancelScope(shield=True):
                for _ in range(100):
                    await out.send(Speech(bytes(64_000)))

    async with talk_with(Agent(llm=ScriptedModel(SENTENCE, SENTENCE, FOREVER), tts=Stubborn()), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        began = trio.current_time()
        talk.interrupt("r1")
        await trio.sleep(1)
    assert talk.frames[-1][0] == began
    assert talk.acks[0].outcomes == {"r1": "stopped"}


async def test_an_interrupt_that_meets_a_failing_request_brings_its_receipt() -> None:
    """The request ends in its ERROR; the acknowledgement comes behind, with what was stopped and what was heard."""
    model = ScriptedModel(SENTENCE, SENTENCE, 1.0, UpstreamError("it broke off"))
    voice = ScriptedVoice(lingers=0.125)
    async with talk_with(Agent(llm=model, tts=voice), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1.0625)
        talk.interrupt("r1")
        await trio.sleep(1)
        talk.interrupt("r1")
        await trio.sleep(1)
    assert talk.ended_at("r1") == 1.125
    first, again = talk.acks
    assert (first.status, first.outcomes) == ("SUCCESS", {"r1": "stopped"})
    assert (again.status, again.outcomes) == ("FAILED", {"r1": "already_finished"})
    receipt = first.receipts["r1"]
    assert again.receipts["r1"] == receipt
    assert (receipt.reason, receipt.stop_ms) == ("upstream", 125.0)
    assert receipt.stages == {"stt": "idle", "llm": "closed", "tts": "closed", "tools": "idle"}


@pytest.mark.parametrize(
    "odd", [Speech(bytes(3200), "half \ud83d"), Speech(bytes(3200), "nul \0")], ids=["surrogate", "nul"]
)
async def test_an_odd_character_of_a_voice_ends_nothing(odd: Speech) -> None:
    """It reaches the receipt as something that can be written; the next request is answered."""

    class Odd(ScriptedVoice):
        async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
            async for _ in text:
                await out.send(odd)

    async with talk_with(Agent(llm=ScriptedModel(SENTENCE, SENTENCE, FOREVER), tts=Odd()), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.interrupt("r1", played_ms=100)
        talk.ask("r2")
        await trio.sleep(0.5)
        assert talk.text_of("r2").startswith(SENTENCE)
    assert talk.acks[0].outcomes == {"r1": "stopped"}
    talk.acks[0].receipts["r1"].text.heard.encode()


class Number(int):
    """An integer of a library's own kind."""


@pytest.mark.parametrize(
    ("usage", "tokens", "source"),
    [
        (Usage(Number(3), Number(4)), 4, "provider"),
        (Usage(3, -1), 2, "estimated"),
        (Usage("3", 4), 2, "estimated"),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
async def test_an_odd_count_is_the_models_own_trouble(usage: Any, tokens: int, source: str) -> None:
    """A plain number goes into the receipt; of nonsense the answer takes no harm, and its tokens are estimated."""

    class Counting:
        async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
            await out.send(Delta("Well. "))
            await out.send(usage)
            await trio.sleep_forever()

    async with talk_with(Agent(llm=Counting())) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.interrupt("r1")
        await trio.sleep(0.5)
    account = talk.acks[0].receipts["r1"].usage
    assert (account.llm_tokens, account.source) == (tokens, source)
    assert talk.errors == []
    assert isinstance(talk.book, Book)
