"""One target through one case in one round: load it, ask the upstream, make the figures."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

import psutil
import trio
from attrs import define, frozen

from bench.fleet import Fleet
from bench.generator import MOST_TURNS, Job, Window
from bench.processes import Cores, Target, cpu_s, generate
from bench.scenarios import CHUNK_MS, LOADS, Case
from bench.schema import Slot
from bench.upstream import upstream_figures, waterfall_of
from voxint.measure import figures_of, saturation, totals_of
from voxint.measure.distribution import Distribution

__all__ = ["FULL_CORE", "Place", "run_slot"]

FULL_CORE = 0.95
"""A generator and an upstream that use more of the cores they share can't be trusted with a millisecond."""

MEMORY_S = 0.5
"""Between two looks at a target's memory."""

TRACED_SESSIONS = 1
"""The waterfall shows one interrupt of one caller: with more, what it shows is a queue."""

KINDS = 4
"""Turns are numbered from 1, 8001, 16001 or 24001 on, by the load (bench/generator.py)."""


@frozen
class Place:
    """Where and for which round a slot is measured.

    Args:
        cores: Who runs where.
        round: Which.
        serial: Counts the slots of the run.
    """

    cores: Cores
    round: int
    serial: int


@define
class _Used:
    """What the target and the upstream used while the load counted."""

    target_s: float = 0.0
    upstream_s: float = 0.0
    stolen_s: float = 0.0
    rss: int = 0
    gone: bool = False


async def run_slot(case: Case, target: Target, fleet: Fleet, place: Place) -> Slot:
    """Run a load against a target and return its figures."""
    scenario = LOADS[case.scenario]
    await fleet.forget()
    target.forget()
    used = _Used()
    job = Job(
        url=target.said.url,
        dialect=target.said.dialect,
        workload=scenario.workload,
        sessions=case.sessions,
        warmup_s=case.warmup_s,
        seconds=case.seconds,
        seed=place.round,
        first=1 + MOST_TURNS * (place.serial % KINDS),
    )
    async with trio.open_nursery() as nursery:

        def counting(window: Window) -> None:
            nursery.start_soon(_watch, window, target, fleet.sim.pid, used)

        recording = await generate(job, place.cores, counting)
    ledger = await fleet.ledger()
    values = {**figures_of(recording), **upstream_figures(recording, ledger, CHUNK_MS)}
    if target.said.dialect == "echo":
        values = {"echo_ms": values["ack_ms"]}
    totals = totals_of(recording)
    totals = {**totals, **_usage(case, target, used, totals["speech_s"])}
    measuring_s = used.upstream_s + recording.cpu_s
    totals["measuring_share"] = measuring_s / case.seconds / len(place.cores.rest)
    problems = [*dict.fromkeys(recording.lost)]
    if used.gone:
        problems.append("the target ended")
    if saturated := saturation(totals):
        problems.append(saturated)
    elif totals["measuring_share"] > FULL_CORE:
        problems.append(f"generator saturated: with the upstream it used {totals['measuring_share']:.0%} of its cores")
    traced = case.sessions == TRACED_SESSIONS and case.scenario == "streaming"
    return Slot(
        case=case.name,
        scenario=case.scenario,
        sessions=case.sessions,
        target=target.name,
        round=place.round,
        seconds=case.seconds,
        figures={name: Distribution.of(found).encode() for name, found in values.items() if found},
        totals=totals,
        problems=tuple(problems),
        waterfall=waterfall_of(recording, ledger, target.cancelled()) if traced else None,
    )


async def _watch(window: Window, target: Target, sim_pid: int, used: _Used) -> None:
    """Measure processor time and memory in the span that counts."""
    upstream = psutil.Process(sim_pid)
    offset = trio.current_time() - monotonic()  # of trio's clock, which else is CLOCK_MONOTONIC too
    try:
        await trio.sleep_until(window.counted_from + offset)
        before = target.cpu_s(), cpu_s(upstream), _stolen_s()
        until = window.until + offset
        while (now := trio.current_time()) < until:
            used.rss = max(used.rss, target.rss())
            await trio.sleep(min(MEMORY_S, until - now))
        used.target_s, used.upstream_s, used.stolen_s = (
            after - begun for after, begun in zip((target.cpu_s(), cpu_s(upstream), _stolen_s()), before, strict=True)
        )
    except psutil.Error:
        used.gone = True


def _stolen_s() -> float:
    """Return the seconds that the machine's host has kept its processors from it; 0 where that can't be known."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


def _usage(case: Case, target: Target, used: _Used, speech_s: float) -> Mapping[str, float]:
    usage = {"cpu_s": used.target_s, "cpu_share": used.target_s / case.seconds, "rss_kib": used.rss / 1024}
    usage["stolen_share"] = used.stolen_s / case.seconds
    usage["rss_per_session_kib"] = max(0, used.rss - target.rss_at_start) / 1024 / case.sessions
    if speech_s:
        usage["cpu_s_per_speech_min"] = used.target_s / speech_s * 60
    return usage
