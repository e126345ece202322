"""An answer that is held: nothing leaves, and every hold ends."""

from __future__ import annotations

import pytest
import trio

from tests.core.hearer import a_house
from voxint.core.agent import Agent, Limits
from voxint.core.conversation import open_conversation
from voxint.core.events import Called, Ended, Event, Held, Released, Text, Voice
from voxint.core.interrupt import InterruptOrder
from voxint.core.journal import Seen
from voxint.core.resumption import resume
from voxint.core.settings import Settings
from voxint.core.stages import ToolCall
from voxint.errors import UpstreamError
from voxint.testing.stages import FOREVER, REPEAT, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

TALKS = ScriptedModel("One ", 1.0, "two ", 1.0, "three.")
STOP = InterruptOrder("USER_STOP")


async def test_nothing_leaves_while_it_is_held() -> None:
    """`Held` leaves at once; what the model writes meanwhile comes behind `Released`, and the answer is whole."""
    async with a_house(Agent(llm=TALKS)) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        assert house.session.hold("r1").outcomes == {"r1": "held"}
        assert (request.state, request.held, request.works) == ("held", True, True)
        await trio.sleep(1.0)
        assert house.session.release("r1", "noise").outcomes == {"r1": "released"}
        assert (request.state, request.held) == ("live", False)
        await request.stopped.wait()
    assert hearer.heard == [
        (0.0, Text("One ")),
        (0.5, Held()),
        (1.5, Released("noise")),
        (1.5, Text("two ")),
        (2.0, Text("three.")),
        (2.0, Ended(False)),
    ]
    assert request.receipt is None
    assert house.released == [(1.5, "r1", "noise")]


async def test_what_is_complete_waits_for_the_release() -> None:
    """Its end is said behind all that was held; until then it is not over."""
    async with a_house(Agent(llm=TALKS, limits=Limits(hold_s=10))) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        request.hold()
        await trio.sleep(5)
        assert (request.ending, hearer.events) == (None, [Text("One "), Held()])
        request.release("silence")
        await request.stopped.wait()
    assert hearer.events[2:] == [Released("silence"), Text("two three."), Ended(False)]
    assert [exchange.reply for exchange in house.session.dialogue] == ["One two three."]


async def test_a_hold_ends_by_itself() -> None:
    """After `hold_s`, and its session is told; a second hold within it changes nothing."""
    async with a_house(Agent(llm=TALKS, limits=Limits(hold_s=0.75))) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        assert request.hold()
        await trio.sleep(0.5)
        assert request.hold()
        await request.stopped.wait()
    assert hearer.of(Held, Released) == [(0.5, Held()), (1.25, Released("timeout"))]
    assert house.released == [(1.25, "r1", "timeout")]


async def test_the_limit_of_one_hold_is_not_that_of_the_next() -> None:
    """Released in time, the next hold lasts as long again."""
    async with a_house(Agent(llm=ScriptedModel("One ", FOREVER), limits=Limits(hold_s=1))) as house:
        request = house.session.ask("r1", "Hi", house.come().listener)
        await trio.sleep(0.5)
        request.hold()
        await trio.sleep(0.5)
        request.release("client")
        await trio.sleep(0.25)
        request.hold()
        await trio.sleep(3)
    assert house.released == [(1.0, "r1", "client"), (2.25, "r1", "timeout")]


async def test_a_model_is_read_for_a_sentence_more() -> None:
    """`held_chars` of text; then it waits, and goes on at the release."""
    model = ScriptedModel("12345678", 0.125, REPEAT)
    async with a_house(Agent(llm=model, limits=Limits(held_chars=40))) as house:
        request = house.session.ask("r1", "Hi", house.come().listener)
        await trio.sleep(0.5625)
        before = len(request.ledger.written)
        request.hold()
        await trio.sleep(1.5)
        assert len(request.ledger.written) == before + 40
        request.release("client")
        await trio.sleep(0.5)
        assert len(request.ledger.written) > before + 40


@pytest.mark.parametrize("held_s", [1.0, 30.0])
async def test_deadlines_rest(held_s: float) -> None:
    """What was left of a stage's time counts on at the release, however long the hold was."""
    limits = Limits(hold_s=60, token_stall_s=2)
    async with a_house(Agent(llm=ScriptedModel("One ", FOREVER), limits=limits)) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        request.hold()
        await trio.sleep(held_s)
        request.release("client")
        await request.stopped.wait()
        assert trio.current_time() == 2 + held_s
    assert request.failure is not None
    assert (request.failure.kind, request.failure.stage) == ("timeout", "llm")


async def test_the_request_s_own_limit_runs_on() -> None:
    """It fails while it is held, and says so."""
    limits = Limits(hold_s=60, request_s=5)
    async with a_house(Agent(llm=ScriptedModel("One ", FOREVER), limits=limits)) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        request.hold()
        await request.stopped.wait()
        assert trio.current_time() == 5
    [held, ended] = hearer.events[-2:]
    assert held == Held()
    assert isinstance(ended, Ended)
    assert ended.failure is not None


async def test_interrupted_while_held() -> None:
    """What was held back is thrown away; its end is said, and nobody is told of a release."""
    async with a_house(Agent(llm=TALKS)) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        request.hold()
        await trio.sleep(1)
        interruption = house.session.interrupt("r1", STOP)
        await interruption.stopped()
        assert interruption.outcomes == {"r1": "stopped"}
        await trio.sleep(5)
    assert hearer.events == [Text("One "), Held(), Ended(True, "USER_STOP")]
    assert house.released == []
    assert request.receipt is not None
    assert (request.receipt.text.heard, request.receipt.text.generated_chars) == ("One ", 8)
    assert not request.release("client")
    assert not request.hold()


async def test_a_stage_that_fails_while_held() -> None:
    """The failure is told at once: nothing goes on."""
    model = ScriptedModel("One ", 1.0, UpstreamError("broken", retryable=True))
    async with a_house(Agent(llm=model)) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        request.hold()
        await request.stopped.wait()
        assert trio.current_time() == 1.0
    assert [type(event) for event in hearer.events] == [Text, Held, Ended]
    assert house.released == []


async def test_the_next_request_ends_what_is_held() -> None:
    """As it ends what is live."""
    async with a_house(Agent(llm=TALKS)) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        request.hold()
        house.session.ask("r2", "And?", hearer.listener)
        await request.stopped.wait()
        assert request.reason == "USER_NEW_INPUT"


async def test_a_call_waits() -> None:
    """The application is asked at the release."""
    model = ScriptedModel("One ", 1.0, ToolCall("c1", "look_up", {}), "two.")
    async with a_house(Agent(llm=model)) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        request.hold()
        await trio.sleep(1)
        assert request.answer.called == []
        request.release("client")
        await request.stopped.wait()
    call = Called("look_up", {}, "c1")
    expected: list[Event] = [Text("One "), Held(), Released("client"), call, Text("two."), Ended(False)]
    assert hearer.events == expected
    assert request.answer.called == [call]


async def test_outcomes() -> None:
    """What a hold and a release met, of one id and of all."""
    async with a_house(Agent(llm=TALKS)) as house:
        hearer, session = house.come(), house.session
        assert session.hold("r9").outcomes == {"r9": "not_found"}
        assert session.release("r9", "client").outcomes == {"r9": "not_found"}
        assert session.hold(None).outcomes == {}
        request = session.ask("r1", "Hi", hearer.listener)
        assert session.release(None, "client").outcomes == {}
        assert session.release("r1", "client").outcomes == {"r1": "released"}
        assert session.hold(None).outcomes == {"r1": "held"}
        assert session.hold(None).outcomes == {"r1": "held"}
        assert session.release(None, "client").outcomes == {"r1": "released"}
        await request.stopped.wait()
        assert session.hold("r1").outcomes == {"r1": "already_finished"}
        assert session.release("r1", "client").outcomes == {"r1": "already_finished"}
        assert session.hold("r1").receipts == {}


async def test_who_comes_back_meanwhile_is_told() -> None:
    """It hears that the answer is held, and at the release what it lacks, from the very next piece on."""
    async with a_house(Agent(llm=TALKS, limits=Limits(hold_s=10)), on_disconnect="keep") as house:
        gone = house.come()
        request = house.session.ask("r1", "Hi", gone.listener)
        await trio.sleep(0.5)
        request.hold()
        house.session.detach(gone.listener)
        await trio.sleep(1)
        back = house.come({"r1": Seen(0, 0)})
        late = house.come({})
        await trio.sleep(4)
        assert back.events == late.events == [Held()]
        assert request.answer.player is back.listener
        request.release("client")
        await request.stopped.wait()
    assert back.events == [Held(), Released("client"), Text("One two three."), Ended(False)]
    assert late.text == back.text


async def test_who_comes_to_a_held_answer_and_wants_only_what_comes() -> None:
    """That is all that was held back: nobody has had it yet."""
    async with a_house(Agent(llm=TALKS, limits=Limits(hold_s=10)), on_disconnect="keep") as house:
        first = house.come()
        request = house.session.ask("r1", "Hi", first.listener)
        await trio.sleep(0.5)
        request.hold()
        await trio.sleep(1)
        other = house.come()  # it was never here before: what is said from now on
        resume(house.session, (joined := house.come()).listener, None)
        house.session.listeners.remove(joined.listener)  # it is in the list twice
        request.release("client")
        await request.stopped.wait()
    assert first.text == "One two three."
    assert joined.text == "two three."
    assert other.text == "three."


async def test_who_joins_a_held_answer_hears_nothing_before_the_release() -> None:
    """What is said meanwhile waits for it too."""
    async with a_house(Agent(llm=TALKS)) as house:
        first = house.come()
        request = house.session.ask("r1", "Hi", first.listener)
        await trio.sleep(0.5)
        request.hold()
        other = house.come()
        await trio.sleep(1)
        assert other.events == []
        request.release("client")
        await request.stopped.wait()
    assert other.events == [Released("client"), Text("two "), Text("three."), Ended(False)]


async def test_a_reply_of_the_library() -> None:
    """It is held and released by its own methods; its events say so."""
    events: list[Event] = []
    async with open_conversation(Agent(llm=TALKS), Settings(require_tts=False)) as conversation:
        reply = conversation.ask("Hi")

        async def hold() -> None:
            await trio.sleep(0.5)
            assert not reply.release()
            assert reply.hold()
            await trio.sleep(1)
            assert reply.release()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(hold)
            events += [event async for event in reply]
        assert not reply.hold()
    assert events == [
        Text("One "),
        Held(),
        Released("client"),
        Text("two "),
        Text("three."),
        Ended(False),
    ]


async def test_speech_is_made_ahead_within_its_bound() -> None:
    """While it is held, a synthesizer is let `speech_ahead_ms` ahead of what was sent, and no further."""
    limits = Limits(hold_s=10, lead_ms=500, frame_ms=125, speech_ahead_ms=1000)
    agent = Agent(llm=ScriptedModel("Sixteen letters." * 8), tts=ScriptedVoice(), limits=limits)
    async with a_house(agent, spoken=True) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.25)
        request.hold()
        await trio.sleep(5)
        account = request.ledger.audio_account(trio.current_time())
        assert 500 <= account.generated_ms - account.sent_ms <= 1250
        assert hearer.of(Voice)[-1][0] <= 0.25
