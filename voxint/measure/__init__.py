"""Measure how long an interruption takes on any running server, from outside.

::

    plans = plan(Workload(), sessions=10, seconds=12.0)
    recording = await run_load(url, VoxintDialect, plans, warmup_s=2.0, seconds=10.0)
    figures = figures_of(recording)  # {"ack_ms": [2.7, 2.9, ...], ...}

Of a server whose pace is not known, that is learned first::

    pace = await learn_pace(url, VoxintDialect)
    load = await measure_load(url, VoxintDialect, pace, 10, warmup_s=3.0, seconds=20.0)
    figures = figures_of(load.recording)

A server with a protocol of its own is measured through another `Dialect`. The statistics,
`voxint.measure.distribution` and `voxint.measure.verdict`, need the extra ``bench``.
"""

# plan.py          what each caller does when; pure, decided before anything is sent
# dialect.py       how a server is spoken to
# wire.py          a WebSocket client that weighs little
# caller.py        one caller: writes its plan, notes what it reads
# load.py          all callers at once
# recording.py     what they saw
# survey.py        a server of which nothing is known: its network, its pace, then loads
# figures.py       named figures of it
# distribution.py  percentiles, and how far chance moves them
# student_t.py     how far a mean of a few rounds strays by chance
# verdict.py       slower, faster, the same, or unclear

from __future__ import annotations

from voxint.measure.dialect import Dialect, Frame, Heard, MakeDialect, VoxintDialect, turn_in_pcm, turn_in_text
from voxint.measure.figures import figures_of, saturation, totals_of
from voxint.measure.load import run_load
from voxint.measure.plan import ARRIVE_S, PlannedTurn, SessionPlan, Workload, plan
from voxint.measure.recording import MeasuredTurn, Recording
from voxint.measure.survey import Load, Pace, learn_pace, measure_load, round_trips

__all__ = [
    "ARRIVE_S",
    "Dialect",
    "Frame",
    "Heard",
    "Load",
    "MakeDialect",
    "MeasuredTurn",
    "Pace",
    "PlannedTurn",
    "Recording",
    "SessionPlan",
    "VoxintDialect",
    "Workload",
    "figures_of",
    "learn_pace",
    "measure_load",
    "plan",
    "round_trips",
    "run_load",
    "saturation",
    "totals_of",
    "turn_in_pcm",
    "turn_in_text",
]
