"""Promise 7: history holds what was heard. Speech lasts a sixteenth of a second per character."""

from __future__ import annotations

import pytest
import trio

from tests.talk import SPOKEN, Talk, talk_with
from voxint.core.agent import Agent
from voxint.core.stages import Turn
from voxint.errors import UpstreamError
from voxint.protocol import messages as m
from voxint.testing.stages import FOREVER, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

SENTENCE = "It is half past nine."
"""21 characters, 1.3125 s: `It is half past` ends at 15, 0.9375 s."""


def spoken_agent(*script: str | float | Exception) -> Agent:
    """Return an agent that speaks what its script says."""
    return Agent(llm=ScriptedModel(*script), tts=ScriptedVoice())


async def settle(talk: Talk) -> None:
    """Let everything end, and the player play its last."""
    await trio.sleep(5)


async def test_promise_7_a_reply_is_cut_to_what_was_heard() -> None:
    """One second of speech is 16 letters: the word that is being said does not count."""
    async with talk_with(spoken_agent(SENTENCE, " So?", FOREVER), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.interrupt("r1")
        await settle(talk)
    assert talk.history == [("Hello?", "It is half past", "interrupted")]
    receipt = talk.acks[0].receipts["r1"]
    assert (receipt.text.heard, receipt.audio.heard_ms, receipt.audio.source) == ("It is half past", 1000, "estimated")


async def test_promise_7_what_plays_after_the_interrupt_was_not_heard() -> None:
    """The clean-up lasts from 14 letters to 16, and the lead plays on for a clock; the listener has stopped it."""
    agent = Agent(llm=ScriptedModel(SENTENCE, " So?", FOREVER, lingers=0.125), tts=ScriptedVoice())
    async with talk_with(agent, SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(0.875)
        talk.interrupt("r1")
        await settle(talk)
    assert talk.history == [("Hello?", "It is half", "interrupted")]
    assert talk.acks[0].receipts["r1"].audio.heard_ms == 875


async def test_promise_7_the_client_knows_better() -> None:
    """An INTERRUPT that says what was played is cut exactly there."""
    async with talk_with(spoken_agent(SENTENCE, " So?", FOREVER), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.interrupt("r1", played_ms=500)
        await settle(talk)
    assert talk.history == [("Hello?", "It is", "interrupted")]
    assert talk.acks[0].receipts["r1"].audio.source == "client"


async def test_promise_7_reports_correct_the_clock() -> None:
    """PLAYED says 0.5 s at 1 s; a quarter of a second later 0.75 s were heard, 12 letters."""
    async with talk_with(spoken_agent(SENTENCE, " So?", FOREVER), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.say(m.Played(request_id="r1", played_ms=500))
        await trio.sleep(0.25)
        talk.interrupt("r1")
        await settle(talk)
    assert talk.history == [("Hello?", "It is half", "interrupted")]


async def test_promise_7_a_finished_reply_is_still_cut() -> None:
    """The last frame leaves a lead before it is heard: `already_finished`, with a receipt, and history is cut."""
    async with talk_with(spoken_agent(SENTENCE), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1.125)
        assert talk.ended_at("r1") is not None
        assert talk.history == [("Hello?", SENTENCE, "complete")]
        talk.interrupt("r1")
        talk.interrupt("r1", played_ms=1)
        await settle(talk)
    assert talk.history == [("Hello?", "It is half past", "interrupted")]
    first, second = talk.acks
    assert (first.status, first.interrupted_request_ids) == ("FAILED", ())
    assert first.outcomes == {"r1": "already_finished"}
    assert first.receipts["r1"].stages == {"stt": "idle", "llm": "finished", "tts": "finished", "tools": "idle"}
    assert first.receipts["r1"].text.heard == "It is half past"
    assert second.receipts == first.receipts


async def test_promise_7_all_means_the_one_that_plays_too() -> None:
    """An INTERRUPT of everything cuts the reply that is still being played."""
    async with talk_with(spoken_agent(SENTENCE), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1.125)
        talk.interrupt()
        await settle(talk)
    assert talk.acks[0].outcomes == {"r1": "already_finished"}
    assert talk.history == [("Hello?", "It is half past", "interrupted")]


async def test_promise_7_what_was_heard_to_its_end_stays() -> None:
    """An INTERRUPT after the last sample was played changes nothing."""
    async with talk_with(spoken_agent(SENTENCE), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1.5)
        talk.interrupt("r1")
        talk.interrupt()
        await settle(talk)
    assert talk.acks[0].receipts == {}
    assert talk.history == [("Hello?", SENTENCE, "complete")]


async def test_promise_7_a_player_that_lags_is_believed() -> None:
    """By the clock all was played at 1.3125 s; a client that says at 1.5 s that it has played 0.5 s knows better."""
    async with talk_with(spoken_agent(SENTENCE), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1.5)
        talk.interrupt("r1", played_ms=500)
        await settle(talk)
    assert talk.history == [("Hello?", "It is", "interrupted")]


async def test_promise_7_a_position_without_an_id_says_nothing_of_old_replies() -> None:
    """`played_ms` of an INTERRUPT of everything belongs to what is live or playing."""
    async with talk_with(spoken_agent(SENTENCE), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(5)
        talk.ask("r2")
        await trio.sleep(0.75)
        talk.interrupt(None, played_ms=500)
        await settle(talk)
    assert talk.history == [("Hello?", SENTENCE, "complete"), ("Hello?", "It is", "interrupted")]


async def test_promise_7_the_next_turn_sees_exactly_that() -> None:
    """A new REQUEST cuts the reply that plays, and the model reads what was heard and that it was interrupted."""
    model = ScriptedModel(SENTENCE)
    async with talk_with(Agent(llm=model, tts=ScriptedVoice()), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1.125)
        talk.ask("r2", "Stop! What?")
        await settle(talk)
    [turn] = model.calls[1].given
    assert isinstance(turn, Turn)
    assert [(message.role, message.content) for message in turn.messages] == [
        ("user", "Hello?"),
        ("assistant", "It is half past [interrupted by the user]"),
        ("user", "Stop! What?"),
    ]


async def test_promise_7_without_speech_what_was_shown_was_heard() -> None:
    """The text that was written to the socket counts."""
    async with talk_with(Agent(llm=ScriptedModel("Well, ", "so ", FOREVER))) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.interrupt()
        await settle(talk)
    assert talk.history == [("Hello?", "Well, so ", "interrupted")]


async def test_promise_7_a_mute_agent_is_read() -> None:
    """Where a client asks for speech of an agent that has no voice, what was shown was heard."""
    async with talk_with(Agent(llm=ScriptedModel("Well, ", FOREVER)), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.interrupt()
        await settle(talk)
    assert talk.history == [("Hello?", "Well, ", "interrupted")]


async def test_promise_7_the_words_of_an_upload_are_kept() -> None:
    """What was understood stands in history, also when the reply never began."""
    agent = Agent(llm=ScriptedModel(FOREVER), stt=ScriptedEars.hears("what time is it?"))
    async with talk_with(agent) as talk:
        talk.begin("r1")
        talk.speak(0.5)
        talk.end("r1")
        await trio.sleep(1)
        talk.interrupt()
        await settle(talk)
    assert talk.history == [("what time is it?", "", "interrupted")]


async def test_a_failed_reply_keeps_what_was_shown() -> None:
    """With a mark that an error cut it off."""
    async with talk_with(Agent(llm=ScriptedModel("Well, ", 1.0, UpstreamError("gone")))) as talk:
        talk.ask("r1")
        await settle(talk)
    assert talk.history == [("Hello?", "Well, ", "failed")]
    assert talk.errors[0].request_id == "r1"
