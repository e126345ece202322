from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from voxint.cli.talking.states import TABLE, Event, State, after

STATES: tuple[State, ...] = get_args(State)
EVENTS: tuple[Event, ...] = get_args(Event)


@pytest.mark.parametrize(("state", "event"), list(product(STATES, EVENTS)))
def test_what_is_not_in_the_table_changes_nothing(state: State, event: Event) -> None:
    """A late word of the detector, or the end of an answer that is gone, has no effect; quitting always has."""
    if event == "quit":
        assert after(state, event) == (state, ("quit",))
    elif (state, event) not in TABLE:
        assert after(state, event) == (state, ())


@pytest.mark.parametrize("state", STATES)
def test_every_state_can_be_left_by_a_person(state: State) -> None:
    """By speech or by a key; twice Ctrl-C quits from anywhere."""
    key: Event = "space"
    assert after(state, key)[0] != state
    first, actions = after(state, "ctrl_c")
    assert "quit" in actions + after(first, "ctrl_c")[1]


def test_a_request_is_interrupted_before_the_next_one_is_opened() -> None:
    """In this order, wherever both happen; and only what is asked is interrupted."""
    for (state, _), (_, actions) in TABLE.items():
        if "interrupt" in actions:
            assert state in ("thinking", "speaking")
            assert actions in (("interrupt",), ("interrupt", "open"))
        if "open" in actions and state in ("thinking", "speaking"):
            assert actions == ("interrupt", "open")


def test_speech_over_an_answer_begins_the_next_utterance() -> None:
    """The whole of a conversation with a barge-in."""
    state: State = "listening"
    done = []
    events: tuple[Event, ...] = ("speech", "silence", "answer", "speech", "stopped", "silence", "answer", "over")
    for event in events:
        state, actions = after(state, event)
        done += [f"{event}: {action}" for action in actions]
    assert done == ["speech: open", "silence: end", "speech: interrupt", "speech: open", "silence: end"]
    assert state == "listening"
