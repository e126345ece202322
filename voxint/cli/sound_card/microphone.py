"""A microphone: pieces of 20 ms as they come, the oldest dropped where nobody takes them in time."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import trio

from voxint.cli.sound_card.portaudio import Device, DeviceFormat, PortAudio, agreed, running
from voxint.cli.speakers import PlayerGone
from voxint.core.audio import AudioFormat
from voxint.core.resample import load_resampler, resampler

__all__ = ["CardMicrophone", "open_microphone"]

WAITING = 100
"""Blocks that wait for the loop; ours: 2 s, longer than a loop is ever held, and older speech is no conversation."""

STUCK_S = 2.0
"""Seconds without a block after which the device is gone; ours, as of a loudspeaker."""


class CardMicrophone:
    """Hands what a device gives from PortAudio's thread to trio.

    Args:
        device: What hears.
        given: How it gives sound.
        audio_format: Of what `receive` returns.

    Attributes:
        dropped: Blocks that nobody took in time.
    """

    def __init__(self, device: Device, given: DeviceFormat, audio_format: AudioFormat) -> None:
        self.dropped = 0
        self._device = device
        self._channels = given.channels
        self._resampler = resampler(given.audio_format, audio_format)
        self._blocks: deque[bytes] = deque(maxlen=WAITING)
        self._token = trio.lowlevel.current_trio_token()
        self._news = trio.Event()

    def take(self, block: memoryview, frames: int, times: object, status: object) -> None:
        """Take a block from the device; called by PortAudio's thread."""
        if len(self._blocks) == WAITING:
            self.dropped += 1
        self._blocks.append(bytes(block))
        with suppress(trio.RunFinishedError):  # the device calls until it is closed
            self._token.run_sync_soon(self._wake, idempotent=True)

    async def receive(self) -> bytes:
        """Wait for what was heard next, and return it.

        Raises:
            PlayerGone: The device gives nothing any more.
        """
        while True:
            with trio.move_on_after(STUCK_S) as stuck:
                while not self._blocks:
                    self._news = trio.Event()
                    await self._news.wait()
            if stuck.cancelled_caught:
                raise PlayerGone(f"{self._device} gives no more sound: was it unplugged?")
            await trio.lowlevel.checkpoint()
            if audio := self._resampler.feed(self._mono(self._blocks.popleft())):
                return audio

    def _wake(self) -> None:
        self._news.set()

    def _mono(self, block: bytes) -> bytes:
        if self._channels == 1:
            return block
        import numpy as np  # imported here: a device with one channel needs it not

        frames = np.frombuffer(block, "<i2").reshape(-1, self._channels)
        return bytes(frames.mean(axis=1).astype("<i2").tobytes())


@asynccontextmanager
async def open_microphone(card: PortAudio, device: Device, audio_format: AudioFormat) -> AsyncGenerator[CardMicrophone]:
    """Open a device for the block.

    Args:
        card: Whose device.
        device: It.
        audio_format: Of what it is to give; what the device gives may be another.

    Raises:
        ConfigError: It can't be opened.
    """
    given = agreed(card, device, audio_format.rate)
    await load_resampler()
    microphone = CardMicrophone(device, given, audio_format)
    async with running(card, device, given, microphone.take):
        yield microphone
