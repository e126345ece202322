"""What of sounddevice is used, the devices it lists, and the rate and channels that one of them agrees to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, Protocol, cast

import trio
from attrs import frozen

from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.errors import ConfigError
from voxint.extras import to_add

__all__ = [
    "BLOCK_MS",
    "Device",
    "DeviceFormat",
    "Kind",
    "PortAudio",
    "SoundStream",
    "agreed",
    "device_lines",
    "find_device",
    "load_portaudio",
    "running",
]

Kind = Literal["input", "output"]
KINDS: tuple[Kind, ...] = ("input", "output")

BLOCK_MS = 20.0
"""Milliseconds of a block; ours: what a silence leaves to be heard, and what a detector gets at once."""

LATENCY_S = 0.04
"""Seconds that a device is asked to hold; ours: two blocks. Less, and a busy machine crackles; more, and an interrupted
voice goes on for so long."""

CLOSE_S = 1.0
"""Seconds that a device has to be closed; ours: one that was pulled out may never return."""

RATES = (48_000, 44_100, 16_000, 8_000)
"""What to try, in Hz, where a device takes neither the wanted rate nor what it calls its own."""

WHERE = {"input": "--input", "output": "--output"}
THING = {"input": "microphone", "output": "loudspeaker"}


class SoundStream(Protocol):
    """A stream of PortAudio's; it calls back from a thread of its own."""

    latency: float

    def start(self) -> None:
        """Begin to call back."""

    def abort(self) -> None:
        """End it at once: what the device still holds is not played."""

    def close(self) -> None:
        """Give the device back."""


class PortAudio(Protocol):
    """The part of the package sounddevice that is used; tests have another one."""

    PortAudioError: type[Exception]

    def query_devices(self, device: int | str | None = None, kind: Kind | None = None) -> Any:
        """Return one device's properties, or those of all."""

    def check_input_settings(self, *, device: int, channels: int, dtype: str, samplerate: int) -> None:
        """Raise where a microphone does not work so."""

    def check_output_settings(self, *, device: int, channels: int, dtype: str, samplerate: int) -> None:
        """Raise where a loudspeaker does not work so."""

    def RawInputStream(self, **settings: Any) -> SoundStream:
        """Open a microphone."""

    def RawOutputStream(self, **settings: Any) -> SoundStream:
        """Open a loudspeaker."""


@frozen
class Device:
    """A microphone or a loudspeaker.

    Args:
        kind: Which of the two.
        index: PortAudio's number of it.
        name: What the system calls it.
        rate: The rate it calls its own, in Hz.
        channels: How many it has at most.
    """

    kind: Kind
    index: int
    name: str
    rate: float
    channels: int

    def __str__(self) -> str:
        return f"the {THING[self.kind]} ({self.name})"


@frozen
class DeviceFormat:
    """How a device takes or gives sound: s16le, interleaved.

    Args:
        audio_format: Its rate.
        channels: 1, or 2 where it knows no other.
    """

    audio_format: AudioFormat
    channels: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return BYTES_PER_SAMPLE * self.channels


def load_portaudio() -> PortAudio:
    """Import sounddevice, which asks the system for its devices.

    Raises:
        ConfigError: The extra or the library is not there; says what to install.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise ConfigError("sound card", f"this needs the package sounddevice: {to_add('audio')}") from error
    except OSError as error:  # the wheels for Linux bring no library along
        raise ConfigError(
            "sound card",
            "the library PortAudio is not on this machine: install it (Debian and Ubuntu: apt install libportaudio2; "
            "Fedora: dnf install portaudio; Alpine: apk add portaudio)",
        ) from error
    return cast("PortAudio", sounddevice)


def find_device(card: PortAudio, kind: Kind, wanted: str | None = None) -> Device:
    """Return a device by its number or a part of its name, or the system's own choice.

    Raises:
        ConfigError: There is none, or several bear the name.
    """
    name = int(wanted) if wanted is not None and wanted.isdecimal() else wanted
    try:
        found: Mapping[str, Any] = card.query_devices(name, kind)
    except (card.PortAudioError, ValueError) as error:
        if wanted is None:
            raise ConfigError(
                WHERE[kind], f"this machine has no {THING[kind]}: connect one, and look at `voxint talk --devices`"
            ) from error
        raise ConfigError(
            WHERE[kind], f"no {THING[kind]}, or more than one, is called {wanted}: choose by a number of `--devices`"
        ) from error
    return _device(kind, found)


def device_lines(card: PortAudio) -> list[str]:
    """Return a line for each device: its number, what it is, and its name; a star marks the system's own choice."""
    usual = {(kind, chosen.index) for kind in KINDS if (chosen := _usual(card, kind))}
    lines = []
    for found in cast("Sequence[Mapping[str, Any]]", card.query_devices()):
        kinds = [kind for kind in KINDS if found[f"max_{kind}_channels"]]
        marks = ", ".join(f"{THING[kind]}{'*' * ((kind, found['index']) in usual)}" for kind in kinds)
        lines.append(f"{found['index']:>3}  {marks:<25}  {found['name']}")
    return lines


def _usual(card: PortAudio, kind: Kind) -> Device | None:
    try:
        return find_device(card, kind)
    except ConfigError:
        return None


def _device(kind: Kind, found: Mapping[str, Any]) -> Device:
    return Device(kind, found["index"], found["name"], found["default_samplerate"], found[f"max_{kind}_channels"])


def agreed(card: PortAudio, device: Device, rate: int) -> DeviceFormat:
    """Return the format of a device that is nearest to one channel at `rate` Hz.

    Raises:
        ConfigError: It takes none of those that are tried: it may be in use by a program that keeps it to itself.
    """
    check = card.check_input_settings if device.kind == "input" else card.check_output_settings
    own = int(device.rate) if 8_000 <= device.rate <= 48_000 else rate
    error: Exception | None = None
    for channels in (1, 2):
        for each in dict.fromkeys((rate, own, *RATES)):
            try:
                check(device=device.index, channels=channels, dtype="int16", samplerate=each)
            except (card.PortAudioError, ValueError) as refused:
                error = error or refused
                continue
            return DeviceFormat(AudioFormat(each), channels)
    raise ConfigError(
        WHERE[device.kind], f"{device} can't be used: is another program using it? Choose by `voxint talk --devices`"
    ) from error


@asynccontextmanager
async def running(
    card: PortAudio, device: Device, taken: DeviceFormat, callback: Callable[..., None]
) -> AsyncGenerator[SoundStream]:
    """Have a device call back while the block runs; at its end it is closed, whatever that device does.

    Args:
        card: Whose device.
        device: It.
        taken: As `agreed` returned it.
        callback: Called by a thread of PortAudio's with a buffer, a number of frames, times and a status.

    Raises:
        ConfigError: The device can't be opened.
    """
    opener = card.RawInputStream if device.kind == "input" else card.RawOutputStream
    try:
        stream = opener(
            samplerate=taken.audio_format.rate,
            blocksize=taken.audio_format.samples(BLOCK_MS),
            device=device.index,
            channels=taken.channels,
            dtype="int16",
            latency=LATENCY_S,
            callback=callback,
        )
        stream.start()
    except (card.PortAudioError, ValueError) as error:
        raise ConfigError(
            WHERE[device.kind], f"{device} can't be opened: is another program using it, or may you not? ({error})"
        ) from error
    try:
        yield stream
    finally:
        with trio.move_on_after(CLOSE_S, shield=True):
            await trio.to_thread.run_sync(_close, card, stream, abandon_on_cancel=True)


def _close(card: PortAudio, stream: SoundStream) -> None:
    try:
        stream.abort()
        stream.close()
    except card.PortAudioError:  # it is gone already, as whoever used it was told
        return
