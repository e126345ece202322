"""A session whose microphone is always open, in virtual time: somebody speaks, and all that is said is written down."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import trio
from attrs import define, evolve, field

from tests.core.ears.coded import WINDOW, CodedEars
from voxint.core.agent import Agent, Limits
from voxint.core.ears.ears import Ears
from voxint.core.ears.echo import EchoRules
from voxint.core.ears.rules import EarRules
from voxint.core.ears.turn_detector import TurnDetector
from voxint.core.events import Event, Said, Voice
from voxint.core.listener import Listener
from voxint.core.session import Session
from voxint.core.settings import OnDisconnect, Settings
from voxint.core.stages import SpeechToText
from voxint.testing.detector import ScriptedDetector
from voxint.testing.stages import ScriptedModel, ScriptedVoice

__all__ = ["Hall", "Heard", "a_hall"]

WINDOW_S = 0.032

T = TypeVar("T")


@define
class Heard:
    """What was said, and when.

    Args:
        at: Seconds of virtual time.
        request_id: Whose.
        event: What.
    """

    at: float
    request_id: str
    event: Event


@define(eq=False)
class Hall:
    """The session, its ears, and what came of it.

    Args:
        session: The session.
        ears: Its ears.
        listener: Who plays.
        heard: All that was said.
    """

    session: Session
    ears: Ears
    listener: Listener
    heard: list[Heard] = field(factory=list)

    async def say(self, *sounds: bytes) -> None:
        """Speak into the microphone in real time, window by window."""
        for sound in sounds:
            for begin in range(0, len(sound), 2 * WINDOW):
                await trio.sleep(WINDOW_S)
                self.ears.feed(sound[begin : begin + 2 * WINDOW])

    async def read(self, listener: Listener | None = None) -> None:
        """Write down what is said, by default to the one who has the microphone."""
        listener = self.listener if listener is None else listener
        with suppress(trio.EndOfChannel):
            while True:
                said = await listener.next()
                assert isinstance(said, Said)
                self.heard.append(Heard(trio.current_time(), said.request_id, said.event))

    def of(self, kind: type[T], request_id: str | None = None) -> list[T]:
        """Return the events of a kind, of one request or of all."""
        return [
            each.event for each in self.heard if isinstance(each.event, kind) and request_id in (None, each.request_id)
        ]

    def at(self, kind: type[object]) -> list[float]:
        """Return when the events of a kind came."""
        return [each.at for each in self.heard if isinstance(each.event, kind)]

    def voice(self, request_id: str | None = None) -> bytes:
        """Return the speech that was sent."""
        return b"".join(each.audio for each in self.of(Voice, request_id))


@asynccontextmanager
async def a_hall(
    *,
    rules: EarRules = EarRules(),
    model: ScriptedModel | None = None,
    voice: ScriptedVoice | None = None,
    stt: SpeechToText | None = None,
    limits: Limits = Limits(),
    turns: TurnDetector | None = None,
    vad: ScriptedDetector | None = None,
    on_disconnect: OnDisconnect = "interrupt",
) -> AsyncGenerator[Hall]:
    """Open a session whose microphone is always open; at the end nothing of it may be left."""
    agent = Agent(
        llm=ScriptedModel("A long answer, of many words, that goes on and on for a while.") if model is None else model,
        stt=CodedEars() if stt is None else stt,
        tts=ScriptedVoice() if voice is None else voice,
        vad=ScriptedDetector() if vad is None else vad,
        turns=turns,
        ears=evolve(rules, echo=EchoRules(guard=False)),  # the coded sound is no sound
        limits=limits,
    )
    async with trio.open_nursery() as readers, trio.open_nursery() as home:
        session, listener = (
            Session(agent, home, session_id="s1", settings=Settings(), on_disconnect=on_disconnect),
            Listener(),
        )
        session.attach(listener)
        hall = Hall(session, Ears(session, listener), listener)
        readers.start_soon(hall.read)
        yield hall
        hall.ears.close("the test has ended")
        session.close("the test has ended")
        readers.cancel_scope.cancel()
