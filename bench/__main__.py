"""Measure interruptions, and engines of speech: ``python -m bench`` ``quick``, ``full``, ``speech`` and more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
import trio
from rich.console import Console

from bench.attacks.command import attacks
from bench.bargein.command import bargein
from bench.compare import compare_results, print_comparison
from bench.conversation import converse
from bench.conversation import to_text as conversation_text
from bench.ears import ears
from bench.environments import HOME, TARGETS, install
from bench.live import LiveProgress
from bench.machine import commit, machine
from bench.ramp import CAPACITIES, run_capacities
from bench.recordings import RecordingsMissing, read_aloud
from bench.report.html import write_report
from bench.report.standalone import write_pictures
from bench.report.table import print_tables
from bench.run import Schedule, run_cases
from bench.scenarios import QUICK, SCENARIOS, full_cases
from bench.schema import Results, load
from bench.sessions import LISTENERS, listening, resuming, to_json, to_text
from bench.speech import speech
from bench.store import Store
from voxint.cli.terminal import Commands
from voxint.printable import printable

QUICK_S = 100.0
"""Seconds for the starts and slots of a quick run; with the report it stays under two minutes."""

QUICK_TARGETS = ("echo", "voxint", "asyncio_aiohttp", "pipecat", "livekit")
"""The floor, the honest asyncio server and the two frameworks: with all eight there is time for two cases only."""

SLOWER = 3
"""The exit code where something got slower: 1 and 2 are Python's and click's own."""

REFUSED = 4
"""The exit code where two runs can't be compared, or have nothing of voxint's in common."""

INTERRUPTED = 130
"""What shells make of an interrupt: 128 and the number of SIGINT."""

TIME = "%Y%m%d-%H%M%S"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """How long an interruption takes, for voxint and for everybody else."""


def _names(known: Sequence[str]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Return what reads a list of names by commas."""

    def read(ctx: click.Context, parameter: click.Parameter, value: str) -> list[str]:
        names = [name.strip() for name in value.split(",") if name.strip()]
        if unknown := [name for name in names if name not in known]:
            raise click.BadParameter(f"no such name: {', '.join(unknown)}; there are {', '.join(known)}")
        return names

    return read


def _run_options(targets: Sequence[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what adds the options that both kinds of run have."""
    names = _names(tuple(TARGETS))
    options = (
        click.option(
            "--compare",
            "old",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Say what got slower since.",
        ),
        click.option("--out", type=click.Path(path_type=Path), help="The folder of the run.  [.bench/runs/TIME]"),
        click.option(
            "--targets", default=",".join(targets), callback=names, help="By commas, in the order of the tables."
        ),
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in options:
            command = option(command)
        return command

    return add


@main.command()
@_run_options(QUICK_TARGETS)
@click.option("--budget", default=QUICK_S, show_default=True, help="Seconds; it takes up cases while they fit.")
def quick(targets: list[str], out: Path | None, old: Path | None, budget: float) -> None:
    """Measure the most telling cases and targets, one round each, in under two minutes."""
    schedule = Schedule(targets, QUICK, rounds=1, fresh=False, budget_s=budget)
    sys.exit(_run("quick", schedule, out, old, resume=False, capacities=()))


@main.command()
@_run_options(tuple(TARGETS))
@click.option("--scenarios", default=",".join(SCENARIOS), callback=_names(tuple(SCENARIOS)), help="By commas.")
@click.option("--sessions", multiple=True, type=int, help="Instead of each scenario's own; may be repeated.")
@click.option("--rounds", default=3, show_default=True, help="How often each case is measured.")
@click.option("--capacity", default=",".join(CAPACITIES), callback=_names(tuple(CAPACITIES)), help="Ramps, by commas.")
@click.option("--resume", is_flag=True, help="Go on with the run that --out holds.")
def full(
    targets: list[str],
    out: Path | None,
    old: Path | None,
    scenarios: list[str],
    sessions: tuple[int, ...],
    rounds: int,
    capacity: list[str],
    resume: bool,
) -> None:
    """Measure every case in interleaved rounds, and what one core can take: hours, unattended.

    What is done is kept: after an interruption, the same command with --out and --resume goes on.
    """
    schedule = Schedule(targets, full_cases(scenarios, sessions or None), rounds=rounds, fresh=True)
    sys.exit(_run("full", schedule, out, old, resume=resume, capacities=capacity))


@main.command()
@click.option("--callers", multiple=True, type=click.IntRange(1), default=(1, 4), show_default=True, help="At once.")
@click.option("--rounds", default=20, show_default=True, help="Utterances of each caller.")
@click.option("--stt", default="moonshine", show_default=True, help="The recogniser.")
@click.option("--tts", default="kokoro", show_default=True, help="The voice.")
def conversation(callers: tuple[int, ...], rounds: int, stt: str, tts: str) -> None:
    """Measure what callers wait for, and interruptions, where recogniser and voice are models of this machine."""
    try:
        recordings = read_aloud()
    except RecordingsMissing as error:
        raise click.ClickException(printable(str(error))) from error
    found = [trio.run(partial(converse, each, rounds, recordings, seed=each, stt=stt, tts=tts)) for each in callers]
    sys.stdout.write(conversation_text(found))


@main.command()
@click.option("--seconds", default=60.0, show_default=True, help="Of speech for each number of listeners.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def sessions(seconds: float, as_json: bool) -> None:
    """Measure what voxint alone has: a session that is resumed, and one that several listen to. Some five minutes."""
    resumed = trio.run(resuming)
    heard = [
        trio.run(partial(listening, listeners, binary=binary, seconds=seconds))
        for binary in (False, True)
        for listeners in (1, LISTENERS)
    ]
    sys.stdout.write(to_json(resumed, heard) if as_json else to_text(resumed, heard))


main.add_command(attacks)
main.add_command(bargein)
main.add_command(ears)
main.add_command(speech)


@main.command("install")
@click.argument("names", nargs=-1)
def install_targets(names: tuple[str, ...]) -> None:
    """Install the targets' packages into environments of their own: NAMES of environments, or all."""
    known = sorted({environment for environment, _ in TARGETS.values() if environment})
    if unknown := [name for name in names if name not in known]:
        raise click.ClickException(f"no such environment: {', '.join(unknown)}; there are {', '.join(known)}")
    try:
        install(list(names))
    except subprocess.CalledProcessError as error:
        raise click.ClickException(f"pip failed with exit code {error.returncode}; its messages are above") from error


@main.command()
@click.argument("result", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The folder of report.html.  [RESULT's]")
@click.option("--pictures", default="", help="By commas, as SVG files too: waterfall, or a case such as streaming-50.")
def report(result: Path, out: Path | None, pictures: str) -> None:
    """Print the tables of RESULT (a results.json) and draw its HTML report."""
    results = _load(result)
    console = Console()
    print_tables(results, console)
    folder = out or result.parent
    names = [name.strip() for name in pictures.split(",") if name.strip()]
    try:
        paths = [write_report(results, folder), *write_pictures(results, names, folder)]
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    for path in paths:
        _print(console, path)


@main.command()
@click.argument("old", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("new", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def compare(old: Path, new: Path) -> None:
    """Say what got slower from OLD to NEW, and by how much. Exit code 3 if something did."""
    sys.exit(_compare(_load(old), _load(new), Console()))


def _run(
    mode: str, schedule: Schedule, out: Path | None, old: Path | None, *, resume: bool, capacities: Sequence[str]
) -> int:
    """Measure, keep, print and draw; return the exit code."""
    if not hasattr(os, "sched_setaffinity"):
        raise click.ClickException("a run gives each process its cores, which needs Linux; `voxint bench` does not")
    before = None if old is None else _load(old)  # a bad file is told before an hour is spent
    now = datetime.now(UTC)
    folder = out or HOME / "runs" / now.strftime(TIME)
    fresh = Results(mode, now.isoformat(timespec="seconds"), commit(), machine(), {}, ())
    console = Console()
    try:
        store = Store(folder, fresh, resume=resume)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    whole = False
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    for ended in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ended) != signal.SIG_IGN:  # as under nohup
            signal.signal(ended, lambda *_: signal.raise_signal(signal.SIGINT))  # no target is left behind
    try:
        with LiveProgress(console, schedule.slots()) as live:
            trio.run(run_cases, schedule, store, live)
            trio.run(run_capacities, capacities, schedule.targets, store, live)
            whole = True
    except* KeyboardInterrupt:
        further = f"go on with --out {folder} --resume" if mode == "full" else "a quick run begins again"
        _print(console, f"interrupted; what was measured is kept: {further}")
    finally:
        store.close()
    if not whole:
        return INTERRUPTED
    path = store.finish()
    print_tables(store.results, console)
    _print(console, path)
    _print(console, write_report(store.results, folder))
    return 0 if before is None else _compare(before, store.results, console)


def _print(console: Console, words: object) -> None:
    """Print a line with a name of a file in it, which may hold anything."""
    console.print(printable(str(words)), soft_wrap=True, highlight=False, markup=False)


def _compare(old: Results, new: Results, console: Console) -> int:
    comparison = compare_results(old, new)
    print_comparison(comparison, console)
    if comparison.empty:
        return REFUSED
    return SLOWER if comparison.slower else 0


def _load(path: Path) -> Results:
    try:
        return load(path)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main(prog_name="python -m bench")
