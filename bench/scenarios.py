"""What is done to every target alike: the load of the callers, the pace and the faults of the upstream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import evolve, field, frozen

from voxint.measure import Workload

__all__ = ["CHUNK_MS", "LOADS", "QUICK", "SCENARIOS", "Case", "Scenario", "full_cases"]

PACE: Mapping[str, object] = {
    "content": "numbered",
    "first_token_s": 0.02,
    "token_interval_s": 0.02,
    "tokens_per_sentence": 8,
    "first_chunk_s": 0.02,
    "chunk_ms": 80.0,
    "chunk_interval_s": 0.02,
    "speech_s": 3.0,
}
"""A token and 80 ms of speech each 20 ms, sentences of 8 tokens and 3 s: the heavy and the steady workload alike."""

CHUNK_MS = 80.0
HEAVY: Mapping[str, object] = {**PACE, "tokens": 2000}
STEADY: Mapping[str, object] = {**PACE, "tokens": 16}
SILENCE_S = 5.0
"""How long a stalled upstream is silent: long enough to tell who notices an interrupt from who waits for a chunk."""


@frozen
class Scenario:
    """A situation that an interrupt may meet.

    Args:
        what: In a few words, for the tables.
        sim: Fields of `SimSettings`.
        workload: What the callers do.
        sessions: How many callers, in a full run.
        model: ``stalled`` where the model's upstream accepts no connection.
    """

    what: str
    sim: Mapping[str, object] = field(factory=lambda: HEAVY)
    workload: Workload = field(factory=Workload)
    sessions: Sequence[int] = (1, 10, 50)
    model: Literal["sim", "stalled"] = "sim"


SCENARIOS: Mapping[str, Scenario] = {
    "streaming": Scenario("model and speech are streaming", sessions=(1, 10, 50, 200)),
    "stalled_stream": Scenario(
        "the model has gone silent in mid-stream",
        {**HEAVY, "stall_after": 12, "stall_s": SILENCE_S, "faults_on": "chat"},
    ),
    "stalled_headers": Scenario(
        "the model has not answered yet",
        {**HEAVY, "stall_headers": True, "faults_on": "chat"},
        sessions=(1, 10),
    ),
    "stalled_connect": Scenario("the model can't be connected to", sessions=(1, 10), model="stalled"),
    "upload": Scenario(
        "the caller is still speaking", workload=Workload(first_audio_s=0.5, spoken=True), sessions=(1, 10)
    ),
    "voice": Scenario(
        "questions are spoken for a second, then answered",
        workload=Workload(spoken=True, speaks_s=1.0, behind=0.0),
        sessions=(1, 10),
    ),
    "mass": Scenario("everybody interrupts in the same instant", workload=Workload(together=True), sessions=(10, 50)),
    "next": Scenario(
        "each next question is written right behind the interrupt", workload=Workload(behind=1.0), sessions=(1, 10)
    ),
    "slow_reader": Scenario(
        "the caller has read nothing for a second", workload=Workload(deaf_s=1.0, behind=0.0), sessions=(1, 10)
    ),
    "steady": Scenario(
        "answers of 6 s back to back, half of them interrupted",
        STEADY,
        Workload(delay_s=(0.3, 5.0), share=0.5, behind=1.0),
        sessions=(1, 10, 50, 90),
    ),
}

LOADS: Mapping[str, Scenario] = {
    **SCENARIOS,
    "capacity": evolve(SCENARIOS["steady"], what="as steady, more and more callers"),
    "upload_capacity": Scenario(
        "callers who speak without a pause, more and more of them",
        workload=Workload(first_audio_s=0.0, delay_s=(1.0, 3.0), behind=1.0, spoken=True),
    ),
    "idle": Scenario("callers who are connected and say nothing", workload=Workload(begin_s=1e6)),
}
"""Every load there is: the scenarios, and what the ramps (bench/ramp.py) run."""


@frozen
class Case:
    """A scenario with so many callers, for so many seconds.

    Args:
        scenario: Its name.
        sessions: How many callers.
        warmup_s: Not counted.
        seconds: Counted.
    """

    scenario: str
    sessions: int
    warmup_s: float = 2.0
    seconds: float = 10.0

    @property
    def name(self) -> str:
        """The scenario and the sessions."""
        return f"{self.scenario}-{self.sessions}"


QUICK: Sequence[Case] = (
    Case("streaming", 1, 0.8, 4.0),
    Case("streaming", 10, 1.2, 1.8),
    Case("stalled_stream", 10, 1.2, 1.8),
    Case("steady", 10, 1.2, 4.0),
    Case("next", 10, 1.2, 1.8),
    Case("mass", 10, 1.2, 2.4),
    Case("upload", 10, 1.2, 1.8),
    Case("slow_reader", 10, 1.2, 1.8),
    Case("stalled_headers", 10, 1.2, 1.8),
    Case("stalled_connect", 10, 1.2, 1.8),
)
"""The cases of a quick run, in the order of their worth: it takes as many as fit into its time, which depends on the
targets."""


def full_cases(scenarios: Sequence[str], sessions: Sequence[int] | None = None) -> list[Case]:
    """Return the cases of a full run.

    Args:
        scenarios: Names.
        sessions: Instead of each scenario's own.
    """
    return [
        Case(name, callers, seconds=_seconds(name, callers))
        for name in scenarios
        for callers in (sessions or SCENARIOS[name].sessions)
    ]


def _seconds(scenario: str, sessions: int) -> float:
    """Return how long a case is measured in each round: so long that its p99 has something to stand on.

    One session interrupts some 1.5 times a second, in the steady workload once in 8 s.
    """
    if scenario == "steady":
        return 30.0 if sessions < 50 else 15.0
    return 15.0 if sessions == 1 else 8.0
