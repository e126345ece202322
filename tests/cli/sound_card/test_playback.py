"""What waits for a loudspeaker, in a time that the test tells."""

from __future__ import annotations

import threading
from array import array

from hypothesis import given
from hypothesis import strategies as st

from voxint.cli.sound_card.playback import Playback

RATE, FRAME_BYTES = 1_000, 2


def sound(frames: int) -> bytes:
    """Return so many frames that are not silent."""
    return b"\1\2" * frames


def test_what_comes_is_played_in_its_order_and_filled_up_with_silence() -> None:
    """However it is cut."""
    playback = Playback(RATE, FRAME_BYTES)
    playback.put(b"\1\2\3\4\5\6")
    playback.put(b"\7\10")
    assert playback.take(1, 0.0, 0.0) == b"\1\2"
    assert playback.take(2, 0.0, 0.0) == b"\3\4\5\6"
    assert playback.take(3, 0.0, 0.0) == b"\7\10\0\0\0\0"


def test_what_is_heard_lags_behind_by_what_the_device_holds() -> None:
    """A frame counts when it has left the loudspeaker, not when it was handed over."""
    playback = Playback(RATE, FRAME_BYTES)
    playback.put(sound(50))
    playback.take(20, 1.0, 0.5)
    playback.take(20, 1.02, 0.5)
    assert [playback.heard_ms(now) for now in (1.0, 1.5, 1.51, 1.52, 1.53, 2.0)] == [0, 0, 10, 20, 30, 40]
    assert abs(playback.left_s(1.02) - (0.52 + 0.01)) < 1e-9


def test_silence_that_fills_up_is_not_heard() -> None:
    """Where speech comes late, the pause does not count."""
    playback = Playback(RATE, FRAME_BYTES)
    playback.put(sound(5))
    playback.take(20, 0.0, 0.0)
    playback.take(20, 0.02, 0.0)
    assert playback.heard_ms(1.0) == 5
    playback.put(sound(5))
    playback.take(20, 1.0, 0.0)
    assert playback.heard_ms(1.00390625) == 8


def test_a_discard_silences_the_next_block_and_counts_nothing() -> None:
    """What was handed over still is heard; what was thrown away never."""
    playback = Playback(RATE, FRAME_BYTES)
    playback.put(sound(100))
    playback.take(20, 0.0, 0.0)
    playback.discard()
    assert playback.take(20, 0.02, 0.0) == bytes(40)
    assert playback.heard_ms(1.0) == 20
    assert playback.left_s(1.0) == 0


def loud(frames: int) -> bytes:
    """Return so many frames, all of the same loudness."""
    return array("h", [1_000] * frames).tobytes()


def test_a_pause_fades_out_and_goes_on_with_a_fade_in() -> None:
    """Ten frames of each at this rate, by equal steps; each frame that was put comes out once."""
    playback = Playback(RATE, FRAME_BYTES)
    playback.put(array("h", range(1_000, 31_000, 1_000)).tobytes())
    playback.pause()
    out = array("h", playback.take(12, 0.0, 0.0))
    assert list(out) == [900, 1_600, 2_100, 2_400, 2_500, 2_400, 2_100, 1_600, 900, 0, 0, 0]
    assert playback.take(12, 0.0, 0.0) == bytes(24)
    playback.resume()
    out = array("h", playback.take(12, 0.0, 0.0))
    assert list(out[:3]) == [1_100, 2_400, 3_900]
    assert list(out[9:]) == [20_000, 21_000, 22_000]
    assert playback.take(8, 0.0, 0.0) == array("h", range(23_000, 31_000, 1_000)).tobytes()


def test_a_pause_that_is_over_before_the_device_asks_is_not_heard() -> None:
    """And one that ends in the middle of its fade comes back from there."""
    playback = Playback(RATE, FRAME_BYTES)
    playback.put(loud(40))
    playback.pause()
    playback.resume()
    assert playback.take(5, 0.0, 0.0) == loud(5)
    playback.pause()
    assert list(array("h", playback.take(3, 0.0, 0.0))) == [900, 800, 700]
    playback.resume()
    assert list(array("h", playback.take(5, 0.0, 0.0))) == [800, 900, 1_000, 1_000, 1_000]


def test_what_is_heard_stands_still_in_a_pause() -> None:
    """To the frame, whatever the device still holds when it begins, and what comes in it."""
    playback = Playback(RATE, FRAME_BYTES)
    playback.put(sound(50))
    playback.take(20, 0.0, 0.5)
    playback.pause()
    playback.take(20, 0.02, 0.5)
    assert abs(playback.handed_s(0.1) - 0.43) < 1e-9
    assert [playback.heard_ms(now) for now in (0.25, 0.515625, 0.53, 9.0)] == [0, 15, 30, 30]
    playback.put(sound(50))
    assert playback.take(20, 9.0, 0.5) == bytes(40)
    playback.resume()
    assert playback.heard_ms(10.0) == 30
    playback.take(20, 10.0, 0.5)
    assert [playback.heard_ms(now) for now in (10.5, 10.515625, 11.0)] == [30, 45, 50]
    assert playback.left_s(11.0) == 0.05


def test_a_pause_where_nothing_waits_keeps_all_that_comes() -> None:
    """A voice that has run dry is silent already: there is nothing left to fade out."""
    playback = Playback(RATE, FRAME_BYTES)
    playback.put(sound(5))
    playback.pause()
    playback.take(20, 0.0, 0.0)
    playback.put(loud(20))
    assert playback.take(20, 0.02, 0.0) == bytes(40)
    playback.resume()
    assert list(array("h", playback.take(20, 0.04, 0.0)))[9:] == [1_000] * 11


def test_both_channels_fade_alike() -> None:
    """A frame is one sample of each."""
    playback = Playback(RATE, 2 * FRAME_BYTES)
    playback.put(loud(2 * 20))
    playback.pause()
    out = array("h", playback.take(10, 0.0, 0.0))
    assert list(out[::2]) == list(out[1::2]) == [900, 800, 700, 600, 500, 400, 300, 200, 100, 0]


@given(steps=st.lists(st.tuples(st.sampled_from(["put", "take", "pause", "resume"]), st.integers(0, 30)), max_size=40))
def test_no_frame_is_lost_or_twice(steps: list[tuple[str, int]]) -> None:
    """Whatever is paused and goes on at whatever time: what was put is given in its order, and counted."""
    playback = Playback(RATE, FRAME_BYTES)
    numbers = iter(range(10, 10_000))
    put: list[int] = []
    given_in_all: list[int] = []
    for step, frames in [*steps, ("resume", 0), ("take", 2_000)]:
        if step == "put":
            more = [next(numbers) * 10 for _ in range(frames)]
            put += more
            playback.put(array("h", more).tobytes())
        elif step == "take":
            before = playback.heard_ms(1e9)
            out = array("h", playback.take(frames, 0.0, 0.0))
            count = int(playback.heard_ms(1e9) - before)
            assert not any(out[count:])
            for faded, whole in zip(out[:count], put[len(given_in_all) :], strict=False):
                assert 0 <= faded <= whole
            given_in_all += out[:count]
        else:
            getattr(playback, step)()
    assert len(given_in_all) == len(put)


def test_another_answer_counts_from_its_own_first_frame() -> None:
    """Also where the one before is still to be heard."""
    playback = Playback(RATE, FRAME_BYTES)
    playback.put(sound(20))
    playback.begin()
    playback.put(sound(20))
    playback.take(40, 0.0, 0.0)
    assert [playback.heard_ms(now) for now in (0.01, 0.02, 0.03, 0.05)] == [0, 0, 10, 20]


def test_both_threads_may_come_at_any_time() -> None:
    """Nothing is lost or twice between them."""
    playback = Playback(RATE, FRAME_BYTES)
    pieces = [bytes([n, n]) * 7 for n in range(1, 200)]
    taken = bytearray()

    def take() -> None:
        while len(taken) < 14 * len(pieces):
            taken.extend(playback.take(3, 0.0, 0.0).replace(b"\0", b""))

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    for piece in pieces:
        playback.put(piece)
    thread.join(30)
    assert bytes(taken) == b"".join(pieces)
