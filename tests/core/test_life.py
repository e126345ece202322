from __future__ import annotations

from typing import get_args

import pytest

from voxint.core.life import LIFE, LifeEvent, State, next_state

STATES: tuple[State, ...] = get_args(State)
EVENTS: tuple[LifeEvent, ...] = get_args(LifeEvent)

IMPOSSIBLE: list[tuple[State, LifeEvent]] = [
    ("ended", "exit"),
    ("held", "exit"),
    ("held", "deadline"),
    ("live", "deadline"),
]


def test_every_state_knows_every_event_that_can_happen() -> None:
    """The last task's end comes once, and not while the answer is held; what works has no interrupt deadline."""
    impossible = set(IMPOSSIBLE)
    assert set(LIFE) == {(state, event) for state in STATES for event in EVENTS} - impossible


@pytest.mark.parametrize(("state", "event"), IMPOSSIBLE)
def test_what_cannot_happen_is_an_error(state: State, event: LifeEvent) -> None:
    """It is a bug of ours."""
    with pytest.raises(KeyError):
        next_state(state, event)


def test_a_life_never_goes_back() -> None:
    """Live, held, stopping, overrun, ended: each step is forward or none, but for a release."""
    back = [step for step, after in LIFE.items() if STATES.index(after) < STATES.index(step[0])]
    assert back == [("held", "release")]


def test_every_life_ends() -> None:
    """Whatever has happened, the last task's end is the end."""
    assert {after for (_, event), after in LIFE.items() if event == "exit"} == {"ended"}


@pytest.mark.parametrize("first", ["interrupt", "fail"])
@pytest.mark.parametrize("state", ["live", "held"])
def test_the_first_end_stands(state: State, first: LifeEvent) -> None:
    """A second one changes nothing, nor does a hold or a release behind it."""
    stopping = next_state(state, first)
    assert {next_state(stopping, event) for event in ("interrupt", "fail", "hold", "release")} == {"stopping"}


def test_what_is_held_is_released_into_life() -> None:
    """As often as it likes; to hold what is held, or release what is live, changes nothing."""
    assert next_state(next_state("live", "hold"), "release") == "live"
    assert (next_state("held", "hold"), next_state("live", "release")) == ("held", "live")
