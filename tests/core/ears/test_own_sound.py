"""The answer's own sound in an open microphone, with the answer's books: where it is in its playing, and what of it."""

from __future__ import annotations

import pytest
import trio

from tests.core.ears.detectors import Scripted
from tests.core.ears.hall import a_hall
from tests.core.ears.rooms import FORMAT, echo_of, pcm, voice
from voxint.core.agent import Agent
from voxint.core.ears.barge_in import BargeIn
from voxint.core.ears.echo import EchoRules
from voxint.core.ears.own_sound import OwnSound
from voxint.core.ears.sound import MicrophoneSound
from voxint.core.interrupt import InterruptOrder
from voxint.core.listener import Listener
from voxint.core.request import Request
from voxint.core.session import Session
from voxint.testing.stages import ScriptedModel

pytestmark = pytest.mark.virtual_time

SECONDS = 6.0
ANSWER = voice(3, SECONDS, 120)


class Microphone:
    """Hears an answer that is played from now on, and nothing else."""

    def __init__(self, request: Request, echo: EchoRules = EchoRules()) -> None:
        self.sound = MicrophoneSound(Scripted(says=lambda window: [1.0]), FORMAT, kept_ms=2_000)
        self.own = OwnSound(self.sound, echo, BargeIn(), FORMAT)
        self.request = request
        self.echo = pcm(echo_of(ANSWER, delay_ms=150, level_db=-14))
        self.at = 0

    async def hear(self, ms: float, piece_ms: float, *others: Request, speaks: bool = True) -> list[bool]:
        """Return of each window whether it is taken for a person's, where the sound comes in such pieces."""
        persons: list[bool] = []
        size = FORMAT.bytes(piece_ms)
        for _ in range(int(ms / piece_ms)):
            await trio.sleep(piece_ms / 1000)
            piece, self.at = self.echo[self.at : self.at + size], self.at + size
            for window in self.sound.feed(piece):
                self.own.sounds((self.request, *others) if speaks else others)
                persons.append(self.own.probability(window, 0.35) > 0)
        return persons


async def playing(session: Session, listener: Listener) -> Request:
    """Return an answer of which all was sent now."""
    request, _ = session.intake.make("r1", listener)
    answer = request.answer
    answer.voice(pcm(ANSWER))
    await listener.next()
    return request


@pytest.mark.parametrize("piece_ms", [20, 32, 100, 250])
async def test_an_echo_is_one_however_the_sound_is_cut(piece_ms: int) -> None:
    """Of the windows that one piece brings, each is compared with what sounded then, and not with what sounds now.

    Compared with what sounds now, up to all of the echo is left over; so, less than a hundredth of it.
    """
    async with trio.open_nursery() as home:
        session, listener = Session(Agent(llm=ScriptedModel("")), home, session_id="s1"), Listener()
        session.attach(listener)
        microphone = Microphone(await playing(session, listener), EchoRules(person_db=-20))
        await microphone.hear(1_000, piece_ms)
        persons = await microphone.hear(4_000, piece_ms)
        assert not any(persons)


@pytest.mark.parametrize("next_one", [False, True])
async def test_the_end_of_an_answer_that_was_interrupted_is_its_echo(next_one: bool) -> None:
    """Its player stops where it was, and the room sounds on; the next answer has not begun to sound."""
    async with trio.open_nursery() as home:
        session, listener = Session(Agent(llm=ScriptedModel("")), home, session_id="s1"), Listener()
        session.attach(listener)
        request = await playing(session, listener)
        microphone = Microphone(request)
        await microphone.hear(2_016, 32)
        request.interrupt(InterruptOrder("USER_STOP"))
        others = [session.intake.make("r2", listener)[0]] if next_one else []
        assert not any(await microphone.hear(150, 32, *others, speaks=False))


async def test_the_sound_of_a_reply_that_the_microphone_is_not_told_is_known_too() -> None:
    """What is asked beside an open microphone is played where it hears."""
    async with a_hall() as hall:
        player = Listener()
        request = hall.session.ask("t1", "And where?", player)
        with trio.fail_after(5):
            while request.answer.journal.size < FORMAT.bytes(100):
                await player.next()
