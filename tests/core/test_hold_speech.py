"""A spoken answer that is held: no sample is lost or said twice, and what was heard is known to the sample."""

from __future__ import annotations

import struct

import pytest
import trio

from tests.core.hearer import a_house
from voxint.core.agent import Agent, Limits
from voxint.core.audio import AudioFormat
from voxint.core.events import Ended, Held, Released, Voice
from voxint.core.fade import FADE_MS
from voxint.core.interrupt import InterruptOrder
from voxint.core.journal import Seen
from voxint.core.resumption import resume
from voxint.core.stages import Speech
from voxint.testing.stages import FOREVER, ScriptedModel

pytestmark = pytest.mark.virtual_time

FORMAT = AudioFormat(16_000)
SECOND = "Sixteen letters."
LIMITS = Limits(frame_ms=125, lead_ms=500, hold_s=10)
STOP = InterruptOrder("USER_STOP")


class Counting:
    """A voice whose samples are numbered: 1, 2, 3 and so on; a second of them for 16 letters, at once."""

    audio_format = FORMAT

    def __init__(self) -> None:
        self.said = b""

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Write them."""
        async for piece in text:
            first, count = len(self.said) // 2, 1000 * len(piece)
            audio = struct.pack(f"<{count}h", *[1 + (first + index) % 30_000 for index in range(count)])
            self.said += audio
            await out.send(Speech(audio, piece))


@pytest.mark.parametrize("eighths", range(1, 20))
async def test_a_player_that_pauses_goes_on_with_the_very_next_sample(eighths: int) -> None:
    """Whenever it is held, all samples arrive, once and in order, and what was heard stands still meanwhile."""
    voice = Counting()
    async with a_house(Agent(llm=ScriptedModel(SECOND * 3), tts=voice, limits=LIMITS), spoken=True) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(eighths / 8)
        assert request.hold()
        for _ in range(3):
            assert request.ledger.heard_samples(trio.current_time()) == eighths * 2000
            await trio.sleep(1)
        sent_by_then = hearer.of(Voice)
        assert request.ledger.heard_samples(trio.current_time()) == eighths * 2000
        assert request.release("silence")
        await trio.sleep(0.25)
        assert request.ledger.heard_samples(trio.current_time()) == (eighths + 2) * 2000
        await request.stopped.wait()
        assert request.timeline.at("stopped") == 2.5 + 3  # as without the hold, and as much later as it lasted
    assert hearer.audio == voice.said
    assert all(at <= eighths / 8 for at, _ in sent_by_then)
    assert house.released == [(eighths / 8 + 3, "r1", "silence")]


async def test_a_player_that_does_not_pause_has_what_follows_faded_in() -> None:
    """It has played out what it had: 10 ms of what follows rise from silence, all else is as it was said."""
    voice = Counting()
    async with a_house(Agent(llm=ScriptedModel(SECOND * 3), tts=voice, limits=LIMITS), spoken=True) as house:
        hearer = house.come(pauses=False)
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(1)
        request.hold()
        await trio.sleep(2)
        had = len(hearer.audio)
        assert request.ledger.heard_samples(trio.current_time()) == had // 2
        request.release("silence")
        assert len(hearer.audio) == had
        await request.stopped.wait()
    end = had + FORMAT.bytes(FADE_MS)
    assert hearer.audio[:had] + hearer.audio[end:] == voice.said[:had] + voice.said[end:]
    raised, said = (struct.unpack("<160h", audio[had:end]) for audio in (hearer.audio, voice.said))
    assert raised == tuple(value * index // 160 for index, value in enumerate(said))


async def test_the_lead_leaves_at_once_where_the_player_has_run_dry() -> None:
    """Half a second in the step of the release; then on the beat of playback."""
    agent = Agent(llm=ScriptedModel(SECOND * 3), tts=Counting(), limits=LIMITS)
    async with a_house(agent, spoken=True) as house:
        hearer = house.come(pauses=False)
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(1)
        request.hold()
        await trio.sleep(2)
        request.release("silence")
        await request.stopped.wait()
    after = [at for at, _ in hearer.of(Voice) if at >= 3]
    assert after[:5] == [3.0, 3.0, 3.0, 3.0, 3.125]


async def test_a_gap_that_nobody_heard_is_not_faded() -> None:
    """A player that does not pause, held for less than it had to play."""
    voice = Counting()
    async with a_house(Agent(llm=ScriptedModel(SECOND * 3), tts=voice, limits=LIMITS), spoken=True) as house:
        hearer = house.come(pauses=False)
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(1)
        request.hold()
        await trio.sleep(0.25)
        request.release("silence")
        await request.stopped.wait()
        assert trio.current_time() == 2.5  # playback never stood
    assert hearer.audio == voice.said


@pytest.mark.parametrize("pauses", [True, False])
async def test_held_before_its_first_sound(pauses: bool) -> None:
    """Nothing was played, so nothing is faded; its speech begins at the release."""
    voice = Counting()
    async with a_house(Agent(llm=ScriptedModel(SECOND), tts=voice, limits=LIMITS), spoken=True) as house:
        hearer = house.come(pauses=pauses)
        request = house.session.ask("r1", "Hi", hearer.listener)
        request.hold()
        await trio.sleep(1)
        assert hearer.events == [Held()]
        request.release("silence")
        await request.stopped.wait()
    assert hearer.audio == voice.said
    assert hearer.of(Voice)[0][0] == 1.0


async def test_interrupted_while_held_it_was_heard_up_to_the_hold() -> None:
    """The history has that and no more, however long it was held."""
    agent = Agent(llm=ScriptedModel("One two. " + SECOND * 3, FOREVER), tts=Counting(), limits=LIMITS)
    async with a_house(agent, spoken=True) as house:
        request = house.session.ask("r1", "Hi", house.come().listener)
        await trio.sleep(1.25)
        request.hold()
        await trio.sleep(4)
        request.interrupt(STOP)
        await request.stopped.wait()
    assert request.receipt is not None
    assert request.receipt.audio.heard_ms == 1250


async def test_what_was_sent_to_its_end_and_still_plays_is_held() -> None:
    """It stays so until the release, and plays on from there; its work is over all the while."""
    agent = Agent(llm=ScriptedModel(SECOND), tts=Counting(), limits=LIMITS)
    async with a_house(agent, spoken=True) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await request.stopped.wait()
        assert trio.current_time() == 0.5
        assert house.session.hold(None).outcomes == {"r1": "held"}
        await trio.sleep(5)
        assert (request.state, request.held, request.playing) == ("ended", True, True)
        assert house.session.release("r1", "noise").outcomes == {"r1": "released"}
        assert request.ledger.playing_until == 6.0
        assert request.playing
        await trio.sleep(0.5)
        assert not request.playing
        assert house.session.hold("r1").outcomes == {"r1": "already_finished"}
    assert hearer.events[-3:] == [Ended(False), Held(), Released("noise")]
    assert house.released == [(5.5, "r1", "noise")]
    assert request.receipt is None


@pytest.mark.parametrize("seen", [None, {}])
async def test_who_comes_then_is_told_that_it_is_held(seen: dict[str, Seen] | None) -> None:
    """Although nothing of it comes any more: that it goes on is told to all, and nobody goes on who was not held."""
    agent = Agent(llm=ScriptedModel(SECOND), tts=Counting(), limits=LIMITS)
    async with a_house(agent, spoken=True) as house:
        request = house.session.ask("r1", "Hi", house.come().listener)
        await request.stopped.wait()
        request.hold()
        resume(house.session, (late := house.come()).listener, seen)
        house.session.listeners.remove(late.listener)  # it is in the list twice
        await trio.sleep(0.5)
        request.release("client")
    assert late.events == [Held(), Released("client")]


async def test_such_a_hold_ends_by_itself_too() -> None:
    """At its limit, although its guard is gone; and again, where it is held again."""
    agent = Agent(llm=ScriptedModel(SECOND), tts=Counting(), limits=Limits(frame_ms=125, lead_ms=500, hold_s=2))
    async with a_house(agent, spoken=True) as house:
        hearer = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await request.stopped.wait()
        request.hold()
        await trio.sleep(0.5)
        request.release("client")
        request.hold()
        await trio.sleep(3)
        assert not request.held
    assert house.released == [(1.0, "r1", "client"), (3.0, "r1", "timeout")]


async def test_what_still_plays_is_cut_where_it_was_held() -> None:
    """The hold is over with it: nobody is told of a release."""
    agent = Agent(llm=ScriptedModel(SECOND), tts=Counting(), limits=LIMITS)
    async with a_house(agent, spoken=True) as house:
        request = house.session.ask("r1", "Hi", house.come().listener)
        await request.stopped.wait()
        request.hold()
        await trio.sleep(5)
        assert house.session.interrupt(None, STOP).outcomes == {"r1": "already_finished"}
        assert (request.held, request.playing) == (False, False)
        await trio.sleep(20)
    assert request.receipt is not None
    assert request.receipt.audio.heard_ms == 500
    assert house.released == []


async def test_a_session_that_closes_ends_such_a_hold() -> None:
    """Nothing of it sleeps on: the house could not close."""
    agent = Agent(llm=ScriptedModel(SECOND), tts=Counting(), limits=LIMITS)
    async with a_house(agent, spoken=True) as house:
        request = house.session.ask("r1", "Hi", house.come().listener)
        await request.stopped.wait()
        request.hold()
    assert trio.current_time() == 0.5


async def test_a_report_while_it_is_held_is_believed() -> None:
    """The player says where it stands; from there it goes on."""
    agent = Agent(llm=ScriptedModel(SECOND * 3), tts=Counting(), limits=LIMITS)
    async with a_house(agent, spoken=True) as house:
        request = house.session.ask("r1", "Hi", house.come().listener)
        await trio.sleep(1)
        request.hold()
        house.session.played("r1", 875)
        await trio.sleep(3)
        assert request.ledger.heard_samples(trio.current_time()) == 14_000
        request.release("client")
        await trio.sleep(0.125)
        assert request.ledger.heard_samples(trio.current_time()) == 16_000


async def test_a_player_that_takes_nothing_while_it_is_held_is_not_dropped() -> None:
    """It has nothing to take, however long it lasts, and others listen."""
    agent = Agent(llm=ScriptedModel(SECOND * 8), tts=Counting(), limits=LIMITS)
    async with a_house(agent, spoken=True) as house:
        dropped: list[float] = []
        hearer = house.come(drop=lambda: dropped.append(trio.current_time()))
        other = house.come()
        request = house.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(1)
        request.hold()
        await trio.sleep(8)
        request.release("client")
        await request.stopped.wait()
    assert dropped == []
    assert hearer.audio == other.audio
