"""What a synthesizer is given of what a model writes. Speech lasts a sixteenth of a second per character."""

from __future__ import annotations

import pytest
import trio

from tests.talk import SPOKEN, talk_with
from voxint.core.agent import Agent, Limits
from voxint.testing.stages import FOREVER, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time


async def test_markdown_is_shown_and_not_spoken() -> None:
    """The synthesizer gets words, the client and history what was written; heard counts by what is spoken."""
    written = "It is **very** [good](https://a.example/long/address/of/a/page) and so on. "
    voice = ScriptedVoice()
    async with talk_with(Agent(llm=ScriptedModel(written, FOREVER), tts=voice), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1 + 0.0625)
        talk.interrupt("r1")
        await trio.sleep(1)
    assert voice.calls[0].given == ["It is very good and so on. "]
    heard = "It is **very** [good](https://a.example/long/address/of/a/page)"
    assert talk.history == [("Hello?", heard, "interrupted")]


async def test_what_nobody_can_hear_is_not_given_to_the_synthesizer() -> None:
    """A reply of pictures has no speech, and is remembered whole once the rest was heard."""
    voice = ScriptedVoice()
    async with talk_with(Agent(llm=ScriptedModel("Good to see you! ", "\U0001f60a"), tts=voice), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(5)
    assert voice.calls[0].given == ["Good to see you! "]
    assert talk.history == [("Hello?", "Good to see you! \U0001f60a", "complete")]


async def test_a_sentence_is_spoken_when_the_model_pauses() -> None:
    """A quarter of a second after its mark, and not when the model goes on, seconds later."""
    voice = ScriptedVoice()
    async with talk_with(Agent(llm=ScriptedModel("See the index.", 8.0, " Well."), tts=voice), SPOKEN) as talk:
        began = trio.current_time()
        talk.ask("r1")
        await trio.sleep(100)
        spoken_at = next(at - began for at, frame in talk.frames if getattr(frame, "voice", None))
    assert voice.calls[0].given == ["See the index.", " Well."]
    assert spoken_at == 0.25


async def test_a_sentence_that_a_pause_ended_is_not_lost_when_the_model_ends() -> None:
    """It waits for room behind the others, and is sent all the same."""
    script = ("Hello there you. ", "The second is a long one, of thirty letters. ", "The third.", 1.0)
    voice = ScriptedVoice(every=0.5)
    agent = Agent(llm=ScriptedModel(*script), tts=voice, limits=Limits(segments_ahead=1))
    async with talk_with(agent, SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(60)
    assert "".join(voice.calls[0].given) == "".join(part for part in script if isinstance(part, str))
