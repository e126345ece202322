"""Conversations by a key, with the real server and scripted stages, by a sound card of the test's own."""

from __future__ import annotations

import signal

import trio

from tests.cli.sound_card.fake_card import FakeCard
from tests.cli.talking.rig import HEARD, TONE, Notebook, Rig, conversing, recording, rigged
from tests.client.rig import Peer, scripted
from voxint.cli.sound_card.loudspeaker import open_loudspeaker
from voxint.cli.sound_card.microphone import open_microphone
from voxint.cli.sound_card.portaudio import find_device
from voxint.cli.talking.push_to_talk import PushToTalk
from voxint.client import connect
from voxint.core.agent import Agent
from voxint.core.stages import Transcript
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_client
from voxint.testing.stages import FOREVER, HEAR, REPEAT, ScriptedEars, ScriptedModel, ScriptedVoice

LONG = "A long answer that goes on and on, for as long as nobody says a word. " * 3


async def talk(rig: Rig, voice: bytes = TONE) -> None:
    """Say something, between two presses of the key."""
    await rig.notebook.until(lambda: rig.notebook.states)
    rig.card.said += voice
    rig.conversation.press(" ")
    await rig.state("hearing")
    await rig.notebook.until(lambda: not rig.card.said)
    rig.conversation.press(" ")
    await rig.state("thinking")


async def test_a_person_is_heard_answered_and_heard_again() -> None:
    """The key over an answer interrupts it and begins to talk, and the receipt tells what was played."""
    ears = ScriptedEars(Transcript("he was not", is_final=False), HEAR, 0.25, "he was not an ill disposed young man")
    model = ScriptedModel.turns(ScriptedModel(LONG), ScriptedModel("Yes."))
    async with rigged(Agent(llm=model, stt=ears, tts=ScriptedVoice())) as rig:
        voice = recording("0880")
        await talk(rig, voice)
        await rig.notebook.line("you: he was not an ill disposed young man")
        assert rig.notebook.transcripts == ["he was not"]
        assert voice[16_000:64_000] in b"".join(ears.calls[0].given)
        await rig.played(1_000)
        await talk(rig)
        line = await rig.notebook.line(" heard (client)")
        assert line.startswith("note:   speech  ")
        assert float(line.split(" sent, ")[1].split(" s heard")[0]) >= 1.0
        assert any("interrupted (USER_NEW_INPUT): stopped in " in line for line in rig.notebook.lines)
        assert rig.notebook.lines.count(f"voxint: {LONG}") == 1
        await rig.notebook.line("voxint: Yes.")
        await rig.notebook.until(lambda: rig.notebook.states[-1] == "listening")
        assert rig.notebook.states == ["listening", *(["hearing", "thinking", "speaking"] * 2), "listening"]


async def test_an_answer_is_interrupted_as_often_as_somebody_talks() -> None:
    """Each receipt is of this client's own account; quitting ends it."""
    agent = Agent(llm=ScriptedModel(LONG), stt=ScriptedEars.hears("tell me"), tts=ScriptedVoice())
    async with rigged(agent) as rig:
        for _ in range(3):
            await talk(rig)
            await rig.state("speaking")
            await rig.played(200)
        rig.conversation.press(" ")
        await rig.notebook.until(lambda: sum("heard (client)" in line for line in rig.notebook.lines) == 3)
        assert sum("interrupted (USER_NEW_INPUT)" in line for line in rig.notebook.lines) == 3
        rig.conversation.press("q")
        await rig.conversation.ended.wait()
        assert rig.conversation.code == 0


async def test_ctrl_c_interrupts_and_quits_where_nothing_is_spoken() -> None:
    """The receipt of an answer that was only thought about is shown too."""
    model = ScriptedModel("word ", FOREVER)
    agent = Agent(llm=model, stt=ScriptedEars.hears("tell me"), tts=ScriptedVoice())
    async with rigged(agent) as rig:
        await talk(rig)
        await rig.notebook.until(lambda: rig.conversation.view.answer)
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
    async with rigged(agent) as rig:
        for _ in range(2):
            before = len(rig.notebook.lines)
            await talk(rig)
            await rig.notebook.until(lambda: any("UPSTREAM_ERROR" in line for line in rig.notebook.lines[before:]))  # noqa: B023 - it is waited for in this pass
            await rig.state("listening")
        assert not any("persimmon" in line for line in rig.notebook.lines)


async def test_a_signal_that_ends_programs_ends_it() -> None:
    """With the code that shells know; the terminal is put back on the way."""
    agent = Agent(llm=ScriptedModel("word ", REPEAT), stt=ScriptedEars.hears("tell me"), tts=ScriptedVoice())
    async with rigged(agent) as rig:
        rig.conversation.obey(signal.SIGTERM)
        with trio.fail_after(10):
            await rig.conversation.ended.wait()
        assert rig.conversation.code == 143


async def test_the_interrupt_with_what_was_heard_goes_in_front_of_the_next_question() -> None:
    """Behind it, the server would have interrupted by the question, and have guessed what was heard.

    An utterance is on its way while it is still spoken.
    """
    seen: list[m.ClientMessage] = []
    done = trio.Event()
    card = FakeCard()

    async def script(peer: Peer) -> None:
        start = await peer.read(m.RequestMessage)
        while len(peer.audio) < 16_000:
            frame = await peer.ws.get_message()
            assert isinstance(frame, bytes)
            peer.audio += frame
        assert card.said  # it is still spoken
        conversation.press(" ")
        end = await peer.read(m.RequestMessage)
        assert (start.stream_flag, start.stream_seq, end.stream_seq) == (True, 0, -1)
        voice = m.Response(request_id=start.request_id, text_stream_seq=0, voice_stream_seq=0, text="Yes", voice=TONE)
        await peer.say(voice)
        while not isinstance(seen[-1] if seen else None, m.Played):
            seen.append(await peer.read(m.Played))
        conversation.press(" ")
        while not isinstance(seen[-1], m.Interrupt):
            seen.append(decode_client(await peer.ws.get_message()).message)
        interrupt = seen[-1]
        assert isinstance(interrupt, m.Interrupt)
        assert (interrupt.interrupt_request_id, interrupt.reason) == (start.request_id, "USER_NEW_INPUT")
        assert interrupt.played_ms is not None
        assert 0 <= interrupt.played_ms < 1_000
        question = await peer.read(m.RequestMessage)
        assert (question.stream_flag, question.stream_seq) == (True, 0)
        await peer.acknowledge(interrupt)
        done.set()

    async with (
        scripted(script) as url,
        connect(url, require_tts=True) as client,
        open_loudspeaker(card, find_device(card, "output"), HEARD) as speaker,
        open_microphone(card, find_device(card, "input"), HEARD) as microphone,
    ):
        conversation = PushToTalk(client, microphone, speaker, Notebook(), "push to talk")
        async with conversing(conversation, card, speaker):
            card.said += TONE
            conversation.press(" ")
            await done.wait()
