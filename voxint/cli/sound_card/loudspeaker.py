"""A loudspeaker: it plays what comes, is silent within a block, and knows what was heard."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import trio
from attrs import frozen

from voxint.cli.sound_card.playback import Playback
from voxint.cli.sound_card.portaudio import (
    Device,
    DeviceFormat,
    PortAudio,
    SoundStream,
    agreed,
    find_device,
    load_portaudio,
    running,
)
from voxint.cli.speakers import PlayerGone
from voxint.core.audio import AudioFormat
from voxint.core.resample import load_resampler, resampler
from voxint.errors import ConfigError

__all__ = ["Loudspeaker", "Output", "find_output", "open_loudspeaker"]

AHEAD_S = 5.0
"""Seconds of sound that may wait here; ours: a voxint server sends 0.3 s ahead, and another one fills no memory."""

STUCK_S = 2.0
"""Seconds without a call of the device's after which it is gone; ours: a block is 20 ms, and a laptop may be busy."""

LOOK_S = 0.01
"""Seconds between two looks at what is left, at the least; ours: in a pause it stays the same."""


@frozen
class Output:
    """A loudspeaker that can be opened.

    Args:
        card: Whose device.
        device: It.
    """

    card: PortAudio
    device: Device


class Loudspeaker:
    """Plays speech by a device; a `Speaker`.

    Args:
        device: What plays.
        taken: How it takes sound.
        audio_format: Of what it is given.
        clock: Seconds, for both threads: trio's own can't be read in PortAudio's.
    """

    def __init__(
        self,
        device: Device,
        taken: DeviceFormat,
        audio_format: AudioFormat,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = device
        self._taken = taken
        self._source = audio_format
        self._clock = clock
        self._playback = Playback(taken.audio_format.rate, taken.frame_bytes)
        self._resampler = resampler(audio_format, taken.audio_format)
        self._silent = False
        self._called_at = clock()
        self.stream: SoundStream | None = None

    def fill(self, out: memoryview, frames: int, times: object, status: object) -> None:
        """Give the device what it plays next; called by PortAudio's thread."""
        now = self._called_at = self._clock()
        delay_s = 0.0 if self.stream is None else self.stream.latency
        out[:] = self._playback.take(frames, now, delay_s)

    def begin(self) -> None:
        """Begin another answer: what is heard counts from here, and a silence or a pause is over."""
        self._silent = False
        self._playback.resume()
        self._resampler = resampler(self._source, self._taken.audio_format)
        self._playback.begin()

    @property
    def played_ms(self) -> float:
        """Milliseconds of this answer that have been heard."""
        return self._playback.heard_ms(self._clock())

    @property
    def handed_s(self) -> float:
        """Seconds until all that the device holds has been heard: so long a pause or a silence is not heard yet."""
        return self._playback.handed_s(self._clock())

    async def early_end(self) -> PlayerGone | None:
        """Return None: a device that does not work can't be opened."""
        return None

    async def play(self, audio: bytes) -> None:
        """Take a piece of speech; waits only where far more comes than can be played.

        Raises:
            PlayerGone: The device is gone.
        """
        self.put(audio)
        await self.room()

    def put(self, audio: bytes) -> None:
        """Take a piece of speech without a wait, for who must not be held up: what sends it has to keep to its pace."""
        if not self._silent:
            self._playback.put(self._for_device(self._resampler.feed(audio)))

    async def room(self) -> None:
        """Wait while far more is here than can be played.

        Raises:
            PlayerGone: The device is gone.
        """
        await self._wait_until_left(AHEAD_S)

    async def finish(self) -> None:
        """Wait until all has been heard, or a silence.

        Raises:
            PlayerGone: The device is gone.
        """
        if not self._silent:
            self._playback.put(self._for_device(self._resampler.flush()))
        await self._wait_until_left(0.0)

    def pause(self) -> None:
        """Fall silent behind what the device holds and a fade, and keep the rest; `finish` waits meanwhile."""
        self._playback.pause()

    def resume(self) -> None:
        """Go on with the very next sample, and a fade in."""
        self._playback.resume()

    def silence(self) -> None:
        """Fall silent: what waits is thrown away, and what comes later is dropped until the next answer begins."""
        self._silent = True
        self._playback.discard()

    async def _wait_until_left(self, seconds: float) -> None:
        """Wait until so much is left at most. Bounded: a device that does not call takes nothing, and is gone."""
        while not self._silent and (over := self._playback.left_s(self._clock()) - seconds) > 0:
            if self._clock() - self._called_at > STUCK_S:
                self.silence()
                raise PlayerGone(f"{self._device} takes no more sound: was it unplugged?")
            await trio.sleep(min(max(over, LOOK_S), STUCK_S / 4))

    def _for_device(self, audio: bytes) -> bytes:
        if self._taken.channels == 1:
            return audio
        import numpy as np  # imported here: a device with one channel needs it not

        return np.frombuffer(audio, "<i2").repeat(self._taken.channels).tobytes()


def find_output() -> Output | None:
    """Return the system's own loudspeaker, or None: the extra, the library or a device is not there, or in use."""
    try:
        card = load_portaudio()
        device = find_device(card, "output")
        agreed(card, device, 24_000)
    except ConfigError:
        return None
    return Output(card, device)


@asynccontextmanager
async def open_loudspeaker(card: PortAudio, device: Device, audio_format: AudioFormat) -> AsyncGenerator[Loudspeaker]:
    """Open a device for the block.

    Args:
        card: Whose device.
        device: It.
        audio_format: Of what it is given; what the device takes may be another.

    Raises:
        ConfigError: It can't be opened.
    """
    taken = agreed(card, device, audio_format.rate)
    await load_resampler()
    speaker = Loudspeaker(device, taken, audio_format)
    async with running(card, device, taken, speaker.fill) as speaker.stream:
        yield speaker
