"""The kokoro provider with the real model: what it says of whatever text, and how it stops."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import structlog
import trio
from attrs import evolve

from tests.needs import needs_kokoro
from tests.providers.spoken import speak
from voxint.core.agent import Agent
from voxint.core.audio import AudioFormat
from voxint.core.conversation import open_conversation
from voxint.core.events import Voice
from voxint.core.settings import Settings
from voxint.core.stages import Speech
from voxint.core.turns import LANE
from voxint.errors import ConfigError, UpstreamError
from voxint.providers.kokoro import MOST_THREADS, Kokoro
from voxint.testing.conformance import TrialBounds, check_text_to_speech
from voxint.testing.stages import ScriptedModel

pytestmark = needs_kokoro

VOICE = "jf_alpha"
"""A voice that comes with the extra `speech`."""

FAST = Settings(output=AudioFormat(24_000))

TEXT = "The weather changes quickly, so take a jacket; the train leaves at 10:30 a.m. and costs $19.99."


@pytest.fixture
async def stage() -> AsyncIterator[Kokoro]:
    """A Kokoro that has been entered, and waits patiently: the machine does other things too."""
    async with Kokoro(voice=VOICE, seats=10, wait_s=60) as entered:
        yield entered


def samples(spoken: list[Speech]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Return all that was spoken."""
    return np.frombuffer(b"".join(speech.audio for speech in spoken), np.int16)


async def test_as_many_threads_as_may_be() -> None:
    """Each takes address space, and there is room for all."""
    assert "kokoro's jf_alpha spoke" in await Kokoro(VOICE, threads=MOST_THREADS, seats=1, wait_s=60).check()


def pitch_hz(audio: np.ndarray[tuple[int], np.dtype[np.int16]]) -> float:
    """Return how high a voice is, as the median of what its loud moments repeat after."""
    found = []
    for at in range(0, len(audio) - 2400, 1200):
        piece = audio[at : at + 2400].astype(np.float64)
        if np.abs(piece).max() > 4_000:
            alike = np.correlate(piece, piece, "full")[2399:]
            found.append(24_000 / (60 + int(alike[60:400].argmax())))
    return float(np.median(found))


async def test_another_voice_is_really_another(stage: Kokoro) -> None:
    """Of one process, in one conversation: a woman's voice, and a man's once that was chosen."""
    assert {voice.name: voice.language for voice in stage.voices}["jm_kumo"] == "en"
    async with open_conversation(Agent(llm=ScriptedModel(TEXT), tts=stage), FAST) as conversation:
        pitches = []
        for voice in ("", "jm_kumo"):
            conversation.settings = evolve(FAST, voice=voice)
            said = [event.audio async for event in conversation.ask("Hi") if isinstance(event, Voice)]
            pitches.append(pitch_hz(np.frombuffer(b"".join(said), np.int16)))
    woman, man = pitches
    assert woman > 1.2 * man > 0, pitches


async def test_a_wrong_file_costs_nobody_elses_voice(tmp_path: Path) -> None:
    """A voice whose file is a wrong one is not offered, and the log names the file; as the agent's own it is fatal."""
    wrong = {"am_santa": bytes(522_240), "am_puck": b"half"}
    for name, content in wrong.items():
        (tmp_path / f"{name}.bin").write_bytes(content)
    with structlog.testing.capture_logs() as lines:
        async with Kokoro(VOICE, seats=1, wait_s=60, assets=tmp_path) as stage:
            assert not wrong.keys() & {voice.name for voice in stage.voices}
            assert await speak(stage, "Hello. ")
            with pytest.raises(UpstreamError) as raised:
                await speak(stage.speaking_as("am_santa"), "Hello. ")
    for name in wrong:
        [line] = [each for each in lines if each["voices"] == [name]]
        assert str(tmp_path / f"{name}.bin") in line["detail"]
    assert "am_santa.bin" in raised.value.operator_detail
    for name in wrong:
        with pytest.raises(ConfigError, match=f"{name}.bin"):
            await Kokoro(name, seats=1, assets=tmp_path).check()


async def test_a_word_that_nobody_knows_and_that_does_not_end(stage: Kokoro) -> None:
    """It is read by a network, letter after letter, which must not take longer than the process may."""
    text = "supercalifragilistic" * 8
    spoken = await speak(stage, text)
    assert "".join(speech.text or "" for speech in spoken) == text
    assert len(samples(spoken)) / 24_000 > 3


async def test_each_word_has_its_sound(stage: Kokoro) -> None:
    """The texts joined are what was given, each begins in order, and longer ones last longer."""
    spoken = await speak(stage, TEXT)
    texts = [speech.text for speech in spoken if speech.text is not None]
    assert "".join(texts) == TEXT
    assert "$19.99" in [text.strip() for text in texts]
    lengths: dict[str, int] = {}
    current = ""
    for speech in spoken:
        current = current if speech.text is None else speech.text.strip()
        lengths[current] = lengths.get(current, 0) + len(speech.audio)
    assert lengths["$19.99"] > 4 * lengths["the"] > 0
    assert 3 < len(samples(spoken)) / 24_000 < 15


async def test_it_begins_and_ends_softly_and_nothing_clicks(stage: Kokoro) -> None:
    """The first and the last sample are nothing, and at no join is there a step that speech itself has not."""
    spoken = await speak(stage, TEXT)
    audio = samples(spoken).astype(np.int64)
    assert abs(audio[0]) < 200
    assert abs(audio[-1]) < 200
    assert np.abs(audio).max() > 2_000
    steps = np.abs(np.diff(audio))
    # Where one window is joined to another, a Speech goes on with the word before.
    ends = np.cumsum([len(speech.audio) // 2 for speech in spoken])
    joins = [end for end, after in zip(ends, spoken[1:], strict=False) if after.text is None]
    assert joins
    assert all(steps[join - 130 : join + 130].max() <= np.quantile(steps, 0.9999) + 1 for join in joins)


async def test_pieces_are_of_one_loudness(stage: Kokoro) -> None:
    """Three pieces of different kind are within 3 dB of one another where they sound."""
    loudness = []
    for piece in (
        "Thank you very much for waiting.",
        "Is it raining?",
        "No, it is a long and sunny afternoon, I think.",
    ):
        audio = samples(await speak(stage, piece)).astype(np.float64) / 32768
        moments = np.mean(audio[: len(audio) // 300 * 300].reshape(-1, 300) ** 2, axis=1)
        loudness.append(10 * np.log10(moments[moments > 1e-4].mean()))
    assert max(loudness) - min(loudness) < 3
    assert all(-23 < each < -17 for each in loudness)


async def test_any_text_is_written_whole(stage: Kokoro) -> None:
    """Whatever a model may write, its text comes back whole, and the process lives on."""
    for piece in (
        "\U0001f600\U0001f600 party \U0001f389!",
        "Bell\x07 and\x00 null.",
        "supercalifragilistic" * 6,
        "... !!! ???",
        "half \ud800 a pair",
        "Привет, мир.",
        "9" * 30,
        "\n\n \t",
        "a'b\"c(d)e[f]{g}<h>/i\\j|k~l`m^n%o&p*q#r@s",
        "Go on.",
    ):
        spoken = await speak(stage, piece)
        assert "".join(speech.text or "" for speech in spoken) == piece
    assert samples(spoken).any()


async def test_an_interruption_stops_the_inference(stage: Kokoro) -> None:
    """At twenty random moments: the process lets go of its job, is not killed for it, and speaks on."""
    assert stage._pool is not None
    async with stage._pool.worker(10) as worker:
        before = worker.process.pid
    chance = random.Random(7)
    for _ in range(20):
        with trio.move_on_after(chance.uniform(0.0, 0.6)):
            await speak(stage, TEXT)
    assert await speak(stage, "Go on.")
    async with stage._pool.worker(10) as worker:
        assert worker.process.pid == before


async def test_a_process_that_dies_costs_one_text(stage: Kokoro) -> None:
    """Killed while it speaks: the rest of that text is written without sound, and another process speaks on."""
    assert stage._pool is not None
    async with stage._pool.worker(10) as worker:
        process = worker.process
    spoken: list[Speech] = []
    async with trio.open_nursery() as nursery:

        async def one() -> None:
            spoken.extend(await speak(stage, TEXT, "Go on."))

        nursery.start_soon(one)
        await trio.sleep(0.1)
        process.kill()
    assert "".join(speech.text or "" for speech in spoken) == TEXT + "Go on."
    assert any(not speech.audio for speech in spoken)
    assert spoken[-1].audio


async def test_ten_callers_are_served_in_turns(stage: Kokoro) -> None:
    """Ten ask at once: each has its first sound before any has all of its speech."""
    began: list[str] = []
    ended: list[str] = []

    async def one(caller: str) -> None:
        LANE.set((caller,))
        text_in, text_out = trio.open_memory_channel[str](1)
        speech_in, speech_out = trio.open_memory_channel[Speech](10_000)
        text_in.send_nowait("Hello there, this takes two windows of speech.")
        text_in.close()
        async with trio.open_nursery() as nursery:

            async def listen() -> None:
                await speech_out.receive()
                began.append(caller)

            nursery.start_soon(listen)
            await stage.synthesize(text_out, speech_in)
        ended.append(caller)

    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(one, str(number))
    assert len(began) == len(ended) == 10
    assert stage._turns._free == 1


async def test_it_keeps_the_contract(stage: Kokoro) -> None:
    """Cancelled at every moment, it stops; its speech and its texts are what a stage's have to be."""
    await check_text_to_speech(stage, ("Hello there. ", "How are you?"), bounds=TrialBounds(stop_s=1.0))
