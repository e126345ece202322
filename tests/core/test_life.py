from __future__ import annotations

from typing import get_args

import pytest

from voxint.core.life import LIFE, LifeEvent, State, next_state

STATES: tuple[State, ...] = get_args(State)
EVENTS: tuple[LifeEvent, ...] = get_args(LifeEvent)


def test_every_state_knows_every_event_that_can_happen() -> None:
    """The last task's end comes once; a live request has no interrupt deadline. All else may come at any time."""
    impossible = {("ended", "exit"), ("live", "deadline")}
    assert set(LIFE) == {(state, event) for state in STATES for event in EVENTS} - impossible


@pytest.mark.parametrize(("state", "event"), [("ended", "exit"), ("live", "deadline")])
def test_what_cannot_happen_is_an_error(state: State, event: LifeEvent) -> None:
    """It is a bug of ours."""
    with pytest.raises(KeyError):
        next_state(state, event)


def test_a_life_never_goes_back() -> None:
    """Live, stopping, overrun, ended: each step is forward or none."""
    assert all(STATES.index(state) <= STATES.index(after) for (state, _), after in LIFE.items())


def test_every_life_ends() -> None:
    """Whatever has happened, the last task's end is the end."""
    assert {after for (_, event), after in LIFE.items() if event == "exit"} == {"ended"}


@pytest.mark.parametrize("first", ["interrupt", "fail"])
def test_the_first_end_stands(first: LifeEvent) -> None:
    """A second one changes nothing."""
    stopping = next_state("live", first)
    assert [next_state(stopping, event) for event in ("interrupt", "fail")] == ["stopping", "stopping"]
