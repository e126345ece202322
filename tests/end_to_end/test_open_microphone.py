"""A microphone that is always open, end to end: a socket, the real detector and recogniser, and people's recordings."""

from __future__ import annotations

from typing import TypeVar

import trio
from attrs import define, field

from tests.core.ears.rooms import pcm, voice
from tests.end_to_end.callers import Caller, calling, no_request_left, serving
from tests.needs import needs_moonshine, needs_silero
from tests.providers.recordings import readings, share_of_errors
from voxint.client import RemoteMicrophone
from voxint.core.agent import Agent
from voxint.core.audio import AudioFormat
from voxint.core.stages import Delta, ModelOutput, Speech, Turn
from voxint.protocol import messages as m
from voxint.providers.moonshine import Moonshine
from voxint.providers.silero import Silero

pytestmark = [needs_silero, needs_moonshine]

T = TypeVar("T", bound=m.ServerMessage)
FORMAT = AudioFormat(16_000)
PIECE_MS = 20
PIECE = FORMAT.bytes(PIECE_MS)
COUGH = pcm(voice(3, 0.15, 150.0))
"""A grunt made by code: the detector takes it for speech, the recogniser for an uh or for nothing."""


class Reads:
    """A model that always says the same sentence."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        self.turns: list[Turn] = []

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Say it."""
        self.turns.append(turn)
        await out.send(Delta(self.sentence))


@define(eq=False)
class Reader:
    """A voice that is one recording, whatever it is given to say."""

    recording: bytes
    audio_format: AudioFormat = FORMAT

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Play it."""
        said = "".join([piece async for piece in text])
        await out.send(Speech(self.recording, said))


@define(eq=False)
class Room:
    """Somebody before the microphone, which sends silence where nobody speaks."""

    caller: Caller
    microphone: RemoteMicrophone
    waiting: bytearray = field(factory=bytearray)

    async def stream(self) -> None:
        """Send sound at its pace."""
        began, sent = trio.current_time(), 0
        while True:
            piece = bytes(self.waiting[:PIECE]).ljust(PIECE, b"\0")
            del self.waiting[:PIECE]
            await self.microphone.send(piece)
            sent += 1
            await trio.sleep_until(began + sent * PIECE_MS / 1000)

    async def read(self) -> None:
        """Read what the session says, which the caller's checker has seen already."""
        async for _ in self.microphone:
            pass

    def say(self, sound: bytes) -> None:
        """Say something from now on."""
        self.waiting += sound

    def of(self, kind: type[T]) -> list[T]:
        """Return the messages of a kind that were read."""
        return [frame for _, frame in self.caller.frames if isinstance(frame, kind)]

    def speech(self, state: str) -> list[m.SpeechMessage]:
        """Return what was told of who speaks."""
        return [each for each in self.of(m.SpeechMessage) if each.state == state]

    def heard(self, request_id: str) -> bytes:
        """Return the answer's speech that has come."""
        return b"".join(frame.voice or b"" for frame in self.caller.frames_of(request_id))

    async def answer(self, asked: int, seconds: float) -> str:
        """Wait until so many utterances are over, and so much of the answer to the last has come; return its id."""
        with trio.fail_after(20):
            while len(over := self.speech("stopped")) < asked:
                await self.caller.more.park()
            request_id = over[-1].request_id
            while len(self.heard(request_id)) < FORMAT.bytes(1000 * seconds):
                await self.caller.more.park()
        return request_id

    async def until_ended(self, request_id: str) -> m.Response:
        """Wait for the end of an answer; return its last frame."""
        with trio.fail_after(20):
            while not self.caller.ended(request_id):
                await self.caller.more.park()
        return self.caller.frames_of(request_id)[-1]


async def test_people_speak_cough_and_interrupt() -> None:
    """A question is understood and answered; a cough costs the answer not a sample; another sentence interrupts it."""
    (recording, sentence), question, interruption, _, again = readings()
    model = Reads(sentence)
    with trio.fail_after(90):
        async with Silero() as vad, Moonshine() as stt:
            agent = Agent(llm=model, stt=stt, tts=Reader(recording), vad=vad)
            async with (
                serving(agent) as server,
                calling(server.url, features=("server_vad", "transcripts")) as caller,
                caller.client.listen_always() as microphone,
                trio.open_nursery() as nursery,
            ):
                room = Room(caller, microphone)
                nursery.start_soon(room.stream)
                nursery.start_soon(room.read)
                room.say(bytes(FORMAT.bytes(1000)) + question[0])
                coughed_at = await room.answer(1, seconds=1.5)
                room.say(COUGH)
                last = await room.until_ended(coughed_at)
                assert not last.interrupted
                assert room.heard(coughed_at) == recording
                held, released = room.of(m.HoldMessage)
                assert (held.request_id, held.state, released.state) == (coughed_at, "held", "released")
                assert held.voice_stream_seq == released.voice_stream_seq
                assert released.reason in ("silence", "noise", "backchannel")
                before = len(room.speech("stopped"))
                room.say(bytes(FORMAT.bytes(1000)) + again[0])
                cut = await room.answer(before + 1, seconds=1.5)
                room.say(interruption[0])
                last = await room.until_ended(cut)
                assert (last.interrupted, last.interrupt_reason) == (True, "USER_VOICE_INPUT")
                [committed] = room.speech("committed")
                assert committed.interrupted == (cut,)
                assert 0 < len(room.heard(cut)) < len(recording)
                assert recording.startswith(room.heard(cut))
                answered = await room.answer(before + 2, seconds=0.5)
                assert answered == committed.request_id
                await caller.interrupt(answered)
                nursery.cancel_scope.cancel()
            await no_request_left()
    asked = [stopped.text or "" for stopped in room.speech("stopped") if stopped.outcome == "request"]
    assert len(model.turns) == len(asked) == 3
    said = [words for _, words in (question, again, interruption)]
    assert share_of_errors(zip(said, asked, strict=True)) <= 0.15, asked
