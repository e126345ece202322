"""The whisper provider, with real processes and people's recordings."""

from __future__ import annotations

import random

import pytest
import trio

from tests.needs import needs_whisper
from tests.processes import every_child
from tests.providers.recordings import noises, readings, share_of_errors
from tests.providers.spoken import hear
from tests.providers.test_moonshine import said
from voxint.core.stages import SpeechToText, Transcript
from voxint.errors import ConfigError
from voxint.providers.whisper import Whisper

pytestmark = needs_whisper


async def test_it_understands_readers() -> None:
    """Of five sentences at most 6 words in 100 are wrong, whether it is told the language or finds it out."""
    for language in ("auto", "en"):
        async with Whisper(language, wait_s=60) as stt:
            assert isinstance(stt, SpeechToText)
            assert stt.audio_format.rate == 16_000
            pairs = [(words, said(await hear(stt, sound))) for sound, words in readings()]
        assert share_of_errors(pairs) <= 0.06, pairs


async def test_who_has_chosen_a_language_is_heard_in_it() -> None:
    """Whatever the operator wrote, and beside others who have not: told the wrong one, it writes that."""
    sound, words = readings()[1]
    async with Whisper("zh", wait_s=60) as stt:
        assert {"en", "zh", "jv"} <= {*stt.languages}
        assert share_of_errors([(words, said(await hear(stt.hearing("en"), sound)))]) <= 0.15
        assert any("\u4e00" <= letter <= "\u9fff" for letter in said(await hear(stt, sound)))
        assert any("\u0400" <= letter <= "\u04ff" for letter in said(await hear(stt.hearing("ru"), sound)))


async def test_what_is_no_speech_is_no_text() -> None:
    """Silence, noise and tones: one final each, empty."""
    async with Whisper() as stt:
        for name, sound in noises().items():
            assert await hear(stt, sound) == [Transcript("", is_final=True)], name


async def test_cancelled_nothing_goes_on() -> None:
    """At any moment: the process has let go or is dead, and the next caller is heard by it or by another."""
    sound, words = readings()[1]
    chance, others = random.Random(5), every_child()
    async with Whisper("en", wait_s=60) as stt:
        for _ in range(3):
            with trio.move_on_after(chance.uniform(0.05, 1)) as scope:
                await hear(stt, sound)
            if scope.cancelled_caught:
                assert trio.current_time() - scope.deadline < 1.5
        assert share_of_errors([(words, said(await hear(stt, sound)))]) <= 0.15
    assert every_child() == others


async def test_seats_and_check() -> None:
    """It carries somebody at least, and tells what a process answered."""
    assert Whisper().seats is None
    assert Whisper(seats=2).seats == 2
    async with Whisper() as stt:
        assert (stt.seats or 0) >= 1
        assert "a whisper process heard a second of silence in" in await stt.check()


async def test_a_language_that_it_does_not_know() -> None:
    """The process says so when it is started."""
    with pytest.raises(ConfigError, match="whisper: language xx is none that it knows: write a code"):
        async with Whisper("xx"):
            raise AssertionError("it was entered")


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"language": "zh-CN"}, "whisper option language"),
        ({"language": 5}, "whisper option language"),
        ({"prompt": "x" * 201}, "whisper option prompt"),
        ({"prompt": 5}, "whisper option prompt"),
        ({"workers": 0}, "whisper option workers"),
        ({"threads": 1.5}, "whisper option threads"),
        ({"wait_s": 61}, "whisper option wait_s"),
        ({"seats": 0}, "whisper option seats"),
        ({"assets": "/nowhere"}, "whisper option assets"),
    ],
)
def test_options_that_are_none(options: dict[str, object], wrong: str) -> None:
    """Each is refused by its name, with what to write."""
    with pytest.raises(ConfigError, match=f"{wrong}: write"):
        Whisper(**options)  # type: ignore[arg-type]  # that is the point
