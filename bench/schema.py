"""What a run leaves behind: one `Slot` for each target, case and round, and the `Results` that hold them all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from attrs import field, frozen

__all__ = ["FORMAT", "Machine", "Results", "Slot", "TargetInfo", "Waterfall", "load", "save"]

FORMAT = 1
"""The number of the results' format; raised by a change that older readers would misread."""


@frozen
class Waterfall:
    """One interrupt of a typical length, in milliseconds after INTERRUPT was written; None where it was not seen.

    Args:
        cancelled: The target had told the work to stop, by its own word.
        llm_closed: The model's upstream saw the connection end.
        tts_closed: The synthesis' upstream saw the connection end.
        last_stale: The client read the last frame of the old turn.
        acknowledged: The client read the acknowledgement.
    """

    cancelled: float | None = None
    llm_closed: float | None = None
    tts_closed: float | None = None
    last_stale: float | None = None
    acknowledged: float | None = None


@frozen
class Slot:
    """One target through one case in one round.

    Args:
        case: The scenario and the sessions, such as ``streaming-50``.
        scenario: Its scenario (bench/scenarios.py).
        sessions: How many callers.
        target: Which system.
        round: Counts up from 0; within a round every target has its slot.
        seconds: How long it was measured, without the warm-up.
        figures: Distributions by the names of docs/reference/benchmark.md, as `Distribution.encode` gives them.
        totals: Single numbers by name: ``interrupts``, ``unanswered``, ``failed``, ``leak_after_ack``,
            ``cpu_s``, ``cpu_share`` (of one core), ``speech_s``, ``rss_kib``, ``generator_lag_ms`` (p95) and more.
        problems: Why its figures do not count, or not fully, in words.
        waterfall: Its typical interrupt, where one was traced.
    """

    case: str
    scenario: str
    sessions: int
    target: str
    round: int
    seconds: float
    figures: Mapping[str, str] = field(factory=dict)
    totals: Mapping[str, float] = field(factory=dict)
    problems: tuple[str, ...] = ()
    waterfall: Waterfall | None = None


@frozen
class TargetInfo:
    """A system that was asked for.

    Args:
        versions: Of its packages and its interpreter; empty where it is absent.
        notes: How it was used.
        absent: Why it was not measured, or empty.
        cannot: Scenarios that it can't do, each with the reason.
    """

    versions: Mapping[str, str] = field(factory=dict)
    notes: str = ""
    absent: str = ""
    cannot: Mapping[str, str] = field(factory=dict)


@frozen
class Machine:
    """Where it ran.

    Args:
        system: The operating system.
        cpu: The processor's name.
        cores: How many of them.
        memory_mib: Its memory.
        load: The load average before the run began.
        generator_first: Whether the generator ran as a real-time process; None where that was not recorded.
        kernel_stamps: Whether the kernel stamped the ends of connections to the upstream, not the upstream itself.
    """

    system: str
    cpu: str
    cores: int
    memory_mib: int
    load: float
    generator_first: bool | None = None
    kernel_stamps: bool | None = None


@frozen
class Results:
    """A whole run, as its JSON file holds it.

    Args:
        mode: ``quick`` or ``full``.
        began: When it began, ISO 8601 in UTC.
        commit: Of the working tree, with ``+`` where it held changes; empty outside of git.
        machine: Where it ran.
        targets: By name, in the order of the tables.
        slots: Everything that was measured.
        capacity: By figure (``sessions_per_core``, ``upload_sessions_per_core``, ``idle_sessions``), then by target.
        at_least: By figure, whose capacity may be greater: those that measure were full before it was.
    """

    mode: str
    began: str
    commit: str
    machine: Machine
    targets: Mapping[str, TargetInfo]
    slots: tuple[Slot, ...]
    capacity: Mapping[str, Mapping[str, float]] = field(factory=dict)
    at_least: Mapping[str, tuple[str, ...]] = field(factory=dict)
    format: int = FORMAT


def save(results: Results, path: Path) -> None:
    """Write a run to a JSON file, on one line: it is for programs, and `python -m bench report` shows it to people."""
    path.write_bytes(msgspec.json.encode(results) + b"\n")


def load(path: Path) -> Results:
    """Read a run from a JSON file.

    Raises:
        ValueError: It is no such file, or of another format; the text says which.
    """
    try:
        results = msgspec.json.decode(path.read_bytes(), type=Results)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{path}: not a result of this benchmark: {error}") from error
    if results.format != FORMAT:
        raise ValueError(f"{path}: format {results.format}, this benchmark reads {FORMAT}; measure it again")
    return results
