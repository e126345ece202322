"""How long an interruption takes, and whether it was one: ``python -m bench.interrupt``.

The server is pinned to one core, the callers and the simulated upstream share the others. Between the rounds of each
workload the echo floor is measured on the same callers' core, so that a noisy machine weighs on both.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sys
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic

import trio
from attrs import Factory, define, frozen

from bench.figures import Percentiles
from bench.processes import Child, child
from bench.sessions import Turn, open_caller
from bench.wire import open_wire
from voxint.testing.sim.ledger import LedgerEntry, LedgerReport
from voxint.testing.sim.process import sim_process

__all__ = ["WORKLOADS", "Workload", "main"]

CLOSED_WITHIN_MS = 5.0
"""An upstream's own stamp of the end of its connection may come so long after the acknowledgement was read."""

NUMBERED: Mapping[str, object] = {
    "content": "numbered",
    "first_token_s": 0.02,
    "token_interval_s": 0.02,
    "tokens_per_sentence": 8,
    "first_chunk_s": 0.02,
    "chunk_ms": 80.0,
    "chunk_interval_s": 0.02,
    "speech_s": 3.0,
}


@frozen
class Workload:
    """What the callers do and how the upstream behaves.

    Args:
        sim: Flags of the simulated upstream.
        delay_s: The interrupt comes so long after the first audio, uniformly.
        share: How many of the turns are interrupted.
        behind: How many of the next requests follow at once; the others after half a second.
    """

    sim: Mapping[str, object]
    delay_s: tuple[float, float]
    share: float = 1.0
    behind: float = 0.75


WORKLOADS = {
    "heavy": Workload({**NUMBERED, "tokens": 2000}, (0.1, 0.5)),
    "steady": Workload({**NUMBERED, "tokens": 16}, (0.3, 5.0), share=0.5, behind=1.0),
    "stalled": Workload({**NUMBERED, "tokens": 2000, "stall_after": 12, "faults_on": "chat"}, (0.1, 0.5)),
}


@define
class Measured:
    """What one run of a workload gave."""

    turns: list[Turn] = Factory(list)
    echo_ms: list[float] = Factory(list)
    leaked: int = 0
    cpu_s: float = 0.0


async def run_workload(workload: Workload, sessions: int, seconds: float) -> tuple[Measured, LedgerReport]:
    """Run the callers for so long, after a warm-up of 2 s that does not count."""
    cores = sorted(os.sched_getaffinity(0))
    own_core = cores[0] if len(cores) > 1 else None
    if own_core is not None:
        os.sched_setaffinity(0, set(cores[1:]))
    measured = Measured()
    gc.disable()  # the generator's own pauses would be measured as the server's
    try:
        async with (
            sim_process(**workload.sim) as sim,
            child("echo", core=own_core) as echo,
            child("voxint", sim.base_url, core=own_core) as server,
        ):
            # Its stamps judge the server: they must not wait for the generator, which shares its core.
            with suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, sim.pid, -10)
            await _drive(workload, sessions, seconds, measured, server, echo)
            report = await sim.ledger(settled=True)
    finally:
        gc.enable()
        os.sched_setaffinity(0, set(cores))
    return measured, report


async def _drive(
    workload: Workload, sessions: int, seconds: float, measured: Measured, server: Child, echo: Child
) -> None:
    counted_from = monotonic() + 2.0
    until = counted_from + seconds
    async with trio.open_nursery() as nursery:
        for index in range(sessions):
            nursery.start_soon(_call, workload, server.url, random.Random(index), counted_from, until, measured)
        nursery.start_soon(_measure_echo, echo.url, counted_from, until, measured)
        await trio.sleep(max(0.0, counted_from - monotonic()))
        cpu_before = server.cpu_s()
        await trio.sleep(max(0.0, until - monotonic()))
        measured.cpu_s = server.cpu_s() - cpu_before


async def _call(
    workload: Workload, url: str, chance: random.Random, counted_from: float, until: float, measured: Measured
) -> None:
    await trio.sleep(chance.uniform(0, 1.5))  # callers don't arrive in step
    async with open_caller(url) as caller:
        while monotonic() < until:
            after_s = chance.uniform(*workload.delay_s) if chance.random() < workload.share else None
            turn = await caller.turn(after_s)
            if turn.asked >= counted_from:
                measured.turns.append(turn)
            if chance.random() >= workload.behind:
                await trio.sleep(0.5)
        measured.leaked += caller.leaked


async def _measure_echo(url: str, counted_from: float, until: float, measured: Measured) -> None:
    """Send what an INTERRUPT weighs, ten times a second, for as long as the workload runs."""
    async with open_wire(url) as wire:
        while monotonic() < until:
            began = monotonic()
            await wire.send("x" * 160)
            while not await wire.receive():
                pass
            if began >= counted_from:
                measured.echo_ms.append((monotonic() - began) * 1000)
            await trio.sleep(0.1)


def report(name: str, sessions: int, measured: Measured, ledger: LedgerReport) -> bool:
    """Print the figures and ratios of one run; return whether they count."""
    turns = {turn.number: turn for turn in measured.turns if turn.acknowledged is not None}
    figures = {
        "echo_ms": measured.echo_ms,
        "ack_ms": [_ms(turn.interrupted, turn.acknowledged) for turn in turns.values()],
        "stop_ms (its own)": [turn.stop_ms for turn in turns.values()],
        **_upstream_figures(turns, ledger),
        "stale_audio_ms": [turn.stale_voice_frames * 40.0 for turn in turns.values()],
        "first_text_ms": _first_text(measured.turns, ledger),
        "audio_late_ms": [late * 1000 for turn in measured.turns for late in turn.voice_late],
    }
    _say(f"\n{name}, {sessions} session{'s' * (sessions > 1)}: {len(turns)} interrupts")
    _say(f"{'':<18} {'count':>6} {'p50':>9} {'p95':>9} {'p99':>9} {'max':>9}")
    rows = {key: Percentiles.of(values) for key, values in figures.items() if values}
    for key, row in rows.items():
        _say(row.row(key))
    ack, echo = rows["ack_ms"], rows["echo_ms"]
    _say(f"ack / echo: p50 {ack.p50 / echo.p50:.1f} x, p99 {ack.p99 / echo.p99:.1f} x")
    speech_min = sum(turn.voice_frames for turn in measured.turns) * 0.04 / 60
    if speech_min:
        _say(f"cpu_s_per_speech_min: {measured.cpu_s / speech_min:.2f}; leak_after_ack: {measured.leaked}")
    late = rows["closed_after_ack"].worst if "closed_after_ack" in rows else 0.0
    counts = measured.leaked == 0 and late <= CLOSED_WITHIN_MS
    _say(f"counts: {'yes' if counts else 'NO'} (latest upstream end {late:.2f} ms after the acknowledgement)")
    return counts


def _upstream_figures(turns: Mapping[int, Turn], ledger: LedgerReport) -> dict[str, list[float]]:
    """Return what the upstream itself saw of each interrupted turn."""
    figures: dict[str, list[float]] = {
        "llm_close_ms": [],
        "tts_close_ms": [],
        "closed_after_ack": [],
        "wasted_tokens": [],
    }
    for entry in ledger.requests:
        turn = turns.get(entry.turn or 0)
        if turn is None or turn.interrupted is None or entry.t_disconnect_seen is None:
            continue
        chat = "chat" in entry.endpoint
        figures["llm_close_ms" if chat else "tts_close_ms"].append(_ms(turn.interrupted, entry.t_disconnect_seen))
        figures["closed_after_ack"].append(_ms(turn.acknowledged, entry.t_disconnect_seen))
        if chat:
            figures["wasted_tokens"].append(_generated_after(entry, turn.interrupted))
    return figures


def _first_text(turns: list[Turn], ledger: LedgerReport) -> list[float]:
    """Return how much later than the upstream wrote its first token the caller read it."""
    by_number = {turn.number: turn for turn in turns}
    return [
        _ms(entry.t_first_written, turn.first_text)
        for entry in ledger.requests
        if "chat" in entry.endpoint
        and (turn := by_number.get(entry.turn or 0)) is not None
        and turn.first_text is not None
        and entry.t_first_written is not None
    ]


def _generated_after(entry: LedgerEntry, instant: float) -> float:
    return float(sum(stamp > instant for stamp in entry.generated_at))


def _ms(start: float | None, end: float | None) -> float:
    assert start is not None
    assert end is not None
    return (end - start) * 1000


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments name and return the exit code: 1 where a figure does not count."""
    parser = argparse.ArgumentParser("python -m bench.interrupt", description=__doc__)
    parser.add_argument("--workload", choices=[*WORKLOADS, "all"], default="all")
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 50])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each workload, after 2 s that do not count")
    chosen = parser.parse_args(arguments)
    counts = True
    for name in WORKLOADS if chosen.workload == "all" else [chosen.workload]:
        for sessions in chosen.sessions:
            measured, ledger = trio.run(run_workload, WORKLOADS[name], sessions, chosen.seconds)
            counts &= report(name, sessions, measured, ledger)
    return 0 if counts else 1


if __name__ == "__main__":
    sys.exit(main())
