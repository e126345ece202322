"""What a report calls things, the colour of each target, and the figures that each scenario is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bench.scenarios import LOADS
from bench.schema import Machine

__all__ = [
    "AVERAGED",
    "CAPACITY",
    "CAPACITY_KEY",
    "FIGURES",
    "FLOORED",
    "FLOORS",
    "GRID",
    "INK",
    "LATE",
    "LOAD_OF",
    "PALETTE",
    "PAPER",
    "SHADE",
    "SOFT",
    "SPOKEN_TO",
    "SUBJECT",
    "TOTALS",
    "Colour",
    "case_name",
    "colour_of",
    "columns_of",
    "figure_name",
    "in_sessions",
    "machine_line",
    "number",
    "target_name",
    "totals_of",
]

SUBJECT = "voxint"
"""The system that the others are compared with."""

FLOORS = ("echo", "echo_asyncio")
"""The targets that do nothing but echo; one of them is the floor."""


class Colour(NamedTuple):
    """A colour on a light page and on a dark one."""

    light: str
    dark: str


COLOURS: Mapping[str, Colour] = {
    "echo": Colour("#7a828c", "#9aa3ad"),
    "echo_asyncio": Colour("#a9b0b8", "#6f7881"),
    "voxint": Colour("#0072b2", "#3ba3e8"),
    "asyncio_aiohttp": Colour("#009e73", "#2fc79b"),
    "asyncio_httpx": Colour("#56b4e9", "#9bd4f5"),
    "flag": Colour("#e69f00", "#f0b73c"),
    "pipecat": Colour("#cc79a7", "#e39cc3"),
    "livekit": Colour("#8c510a", "#c98a4b"),
}
"""The targets' colours, after Okabe and Ito: colour-blind readers can tell them apart. Red is kept for what is late."""

SPARE = (Colour("#5d3a9b", "#a98be0"), Colour("#40b0a6", "#6fd0c7"), Colour("#a35200", "#d98a3d"))

INK = Colour("#1c2128", "#e6edf3")
SOFT = Colour("#5c6670", "#9da7b1")
GRID = Colour("#dfe3e8", "#333b45")
SHADE = Colour("#eceff2", "#262d36")
PAPER = Colour("#fdfdfe", "#161b22")
LATE = Colour("#c8102e", "#ff6b70")

PALETTE = (*COLOURS.values(), *SPARE, INK, SOFT, GRID, SHADE, PAPER, LATE)
"""Every colour of the page and its pictures; the light ones differ from each other, so that one names its pair."""


def colour_of(target: str) -> Colour:
    """Return the colour of a target; one that is not known here gets a spare one, always the same."""
    return COLOURS.get(target) or SPARE[sum(target.encode()) % len(SPARE)]


def target_name(target: str) -> str:
    """Return how a target is written for people."""
    return {"echo": "echo (floor)", "echo_asyncio": "echo (asyncio)"}.get(target, target.replace("_", " "))


def machine_line(machine: Machine) -> str:
    """Return where a run was made, and what of its measuring the machine did not permit."""
    line = f"{machine.cpu}, {machine.cores} cores, {machine.memory_mib:,} MiB, {machine.system}, "
    denied = {
        "the generator was no real-time process": machine.generator_first,
        "the upstreams stamped the ends of their connections themselves": machine.kernel_stamps,
    }
    return "; ".join([f"{line}load {machine.load:.2f} before", *(what for what, may in denied.items() if may is False)])


FIGURES: Mapping[str, str] = {
    "echo_ms": "text frame written → echo read",
    "ack_ms": "INTERRUPT written → acknowledgement read",
    "closed_after_ack_ms": "acknowledgement read → a connection to an upstream ends",
    "stale_audio_ms": "audio of the old turn read after INTERRUPT was written",
    "llm_close_ms": "INTERRUPT written → model's upstream sees the connection end",
    "tts_close_ms": "INTERRUPT written → synthesis' upstream sees the connection end",
    "stt_close_ms": "INTERRUPT written → recognition's upstream sees the connection end",
    "wasted_tokens": "tokens generated after INTERRUPT was written",
    "wasted_audio_ms": "audio generated upstream after INTERRUPT was written",
    "next_text_ms": "next request written → its first text",
    "next_audio_ms": "next request written → its first audio",
    "first_text_ms": "request written → first text",
    "first_audio_ms": "request written → first audio",
    "audio_late_ms": "how late a frame of audio was against its playing time",
    "heard_error_words": "words in the history against words played",
}
"""The figures' headings, in the order of the tables. A name that is not here comes behind them, as it is."""

SHORT: Mapping[str, str] = {
    "echo_ms": "echo",
    "ack_ms": "ack",
    "stale_audio_ms": "stale audio",
    "llm_close_ms": "LLM closed",
    "tts_close_ms": "TTS closed",
    "stt_close_ms": "STT closed",
    "wasted_tokens": "wasted tokens",
    "wasted_audio_ms": "wasted audio",
    "closed_after_ack_ms": "closed after ack",
    "next_text_ms": "next text",
    "next_audio_ms": "next audio",
    "first_text_ms": "first text",
    "first_audio_ms": "first audio",
    "audio_late_ms": "audio late",
    "heard_error_words": "history off",
}


def figure_name(figure: str) -> str:
    """Return a figure's heading, without its unit."""
    return SHORT.get(figure, figure.removesuffix("_ms").replace("_", " "))


STOPPING = ("ack_ms", "llm_close_ms", "tts_close_ms", "stale_audio_ms", "wasted_tokens", "heard_error_words")
SPEAKING = ("ack_ms", "first_text_ms", "first_audio_ms", "audio_late_ms")

JUDGED: Mapping[str, tuple[str, ...]] = {
    "next": ("ack_ms", "llm_close_ms", "tts_close_ms", "next_text_ms", "next_audio_ms"),
    "upload": ("ack_ms", "stt_close_ms"),
    "upload_capacity": ("ack_ms", "stt_close_ms"),
    "voice": ("ack_ms", "llm_close_ms", "tts_close_ms", "first_text_ms", "first_audio_ms"),
    "steady": SPEAKING,
    "capacity": SPEAKING,
    "idle": SPEAKING,
}

SPOKEN_TO = ("streaming", "stalled_stream", "voice", "mass", "next", "steady")
"""Scenarios in which an interrupt is meant to meet a turn that speaks; a slow reader can't tell, it reads later."""

WIDEST = 5
"""Columns of a terminal's table, so that it fits 120 characters."""


def columns_of(scenario: str, measured: Iterable[str]) -> tuple[str, ...]:
    """Return the figures that a scenario's table shows: those it is judged by, then others while there is room."""
    there = set(measured) - {"echo_ms"}
    judged = [name for name in JUDGED.get(scenario, STOPPING) if name in there]
    others = [name for name in FIGURES if name in there and name not in judged and name != "closed_after_ack_ms"]
    return tuple([*judged, *others][: max(WIDEST, len(judged))])


FLOORED = ("echo_ms", "ack_ms", "llm_close_ms", "tts_close_ms", "stt_close_ms")
"""Figures that time the system alone, which a bare echo bounds from below; other times hold the upstream's own."""

AVERAGED = ("wasted_tokens", "wasted_audio_ms", "stale_audio_ms")
"""Figures shown by their mean: their median is 0 for nearly everybody, and says nothing."""

TOTALS: Mapping[str, str] = {
    "interrupts": "interrupts",
    "unanswered": "unanswered",
    "failed": "failed",
    "leak_after_ack": "frames after ack",
    "stale_frames_mean": "stale frames, mean",
    "cpu_share": "CPU, cores",
    "cpu_s": "CPU s",
    "speech_s": "speech s",
    "cpu_s_per_speech_min": "CPU s / speech min",
    "rss_kib": "memory KiB",
    "rss_per_session_kib": "KiB / session",
    "generator_lag_ms": "generator lag ms, p95",
    "generator_cpu_share": "generator CPU, cores",
}
"""The totals in the order of the tables, with their headings."""

CAPACITY: Mapping[str, str] = {
    "sessions_per_core": "Sessions speaking at once on one core",
    "upload_sessions_per_core": "Sessions sending their microphone on one core",
    "idle_sessions": "Idle sessions per GiB",
}


CAPACITY_KEY = "≥: those that measure were full first; *: judged by acknowledgements that do not count"

LOAD_OF: Mapping[str, str] = {
    "sessions_per_core": "capacity",
    "upload_sessions_per_core": "upload_capacity",
    "idle_sessions": "idle",
}
"""The load that finds each capacity (bench/ramp.py)."""


def totals_of(scenario: str) -> tuple[str, ...]:
    """Return the totals that a scenario's table in the terminal has room for and need of."""
    if scenario in ("steady", "capacity", "idle", "upload_capacity"):
        return ("cpu_share", "cpu_s_per_speech_min", "rss_per_session_kib")
    return ()


def in_sessions(count: int) -> str:
    """Return a number of sessions as it is written."""
    return f"{count:,} session{'' if count == 1 else 's'}"


def case_name(scenario: str, sessions: int) -> str:
    """Return what a case is, for people."""
    load = LOADS.get(scenario)
    what = load.what if load is not None else scenario.replace("_", " ")
    return f"{what[:1].upper()}{what[1:]}, {in_sessions(sessions)}"


def number(value: float) -> str:
    """Return a number with three digits that matter, none below a hundredth; a whole one as it is."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2f}" if abs(value) >= 0.005 else "0"
