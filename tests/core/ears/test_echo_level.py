"""How loud a microphone hears answers."""

from __future__ import annotations

from voxint.core.ears.echo_level import FADE_DB, LATE, MARGIN_DB, EchoLevel


def learnt(*levels: float) -> EchoLevel:
    """Return what is known behind windows of these levels, and enough quiet ones to have learned from them."""
    level = EchoLevel()
    for each in (*levels, *[-60.0] * LATE):
        level.heard(each)
    return level


def test_who_is_much_louder_than_the_echo_is_none() -> None:
    """And who is not may be one."""
    level = learnt(-40.0, -45.0)
    assert not level.is_outdone(-40.0 + MARGIN_DB - 1)
    assert level.is_outdone(-40.0 + MARGIN_DB)


def test_without_an_echo_everybody_is() -> None:
    """As with headphones, or where a client takes it away."""
    assert learnt(-60.0, -58.0).is_outdone(-45.0)


def test_the_soft_beginning_of_a_voice_is_not_learned_from() -> None:
    """What came right before a loud window belongs to it."""
    level = learnt(-60.0)
    for soft in (-45.0, -37.0, -36.0):
        level.heard(soft)
    assert level.is_outdone(-30.0)
    for _ in range(LATE + 1):
        level.heard(-60.0)
    assert level.is_outdone(-45.0)


def test_an_echo_that_has_become_quieter_is_forgotten() -> None:
    """Slowly, for a pause between two sentences is none."""
    level = learnt(-20.0)
    for _ in range(int(20 / FADE_DB) + 1):
        level.heard(-50.0)
    assert level.is_outdone(-29.0)
