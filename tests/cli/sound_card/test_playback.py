"""What waits for a loudspeaker, in a time that the test tells."""

from __future__ import annotations

import threading

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
