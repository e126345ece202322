"""What a microphone takes up: the room, what is said at its time, and what comes back of the loudspeaker. Pure."""

from __future__ import annotations

import numpy as np
from attrs import define, field

from bench.bargein.line import RATE
from bench.bargein.noises import Sound, room
from bench.bargein.samples import Echo, Stretch

__all__ = ["Microphone"]

ROOM_S = 4
"""Of room that is repeated."""

WALLS = ((0.0, 1.0), (7.3, 0.35), (16.1, -0.2), (29.0, 0.1))
"""How a room answers a loudspeaker: milliseconds, and how much of it; ours: a table and three walls."""


@define(eq=False)
class Microphone:
    """A microphone at `RATE`; positions are samples since the call began.

    Args:
        seed: Of the room.
        room_db: How loud the room is: root mean square, from full scale.
        echo: What comes back of the loudspeaker; None: nothing.

    Attributes:
        track: What it has taken up.
    """

    seed: int
    room_db: float
    echo: Echo | None = None
    track: bytearray = field(factory=bytearray, repr=False)
    _room: Sound = field(init=False, repr=False)
    _said: list[tuple[int, Stretch]] = field(factory=list, repr=False)

    def __attrs_post_init__(self) -> None:
        noise = room(np.random.default_rng(self.seed), ROOM_S * RATE)
        self._room = noise * 10 ** (self.room_db / 20) * 32767

    @property
    def now(self) -> int:
        """The next sample that it will take up."""
        return len(self.track) // 2

    def say(self, stretch: Stretch, at: int) -> None:
        """Have a sound begin at the sample `at`, or now where that is over."""
        self._said.append((max(at, self.now), stretch))

    def take(self, count: int, loudspeaker: bytes | bytearray) -> bytes:
        """Return the next `count` samples, s16le.

        Args:
            count: How many.
            loudspeaker: What has been sounded since the call began, up to the end of this piece or nearly.
        """
        first = self.now
        mixed = np.take(self._room, np.arange(first, first + count), mode="wrap")
        for at, stretch in self._said:
            _add(mixed, first, at, np.frombuffer(stretch.pcm, dtype="<i2"), 1.0)
        if self.echo is not None:
            gain = 10 ** (self.echo.level_db / 20)
            for wall_ms, share in WALLS:
                delay = int((self.echo.delay_ms + wall_ms) * RATE / 1000)
                begin = max(0, first - delay)
                piece = loudspeaker[2 * begin : 2 * max(0, first + count - delay)]
                _add(mixed, first, begin + delay, np.frombuffer(bytes(piece), dtype="<i2"), gain * share)
        pcm = np.clip(np.round(mixed), -32768, 32767).astype("<i2").tobytes()
        self.track += pcm
        return pcm


def _add(mixed: Sound, first: int, at: int, samples: np.ndarray[tuple[int], np.dtype[np.int16]], gain: float) -> None:
    """Add what of a sound that begins at `at` falls into the piece that begins at `first`."""
    begin, end = max(at, first), min(at + len(samples), first + len(mixed))
    if begin < end:
        mixed[begin - first : end - first] += samples[begin - at : end - at] * gain
