"""What a loudspeaker sounds of what comes."""

from __future__ import annotations

import numpy as np

from bench.bargein.line import RATE
from bench.bargein.player import JITTER_MS, Player, Sounded

WAIT = JITTER_MS * RATE // 1000


def _pcm(count: int, value: int = 1) -> bytes:
    return np.full(count, value, dtype="<i2").tobytes()


def test_first_sound_waits_for_the_next() -> None:
    """A player that has nothing waits a little with what comes, then sounds it without a gap."""
    player = Player()
    player.take(100, _pcm(50))
    player.take(120, _pcm(50, 2))
    player.advance(2000)
    assert player.sounded == [Sounded(100 + WAIT, 100)]
    assert player.track[2 * (100 + WAIT) : 2 * (200 + WAIT)] == _pcm(50) + _pcm(50, 2)
    assert len(player.track) == 4000


def test_pause_keeps_what_waits_to_the_sample() -> None:
    """It stops within a sample, and goes on with the very next one."""
    player = Player()
    player.take(0, np.arange(1000, dtype="<i2").tobytes())
    player.pause(WAIT + 300)
    player.advance(WAIT + 800)
    player.resume(WAIT + 900)
    player.advance(WAIT + 2000)
    assert player.sounded == [Sounded(WAIT, 300), Sounded(WAIT + 900, 700)]
    again = np.frombuffer(bytes(player.track), dtype="<i2")[WAIT + 900 :]
    assert list(again[:2]) == [300, 301]


def test_flush_drops_one_answer() -> None:
    """What waits of that answer is thrown away, another's is kept."""
    player = Player()
    player.take(0, _pcm(100), "a")
    player.take(0, _pcm(100, 2), "b")
    player.flush(WAIT + 50, "a")
    player.advance(WAIT + 1000)
    assert player.sounded == [Sounded(WAIT, 50, "a"), Sounded(WAIT + 50, 100, "b")]


def test_flush_of_all_ends_a_pause() -> None:
    """Nothing waits, and what comes next is played."""
    player = Player()
    player.take(0, _pcm(100))
    player.pause(10)
    player.flush(20)
    assert (player.waiting, player.paused) == (0, False)
    player.take(3000, _pcm(10))
    player.advance(5000)
    assert player.sounded == [Sounded(3000 + WAIT, 10)]


def test_end_of_another_answer_ends_no_pause() -> None:
    """An answer that is held stays so, whatever ends beside it."""
    player = Player()
    player.take(0, _pcm(100), "a")
    player.pause(10, "a")
    player.flush(20, "b")
    assert player.paused
    player.flush(30, "a")
    assert not player.paused
