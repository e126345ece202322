from __future__ import annotations

import array
import threading

import pytest
import trio

from tests.cli.sound_card.fake_card import FakeCard
from voxint.cli.sound_card.microphone import WAITING, open_microphone
from voxint.cli.sound_card.portaudio import find_device
from voxint.cli.speakers import PlayerGone
from voxint.core.audio import AudioFormat

HEARD = AudioFormat(16_000)


def block(number: int) -> bytes:
    """Return a block of 20 ms that can be told from others."""
    return bytes([number % 256, 0]) * 320


async def test_what_another_thread_gives_is_received_in_its_order() -> None:
    """PortAudio calls back from a thread of its own."""
    card = FakeCard()
    async with open_microphone(card, find_device(card, "input"), HEARD) as microphone:

        def device() -> None:
            for number in range(50):
                card.streams["input"].hear(block(number))

        thread = threading.Thread(target=device)
        thread.start()
        with trio.fail_after(30):
            assert [await microphone.receive() for _ in range(50)] == [block(number) for number in range(50)]
        thread.join()
        assert microphone.dropped == 0


async def test_a_loop_that_lags_loses_the_oldest() -> None:
    """And it is counted: late speech is no conversation."""
    card = FakeCard()
    async with open_microphone(card, find_device(card, "input"), HEARD) as microphone:
        for number in range(WAITING + 5):
            card.streams["input"].hear(block(number))
        assert microphone.dropped == 5
        assert await microphone.receive() == block(5)


async def test_an_unplugged_device_is_told(autojump_clock: object) -> None:
    """It gives nothing for two seconds."""
    card = FakeCard()
    async with open_microphone(card, find_device(card, "input"), HEARD) as microphone:
        card.streams["input"].hear(block(1))
        assert await microphone.receive() == block(1)
        began = trio.current_time()
        with pytest.raises(PlayerGone, match=r"the microphone \(Wall Microphone\) gives no more sound: was it unplu"):
            await microphone.receive()
        assert trio.current_time() - began == 2.0


async def test_a_device_that_calls_after_its_end_does_no_harm() -> None:
    """The loop may be gone by then."""
    card = FakeCard()
    async with open_microphone(card, find_device(card, "input"), HEARD) as microphone:
        pass
    await trio.to_thread.run_sync(card.streams["input"].hear, block(1))
    assert await microphone.receive() == block(1)


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 1), (44_100, 2)])
async def test_a_device_of_another_kind_is_heard_the_same(rate: int, channels: int) -> None:
    """Its rate is converted, and its channels are averaged."""
    card = FakeCard(rates=(rate,), channels=(channels,))
    async with open_microphone(card, find_device(card, "input"), HEARD) as microphone:
        stream = card.streams["input"]
        period = ([9_000] * 48 + [-9_000] * 48) * (rate // 96)
        frames = array.array("h", [each for sample in period for each in [sample] * channels])
        step = stream.block * channels
        heard = bytearray()
        for start in range(0, len(frames) - step, step):
            stream.hear(frames[start : start + step].tobytes())
            with trio.move_on_after(0.05):
                heard += await microphone.receive()
        samples = array.array("h", bytes(heard))
        assert abs(len(samples) / 16_000 - 1) < 0.1
        assert max(samples) > 8_000
