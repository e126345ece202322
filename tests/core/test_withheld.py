"""What is asked before it is sure that it will be wanted; and what listens, whose last word is no end."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from voxint.core.agent import Agent, Limits
from voxint.core.alarms import Alarms
from voxint.core.answer import Answer
from voxint.core.audio import AudioFormat
from voxint.core.events import Committed, Ended, Endpoint, Event, Onset, ReleaseReason, Said, Text, Understood, Voice
from voxint.core.failure import Failure, Stage
from voxint.core.interrupt import InterruptOrder
from voxint.core.journal import Journal, Seen
from voxint.core.listener import Listener
from voxint.core.offers import chosen_stages
from voxint.core.pipeline import Pipeline
from voxint.core.playout import PlayoutLedger
from voxint.core.registry import Registry
from voxint.core.request import Request
from voxint.core.settings import Settings
from voxint.core.stages import Turn
from voxint.errors import UpstreamError
from voxint.testing.stages import FOREVER, SPEAK, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

STOP = InterruptOrder("USER_STOP")


class Desk:
    """Owns requests, and keeps them in a registry."""

    id = "s1"

    def __init__(self) -> None:
        self.registry = Registry()
        self.released_ids: list[str] = []

    def settle(self, request: Request) -> None:
        """Keep no dialogue."""

    def retire(self, request: Request) -> None:
        """Let the registry move it to the remembered."""
        self.registry.retire(request)

    def reaped(self, request: Request) -> None:
        """Keep no count."""

    def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
        """Let the test fail."""
        raise error

    def held_after_end(self, request: Request) -> None:
        """Nothing here is held behind its end."""
        raise AssertionError

    def released(self, request: Request, reason: ReleaseReason) -> None:
        """Note the id."""
        self.released_ids.append(request.id)


def a_request(desk: Desk, *listeners: Listener, spoken: bool = False, ends_silently: bool = False) -> Request:
    """Return a request that is live in the registry of `desk`, played by the first listener."""
    ledger = PlayoutLedger(AudioFormat(), spoken=spoken)
    answer = Answer(
        "r1",
        ledger,
        spoken=spoken,
        player=listeners[0],
        listeners=list(listeners),
        journal=Journal(100_000),
        ends_silently=ends_silently,
    )
    request = Request("r1", 0, answer, Limits(), desk)
    desk.registry.admit(request)
    return request


def work_of(request: Request, agent: Agent) -> Pipeline:
    """Return the work of a request."""
    return Pipeline(
        agent=agent,
        request=request,
        stages=chosen_stages(agent, Settings()),
        output=AudioFormat(),
        understood=lambda text: None,
        turn=lambda: Turn(()),
    )


def start(nursery: trio.Nursery, request: Request, agent: Agent) -> None:
    """Begin to answer."""
    nursery.start_soon(request.run, work_of(request, agent).answer_text)
    nursery.start_soon(request.guard)


async def read(listener: Listener) -> list[Event]:
    """Return all that waits, as the reader takes it."""
    said = [await listener.next() for _ in range(len(listener))]
    return [each.event for each in said if isinstance(each, Said)]


TALKS = ScriptedModel("One ", 0.25, "two.")


async def test_what_is_withheld_and_given_out_is_an_answer_like_any_other() -> None:
    """Nothing is heard of it before, and no word of a hold at any time; then all of it at once."""
    desk, listener = Desk(), Listener()
    request = a_request(desk, listener)
    request.withhold()
    assert (request.speculative, request.held, request.works) == (True, False, True)
    async with trio.open_nursery() as nursery:
        start(nursery, request, Agent(llm=TALKS))
        await trio.sleep(5)
        assert len(listener) == 0
        assert request.give_out()
        assert not request.give_out()
        nursery.start_soon(request.stopped.wait)
        await trio.testing.wait_all_tasks_blocked()
        assert await read(listener) == [Text("One two.")]
        await request.stopped.wait()
    assert await read(listener) == [Ended(False)]
    assert (request.speculative, request.receipt, desk.released_ids) == (False, None, [])


async def test_once_given_out_it_can_be_held() -> None:
    """And is interrupted with a word, and a receipt that is no guess's."""
    desk, listener = Desk(), Listener()
    request = a_request(desk, listener)
    request.withhold()
    async with trio.open_nursery() as nursery:
        start(nursery, request, Agent(llm=ScriptedModel("One ", FOREVER)))
        await trio.sleep(1)
        assert not request.hold()
        assert not request.release("client")
        assert desk.registry.hold(None).outcomes == {}
        assert desk.registry.hold("r1").outcomes == {"r1": "not_found"}
        assert desk.registry.release("r1", "client").outcomes == {"r1": "not_found"}
        request.give_out()
        assert request.hold()
        request.interrupt(STOP)
    assert request.receipt is not None
    assert not request.receipt.speculative
    assert (await read(listener))[-1] == Ended(True, "USER_STOP")


@pytest.mark.parametrize("spoken", [True, False])
async def test_what_is_withheld_to_its_end_says_nothing(spoken: bool) -> None:
    """Not even its end, to nobody; its receipt says that nobody has heard of it, and what it cost."""
    desk, listener, other = Desk(), Listener(), Listener()
    request = a_request(desk, listener, other, spoken=spoken)
    request.withhold()
    async with trio.open_nursery() as nursery:
        start(nursery, request, Agent(llm=ScriptedModel("One two.", FOREVER), tts=ScriptedVoice()))
        await trio.sleep(1)
        request.interrupt(STOP)
    assert (len(listener), len(other)) == (0, 0)
    assert request.receipt is not None
    assert request.receipt.speculative
    assert (request.receipt.text.heard, request.receipt.usage.llm_tokens) == ("", 2)
    assert not request.give_out()
    assert request.answer.catch_up(late := Listener(), Seen()) == Seen()
    assert len(late) == 0


async def test_what_fails_while_it_is_withheld_says_nothing() -> None:
    """Whoever has asked learns of it by its end, and may ask again."""
    desk, listener = Desk(), Listener()
    request = a_request(desk, listener)
    request.withhold()
    async with trio.open_nursery() as nursery:
        start(nursery, request, Agent(llm=ScriptedModel("One ", UpstreamError("broken", retryable=True))))
    assert (request.ending, len(listener)) == ("failed", 0)
    assert not request.give_out()


async def test_a_deadline_of_what_is_withheld_does_not_rest() -> None:
    """A model that is dead is found out before its answer is wanted."""
    request = a_request(Desk(), Listener())
    request.withhold()
    async with trio.open_nursery() as nursery:
        start(nursery, request, Agent(llm=ScriptedModel(FOREVER), limits=Limits(first_token_s=3)))
        await request.stopped.wait()
    assert (request.ending, trio.current_time()) == ("failed", 3)


async def test_what_is_withheld_is_spoken_from_its_first_sample() -> None:
    """Its speech is made ahead, so it begins in the step in which it is given out."""
    listener = Listener()
    request = a_request(Desk(), listener, spoken=True)
    request.withhold()
    async with trio.open_nursery() as nursery:
        start(nursery, request, Agent(llm=ScriptedModel("Yes? And more than the lead."), tts=ScriptedVoice(0.5, SPEAK)))
        await trio.sleep(0.25)
        nothing = await read(listener)
        await trio.sleep(2)
        request.give_out()
        said = await read(listener)
        await trio.sleep(0.125)
        request.interrupt(STOP)
    assert nothing == []
    assert said[0] == Text("Yes? And more than the lead.")
    assert isinstance(said[1], Voice)
    assert request.receipt is not None
    assert request.receipt.audio.heard_ms == 125


async def test_what_listens_says_nothing_of_its_complete_end() -> None:
    """Its last word was said: the endpoint. It can't be held, and never counts as playing."""
    desk, listener = Desk(), Listener()
    request = a_request(desk, listener, ends_silently=True)
    answer = request.answer
    assert not request.hold()
    assert desk.registry.hold("r1").outcomes == {"r1": "not_found"}
    said: list[Onset | Understood | Committed | Endpoint] = [
        Onset(100.0),
        Understood("stop", False),
        Committed(400.0, ("r0",)),
        Endpoint(900.0, 1200.0, "stop it", "request"),
    ]

    async def work() -> None:
        for event in said:
            answer.say(event)

    await request.run(work)
    assert await read(listener) == said
    assert (request.ending, request.playing, answer.ended) == ("complete", False, Ended(False))
    answer.catch_up(late := Listener(), Seen())
    assert await read(late) == said


@pytest.mark.parametrize("how", ["interrupt", "fail"])
async def test_what_listens_says_every_other_end(how: str) -> None:
    """Interrupted or failed, like any request."""
    listener = Listener()
    request = a_request(Desk(), listener, ends_silently=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(request.run, trio.sleep_forever)
        await trio.sleep(1)
        if how == "interrupt":
            request.interrupt(STOP)
        else:
            request.fail(Failure("internal", "the server failed", retryable=True))
    [ended] = await read(listener)
    assert isinstance(ended, Ended)
    assert ended.interrupted == (how == "interrupt")


async def test_what_is_known_of_who_speaks_bears_no_number() -> None:
    """It counts for nothing that a listener has seen."""
    journal = Journal(10_000)
    journal.add(Onset(1.0))
    journal.add(Text("Yes. "))
    journal.add(Endpoint(2.0, 3.0, "so", "noise"))
    assert journal.end == Seen(1, 0)
    assert list(journal.after(Seen(1, 0))) == [Endpoint(2.0, 3.0, "so", "noise")]
    small = Journal(70)
    small.add(Committed(1.0, ()))
    small.add(Text("Yes. "))
    assert (len(small), small.end) == (1, Seen(1, 0))


async def test_a_stalled_player_is_given_its_time_anew_at_the_release() -> None:
    """What waits when it is held may not leave; a player that takes nothing behind the release is dropped."""
    dropped: list[float] = []
    player, other = Listener(lambda: dropped.append(trio.current_time())), Listener()
    ledger = PlayoutLedger(AudioFormat(), spoken=False)
    answer, alarms = Answer("r1", ledger, spoken=False, player=player, listeners=[player, other]), Alarms()
    answer.watch_player(alarms)

    async def sleep(seconds: float) -> None:
        with trio.move_on_after(seconds):
            while True:
                alarms.ring()
                await alarms.sleep(trio.Event())

    answer.text("Well, ")
    await sleep(0.5)
    answer.hold(200)
    answer.text("yes.")
    await sleep(5)
    answer.release("client")
    await sleep(3)
    assert dropped == [6.5]
