from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from voxint.cli.talking.states import TABLE, Event, State, after

STATES: tuple[State, ...] = get_args(State)
EVENTS: tuple[Event, ...] = get_args(Event)
ANSWERING: tuple[State, ...] = ("thinking", "speaking", "held")


@pytest.mark.parametrize(("state", "event"), list(product(STATES, EVENTS)))
def test_what_is_not_in_the_table_changes_nothing(state: State, event: Event) -> None:
    """A late word of the server's ears, or the end of an answer that is gone, has no effect; quitting always has."""
    if event == "quit":
        assert after(state, event) == (state, ("quit",))
    elif (state, event) not in TABLE:
        assert after(state, event) == (state, ())


@pytest.mark.parametrize("state", STATES)
def test_every_state_can_be_left_by_a_person(state: State) -> None:
    """Where an answer is asked for, heard or held, by either key; twice Ctrl-C quits from anywhere."""
    first, actions = after(state, "ctrl_c")
    assert "quit" in actions + after(first, "ctrl_c")[1]
    if state in ANSWERING:
        assert after(state, "space") == after(state, "ctrl_c") == ("interrupted", ("interrupt",))
    if state != "held":  # that is not where one pushes to talk
        assert after(state, "talk")[0] != state


def test_an_answer_is_interrupted_before_the_next_one_is_asked() -> None:
    """In this order, wherever both happen; and only what there is is interrupted."""
    for (state, _), (_, actions) in TABLE.items():
        if {"interrupt", "flush"} & set(actions):
            assert state in ANSWERING
            assert actions in (("interrupt",), ("interrupt", "open"), ("flush",))
        if "open" in actions and state in ANSWERING:
            assert actions == ("interrupt", "open")


def test_what_is_held_goes_on_or_is_silenced() -> None:
    """Whatever leads out of a hold; so a loudspeaker that pauses never stays so. One that is through needs neither."""
    assert {state for (state, event), _ in TABLE.items() if event == "held"} == {"thinking", "speaking"}
    for (state, event), (following, actions) in TABLE.items():
        assert ("pause" in actions) == (following == "held") == (event == "held")
        if state == "held" and event != "over":
            assert {"resume", "flush", "interrupt"} & set(actions)


def test_speech_over_an_answer_holds_it_and_then_decides() -> None:
    """The whole of a conversation with a cough, and with a barge-in."""
    state: State = "listening"
    done = []
    events: tuple[Event, ...] = (
        *("onset", "asked", "answer"),
        *("onset", "held", "released", "answer", "nothing"),
        *("onset", "held", "cut", "onset", "asked", "answer", "over"),
    )
    seen = []
    for event in events:
        state, actions = after(state, event)
        seen.append(state)
        done += [f"{event}: {action}" for action in actions]
    assert done == ["held: pause", "released: resume", "held: pause", "cut: flush"]
    assert seen == [
        *("hearing", "thinking", "speaking"),
        *("speaking", "held", "thinking", "speaking", "speaking"),
        *("speaking", "held", "listening", "hearing", "thinking", "speaking", "listening"),
    ]
