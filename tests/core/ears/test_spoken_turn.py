"""The two requests of a turn: what is asked before its time, and the model that hears whether a turn is complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
import trio
from attrs import evolve

from tests.core.ears.coded import FORMAT, CodedEars, quiet, speech
from tests.core.ears.hall import Hall, a_hall
from tests.core.ears.test_ears import asked
from voxint.core.ears.rules import EarRules
from voxint.core.events import Committed, Ended, Endpoint, Held, Onset, Text, Voice
from voxint.core.interrupt import InterruptOrder
from voxint.core.listener import Listener
from voxint.core.resumption import resume
from voxint.testing.stages import ScriptedModel

pytestmark = pytest.mark.virtual_time

EARLY = EarRules(speculate=True)
QUESTION = (quiet(800), speech(640, "What", "time", "is", "it?"), quiet(288))


class Judge:
    """An end-of-turn model that says what a test tells it, after a while."""

    audio_format = FORMAT

    def __init__(self, *says: object, takes_s: float = 0.0) -> None:
        self.says = list(says)
        self.takes_s = takes_s
        self.asked = 0

    async def complete(self, pcm: bytes) -> float:
        """Say the next thing."""
        self.asked += 1
        says = self.says.pop(0)
        await trio.sleep(self.takes_s)
        if isinstance(says, Exception):
            raise says
        return cast("float", says)


def text_only(hall: Hall) -> None:
    """Ask for no voice any more."""
    hall.session.settings = evolve(hall.session.settings, require_tts=False)


def said_before(hall: Hall) -> None:
    """Have something in the dialogue that the model was not told."""
    hall.session.dialogue = hall.session.dialogue.ask(99, "By the way.").settle(99, "Yes?", "complete")


@pytest.mark.parametrize("change", [text_only, said_before])
async def test_what_was_asked_too_early_is_asked_anew_where_things_have_changed(change: Callable[[Hall], None]) -> None:
    """The settings, or what was said before: the answer would be another one."""
    model = ScriptedModel(0.125, "It is noon.")
    async with a_hall(model=model, rules=EARLY) as hall:
        await hall.say(*QUESTION)
        assert len(model.calls) == 1
        change(hall)
        await hall.say(quiet(2000))
        assert len(model.calls) == 2
        assert bool(hall.of(Voice)) == (change is said_before)
        assert len(hall.of(Text)) == 1
        assert [each.user for each in hall.session.dialogue].count("What time is it?") == 1
        assert hall.of(Ended) == [Ended(False)]


async def test_what_has_failed_before_its_time_is_asked_anew() -> None:
    """Nobody hears of the failure."""
    model = ScriptedModel.turns(ScriptedModel(ValueError("no")), ScriptedModel("It is noon."))
    async with a_hall(model=model, rules=EARLY) as hall:
        await hall.say(*QUESTION, quiet(2000))
        assert len(model.calls) == 2
        assert hall.of(Ended) == [Ended(False)]
        assert [each.text for each in hall.of(Text)] == ["It is noon."]


async def test_words_that_are_given_out_before_the_model_is_asked_are_asked_once() -> None:
    """It waits for what it interrupts, which lingers; the words stand in the dialogue by then."""
    model = ScriptedModel("A long answer, of many words, that goes on and on for a while.", lingers=0.25)
    async with a_hall(model=model, rules=EARLY) as hall:
        await asked(hall, quiet(640))
        began = len(model.calls)
        await hall.say(speech(960, "Stop", "it", "at", "once,", "please."))
        hall.session.interrupt(hall.of(Committed)[0].interrupted[0], InterruptOrder("USER_STOP"))
        await hall.say(quiet(2000))
        for call in model.calls[began:]:
            [message] = [each for each in call.given[0].messages if "Stop" in each.content]
            assert message.content.count("Stop") == 1


@pytest.mark.parametrize("says", [ValueError("no"), None, "yes", float("nan")])
async def test_an_end_of_turn_model_that_breaks_its_word_costs_nothing(says: object) -> None:
    """The words decide without it."""
    async with a_hall(turns=Judge(says)) as hall:
        await hall.say(*QUESTION, quiet(640))
        assert [each.outcome for each in hall.of(Endpoint)] == ["request"]


@pytest.mark.parametrize(("says", "decided_ms"), [(1.0, 1792), (0.0, 2144)])
async def test_an_end_of_turn_model_moves_the_end(says: float, decided_ms: float) -> None:
    """Sure that it is over, sooner; sure that it is not, later."""
    async with a_hall(turns=Judge(says)) as hall:
        await hall.say(*QUESTION, quiet(1000))
        assert [each.decided_ms for each in hall.of(Endpoint)] == [decided_ms]


async def test_what_is_said_of_a_pause_counts_for_that_pause_alone() -> None:
    """A judgement that comes late says nothing of the next one."""
    judge = Judge(1.0, 1.0, 0.0, takes_s=0.5)
    async with a_hall(turns=judge) as hall:
        await hall.say(speech(320, "I", "went", "there,"), quiet(288), speech(64), quiet(288), speech(64), quiet(480))
        assert hall.of(Endpoint) == []
        await hall.say(quiet(640))
        assert judge.asked == 3
        assert hall.of(Endpoint) == []  # it is half a sentence, and more is to come
        await hall.say(quiet(1000))
        assert len(hall.of(Endpoint)) == 1


async def test_whoever_is_dropped_by_a_hold_closes_the_ears_in_the_middle() -> None:
    """Of a piece that brings more: the rest of it is nobody's."""
    async with a_hall() as hall:
        await asked(hall, quiet(640))
        onsets, dropped = len(hall.of(Onset)), list[float]()

        def drop() -> None:
            dropped.append(trio.current_time())
            hall.ears.close("DISCONNECT")

        other = Listener(drop)
        hall.session.attach(other)
        for _ in range(1001):
            other.post("unread")
        hall.ears.feed(speech(640, "Stop.") + quiet(800))
        await trio.sleep(2)
        assert len(hall.of(Onset)) == onsets
        assert len(hall.of(Held)) <= 1
        assert dropped


async def test_nothing_is_asked_too_early_over_an_answer() -> None:
    """It would be paid for, and thrown away more often than not."""
    model = ScriptedModel("A long answer, of many words, that goes on and on for a while.")
    async with a_hall(model=model, rules=EARLY) as hall:
        await asked(hall, quiet(640), speech(320, "Mm-hmm."), quiet(2000))
        assert len(model.calls) == 1


async def test_what_was_asked_too_early_stops_as_soon_as_the_person_goes_on() -> None:
    """Whatever they say then: it costs as little as can be."""
    model = ScriptedModel("It is ", 60.0, "noon.")
    async with a_hall(model=model, rules=EARLY) as hall:
        await hall.say(*QUESTION)
        assert model.running == 1
        await hall.say(speech(64))
        assert model.running == 0


async def test_an_utterance_that_is_interrupted_has_stopped_with_all_that_was_asked_for_it() -> None:
    """The proof of the interrupt covers what nobody has heard of."""
    model = ScriptedModel("It is ", 60.0, "noon.", lingers=0.125)
    async with a_hall(model=model, rules=EARLY) as hall:
        await hall.say(*QUESTION)
        assert model.running == 1
        met = hall.session.interrupt(hall.heard[-1].request_id, InterruptOrder("USER_STOP"))
        with trio.fail_after(0.25):
            await met.stopped()
        assert model.running == 0
        assert list(met.outcomes.values()) == ["stopped"]


async def test_what_was_asked_too_early_is_played_by_whoever_is_there_then() -> None:
    """Its listener has gone before the last words were known: it waits for who comes, as what is asked in time does."""
    model = ScriptedModel("It is noon.")
    async with a_hall(model=model, rules=EARLY, stt=CodedEars(late_s=0.75), on_disconnect="keep") as hall:
        await hall.say(*QUESTION, quiet(160))
        hall.ears.close("DISCONNECT")
        hall.session.detach(hall.listener)
        hall.listener.close()
        await trio.sleep(2)
        again = Listener()
        resume(hall.session, again, {})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hall.read, again)
            await trio.sleep(5)
            nursery.cancel_scope.cancel()
        assert len(model.calls) == 1
        assert hall.of(Ended) == [Ended(False)]
        assert hall.voice()
