"""A sound card of a test's own: it calls back as PortAudio does, when the test says so or at the pace of sound."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import trio
from attrs import define, field

from voxint.cli.sound_card.portaudio import BLOCK_MS, Kind

__all__ = ["ANY_RATE", "FakeCard", "FakeError", "FakeStream"]

ANY_RATE = (8_000, 16_000, 24_000, 44_100, 48_000)


class FakeError(Exception):
    """What this card has for `PortAudioError`."""


@define(eq=False)
class FakeStream:
    """A stream that is open.

    Attributes:
        settings: As it was opened with.
        running: Whether it calls back.
        closed: Whether it was closed.
    """

    settings: Mapping[str, Any]
    latency: float = 0.0
    running: bool = False
    closed: bool = False

    def start(self) -> None:
        """Begin to call back."""
        self.running = True

    def abort(self) -> None:
        """Call no more."""
        self.running = False

    def close(self) -> None:
        """Give the device back."""
        self.closed = True

    def hear(self, pcm: bytes) -> None:
        """Call a microphone's callback with a block."""
        frames = len(pcm) // 2 // self.settings["channels"]
        self.settings["callback"](memoryview(pcm), frames, None, None)

    def play(self, frames: int) -> bytes:
        """Call a loudspeaker's callback for so many frames; return them."""
        out = bytearray(frames * 2 * self.settings["channels"])
        self.settings["callback"](memoryview(out), frames, None, None)
        return bytes(out)

    @property
    def block(self) -> int:
        """Frames of a block."""
        return int(self.settings["samplerate"] * BLOCK_MS / 1000)


@define(eq=False)
class FakeCard:
    """A card with a microphone and a loudspeaker, which take some rates and numbers of channels.

    Attributes:
        devices: As sounddevice has them.
        rates: In Hz, what they take.
        channels: How many they take.
        busy: Whether opening fails.
        said: What the microphone hears next, beside silence.
        played: What the loudspeaker has played, silence too.
        streams: What was opened, by kind.
    """

    devices: list[dict[str, Any]] = field(
        factory=lambda: [
            _device(0, "Wall Microphone", inputs=1),
            _device(1, "Desk Loudspeaker", outputs=2),
        ]
    )
    rates: Collection[int] = ANY_RATE
    channels: Collection[int] = (1, 2)
    busy: bool = False
    said: bytearray = field(factory=bytearray)
    played: bytearray = field(factory=bytearray)
    streams: dict[str, FakeStream] = field(factory=dict)
    PortAudioError: type[Exception] = FakeError

    def query_devices(self, device: int | str | None = None, kind: Kind | None = None) -> Any:
        """Return one device or all."""
        if kind is None:
            return self.devices
        able = [each for each in self.devices if each[f"max_{kind}_channels"]]
        if device is None:
            if not able:
                raise FakeError("Error querying device -1")
            return able[0]
        named = [each for each in able if device == each["index"] or str(device) in each["name"]]
        if len(named) != 1:
            raise ValueError(f"{len(named)} devices are called {device}")
        return named[0]

    def check_input_settings(self, *, device: int, channels: int, dtype: str, samplerate: int) -> None:
        """Refuse what it does not take."""
        assert (device, dtype) == (0, "int16")
        self._check(channels, samplerate)

    def check_output_settings(self, *, device: int, channels: int, dtype: str, samplerate: int) -> None:
        """Refuse what it does not take."""
        assert (device, dtype) == (1, "int16")
        self._check(channels, samplerate)

    def RawInputStream(self, **settings: Any) -> FakeStream:
        """Open the microphone."""
        return self._open("input", settings)

    def RawOutputStream(self, **settings: Any) -> FakeStream:
        """Open the loudspeaker."""
        return self._open("output", settings)

    def _open(self, kind: str, settings: dict[str, Any]) -> FakeStream:
        if self.busy:
            raise FakeError("Device unavailable")
        self._check(settings["channels"], settings["samplerate"])
        self.streams[kind] = FakeStream(settings)
        return self.streams[kind]

    def _check(self, channels: int, rate: int) -> None:
        if channels not in self.channels or rate not in self.rates:
            raise FakeError("Invalid sample rate")

    async def run(self) -> None:
        """Call back at the pace of sound, with what is `said`; cancelled in the end."""
        began = trio.current_time()
        blocks = 0
        while True:
            blocks += 1
            await trio.sleep_until(began + blocks * BLOCK_MS / 1000)
            if (microphone := self.streams.get("input")) is not None and microphone.running:
                size = 2 * microphone.block
                block, self.said[:size] = bytes(self.said[:size]), b""
                microphone.hear(block.ljust(size, b"\0"))
            if (loudspeaker := self.streams.get("output")) is not None and loudspeaker.running:
                self.played += loudspeaker.play(loudspeaker.block)


def _device(index: int, name: str, *, inputs: int = 0, outputs: int = 0) -> dict[str, Any]:
    channels = {"max_input_channels": inputs, "max_output_channels": outputs}
    return {"index": index, "name": name, "default_samplerate": 44_100.0, **channels}
