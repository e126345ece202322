"""A request's life as a table: the states it can be in, and what each event makes of them.

Whatever is not in the table is a bug of ours. The diagram of docs/explanation/architecture.md is made from it.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["LIFE", "LifeEvent", "State", "next_state"]

State = Literal["live", "held", "stopping", "overrun", "ended"]
"""`live`: the request works; `held`: it works, and nothing of its answer leaves until it is decided whether it goes on;
`stopping`: its end was asked for, its scope is cancelled; `overrun`: it has ended for everybody, but a task of it would
not stop; `ended`: nothing of it is left."""

LifeEvent = Literal["hold", "release", "interrupt", "fail", "exit", "deadline"]
"""`hold`: the answer is to wait; `release`: it is to go on; `interrupt`: somebody wants the request to stop; `fail`: a
stage has failed, or a limit is over; `exit`: its last task is gone, by itself or because its scope was cancelled;
`deadline`: the time it had to stop is over."""

LIFE: dict[tuple[State, LifeEvent], State] = {
    ("live", "hold"): "held",
    ("live", "release"): "live",
    ("live", "interrupt"): "stopping",
    ("live", "fail"): "stopping",
    ("live", "exit"): "ended",
    ("held", "hold"): "held",
    ("held", "release"): "live",
    ("held", "interrupt"): "stopping",
    ("held", "fail"): "stopping",
    ("stopping", "hold"): "stopping",
    ("stopping", "release"): "stopping",
    ("stopping", "interrupt"): "stopping",
    ("stopping", "fail"): "stopping",
    ("stopping", "exit"): "ended",
    ("stopping", "deadline"): "overrun",
    ("overrun", "hold"): "overrun",
    ("overrun", "release"): "overrun",
    ("overrun", "interrupt"): "overrun",
    ("overrun", "fail"): "overrun",
    ("overrun", "exit"): "ended",
    ("overrun", "deadline"): "overrun",
    ("ended", "hold"): "ended",
    ("ended", "release"): "ended",
    ("ended", "interrupt"): "ended",
    ("ended", "fail"): "ended",
    ("ended", "deadline"): "ended",
}
"""The first end that is asked for stands: whatever comes behind it changes nothing. A held request does not exit: its
work waits for the release before it is complete, and whatever else ends it asks for its end first."""


def next_state(state: State, event: LifeEvent) -> State:
    """Return the state after `event`.

    Raises:
        KeyError: The event cannot happen in this state.
    """
    return LIFE[state, event]
