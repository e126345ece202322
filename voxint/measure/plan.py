"""What each caller does when: decided before anything is sent, so that a slow server can't slow down its own test.

Such a load is called open-loop. A caller that waited for an answer before it asked again would send less to a server
the slower it is, and never see the queue that real callers would stand in.
"""

from __future__ import annotations

import random

from attrs import evolve, frozen

__all__ = ["ARRIVE_S", "PlannedTurn", "SessionPlan", "Workload", "plan"]

ARRIVE_S = 1.5
"""Seconds within which callers arrive, not in step; chosen so that all are there before a warm-up of 2 s ends."""

MASS_PERIOD_S = 1.2
MASS_INTERRUPT_S = 0.9
"""Where everybody interrupts at once: the grid, and where on it. Asked in its first 0.55 s, all speak by then."""

PAUSE_S = 0.5
"""Seconds before a next question that does not follow at once."""


@frozen
class Workload:
    """How callers behave; the numbers of the heavy workload are the defaults.

    Args:
        begin_s: The first questions come so long after the load has begun, and within 1.5 s; later than its end,
            callers connect and say nothing.
        first_audio_s: When the first audio of an answer is expected, after the question: the interrupt is planned from
            it. 0.25 s for an upstream with 20 ms to the first token and to the first audio, 8 tokens of 20 ms a
            sentence.
        delay_s: The interrupt comes so long after the first audio is expected, uniformly.
        share: How many of the turns are interrupted.
        behind: How many of the questions after an interrupt are written right behind it, the others after 0.5 s.
        answer_s: How long a whole answer lasts, asked back to back, for turns that are not interrupted.
        deaf_s: The caller stops reading so long before it interrupts.
        together: Everybody interrupts in the same instant.
        spoken: The question is a microphone's audio, which goes on until the interrupt.
        speaks_s: Or ends after so long, and is answered; 0: it has no end.
    """

    begin_s: float = 0.0
    first_audio_s: float = 0.25
    delay_s: tuple[float, float] = (0.1, 0.5)
    share: float = 1.0
    behind: float = 0.75
    answer_s: float = 6.5
    deaf_s: float = 0.0
    together: bool = False
    spoken: bool = False
    speaks_s: float = 0.0

    @property
    def longest_s(self) -> float:
        """Seconds from a question to its interrupt at the latest: a load goes on for so long after it counts."""
        return self.speaks_s + self.first_audio_s + self.deaf_s + self.delay_s[1]


@frozen
class PlannedTurn:
    """One question and what becomes of it; instants in seconds after the beginning of the load.

    Args:
        number: Unique in the load, from 1.
        ask_s: When the question is written.
        behind: Whether it is written right behind the INTERRUPT of the one before.
        interrupt_s: When it is interrupted; None: its answer is heard to the end.
        deaf_s: The caller reads nothing for so long before the interrupt.
        spoken: The question is a microphone's audio, which goes on until the interrupt.
        speaks_s: Or ends after so long; 0: it has no end.
    """

    number: int
    ask_s: float
    behind: bool = False
    interrupt_s: float | None = None
    deaf_s: float = 0.0
    spoken: bool = False
    speaks_s: float = 0.0


SessionPlan = tuple[PlannedTurn, ...]


def plan(
    workload: Workload, sessions: int, seconds: float, *, seed: int = 0, first: int = 1, arrive_s: float = ARRIVE_S
) -> list[SessionPlan]:
    """Return what each of the sessions does for so many seconds; the same arguments give the same plan.

    Turns are numbered in the order in which they are asked, so that the numbers of a load that is cut short have no
    holes; `first` is the number of the first. Callers arrive within `arrive_s`.
    """
    make = _together if workload.together else _on_its_own
    plans = [make(workload, random.Random(f"{seed}/{index}"), seconds, arrive_s) for index in range(sessions)]
    order = sorted((turn.ask_s, index, place) for index, turns in enumerate(plans) for place, turn in enumerate(turns))
    numbers = {(index, place): number for number, (_, index, place) in enumerate(order, first)}
    return [
        tuple(
            evolve(turn, number=numbers[index, place], spoken=workload.spoken, speaks_s=workload.speaks_s)
            for place, turn in enumerate(turns)
        )
        for index, turns in enumerate(plans)
    ]


def _on_its_own(workload: Workload, chance: random.Random, seconds: float, arrive_s: float) -> list[PlannedTurn]:
    turns: list[PlannedTurn] = []
    ask_s, behind = workload.begin_s + chance.uniform(0.0, arrive_s), False
    while ask_s < seconds:
        if chance.random() >= workload.share:
            turns.append(PlannedTurn(0, ask_s, behind))
            ask_s, behind = ask_s + workload.answer_s, False
            continue
        wait_s = workload.speaks_s + workload.first_audio_s + workload.deaf_s + chance.uniform(*workload.delay_s)
        turns.append(PlannedTurn(0, ask_s, behind, ask_s + wait_s, workload.deaf_s))
        behind = chance.random() < workload.behind
        ask_s += wait_s + (0.0 if behind else PAUSE_S)
    return turns


def _together(workload: Workload, chance: random.Random, seconds: float, arrive_s: float) -> list[PlannedTurn]:
    latest_s = MASS_INTERRUPT_S - workload.first_audio_s - workload.delay_s[0]
    return [
        PlannedTurn(0, begin_s + chance.uniform(0.0, latest_s), interrupt_s=begin_s + MASS_INTERRUPT_S)
        for begin_s in (period * MASS_PERIOD_S for period in range(int(seconds / MASS_PERIOD_S)))
    ]
