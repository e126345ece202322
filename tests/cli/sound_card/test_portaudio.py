from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

import pytest
import trio

from tests.cli.sound_card.fake_card import FakeCard, FakeError, FakeStream
from voxint.cli.sound_card.portaudio import agreed, device_lines, find_device, load_portaudio, running
from voxint.core.audio import AudioFormat
from voxint.errors import ConfigError


def fails(error: Exception) -> Callable[..., Any]:
    """Return an import that fails for sounddevice alone."""
    real = builtins.__import__

    def imported(name: str, *rest: Any, **more: Any) -> Any:
        if name == "sounddevice":
            raise error
        return real(name, *rest, **more)

    return imported


def test_a_missing_extra_or_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheels for Linux bring no PortAudio along."""
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", fails(ImportError("no module")))
    with pytest.raises(ConfigError, match=r"sound card: this needs the package sounddevice: pip install .*audio"):
        load_portaudio()
    monkeypatch.setattr(builtins, "__import__", fails(OSError("PortAudio library not found")))
    with pytest.raises(ConfigError, match=r"PortAudio is not on this machine: install it .*apt install libportaudio2"):
        load_portaudio()


def test_a_device_is_found_by_number_by_name_or_as_the_systems_own() -> None:
    """And what is none of these is an error that says how to choose."""
    card = FakeCard()
    for wanted in (None, "1", "Desk"):
        assert find_device(card, "output", wanted).name == "Desk Loudspeaker"
    for wanted in ("7", "0", "Door"):
        with pytest.raises(ConfigError, match=f"--output: no loudspeaker, or more than one, is called {wanted}"):
            find_device(card, "output", wanted)
    card.devices.pop(0)
    with pytest.raises(ConfigError, match="--input: this machine has no microphone: connect one, and look at"):
        find_device(card, "input")


def test_devices_are_listed_with_the_systems_own_choice() -> None:
    """A star marks it."""
    card = FakeCard()
    card.devices.append({**card.devices[1], "index": 2, "name": "Hall"})
    assert device_lines(card) == [
        "  0  microphone*                Wall Microphone",
        "  1  loudspeaker*               Desk Loudspeaker",
        "  2  loudspeaker                Hall",
    ]


@pytest.mark.parametrize(
    ("rates", "channels", "agreement"),
    [
        ((24_000, 44_100, 48_000), (1, 2), (24_000, 1)),
        ((44_100, 48_000), (1, 2), (44_100, 1)),
        ((48_000,), (1, 2), (48_000, 1)),
        ((48_000,), (2,), (48_000, 2)),
    ],
)
def test_the_nearest_format_is_taken(rates: tuple[int, ...], channels: tuple[int, ...], agreement: object) -> None:
    """The wanted rate, else what the device calls its own, else what most have; one channel, else two."""
    card = FakeCard(rates=rates, channels=channels)
    taken = agreed(card, find_device(card, "output"), 24_000)
    assert (taken.audio_format.rate, taken.channels) == agreement


def test_a_device_that_takes_nothing_is_told() -> None:
    """By its name."""
    card = FakeCard(rates=(192_000,))
    with pytest.raises(ConfigError, match=r"--output: the loudspeaker \(Desk Loudspeaker\) can't be used"):
        agreed(card, find_device(card, "output"), 24_000)


async def test_a_device_is_closed_whatever_happens() -> None:
    """One that can't be opened says so; a block of 20 ms is asked for."""
    card = FakeCard()
    device = find_device(card, "input")
    taken = agreed(card, device, 16_000)
    with trio.CancelScope() as scope:
        async with running(card, device, taken, print):
            assert card.streams["input"].running
            assert card.streams["input"].settings["blocksize"] == 320
            scope.cancel()
            await trio.sleep_forever()
    assert card.streams["input"].closed
    card.busy = True
    with pytest.raises(ConfigError, match=r"can't be opened: .* \(Device unavailable\)"):
        async with running(card, device, taken, print):
            pass


async def test_a_device_that_was_pulled_out_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its close may fail."""
    card = FakeCard()
    device = find_device(card, "input")

    def fail(stream: FakeStream) -> None:
        raise FakeError("Unanticipated host error")

    monkeypatch.setattr(FakeStream, "abort", fail)
    async with running(card, device, agreed(card, device, 16_000), print):
        pass
    assert not card.streams["input"].closed
    assert AudioFormat(16_000) == agreed(card, device, 16_000).audio_format
