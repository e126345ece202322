from __future__ import annotations

import pytest
import trio

from tests.talk import SPOKEN, Talk, talk_with
from voxint.core import pacing
from voxint.core.agent import Agent, Limits
from voxint.core.audio import AudioFormat
from voxint.core.settings import SettingsChange
from voxint.core.stages import Speech
from voxint.protocol import messages as m
from voxint.testing.stages import FOREVER, SPEAK, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

EIGHTHS = Limits(frame_ms=125, lead_ms=500)
SECOND = "Sixteen letters."
FORMAT = AudioFormat(16_000)
EIGHTH = bytes(4000)


class LongVoice:
    """Says half a minute at once."""

    audio_format = FORMAT

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Write it for the first piece."""
        async for piece in text:
            await out.send(Speech(bytes(30 * 32_000), piece))
            return


def schedule(talk: Talk) -> list[tuple[float, float]]:
    """Return when each voice frame of r1 was sent, and how many seconds it lasts."""
    voice = [(at, frame.voice) for at, frame in talk.frames if isinstance(frame, m.Response)]
    return [(at, len(audio) / 32_000) for at, audio in voice if audio is not None]


async def test_audio_leaves_at_most_the_lead_ahead() -> None:
    """Half a second at once, then a frame whenever one has been played; never a sample more than the lead."""
    async with talk_with(Agent(llm=ScriptedModel(SECOND), tts=ScriptedVoice(), limits=EIGHTHS), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(5)
    assert schedule(talk) == [(at, 0.125) for at in (0, 0, 0, 0, 0.125, 0.25, 0.375, 0.5)]
    assert talk.ended_at("r1") == 0.5


async def test_frames_leave_together_where_the_lead_is_long() -> None:
    """A second at once, then three eighths whenever three have been played: a wake-up costs more than a frame."""
    limits = Limits(frame_ms=125, lead_ms=1000)
    async with talk_with(Agent(llm=ScriptedModel(SECOND * 2), tts=ScriptedVoice(), limits=limits), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(5)
    leaves = [*[0.0] * 8, *[0.375] * 3, *[0.75] * 3]
    assert schedule(talk)[: len(leaves)] == [(at, 0.125) for at in leaves]


async def test_a_lead_smaller_than_a_frame_is_a_frame() -> None:
    """Each leaves when the one before it has been played."""
    limits = Limits(frame_ms=125, lead_ms=50)
    async with talk_with(Agent(llm=ScriptedModel(SECOND), tts=ScriptedVoice(), limits=limits), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(5)
    assert schedule(talk) == [(number / 8, 0.125) for number in range(8)]


async def test_a_synthesizer_slower_than_speech_is_passed_on_at_once() -> None:
    """The listener is dry: every piece leaves as it comes, and the playback clock starts anew."""
    voice = ScriptedVoice(every=0.25, chunk_s=0.0625)
    async with talk_with(Agent(llm=ScriptedModel("Yes?"), tts=voice, limits=EIGHTHS), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(5)
    assert schedule(talk) == [(at, 0.0625) for at in (0.25, 0.5, 0.75, 1.0)]


async def test_a_synthesizer_is_only_so_far_ahead() -> None:
    """The lead and `speech_ahead_ms`; beyond it the synthesizer waits, and its upstream with it."""
    voice = ScriptedVoice()
    limits = Limits(frame_ms=125, lead_ms=500, speech_ahead_ms=1000)
    async with talk_with(Agent(llm=ScriptedModel(SECOND * 8), tts=voice, limits=limits), SPOKEN) as talk:
        talk.ask("r1")
        for _ in range(20):
            await trio.sleep(0.125)
            ahead_s = voice.calls[0].written * 0.125 - trio.current_time()
            assert 0.5 < ahead_s <= 0.5 + 1 + 0.125
        await trio.sleep(0.0625)
        talk.interrupt()
        await trio.sleep(1)
    audio = talk.acks[0].receipts["r1"].audio
    assert audio.generated_ms == voice.calls[0].written * 125
    assert 500 < audio.generated_ms - audio.heard_ms <= 1625
    assert audio.sent_ms - audio.heard_ms == 437.5


async def spoken(*script: float | Speech) -> list[tuple[float, float]]:
    """Return the schedule of a reply whose synthesizer does `script`."""
    agent = Agent(llm=ScriptedModel("Yes?"), tts=ScriptedVoice(*script), limits=EIGHTHS)
    async with talk_with(agent, SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(5)
    return schedule(talk)


async def test_a_frame_waits_to_be_full_while_there_is_something_to_play() -> None:
    """Half a frame stays until 60 ms before the listener runs dry; then it leaves as it is."""
    (first_at, first), (second_at, second) = await spoken(Speech(EIGHTH + EIGHTH[:2000], "Yes?"), 1.0)
    assert (first_at, first, second) == (0, 0.125, 0.0625)
    assert 0.0625 < second_at < 0.09375


async def test_a_frame_that_fills_up_leaves_whole() -> None:
    """More audio in time makes it a whole frame, in the instant in which it is one."""
    frames = await spoken(Speech(EIGHTH + EIGHTH[:2000], "Yes?"), 0.03125, Speech(EIGHTH[:2000]), 1.0)
    assert frames == [(0, 0.125), (0.03125, 0.125)]


async def test_the_rest_leaves_at_the_end() -> None:
    """A last frame needs not be full; a piece that makes no sound makes no frame."""
    frames = await spoken(Speech(EIGHTH + EIGHTH[:32], "Yes?"), Speech(b""))
    assert frames == [(0, 0.125), (0, 0.001)]


async def test_rates_are_brought_together() -> None:
    """A synthesizer of 24 kHz and a listener of 16 kHz: as long as before, in whole samples."""
    async with talk_with(Agent(llm=ScriptedModel(SECOND), tts=ScriptedVoice(rate=24_000)), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(5)
    assert sum(round(32_000 * seconds) for _, seconds in schedule(talk)) == 32_000


class Duplex:
    """A synthesizer that reads in one task and writes in another, one `Speech` a piece."""

    audio_format = FORMAT

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Hand the pieces from one task to the other."""
        give, take = trio.open_memory_channel[str](8)

        async def read() -> None:
            async with give:
                async for piece in text:
                    await give.send(piece)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            async for piece in take:
                await out.send(Speech(bytes(FORMAT.bytes(self.seconds * 1000)), piece))


async def test_a_synthesizer_that_waits_for_text_owes_nothing() -> None:
    """The model thinks for 12 s in the middle: longer than `audio_stall_s`, and not the synthesizer's fault."""
    model = ScriptedModel("The first sentence of it. ", "And ", 12.0, "then the second of them.")
    async with talk_with(Agent(llm=model, tts=Duplex(1.0)), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(60)
    assert talk.errors == []
    assert talk.history[0][2] == "complete"


async def test_a_synthesizer_that_waits_for_room_owes_nothing() -> None:
    """It has read ahead while 30 s of its audio are played."""
    model = ScriptedModel("The first sentence of it. ", "And then the second of them. ", 1.0, "Bye.")
    async with talk_with(Agent(llm=model, tts=Duplex(30.0)), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(105)
    assert talk.errors == []
    assert talk.history[0][2] == "complete"


async def test_a_synthesizer_that_stops_listening_does_not_stop_the_text() -> None:
    """It returns after the first piece; the model's text goes on to its end."""

    class Curt(ScriptedVoice):
        async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
            await out.send(Speech(EIGHTH, await text.receive()))

    model = ScriptedModel(*("One more sentence comes. " for _ in range(100)))
    async with talk_with(Agent(llm=model, tts=Curt()), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(5)
    assert talk.text_of("r1") == "One more sentence comes. " * 100


async def test_a_synthesizer_that_never_ends_is_stopped_by_its_deadline() -> None:
    """After its last audio and the end of the text it has to return."""
    async with talk_with(Agent(llm=ScriptedModel("Yes?"), tts=ScriptedVoice(SPEAK, FOREVER)), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(60)
    assert talk.errors[0].error_msg == "the provider did not deliver more audio in 10 s"


async def test_only_what_the_synthesizer_took_is_on_its_bill() -> None:
    """Pieces that still wait for it cost nothing."""
    model = ScriptedModel(*("One more sentence comes. " for _ in range(20)), FOREVER)
    voice = ScriptedVoice()
    async with talk_with(Agent(llm=model, tts=voice), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.interrupt()
        await trio.sleep(1)
    usage = talk.acks[0].receipts["r1"].usage
    assert usage.tts_characters == sum(map(len, voice.calls[0].given)) < 200
    assert (usage.llm_tokens, usage.source) == (125, "estimated")


async def test_a_client_that_asks_for_no_speech_gets_none() -> None:
    """On the wire a session is one of text alone until the client says otherwise; the library's speaks."""
    async with talk_with(Agent(llm=ScriptedModel("Yes."), tts=ScriptedVoice()), SettingsChange()) as talk:
        talk.ask("r1")
        await trio.sleep(1)
    assert [frame.voice for frame in talk.frames_of("r1")] == [None, None]


async def test_long_speech_is_no_long_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A synthesizer hands over half a minute at once: it is resampled a second at a time."""
    sizes: list[int] = []

    class Noted:
        def feed(self, audio: bytes) -> bytes:
            sizes.append(len(audio))
            return audio

        def flush(self) -> bytes:
            return b""

    monkeypatch.setattr(pacing, "resampler", lambda source, target: Noted())
    async with talk_with(Agent(llm=ScriptedModel("Yes."), tts=LongVoice()), SPOKEN) as talk:
        talk.ask("r1")
        await trio.sleep(60)
        assert talk.ended_at("r1") is not None
    assert max(sizes) == 2 * 16_000
    assert sum(sizes) == 2 * 16_000 * 30
