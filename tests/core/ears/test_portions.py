"""What a microphone brings at once, heard bit by bit; and how much it may bring."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.core.ears.coded import quiet, speech
from tests.core.ears.hall import a_hall
from voxint.core.audio import AudioFormat
from voxint.core.ears.barge_in import BargeIn
from voxint.core.ears.pace import AHEAD_S, LONGEST_PIECE_S, MicrophonePace
from voxint.core.ears.portions import AT_ONCE_MS, Portions
from voxint.core.ears.rules import EarRules
from voxint.core.events import Endpoint, Onset
from voxint.errors import RequestRefused

pytestmark = pytest.mark.virtual_time

FORMAT = AudioFormat(16_000)
PORTION = FORMAT.bytes(AT_ONCE_MS)


def sound(size: int) -> bytes:
    """Return bytes of which each place can be told from its neighbours."""
    return bytes(range(251)) * (size // 251 + 1)


async def test_a_short_piece_is_heard_in_its_step() -> None:
    """As a whole, however odd its length is, and nothing is left of it."""
    heard: list[bytes] = []
    async with trio.open_nursery() as home:
        portions = Portions(home, FORMAT, heard.append)
        for piece in (b"\1", bytes(640), bytes(PORTION)):
            portions.take(piece)
            assert heard[-1] == piece
        assert not home.child_tasks


async def test_others_have_their_turn_between_portions() -> None:
    """A portion is heard in a pass, what comes meanwhile is heard behind it, and no byte is lost or moved."""
    heard: list[bytes] = []
    passes = 0
    long = sound(20 * PORTION)[: 20 * PORTION + 7]
    async with trio.open_nursery() as home:
        portions = Portions(home, FORMAT, heard.append)
        portions.take(long)
        portions.take(b"behind")
        assert heard == [long[:PORTION]]
        while home.child_tasks:
            before = len(heard)
            await trio.lowlevel.checkpoint()
            passes += 1
            assert len(heard) <= before + 2  # the order within a pass is by chance
    assert b"".join(heard) == long + b"behind"
    assert passes >= 10


async def test_what_goes_wrong_later_is_raised_at_the_next_piece() -> None:
    """The nursery that serves everybody hears nothing of it, and what is behind is heard all the same."""
    heard: list[bytes] = []

    def hear(portion: bytes) -> None:
        heard.append(portion)
        if len(heard) == 2:
            raise ValueError("no sound")

    async with trio.open_nursery() as home:
        portions = Portions(home, FORMAT, hear)
        portions.take(bytes(3 * PORTION))
        await wait_all_tasks_blocked()
        assert len(heard) == 3
        with pytest.raises(ValueError, match="no sound"):
            portions.take(b"next")
        portions.take(b"one")
    assert heard[3:] == [b"next", b"one"]


async def test_a_closed_microphone_hears_nothing_of_what_is_left() -> None:
    """The task ends with it."""
    heard: list[bytes] = []
    async with trio.open_nursery() as home:
        portions = Portions(home, FORMAT, heard.append)
        portions.take(bytes(50 * PORTION))
        portions.close()
    assert len(heard) == 1


async def test_what_was_hushed_is_heard_as_quiet() -> None:
    """What was handed on already stays, no time is lost, and what comes later is heard as it is."""
    heard: list[bytes] = []
    long = sound(5 * PORTION)[: 5 * PORTION]
    async with trio.open_nursery() as home:
        portions = Portions(home, FORMAT, heard.append)
        portions.take(long)
        portions.hush()
        portions.take(b"behind")
    assert b"".join(heard) == long[:PORTION] + bytes(4 * PORTION) + b"behind"


async def test_what_was_typed_after_a_long_piece_is_asked_after_it() -> None:
    """Speech that came before and was not heard yet is given up, as an utterance that is being heard is.

    It does not interrupt what is newer; and who speaks later is heard, at the right time.
    """
    async with a_hall(rules=EarRules(barge_in=BargeIn(hold=False))) as hall:
        hall.ears.feed(quiet(512) + speech(416, "One.") + quiet(992))
        hall.session.ask("t1", "Two.", hall.listener)
        await trio.sleep(1)
        assert [each.user for each in hall.session.dialogue] == ["Two."]
        assert hall.of(Onset) == []
        await hall.say(speech(640, "Three,", "please."), quiet(992))
        assert [each.user for each in hall.session.dialogue] == ["Two.", "Three, please."]
        [onset] = hall.of(Onset)
    assert onset.at_ms == pytest.approx(512 + 416 + 992, abs=64)


async def test_silence_that_was_not_sent_saves_up_nothing() -> None:
    """After ten minutes without a sample no more may come at once than at the beginning."""
    pace = MicrophonePace(FORMAT)
    second = FORMAT.bytes(1000)
    for _ in range(2):
        for _ in range(round(AHEAD_S)):
            pace.take(second)
        with pytest.raises(RequestRefused):
            pace.take(second)
        await trio.sleep(600)


async def test_halves_of_samples_count() -> None:
    """A microphone that sends single bytes brings no more than another."""
    pace = MicrophonePace(FORMAT)
    for _ in range(FORMAT.bytes(AHEAD_S * 1000) - 1):
        pace.take(1)
    with pytest.raises(RequestRefused):
        pace.take(2)


async def test_a_microphone_may_go_on_for_ever_at_its_pace() -> None:
    """What was refused is not counted, and a clock that is a little fast is no flood for hours."""
    pace = MicrophonePace(FORMAT)
    with pytest.raises(RequestRefused):
        pace.take(FORMAT.bytes(LONGEST_PIECE_S * 1000) + 1)
    for _ in range(36_000):
        pace.take(FORMAT.bytes(100.01))
        await trio.sleep(0.1)


async def test_what_comes_at_once_is_understood_like_what_comes_in_time() -> None:
    """Ten seconds in the longest pieces, in one step: nothing of the voice is lost, and nobody waits for all of it."""
    async with a_hall() as hall:
        hall.ears.feed(speech(1984, "what", "time"))
        hall.ears.feed(speech(1984, "is", "it?"))
        for _ in range(3):
            hall.ears.feed(quiet(1984))
        await wait_all_tasks_blocked()
        [endpoint] = hall.of(Endpoint)
    assert (endpoint.text, endpoint.outcome) == ("what time is it?", "request")
    assert endpoint.at_ms == pytest.approx(2 * 1984, abs=64)
