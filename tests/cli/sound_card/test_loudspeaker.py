from __future__ import annotations

import array

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.cli.sound_card.fake_card import FakeCard
from voxint.cli.sound_card.loudspeaker import Loudspeaker, find_output, open_loudspeaker
from voxint.cli.sound_card.portaudio import agreed, find_device
from voxint.cli.speakers import PlayerGone
from voxint.core.audio import AudioFormat

VOICE = AudioFormat(24_000)


def sound(ms: float) -> bytes:
    """Return so much of something that is not silent."""
    return b"\1\2" * VOICE.samples(ms)


def a_loudspeaker(card: FakeCard) -> Loudspeaker:
    """Return one whose clock is trio's, so that time may be virtual."""
    device = find_device(card, "output")
    return Loudspeaker(device, agreed(card, device, VOICE.rate), VOICE, trio.current_time)


def fill(speaker: Loudspeaker, frames: int = 480) -> bytes:
    """Call back as the device does; return what it got."""
    out = bytearray(2 * frames)
    speaker.fill(memoryview(out), frames, None, None)
    return bytes(out)


async def test_an_interrupted_voice_is_silent_in_the_next_block(autojump_clock: object) -> None:
    """What comes later is dropped, until another answer begins; what was heard is known to the millisecond."""
    speaker = a_loudspeaker(FakeCard())
    speaker.begin()
    await speaker.play(sound(500))
    assert fill(speaker) == sound(20)
    await trio.sleep(0.0125)
    assert speaker.played_ms == 12.5
    speaker.silence()
    await speaker.play(sound(100))
    assert fill(speaker) == bytes(960)
    await speaker.finish()
    speaker.begin()
    assert speaker.played_ms == 0
    await speaker.play(sound(20))
    assert fill(speaker) == sound(20)


async def test_a_voice_that_is_held_goes_on_with_its_very_next_sample(autojump_clock: object) -> None:
    """It is silent within a fade; what was heard stands still meanwhile, and what comes meanwhile is kept."""
    speaker = a_loudspeaker(FakeCard())
    speaker.begin()
    await speaker.play(sound(100))
    assert fill(speaker) == sound(20)
    speaker.pause()
    await trio.sleep(0.02)
    assert fill(speaker)[480:] == bytes(480)
    assert abs(speaker.handed_s - 0.01) < 1e-9
    await speaker.play(sound(20))
    await trio.sleep(1)
    assert fill(speaker) == bytes(960)
    assert speaker.handed_s == 0
    assert speaker.played_ms == 30
    speaker.resume()
    assert fill(speaker)[480:] == sound(10)
    await trio.sleep(0.02)
    assert speaker.played_ms == 50
    assert fill(speaker) + fill(speaker) + fill(speaker) + fill(speaker) == sound(70) + bytes(480)
    await trio.sleep(0.02)
    assert speaker.played_ms == 120


async def test_the_end_of_a_voice_that_is_held_comes_when_it_has_been_heard(autojump_clock: object) -> None:
    """Whoever waits for the end waits through the pause, or until a silence."""
    for goes_on in (True, False):
        speaker = a_loudspeaker(FakeCard())
        speaker.begin()
        await speaker.play(sound(60))
        speaker.pause()

        async def device(speaker: Loudspeaker = speaker) -> None:
            while True:
                await trio.sleep(0.02)
                fill(speaker)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(device)
            with trio.move_on_after(5) as waiting:
                await speaker.finish()
            assert waiting.cancelled_caught
            if goes_on:
                speaker.resume()
            else:
                speaker.silence()
            await speaker.finish()
            assert round(speaker.played_ms) == (60 if goes_on else 10)
            nursery.cancel_scope.cancel()


async def test_another_answer_is_played_where_a_held_one_was_cut_off(autojump_clock: object) -> None:
    """The pause ends with what was held, and so does its fade."""
    speaker = a_loudspeaker(FakeCard())
    speaker.begin()
    await speaker.play(sound(60))
    fill(speaker)
    speaker.pause()
    fill(speaker)
    speaker.silence()
    speaker.begin()
    await speaker.play(sound(20))
    assert fill(speaker) == sound(20)


async def test_the_end_is_waited_for(autojump_clock: object) -> None:
    """Until the last frame has been heard."""
    speaker = a_loudspeaker(FakeCard())
    await speaker.play(sound(60))

    async def device() -> None:
        while True:
            await trio.sleep(0.02)
            fill(speaker)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(device)
        await speaker.finish()
        assert speaker.played_ms == 60
        assert speaker.handed_s == 0
        nursery.cancel_scope.cancel()


async def test_an_unplugged_device_is_told_in_time(autojump_clock: object) -> None:
    """It calls back no more."""
    speaker = a_loudspeaker(FakeCard())
    await speaker.play(sound(60))
    with pytest.raises(PlayerGone, match=r"the loudspeaker \(Desk Loudspeaker\) takes no more sound: was it unplugged"):
        await speaker.finish()
    assert 2.0 <= trio.current_time() - speaker._called_at <= 2.6


async def test_far_more_than_can_be_played_waits(autojump_clock: object) -> None:
    """So a server that sends an hour at once fills no memory; a silence lets the one who waits go."""
    speaker = a_loudspeaker(FakeCard())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(speaker.play, sound(60_000))
        await wait_all_tasks_blocked()
        assert nursery.child_tasks
        fill(speaker)
        speaker.silence()


@pytest.mark.parametrize(("rates", "channels"), [((48_000,), (1,)), ((44_100,), (2,)), ((16_000,), (2,))])
async def test_a_device_of_another_kind_plays_the_same(rates: tuple[int, ...], channels: tuple[int, ...]) -> None:
    """The rate is converted, and both channels have the voice."""
    card = FakeCard(rates=rates, channels=channels)
    async with open_loudspeaker(card, find_device(card, "output"), VOICE) as speaker:
        stream = card.streams["output"]
        tone = array.array("h", [8_000, -8_000] * 6 + [0] * 12) * 100
        await speaker.play(tone.tobytes())
        with trio.move_on_after(0):
            await speaker.finish()
        played = array.array("h", stream.play(rates[0]))
        left, right = played[:: channels[0]], played[channels[0] - 1 :: channels[0]]
        assert left == right
        heard = [n for n, sample in enumerate(left) if abs(sample) > 300]
        assert abs(heard[-1] / rates[0] - 0.1) < 0.02
        assert abs(speaker.played_ms) <= 101
    assert stream.closed


def test_a_machine_without_a_sound_card_has_no_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the programs that play are asked, as where the extra is missing."""
    card = FakeCard()
    monkeypatch.setattr("voxint.cli.sound_card.loudspeaker.load_portaudio", lambda: card)
    found = find_output()
    assert found is not None
    assert found.device.name == "Desk Loudspeaker"
    card.devices.clear()
    assert find_output() is None
