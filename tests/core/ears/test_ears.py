"""A microphone that is always open, with a detector and a recogniser whose verdict stands in the sound."""

from __future__ import annotations

import pytest
import trio

from tests.core.ears.coded import CodedEars, quiet, speech
from tests.core.ears.hall import Hall, a_hall
from voxint.core.ears.barge_in import BargeIn
from voxint.core.ears.endpointing import Endpointing
from voxint.core.ears.rules import EarRules
from voxint.core.events import Committed, Ended, Endpoint, Held, Onset, Released, Text, Understood, Voice
from voxint.core.interrupt import InterruptOrder
from voxint.core.stages import Delta
from voxint.testing.stages import ScriptedModel

pytestmark = pytest.mark.virtual_time

QUESTION = (quiet(800), speech(640, "What", "time", "is", "it?"), quiet(640))


async def asked(hall: Hall, *after: bytes) -> str:
    """Ask a question by voice, wait for the first sound of the answer, and return its id; then say more."""
    await hall.say(*QUESTION)
    with trio.fail_after(5):
        while not hall.of(Voice):
            await hall.say(quiet(32))
    request_id = hall.heard[-1].request_id
    await hall.say(*after)
    return request_id


async def whole_answer() -> bytes:
    """Return the speech of an answer over which nobody speaks."""
    async with a_hall() as hall:
        request_id = await asked(hall, quiet(8000))
        assert hall.of(Ended, request_id) == [Ended(False)]
        return hall.voice(request_id)


async def test_a_turn_is_heard_from_its_onset_to_its_end() -> None:
    """The client says nothing but sound: the onset, the words, the endpoint and the answer bear one id."""
    ears = CodedEars()
    async with a_hall(stt=ears) as hall:
        request_id = await asked(hall, quiet(8000))
        assert {each.request_id for each in hall.heard} == {request_id}
        onset, endpoint = hall.of(Onset)[0], hall.of(Endpoint)[0]
        assert onset.at_ms == 800
        assert endpoint.outcome == "request"
        assert endpoint.text == "What time is it?"
        assert endpoint.at_ms == 1440
        assert [each.text for each in hall.of(Understood)][-1] == "What time is it?"
        assert "".join(each.text for each in hall.of(Text)).startswith("A long answer")
        assert hall.of(Ended) == [Ended(False)]
        kinds = [type(each.event) for each in hall.heard]
        assert kinds.index(Onset) < kinds.index(Understood) < kinds.index(Endpoint) < kinds.index(Text)
        assert hall.session.dialogue.exchanges[-1].user == "What time is it?"
    assert ears.given[0].startswith(bytes(2 * 16 * 400))  # what was before the first loud window
    assert len(ears.given) == 1


async def test_speech_over_an_answer_holds_it_and_words_commit() -> None:
    """The answer falls silent two windows after the onset; the words end it, and the next turn is answered."""
    async with a_hall() as hall:
        first = await asked(hall, quiet(640))
        began = trio.current_time()
        await hall.say(speech(640, "Stop", "it,", "please."), quiet(640))
        held = hall.at(Held)
        assert held == [pytest.approx(began + 0.064)]
        committed = hall.of(Committed)
        assert [each.interrupted for each in committed] == [(first,)]
        assert hall.of(Ended, first) == [Ended(True, "USER_VOICE_INPUT")]
        assert hall.of(Released) == []
        await hall.say(quiet(640))
        second = hall.heard[-1].request_id
        assert second != first
        assert hall.of(Endpoint, second)[0].outcome == "request"
        assert hall.voice(second)
        assert hall.session.dialogue.exchanges[-2].ending == "interrupted"
        receipt = hall.session.registry.find(first)
        assert receipt is not None
        assert receipt.reason == "USER_VOICE_INPUT"


@pytest.mark.parametrize(
    ("sound", "reason", "outcome"),
    [
        (speech(64), "silence", None),
        (speech(320), "noise", "noise"),
        (speech(320, "Mm-hmm."), "backchannel", "backchannel"),
        (speech(320, "嗯。"), "backchannel", "backchannel"),
    ],
)
async def test_what_is_not_meant_lets_the_answer_go_on(sound: bytes, reason: str, outcome: str | None) -> None:
    """From the very next sample: what was sent in all is what would have been sent, and the model is asked once."""
    whole = await whole_answer()
    async with a_hall() as hall:
        first = await asked(hall, quiet(640), sound, quiet(10_000))
        assert len(hall.at(Held)) == len(hall.at(Released)) == 1
        assert hall.of(Released)[0].reason == reason
        assert hall.at(Released)[0] - hall.at(Held)[0] < 0.7
        assert [each.outcome for each in hall.of(Endpoint)[1:]] == ([] if outcome is None else [outcome])
        assert hall.of(Committed) == []
        assert hall.of(Ended) == [Ended(False)]
        assert hall.voice(first) == whole
        assert len(hall.session.dialogue) == 1


async def test_a_click_holds_nothing() -> None:
    """One window is none."""
    async with a_hall() as hall:
        await asked(hall, quiet(640), speech(32), quiet(2000))
        assert hall.of(Held) == []


async def test_speech_so_long_interrupts_whatever_it_is() -> None:
    """A recogniser that tells nothing before the end does not keep a person waiting; what was no word is told."""
    async with a_hall(stt=CodedEars(early=False), rules=EarRules(recovery="Sorry, I did not catch that.")) as hall:
        first = await asked(hall, quiet(640), speech(1600), quiet(1500))
        assert [each.interrupted for each in hall.of(Committed)] == [(first,)]
        last = hall.of(Endpoint)[-1]
        assert (last.outcome, last.recovered, last.text) == ("noise", first, "")
        await hall.say(quiet(3000))
        assert hall.of(Text)[-1].text == "Sorry, I did not catch that."
        assert hall.voice(hall.heard[-1].request_id)


async def test_words_that_come_late_still_interrupt() -> None:
    """The answer went on meanwhile, and is cut then."""
    async with a_hall(stt=CodedEars(early=False, late_s=0.25)) as hall:
        first = await asked(hall, quiet(640), speech(320, "Stop."), quiet(2000))
        assert [each.reason for each in hall.of(Released)] == ["noise"]
        assert hall.of(Ended, first) == [Ended(True, "USER_VOICE_INPUT")]
        assert hall.of(Endpoint)[-1].outcome == "request"


async def test_what_is_protected_is_heard_out() -> None:
    """A sentence that may not be interrupted is not even held; what was said waits for its end, and is asked then."""
    model = ScriptedModel(
        Delta("This call is recorded. ", protected=True), "And now to what you have asked about, at length."
    )
    async with a_hall(model=model) as hall:
        first = await asked(hall, quiet(160), speech(320, "No."), quiet(512))
        assert hall.of(Held) == []
        assert hall.of(Endpoint)[-1].outcome == "protected"
        assert hall.of(Ended, first) == []
        await hall.say(quiet(2000))
        [ended] = hall.of(Ended, first)
        assert ended.interrupted
        settled = hall.session.dialogue.exchanges[0]
        assert settled.reply.startswith("This call is recorded.")
        assert hall.session.dialogue.exchanges[-1].user == "No."
        assert len(hall.of(Endpoint)) == 2


async def test_an_answer_that_has_just_begun_may_be_kept() -> None:
    """For as long as is wanted."""
    rules = EarRules(barge_in=BargeIn(min_answer_ms=2000))
    async with a_hall(rules=rules) as hall:
        first = await asked(hall, quiet(160), speech(320, "No."), quiet(800))
        assert hall.of(Held) == []
        await hall.say(quiet(2000))
        assert hall.of(Ended, first) == [Ended(True, "USER_VOICE_INPUT")]


async def test_a_half_sentence_is_waited_for() -> None:
    """A whole one ends sooner."""
    rules = Endpointing()
    async with a_hall() as hall:
        await hall.say(quiet(800), speech(640, "I", "would", "like", "to"), quiet(rules.open_ms + 64))
        assert hall.of(Endpoint) == []
        await hall.say(speech(320, "leave."), quiet(rules.complete_ms + 64))
        assert [each.text for each in hall.of(Endpoint)] == ["I would like to leave."]


async def test_the_model_is_asked_before_its_time_where_that_is_wanted() -> None:
    """What comes of it is withheld until the end is certain; the request and its answer are the same then."""
    model = ScriptedModel(0.125, "It is noon, and the sun stands high above the town.")
    async with a_hall(model=model, rules=EarRules(speculate=True)) as hall:
        await hall.say(quiet(800), speech(640, "What", "time", "is", "it?"), quiet(288))
        assert len(model.calls) == 1
        assert not hall.of(Text)
        assert not hall.of(Voice)
        await hall.say(quiet(1000))
        assert len(model.calls) == 1
        assert hall.of(Text)
        assert hall.of(Endpoint)[0].outcome == "request"
        assert len(hall.session.dialogue) == 1


async def test_what_was_asked_too_early_is_cancelled_and_told() -> None:
    """Its account says that it was speculative; nothing of it is ever heard, and all the words are asked then."""
    model = ScriptedModel(0.0625, "Hm. ", 0.25, "Well, ", 0.25, "let me see, and so on.")
    async with a_hall(model=model, rules=EarRules(speculate=True)) as hall:
        await hall.say(quiet(800), speech(640, "What", "time", "is", "it?"), quiet(320))
        await hall.say(speech(320, "In", "Rome?"), quiet(2000))
        assert len(model.calls) >= 2
        [endpoint] = hall.of(Endpoint)
        assert endpoint.text == "What time is it? In Rome?"
        assert [each.speculative for each in endpoint.speculative] == [True]
        assert endpoint.speculative[0].reason == "SPEECH_WENT_ON"
        assert "".join(each.text for each in hall.of(Text)).startswith("Hm. Well,")
        assert hall.of(Ended) == []
        assert len(hall.session.dialogue) == 1


async def test_an_utterance_can_be_interrupted_while_it_is_heard() -> None:
    """Like any request; what it had held goes on, and the rest of the speech is nobody's."""
    async with a_hall() as hall:
        first = await asked(hall, quiet(640), speech(160))
        request_id = hall.heard[-1].request_id if isinstance(hall.heard[-1].event, Onset) else hall.heard[-2].request_id
        hall.session.interrupt(request_id, InterruptOrder("USER_STOP"))
        await hall.say(speech(640, "Stop", "it"), quiet(1000))
        assert hall.of(Ended, request_id) == [Ended(True, "USER_STOP")]
        assert hall.of(Released)
        assert hall.of(Ended, first) == []


async def test_a_microphone_that_stops_ends_what_is_said() -> None:
    """Nothing more comes from it: after a second the utterance is over."""
    async with a_hall() as hall:
        await hall.say(quiet(800), speech(640, "What", "time", "is", "it?"))
        await trio.sleep(1.25)
        assert [each.text for each in hall.of(Endpoint)] == ["What time is it?"]


async def test_a_microphone_that_closes_interrupts_what_is_said() -> None:
    """And what it had held goes on."""
    async with a_hall() as hall:
        await asked(hall, quiet(640), speech(320))
        assert hall.of(Held)
        hall.ears.close("DISCONNECT")
        await trio.sleep(0.25)
        assert hall.of(Released)
        assert Ended(True, "DISCONNECT") in hall.of(Ended)


async def test_speech_that_goes_on_before_the_last_words_are_known_is_heard() -> None:
    """The next utterance is not interrupted by what is asked for the one before; it interrupts that in its turn."""
    async with a_hall(stt=CodedEars(late_s=0.5)) as hall:
        await hall.say(quiet(800), speech(640, "What", "time", "is", "it?"), quiet(416))
        await hall.say(speech(960, "I", "mean", "in", "Rome."), quiet(1500))
        assert [each.text for each in hall.of(Endpoint)] == ["What time is it?", "I mean in Rome."]
        assert [each.outcome for each in hall.of(Endpoint)] == ["request", "request"]
        assert [each.user for each in hall.session.dialogue] == ["What time is it?", "I mean in Rome."]
        assert hall.of(Ended) == [Ended(True, "USER_VOICE_INPUT")]
