"""Speech from end to end: a voice is recorded, understood, answered, spoken, interrupted and remembered as heard."""

from __future__ import annotations

import wave
from pathlib import Path

import msgspec
import numpy as np
import soxr
import trio
from attrs import define, field

from tests.end_to_end.callers import Caller, calling, no_descriptor_left, no_request_left, serving
from tests.end_to_end.upstream import CHAT, stopped_by
from tests.providers.spoken import speak
from voxint.core.agent import Agent
from voxint.core.dialogue import Dialogue
from voxint.core.segments import Segmenter
from voxint.core.stages import LanguageModel, ModelOutput, Turn
from voxint.net.http import open_http
from voxint.protocol import messages as m
from voxint.providers.espeak import Espeak
from voxint.providers.openai_chat import OpenAIChat
from voxint.providers.pocketsphinx import PocketSphinx, demo_sentences
from voxint.testing.sim import Sim

RATE = 16_000
FRAME_MS = 20
SCRIPTED = msgspec.json.encode({"content": "scripted", "first_token_s": 0.05, "token_interval_s": 0.02}).decode()


@define(eq=False)
class Remembering:
    """A model that notes what it is asked, and hands it on."""

    model: LanguageModel
    turns: list[Turn] = field(factory=list)

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Note the turn, and answer it."""
        self.turns.append(turn)
        await self.model.generate(turn, out)


async def spoken(stage: Espeak, *pieces: str) -> bytes:
    """Return the pieces as speech, at the stage's own rate."""
    return b"".join(speech.audio for speech in await speak(stage, *pieces))


async def seconds_of(voice: str, *pieces: str) -> float:
    """Return how long a voice speaks the pieces."""
    async with Espeak(voice=voice) as stage:
        return len(await spoken(stage, *pieces)) / stage.audio_format.rate


async def record(path: Path, sentence: str) -> None:
    """Have somebody say a sentence into a WAV file of 16 kHz, with a breath before and after it."""
    async with Espeak(voice="en-us") as stage:
        said = np.frombuffer(await spoken(stage, sentence), dtype="<i2")
    breath = np.zeros(RATE // 4, dtype="<i2")
    sound = np.concatenate([breath, soxr.resample(said, stage.audio_format.rate, RATE).astype("<i2"), breath])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())


async def play_into(caller: Caller, path: Path, request_id: str) -> None:
    """Send a recording as a microphone would: in real time, 20 ms at a time."""
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        pcm = file.readframes(file.getnframes())
    content = m.Content(voice_mode="BINARY", audio_format="pcm")
    start = m.RequestMessage(request_id=request_id, data_type="VOICE", stream_flag=True, content=content)
    caller.checker.sent(start, trio.current_time())
    upload = await caller.client.open_voice(request_id=request_id)
    size = RATE * 2 * FRAME_MS // 1000
    began = trio.current_time()
    for n, at in enumerate(range(0, len(pcm), size)):
        await trio.sleep_until(began + n * FRAME_MS / 1000)
        await upload.send(pcm[at : at + size])
    await upload.end()


async def until_heard(caller: Caller, request_id: str, seconds: float) -> None:
    """Wait until so much of a reply's voice was received."""
    with trio.fail_after(15):
        while sum(len(frame.voice or b"") for frame in caller.frames_of(request_id)) < seconds * RATE * 2:
            assert not caller.ended(request_id)
            await caller.more.park()


async def test_a_spoken_question_is_interrupted_in_mid_sentence(sim: Sim, tmp_path: Path) -> None:
    """It is understood word for word, answered aloud, stopped at once; the next turn knows just what was heard."""
    sentence = "tell me a long story"
    assert sentence in demo_sentences()
    await record(tmp_path / "question.wav", sentence)
    latest = max((entry.id for entry in (await sim.ledger()).requests), default=0)
    with trio.fail_after(40), no_descriptor_left():
        async with open_http() as http, PocketSphinx() as stt, Espeak() as tts:
            chat = OpenAIChat(sim.base_url, "sim", http=http, headers={"x-sim": SCRIPTED})
            model = Remembering(chat)
            agent = Agent(stt=stt, llm=model, tts=tts)
            async with serving(agent) as server, calling(server.url, features=("transcripts",)) as caller:
                await play_into(caller, tmp_path / "question.wav", "r1")
                await until_heard(caller, "r1", 2.0)
                ack = await caller.interrupt("r1")
                assert understood(caller) == sentence
                receipt = ack.receipts["r1"]
                assert receipt.stages["stt"] == "finished"
                assert receipt.stages["tts"] == "closed"
                assert 1000 < receipt.audio.heard_ms <= receipt.audio.sent_ms < 4000
                heard = receipt.text.heard
                story = "".join(frame.text or "" for frame in caller.frames_of("r1"))
                assert story.startswith(heard)
                assert "Once there was" in heard
                assert "waves" not in heard  # it comes after 15 s
                after = await caller.ask("r2", "thank you", require_tts=False)
                assert "Thank the cancel scope" in await after.text()
                await no_request_left()
            told = [(message.role, message.content) for message in model.turns[1].messages]
            mark = Dialogue().interrupted_mark
            assert told == [("user", sentence), ("assistant", heard + mark), ("user", "thank you")]
            report = await sim.ledger(after=latest, settled=True)
            stopped_by(next(entry for entry in report.requests if entry.endpoint == CHAT), caller.read_at(ack))


def understood(caller: Caller) -> str:
    """Return the final transcript."""
    [final] = [frame for _, frame in caller.frames if isinstance(frame, m.TranscriptMessage) and frame.is_final]
    return final.text


async def test_chinese_in_mandarin_out(sim: Sim) -> None:
    """Chinese words get a Chinese answer in a Mandarin voice, piece by piece, and history cuts between characters."""
    with trio.fail_after(60):
        async with open_http() as http, Espeak() as tts:
            chat = OpenAIChat(sim.base_url, "sim", http=http, headers={"x-sim": SCRIPTED})
            model = Remembering(chat)
            async with serving(Agent(llm=model, tts=tts)) as server, calling(server.url) as caller:
                reply = await caller.ask("r1", "谢谢")
                said = await reply.text()
                audio = b"".join(frame.voice or b"" for frame in caller.frames_of("r1"))
                assert said == "不客气。要谢就谢取消作用域吧。"
                segmenter = Segmenter()
                pieces = [*segmenter.feed(said), *segmenter.flush()]
                expected, english = [await seconds_of(voice, *pieces) for voice in ("cmn", "en")]
                assert abs(len(audio) / RATE - expected) < 0.1 < abs(english - expected)
                await caller.ask("r2", "讲个故事")
                await until_heard(caller, "r2", 2.0)
                ack = await caller.interrupt("r2")
                heard = ack.receipts["r2"].text.heard
                assert 3 <= len(heard) <= 30
                await (await caller.ask("r3", "谢谢", require_tts=False)).text()
            assert (model.turns[2].messages[3].role, model.turns[2].messages[3].content) == (
                "assistant",
                heard + Dialogue().interrupted_mark,
            )
