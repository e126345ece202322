from __future__ import annotations

from itertools import repeat

from voxint.cli.talking.level import LEARN_WINDOWS, Echo


def learned(level: float) -> Echo:
    """Return what is known after a while of sound that is so loud."""
    echo = Echo()
    for each in repeat(level, LEARN_WINDOWS):
        echo = echo.heard(each)
    return echo


def test_a_voice_must_outdo_the_echo() -> None:
    """By 6 dB over what was heard of the loudspeaker; a window that does is not learned as an echo."""
    echo = learned(-40.0)
    assert not echo.heard(-35.0).outdone
    louder = echo.heard(-33.0)
    assert louder.outdone
    assert louder.level_db == echo.level_db


def test_nothing_outdoes_an_echo_that_is_not_known_yet() -> None:
    """Else the first word of the first answer would interrupt it."""
    assert not Echo().heard(-10.0).outdone


def test_a_voice_sinks_between_two_syllables() -> None:
    """A few quiet windows do not end it; more of them do."""
    echo = learned(-40.0).heard(-20.0)
    for _ in range(3):
        echo = echo.heard(-50.0)
        assert echo.outdone
    assert not echo.heard(-50.0).outdone


def test_a_loud_word_of_the_loudspeaker_is_forgotten() -> None:
    """By six decibels a second: a pause of a second does not make the next word a person's."""
    echo = learned(-40.0)
    for _ in range(31):
        echo = echo.heard(-60.0)
    assert -46.3 < echo.level_db < -46.0
