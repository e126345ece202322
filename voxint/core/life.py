"""A request's life as a table: the states it can be in, and what each event makes of them.

Whatever is not in the table is a bug of ours. The diagram of docs/explanation/architecture.md is made from it.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["LIFE", "LifeEvent", "State", "next_state"]

State = Literal["live", "stopping", "overrun", "ended"]
"""`live`: the request works; `stopping`: its end was asked for, its scope is cancelled; `overrun`: it has ended for
everybody, but a task of it would not stop; `ended`: nothing of it is left."""

LifeEvent = Literal["interrupt", "fail", "exit", "deadline"]
"""`interrupt`: somebody wants the request to stop; `fail`: a stage has failed, or a limit is over; `exit`: its last
task is gone, by itself or because its scope was cancelled; `deadline`: the time it had to stop is over."""

LIFE: dict[tuple[State, LifeEvent], State] = {
    ("live", "interrupt"): "stopping",
    ("live", "fail"): "stopping",
    ("live", "exit"): "ended",
    ("stopping", "interrupt"): "stopping",
    ("stopping", "fail"): "stopping",
    ("stopping", "exit"): "ended",
    ("stopping", "deadline"): "overrun",
    ("overrun", "interrupt"): "overrun",
    ("overrun", "fail"): "overrun",
    ("overrun", "exit"): "ended",
    ("overrun", "deadline"): "overrun",
    ("ended", "interrupt"): "ended",
    ("ended", "fail"): "ended",
    ("ended", "deadline"): "ended",
}
"""The first end that is asked for stands: whatever comes behind it changes nothing."""


def next_state(state: State, event: LifeEvent) -> State:
    """Return the state after `event`.

    Raises:
        KeyError: The event cannot happen in this state.
    """
    return LIFE[state, event]
