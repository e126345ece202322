"""Results as a run would leave them, made up from what was once measured: for tests, and to look at the report."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping

from attrs import evolve

from bench.schema import Machine, Results, Slot, TargetInfo, Waterfall
from voxint.measure.distribution import Distribution

__all__ = ["MACHINE", "TARGETS", "encoded", "make_results", "make_slot", "only"]

MACHINE = Machine(system="Linux 6.8", cpu="Example CPU @ 2.60GHz", cores=2, memory_mib=7_936, load=0.12)

TARGETS: Mapping[str, TargetInfo] = {
    "echo": TargetInfo({"python": "3.11.7", "trio-websocket": "0.12.2"}, "A bare trio-websocket server that echoes."),
    "echo_asyncio": TargetInfo({"python": "3.11.7", "uvicorn": "0.38.0"}, "The same under uvicorn and uvloop."),
    "voxint": TargetInfo({"python": "3.11.7", "voxint": "0.4.0", "trio": "0.31.0"}, "`voxint serve`, its defaults."),
    "asyncio_httpx": TargetInfo({"fastapi": "0.121.0", "httpx": "0.28.1"}, "A hand-written server, task.cancel()."),
    "asyncio_aiohttp": TargetInfo({"aiohttp": "3.13.0", "uvloop": "0.22.1"}, "The same, aiohttp and uvloop."),
    "flag": TargetInfo({"fastapi": "0.121.0"}, "An Event that is checked between chunks.", cannot={"upload": "no STT"}),
    "pipecat": TargetInfo({"pipecat-ai": "1.14.0"}, "A pipeline per session, FastAPI transport."),
    "livekit": TargetInfo({"livekit-agents": "1.8.9"}, "AgentSession", cannot={"upload": "its STT is not streamed"}),
}

# p50 and p99 in milliseconds with 1 session; what 50 sessions multiply them by; how late the upstream's end came (max)
ACKS = {
    "voxint": (2.7, 5.0, 1.7, 0.0),
    "asyncio_httpx": (1.4, 6.0, 11.0, 9.0),
    "asyncio_aiohttp": (1.5, 5.0, 1.6, 0.8),
    "flag": (1.0, 3.0, 2.5, 21.0),
    "pipecat": (16.0, 25.0, 40.0, 0.0),
    "livekit": (25.0, 90.0, 60.0, 0.0),
}
CLOSES = {
    "voxint": (1.1, 2.4),
    "asyncio_httpx": (1.6, 9.0),
    "asyncio_aiohttp": (1.2, 3.4),
    "flag": (11.0, 21.0),
    "pipecat": (3.0, 9.0),
    "livekit": (8.0, 16.0),
}
FLOORS = {"echo": (0.9, 3.0), "echo_asyncio": (0.7, 2.2)}
WASTED = {"voxint": 0.05, "asyncio_httpx": 0.3, "asyncio_aiohttp": 0.06, "flag": 0.6, "pipecat": 0.5, "livekit": 1.6}
CPU = {"voxint": 0.24, "asyncio_httpx": 0.38, "asyncio_aiohttp": 0.17, "flag": 0.36, "pipecat": 1.24, "livekit": 1.52}
SPREAD = 2.326
"""Standard deviations between the median and the 99th percentile."""


def encoded(values: Iterable[float]) -> str:
    """Return one round's figure as a slot holds it."""
    return Distribution.of(values).encode()


def _latency(rng: random.Random, p50: float, p99: float, count: int) -> str:
    sigma = math.log(p99 / p50) / SPREAD
    return encoded([p50 * math.exp(sigma * rng.gauss(0, 1)) for _ in range(count)])


def _counts(rng: random.Random, mean: float, count: int) -> str:
    return encoded([float(int(rng.expovariate(1 / mean) + mean / 2)) for _ in range(count)])


def _waterfall(target: str, scale: float) -> Waterfall:
    ack, close, late = ACKS[target][0], CLOSES[target][0], WASTED[target] > 0.2
    last = 0.8 * ack * scale if target in ("pipecat", "livekit") else (close if late else None)
    return Waterfall(0.3 * min(ack, close) * scale, close * scale, 1.1 * close * scale, last, ack * scale)


def make_slot(case: str, target: str, number: int = 0, *, count: int = 300) -> Slot:
    """Return one target's slot of one round; the same arguments give the same slot.

    Args:
        case: Such as ``streaming-50``.
        target: One of `TARGETS`.
        number: Of the round.
        count: How many interrupts, or echoes.
    """
    scenario, _, written = case.rpartition("-")
    sessions = int(written)
    rng = random.Random(f"{case} {target} {number}")
    empty = Slot(case, scenario, sessions, target, number, 20.0)
    if target in FLOORS:
        p50, p99 = FLOORS[target]
        return evolve(empty, figures={"echo_ms": _latency(rng, p50, p99, count)}, totals={"generator_lag_ms": 0.4})
    p50, p99, busy, late = ACKS[target]
    close50, close99 = CLOSES[target]
    scale = busy ** (math.log(sessions) / math.log(50))
    totals = {
        "interrupts": float(count), "unanswered": 0.0, "failed": 0.0, "leak_after_ack": 0.0,
        "cpu_share": min(0.99, CPU[target] * sessions / 60), "generator_lag_ms": 0.6, "generator_cpu_share": 0.3,
        "stale_frames_mean": WASTED[target] / 3, "rss_kib": 90_000.0 + 300 * sessions, "rss_per_session_kib": 300.0,
    }  # fmt: skip
    if scenario == "steady":
        speech = {"speech_s": 20.0 * sessions, "cpu_s": CPU[target] * 20 * sessions / 60}
        late_ms = _latency(rng, 0.5 * scale, 4 * scale, count)
        return evolve(empty, figures={"audio_late_ms": late_ms}, totals={**totals, **speech, "interrupts": 0.0})
    figures = {
        "ack_ms": _latency(rng, p50 * scale, p99 * scale, count),
        "closed_after_ack_ms": encoded([late * rng.random() for _ in range(count)]),
        "stale_audio_ms": _counts(rng, 13 * WASTED[target] * scale, count),
    }
    if scenario == "upload":
        figures["stt_close_ms"] = _latency(rng, close50 * scale, close99 * scale, count)
        return evolve(empty, figures=figures, totals=totals)
    figures["llm_close_ms"] = _latency(rng, close50 * scale, close99 * scale, count)
    figures["tts_close_ms"] = _latency(rng, 1.1 * close50 * scale, 1.1 * close99 * scale, count)
    figures["wasted_tokens"] = _counts(rng, WASTED[target] * scale, count)
    if scenario == "next":
        figures["next_text_ms"] = _latency(rng, 22 + p50 * scale, 26 + p99 * scale, count)
        figures["next_audio_ms"] = _latency(rng, 210 + p50 * scale, 230 + p99 * scale, count)
    return evolve(empty, figures=figures, totals=totals, waterfall=_waterfall(target, scale))


CASES = ("streaming-1", "streaming-10", "streaming-50", "stalled_stream-1", "upload-1", "mass-50", "next-1")
STEADY = ("steady-10", "steady-50", "steady-200")


def make_results(cases: Iterable[str] = CASES + STEADY, *, rounds: int = 3, count: int = 300) -> Results:
    """Return a whole run.

    Args:
        cases: Which, in their order.
        rounds: How many; every target has a slot in each, where it can do the case.
        count: Interrupts of a slot.
    """
    slots = [
        make_slot(case, target, number, count=count)
        for case in cases
        for number in range(rounds)
        for target, info in TARGETS.items()
        if case.rpartition("-")[0] not in info.cannot and (target not in FLOORS or not case.startswith("steady"))
    ]
    cores = {"voxint": 150.0, "asyncio_httpx": 96.0, "asyncio_aiohttp": 212.0, "pipecat": 28.0, "livekit": 18.0}
    upload = {"voxint": 41.0, "asyncio_aiohttp": 38.0, "pipecat": 9.0}
    capacity = {"sessions_per_core": cores, "upload_sessions_per_core": upload, "idle_sessions": {"voxint": 14_200.0}}
    began = "2026-03-01T12:00:00Z"
    return Results("full", began, "540e17d+", MACHINE, TARGETS, tuple(slots), capacity)


def only(results: Results, *targets: str) -> Results:
    """Return a run in which only those targets were measured; the others are absent."""
    infos = {
        name: info if name in targets else TargetInfo(absent=f"not installed: python -m bench install {name}")
        for name, info in results.targets.items()
    }
    capacity = {
        figure: {name: value for name, value in values.items() if name in targets}
        for figure, values in results.capacity.items()
    }
    slots = tuple(slot for slot in results.slots if slot.target in targets)
    return evolve(results, targets=infos, slots=slots, capacity=capacity)
