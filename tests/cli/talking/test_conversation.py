"""Conversations with the real server and scripted stages, by a sound card of the test's own."""

from __future__ import annotations

import signal

import trio

from tests.cli.talking.rig import TONE, LoudDetector, recording, rigged
from tests.needs import needs_silero
from voxint.core.agent import Agent
from voxint.core.stages import Transcript
from voxint.providers.silero import Silero
from voxint.testing.stages import FOREVER, HEAR, REPEAT, ScriptedEars, ScriptedModel, ScriptedVoice

LONG = "A long answer that goes on and on, for as long as nobody says a word. " * 3


@needs_silero
async def test_a_person_is_heard_answered_and_heard_again() -> None:
    """With a human voice and the real detector; speech interrupts the answer, and the receipt tells what was played.

    An utterance is sent while it is spoken, with what was in front of its first window.
    """
    ears = ScriptedEars(Transcript("he was not", is_final=False), HEAR, 0.25, "he was not an ill disposed young man")
    model = ScriptedModel.turns(ScriptedModel(LONG), ScriptedModel("Yes."))
    agent = Agent(llm=model, stt=ears, tts=ScriptedVoice())
    async with Silero() as detector, rigged(agent, detector, guarded=True) as rig:
        voice = recording("0880")
        rig.card.said += voice
        await rig.notebook.line("you: he was not an ill disposed young man")
        assert rig.notebook.transcripts == ["he was not"]
        heard = b"".join(ears.calls[0].given)
        assert voice[16_000:64_000] in heard
        await rig.played(1_000)
        rig.card.said += recording("0930")
        await rig.state("hearing")
        line = await rig.notebook.line(" heard (client)")
        assert line.startswith("note:   speech  ")
        assert float(line.split(" sent, ")[1].split(" s heard")[0]) >= 1.0
        assert any("interrupted (USER_NEW_INPUT): stopped in " in line for line in rig.notebook.lines)
        assert rig.notebook.lines.count(f"voxint: {LONG}") == 1
        await rig.notebook.line("voxint: Yes.")
        await rig.notebook.until(lambda: rig.notebook.states[-1] == "listening")
        assert rig.notebook.states == ["listening", *(["hearing", "thinking", "speaking"] * 2), "listening"]


async def test_an_answer_is_interrupted_as_often_as_somebody_speaks() -> None:
    """Each receipt is of this client's own account."""
    agent = Agent(llm=ScriptedModel(LONG), stt=ScriptedEars.hears("tell me"), tts=ScriptedVoice())
    async with rigged(agent, LoudDetector()) as rig:
        for _ in range(3):
            rig.card.said += TONE
            await rig.state("hearing")
            await rig.state("speaking")
            await rig.played(200)
        rig.card.said += TONE
        await rig.notebook.until(lambda: sum("heard (client)" in line for line in rig.notebook.lines) == 3)
        assert sum("interrupted (USER_NEW_INPUT)" in line for line in rig.notebook.lines) == 3


async def test_keys_begin_end_and_interrupt() -> None:
    """Space begins to talk and ends it; over an answer it interrupts and begins again."""
    agent = Agent(llm=ScriptedModel(LONG), stt=ScriptedEars.hears("tell me"), tts=ScriptedVoice())
    async with rigged(agent, None) as rig:
        rig.card.said += TONE
        rig.conversation.press(" ")
        await rig.state("hearing")
        await rig.notebook.until(lambda: not rig.card.said)
        rig.conversation.press(" ")
        await rig.state("thinking")
        await rig.played(200)
        rig.conversation.press(" ")
        await rig.state("hearing")
        await rig.notebook.line("heard (client)")
        rig.conversation.press("q")
        await rig.conversation.ended.wait()
        assert rig.conversation.code == 0


async def test_ctrl_c_interrupts_and_quits_where_nothing_is_spoken() -> None:
    """The receipt of an answer that was only thought about is shown too."""
    model = ScriptedModel("word ", FOREVER)
    agent = Agent(llm=model, stt=ScriptedEars.hears("tell me"), tts=ScriptedVoice())
    async with rigged(agent, LoudDetector()) as rig:
        rig.card.said += TONE
        await rig.notebook.until(lambda: rig.conversation.view.answer)
        await rig.state("thinking")
        rig.conversation.obey(signal.SIGINT)
        await rig.state("interrupted")
        await rig.notebook.line("interrupted (USER_STOP)")
        await rig.state("listening")
        assert model.running == 0
        rig.conversation.obey(signal.SIGINT)
        await rig.conversation.ended.wait()
        assert rig.conversation.code == 130


async def test_what_fails_is_told_and_the_conversation_goes_on() -> None:
    """A request that failed leaves the person listening to nothing."""
    agent = Agent(llm=ScriptedModel(ValueError("persimmon")), stt=ScriptedEars.hears("tell me"), tts=ScriptedVoice())
    async with rigged(agent, LoudDetector()) as rig:
        for _ in range(2):
            before = len(rig.notebook.lines)
            rig.card.said += TONE
            await rig.state("hearing")
            await rig.notebook.until(lambda: any("UPSTREAM_ERROR" in line for line in rig.notebook.lines[before:]))  # noqa: B023 - it is waited for in this pass
            await rig.state("listening")
        assert not any("persimmon" in line for line in rig.notebook.lines)


async def test_a_signal_that_ends_programs_ends_it() -> None:
    """With the code that shells know; the terminal is put back on the way."""
    agent = Agent(llm=ScriptedModel("word ", REPEAT), stt=ScriptedEars.hears("tell me"), tts=ScriptedVoice())
    async with rigged(agent, LoudDetector()) as rig:
        rig.conversation.obey(signal.SIGTERM)
        with trio.fail_after(10):
            await rig.conversation.ended.wait()
        assert rig.conversation.code == 143
