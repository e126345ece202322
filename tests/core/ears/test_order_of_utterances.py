"""Several utterances at once, and microphones that fall silent or close: all is heard, in its order."""

from __future__ import annotations

from array import array

import pytest
import trio

from tests.core.ears.anyhow import MoodyEars
from tests.core.ears.coded import LOUD, CodedEars, quiet, speech
from tests.core.ears.hall import a_hall
from tests.core.ears.test_ears import asked
from voxint.core.agent import Limits
from voxint.core.ears.barge_in import BargeIn
from voxint.core.ears.rules import EarRules
from voxint.core.events import Committed, Ended, Endpoint, Held, Onset, Released, Text
from voxint.core.interrupt import InterruptOrder
from voxint.core.listener import MOST_UNREAD, Listener
from voxint.core.resumption import resume
from voxint.core.stages import Delta
from voxint.errors import UpstreamError
from voxint.testing.detector import ScriptedDetector
from voxint.testing.stages import ScriptedModel

pytestmark = pytest.mark.virtual_time

GUARDED = (Delta("This call is recorded, for training and for quality. ", protected=True), "And now to the matter.")


async def test_what_was_said_first_is_asked_first() -> None:
    """A quick recogniser waits for a slow one: both utterances are asked, in the order in which they were said."""
    async with a_hall(stt=MoodyEars(["slow", "early"])) as hall:
        await hall.say(speech(320, "Hello."), quiet(800), speech(160, "Goodbye."), quiet(480))
        assert hall.of(Endpoint) == []
        await hall.say(quiet(1500))
        assert [(each.text, each.outcome) for each in hall.of(Endpoint)] == [
            ("Hello.", "request"),
            ("Goodbye.", "request"),
        ]
        assert [each.user for each in hall.session.dialogue] == ["Hello.", "Goodbye."]


async def test_late_words_do_not_end_what_is_being_said() -> None:
    """They are asked; whoever speaks again meanwhile is heard to the end, and interrupts the answer."""
    async with a_hall(stt=MoodyEars(["late", "early"])) as hall:
        await hall.say(speech(320, "One."), quiet(800), speech(960, "Two,", "three."), quiet(2000))
        assert [each.text for each in hall.of(Endpoint)] == ["One.", "Two, three."]
        assert [each.user for each in hall.session.dialogue] == ["One.", "Two, three."]
        assert [each for each in hall.of(Ended) if each.interrupted]
        assert hall.of(Ended, hall.heard[-1].request_id) == []


async def test_a_recogniser_that_fails_holds_up_nobody() -> None:
    """What came after it is asked, once it has failed."""
    async with a_hall(stt=MoodyEars(["fails", "early"])) as hall:
        await hall.say(speech(320, "One."), quiet(800), speech(320, "Two."), quiet(2000))
        assert [each.user for each in hall.session.dialogue] == ["Two."]
        assert hall.of(Ended)[0].failure is not None


async def test_to_interrupt_all_begins_nothing() -> None:
    """Neither of what has been understood already and waits for one before it."""
    async with a_hall(stt=MoodyEars(["slow", "early"])) as hall:
        await hall.say(speech(320, "Hello."), quiet(800), speech(160, "Goodbye."), quiet(480))
        hall.session.interrupt(None, InterruptOrder("USER_STOP"))
        await hall.say(quiet(2000))
        assert hall.of(Ended) == [Ended(True, "USER_STOP")] * 2
        assert hall.of(Endpoint) == []
        assert len(hall.session.dialogue) == 0


async def test_a_piece_with_two_utterances_gives_each_its_own() -> None:
    """However much sound comes at once, a recogniser is given what belongs to its utterance alone."""
    ears = CodedEars(early=False)
    async with a_hall(stt=ears) as hall:
        await trio.sleep(2)
        hall.ears.feed(speech(192, "One.") + quiet(800) + speech(192, "Two.") + quiet(800))
        await hall.say(quiet(500))
        assert [each.text for each in hall.of(Endpoint)] == ["One.", "Two."]
        assert [max(array("h", each)) > LOUD for each in ears.given] == [True, True]
        assert [each.at_ms for each in hall.of(Endpoint)] == [192, 1184]
        assert [each.decided_ms for each in hall.of(Endpoint)] == [896, 1888]


@pytest.mark.parametrize("how", ["silent", "closed"])
async def test_what_waits_is_asked_without_a_microphone(how: str) -> None:
    """It waits for the end of what may not be interrupted, and not for more sound."""
    async with a_hall(model=ScriptedModel(*GUARDED)) as hall:
        first = await asked(hall, quiet(160), speech(320, "No."), quiet(512))
        assert hall.of(Endpoint)[-1].outcome == "protected"
        if how == "closed":
            hall.ears.close("CLOSED")
        await trio.sleep(4)
        assert [each.reason for each in hall.of(Ended, first)] == ["USER_VOICE_INPUT"]
        assert hall.session.dialogue.exchanges[0].reply.startswith("This call is recorded, for training")
        assert [each.user for each in hall.session.dialogue] == ["What time is it?", "No."]


async def test_a_sound_does_not_take_what_waits_along() -> None:
    """What waits is asked under its own id, though words of no account came after it."""
    async with a_hall(model=ScriptedModel(*GUARDED)) as hall:
        await asked(hall, speech(320, "No."), quiet(512), speech(320, "Mm-hmm."), quiet(4000))
        outcomes = [each.outcome for each in hall.of(Endpoint)[1:]]
        assert outcomes == ["protected", "backchannel"]
        waited = next(each.request_id for each in hall.heard if each.event == hall.of(Endpoint)[1])
        assert hall.of(Text, waited)
        assert [each.user for each in hall.session.dialogue] == ["What time is it?", "No."]


async def test_words_behind_what_waits_are_asked_with_it() -> None:
    """In one request: they are one thought."""
    async with a_hall(model=ScriptedModel(*GUARDED)) as hall:
        await asked(hall, speech(320, "No."), quiet(512), speech(320, "Wait."), quiet(4000))
        assert [each.user for each in hall.session.dialogue] == ["What time is it?", "No. Wait."]


async def test_whoever_has_spoken_in_vain_is_heard_soon() -> None:
    """What was given up ends at a pause, so the next utterance is one of its own."""
    async with a_hall(stt=MoodyEars(["fails", "early"])) as hall:
        await hall.say(speech(960, "One."), quiet(800), speech(640, "Two."), quiet(1000))
        assert len(hall.of(Onset)) == 2
        assert [each.text for each in hall.of(Endpoint)] == ["Two."]


async def test_speech_without_an_end_is_given_up_in_pieces() -> None:
    """A television does not keep the ears from hearing, though what was heard of it is interrupted."""
    async with a_hall() as hall:
        await hall.say(speech(640, "One"))
        hall.session.interrupt(None, InterruptOrder("USER_STOP"))
        await hall.say(speech(62_000))
        assert len(hall.of(Onset)) == 2


async def test_whoever_is_gone_is_answered_when_there_again() -> None:
    """The words that were said before the connection was lost are asked, and the answer waits for who comes."""
    async with a_hall(stt=MoodyEars(["late"]), on_disconnect="keep") as hall:
        await hall.say(speech(320, "One."), quiet(800))
        hall.ears.close("DISCONNECT")
        hall.session.detach(hall.listener)
        hall.listener.close()
        await trio.sleep(2)
        assert [each.user for each in hall.session.dialogue] == ["One."]
        again = Listener()
        assert len(resume(hall.session, again, {}).live) == 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hall.read, again)
            await trio.sleep(10)
            nursery.cancel_scope.cancel()
        assert hall.of(Ended) == [Ended(False)]
        assert "".join(each.text for each in hall.of(Text)).startswith("A long answer")


async def test_what_a_client_holds_is_released_by_it_alone() -> None:
    """A cough over it is none of the client's will."""
    async with a_hall() as hall:
        first = await asked(hall, quiet(640))
        hall.session.hold(first)
        await hall.say(speech(160), quiet(800))
        assert len(hall.of(Held)) == 1
        assert hall.of(Released) == []
        hall.session.release(first, "client")
        await hall.say(quiet(500), speech(160), quiet(800))
        assert [each.reason for each in hall.of(Released)] == ["client", "noise"]


async def test_what_a_client_releases_is_not_held_again_by_the_same_speech() -> None:
    """Whoever has held it: words still interrupt it."""
    async with a_hall() as hall:
        first = await asked(hall, quiet(640))
        hall.session.hold(first)
        await hall.say(speech(160))
        hall.session.release(first, "client")
        await hall.say(speech(320))
        assert len(hall.of(Held)) == 1
        await hall.say(speech(320, "Stop."), quiet(500))
        assert [each.interrupted for each in hall.of(Committed)] == [(first,)]


async def test_an_utterance_on_its_way_out_does_nothing_more() -> None:
    """Its recogniser lingers: nothing is interrupted for it, and nothing is asked."""
    model = ScriptedModel("A long answer, of many words, that goes on and on for a while.")
    async with a_hall(stt=MoodyEars(["early", "lingers"]), model=model, rules=EarRules(speculate=True)) as hall:
        first = await asked(hall, quiet(640), speech(128))
        hall.session.interrupt(hall.heard[-1].request_id, InterruptOrder("USER_STOP"))
        await hall.say(speech(320, "Stop."), quiet(2000))
        assert hall.of(Committed) == []
        assert hall.of(Ended, first) == []
        assert len(model.calls) == 1


async def test_speech_that_was_long_and_had_no_words_asks_nothing() -> None:
    """Its last words were none after all: it was noise, and the answer that it has interrupted is told."""
    async with a_hall(stt=MoodyEars(["early", "is empty"])) as hall:
        first = await asked(hall, quiet(640), speech(1600, "A", "long", "answer,"), quiet(2000))
        assert (hall.of(Endpoint)[-1].outcome, hall.of(Endpoint)[-1].recovered) == ("noise", first)
        assert [each.user for each in hall.session.dialogue] == ["What time is it?"]


async def test_an_utterance_ends_once() -> None:
    """What was asked too early goes out behind it; an interrupt meets what has finished."""
    model = ScriptedModel("Well.", lingers=0.125)
    async with a_hall(model=model, stt=MoodyEars(["is empty"]), rules=EarRules(speculate=True)) as hall:
        await hall.say(speech(320, "Hello."), quiet(416))
        [endpoint] = hall.of(Endpoint)
        assert (len(model.calls), endpoint.outcome) == (1, "noise")
        met = hall.session.interrupt(hall.heard[-1].request_id, InterruptOrder("USER_STOP"))
        assert list(met.outcomes.values()) == ["already_finished"]
        await hall.say(quiet(1000))
        assert hall.of(Ended) == []


async def test_a_recovery_sentence_comes_behind_the_end() -> None:
    """Of what it apologises for, although that takes its time."""
    model = ScriptedModel("A long answer, of many words, that goes on and on for a while.", lingers=0.25)
    rules = EarRules(recovery="Sorry?", barge_in=BargeIn(hold=False))
    async with a_hall(model=model, stt=MoodyEars(["early", "ends early"]), rules=rules) as hall:
        first = await asked(hall, quiet(640), speech(1600), quiet(2000))
        said = [(each.request_id == first, type(each.event)) for each in hall.heard]
        assert said.index((True, Ended)) < len(said) - 1 - said[::-1].index((False, Text))


async def test_a_detector_that_fails_at_its_end_fails_nobody() -> None:
    """The microphone is closed all the same, and what it has held goes on."""

    class Failing(ScriptedDetector):
        def close(self) -> None:
            raise UpstreamError("it won't close", retryable=False)

    async with a_hall(vad=Failing()) as hall:
        await asked(hall, quiet(640), speech(160))
        hall.ears.close("CLOSED")
        await trio.sleep(0.25)
        assert len(hall.of(Released)) == 1


async def test_an_answer_that_comes_while_another_is_held_is_held_too() -> None:
    """The first is interrupted by what was typed; whoever speaks goes on, and the next one waits as well."""
    async with a_hall() as hall:
        first = await asked(hall, quiet(640), speech(64))
        hall.session.ask("t1", "And where?", hall.listener)
        await hall.say(speech(160))
        assert hall.of(Ended, first) == [Ended(True, "USER_NEW_INPUT")]
        assert len(hall.of(Held, first)) == len(hall.of(Held, "t1")) == 1


async def test_an_answer_that_begins_while_somebody_speaks_is_held_at_once() -> None:
    """They were heard before it came."""
    async with a_hall(stt=MoodyEars(["late", "early"])) as hall:
        await hall.say(speech(320, "Hello."), quiet(800), speech(1600))
        assert hall.at(Held) == [pytest.approx(hall.at(Endpoint)[0], abs=0.0325)]


async def test_words_that_come_while_nothing_may_be_interrupted_interrupt_nothing() -> None:
    """Whoever says them has spoken since before the answer began."""
    rules = EarRules(barge_in=BargeIn(min_answer_ms=2000))
    async with a_hall(rules=rules, stt=MoodyEars(["late", "early"])) as hall:
        await hall.say(speech(320, "Hello."), quiet(800), speech(960), speech(320, "Stop."), quiet(640))
        assert hall.of(Committed) == []
        await hall.say(quiet(4000))
        assert [each.user for each in hall.session.dialogue] == ["Hello.", "Stop."]


async def test_a_hold_that_has_lasted_is_not_begun_again_by_the_same_speech() -> None:
    """Its limit is over before anything was decided."""
    async with a_hall(limits=Limits(hold_s=0.5)) as hall:
        await asked(hall, quiet(640), speech(1000), quiet(2500))
        assert [each.reason for each in hall.of(Released)] == ["timeout"]
        assert len(hall.of(Held)) == 1


async def test_a_microphone_that_closes_lets_go_of_what_a_sound_has_held() -> None:
    """Though it was no utterance yet."""
    async with a_hall() as hall:
        await asked(hall, quiet(640), speech(64))
        hall.ears.close("CLOSED")
        hall.ears.close("CLOSED")
        await trio.sleep(0.0625)
        assert [each.reason for each in hall.of(Released)] == ["silence"]


async def test_what_is_heard_by_nobody_holds_nothing() -> None:
    """A recogniser that says of itself what can't be fails the utterance, and the answer goes on."""
    stt = CodedEars()
    async with a_hall(stt=stt) as hall:
        first = await asked(hall, quiet(640))
        stt.seats = -1  # type: ignore[attr-defined]  # what a stage may say of itself
        await hall.say(speech(320, "Stop."), quiet(640))
        assert [each.failure is not None for each in hall.of(Ended)] == [True]
        assert [each.reason for each in hall.of(Released)] == ["silence"]
        assert len(hall.of(Endpoint)) == 1
        await hall.say(quiet(4000))
        assert hall.of(Ended, first) == [Ended(False)]


async def test_a_yes_over_the_end_of_an_answer_is_meant() -> None:
    """Over its middle it says "go on"."""
    async with a_hall() as hall:
        first = await asked(hall, quiet(1000), speech(320, "Yes."), quiet(640))
        assert [each.reason for each in hall.of(Released)] == ["backchannel"]
        await hall.say(quiet(1850), speech(320, "Yes."), quiet(640))
        assert [each.interrupted for each in hall.of(Committed)] == [(first,)]


async def test_what_waits_waits_for_whoever_speaks() -> None:
    """Though the answer may be interrupted by now: the words are one thought."""
    model = ScriptedModel(*GUARDED[:1], "And now to the matter, at length and in every detail that there is.")
    async with a_hall(model=model) as hall:
        await asked(hall, speech(320, "Stop."), quiet(2200), speech(1600, "Mm-hmm."), quiet(2000))
        assert hall.of(Endpoint)[1].outcome == "protected"
        assert "Stop." in [each.user for each in hall.session.dialogue][-1]


async def test_late_words_let_nothing_go_on_that_somebody_else_has_stopped() -> None:
    """A sound that was none is told of late: the answer stays held for the one who speaks by then."""
    model = ScriptedModel("A long answer, of many words, that goes on and on for a while, and then for a while more.")
    async with a_hall(model=model, stt=MoodyEars(["early", "slow", "early"])) as hall:
        await asked(hall, quiet(640), speech(160, "Mm-hmm."), quiet(1200), speech(960), quiet(640))
        assert [each.outcome for each in hall.of(Endpoint)][1:] == ["backchannel"]
        assert [each.reason for each in hall.of(Released)] == ["backchannel", "noise"]
        assert len(hall.of(Held)) == 2


async def test_what_ends_while_it_is_told_is_not_asked() -> None:
    """To tell of the end drops a listener that does not read, and with the last one all that there is."""
    model = ScriptedModel("A long answer.")
    async with a_hall(stt=CodedEars(late_s=0.5), model=model) as hall:
        await hall.say(speech(320, "One."), quiet(800))

        def drop() -> None:
            hall.session.interrupt(None, InterruptOrder("DISCONNECT"))

        slow = Listener(drop)
        hall.session.attach(slow)
        for _ in range(MOST_UNREAD - 1):  # and the words
            slow.post("waits")
        await trio.sleep(1)
        assert hall.of(Ended) == [Ended(True, "DISCONNECT")]
        assert model.calls == []
        assert len(hall.session.dialogue) == 0
