"""`voxint bench`: measure how long interruptions take on a running server, from outside."""

from __future__ import annotations

import importlib.util
import sys
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import click
import trio
from attrs import frozen

from voxint.cli.failures import FAILED, run
from voxint.cli.reaching import checked_url, place_of_url, refused_key
from voxint.cli.say import DEFAULT_URL
from voxint.cli.terminal import RunningLine, echo, note
from voxint.client.client_socket import Address
from voxint.errors import ConfigError, ServerError
from voxint.extras import to_add
from voxint.measure import Load, MakeDialect, Pace, VoxintDialect, learn_pace, measure_load

if TYPE_CHECKING:
    from voxint.cli.measured import Measured

__all__ = ["bench"]

STATISTICS = {"rich": "rich", "hdrh": "hdrhistogram", "numpy": "numpy"}
"""The part of the extra `bench` that this command needs: module and package."""

QUESTION = "Tell me a long story about the keeper of a lighthouse."
"""The question by default. A model answers it for half a minute, of which a caller hears the beginning; so does the
demo's stand-in."""


@frozen
class BenchOptions:
    """What the command line asked for."""

    url: str
    sessions: tuple[int, ...]
    seconds: float
    warmup_s: float
    question: str
    speech: bool
    json_file: Path | None


@click.command()
@click.argument("url", default=DEFAULT_URL, envvar="VOXINT_URL")
@click.option(
    "--sessions",
    type=click.IntRange(1, 1000),
    multiple=True,
    default=(1, 10),
    show_default=True,
    help="Callers at once; repeat it for a load each.",
)
@click.option("--seconds", type=click.FloatRange(1), default=20.0, show_default=True, help="Of each load, counted.")
@click.option("--warmup", type=click.FloatRange(0), default=3.0, show_default=True, help="Seconds before, not counted.")
@click.option("--question", default=QUESTION, show_default=True, help="Should get a long answer.")
@click.option("--api-key", envvar="VOXINT_API_KEY", show_envvar=True, help="The key, where the server wants one.")
@click.option("--account", help="The account, where the server wants one instead.")
@click.option("--password", envvar="VOXINT_PASSWORD", show_envvar=True, help="The account's.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write all figures, with their histograms, to a file.",
)
@click.option("--text-only", is_flag=True, help="Ask for answers without speech.")
def bench(
    url: str,
    sessions: tuple[int, ...],
    seconds: float,
    warmup: float,
    question: str,
    api_key: str | None,
    account: str | None,
    password: str | None,
    json_file: Path | None,
    text_only: bool,
) -> None:
    """Measure how long interruptions take on the voxint server at URL, from outside. [default: the demo's URL]

    Callers ask, hear the beginning of an answer, and interrupt it; most ask again in the same breath. Every question is
    a real one: THE MODEL AND THE SPEECH OF A REAL DEPLOYMENT COST MONEY. A caller asks about once a second, so the
    defaults ask some 150 to 350 questions and hear about half a second of each answer. Before each load it is said
    how many they will be.

    Exit code 1 where a promise was broken: something of an answer came after its acknowledgement, or an interrupt was
    never acknowledged.
    """
    options = BenchOptions(url, sessions, seconds, warmup, question, not text_only, json_file)
    speak = partial(
        VoxintDialect, api_key=api_key or "", account=account, password=password, text=lambda turn: question
    )

    place = place_of_url("URL")

    async def main() -> int:
        checked_url(url, place)
        _check(options)
        try:
            return await _bench(options, speak)
        except ServerError as error:
            given = bool(api_key or account)
            raise refused_key(error, given=given, also="; or --account and --password") from error

    run(main)


def _check(options: BenchOptions) -> None:
    """Refuse before anything is asked what would fail at the end."""
    missing = [package for module, package in STATISTICS.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ConfigError("bench", f"it needs {', '.join(missing)}, not installed here: {to_add('bench')}")
    if options.json_file is not None:
        is_new = not options.json_file.exists()
        try:
            options.json_file.open("ab").close()
        except OSError as error:
            words = f"{options.json_file} can't be written ({error.strerror}): name another"
            raise ConfigError("--json", words) from error
        if is_new:
            options.json_file.unlink()


async def _bench(options: BenchOptions, speak: partial[VoxintDialect]) -> int:
    """Learn the server's pace, measure load after load, and return the exit code."""
    from rich.console import Console  # with the extra `bench`, which `_check` has found

    from voxint.cli.measured import WIDTH, Measured, as_json, table_of, verdict_of

    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    shown = Address.of(options.url).shown
    note(f"learning the pace of {shown}")
    pace = await learn_pace(options.url, partial(speak, speech=options.speech), speech=options.speech)
    if options.speech and not pace.speaks:
        note("its answers are not spoken: text only")
    note(f"first {'audio' if pace.speaks else 'words'} after {pace.first_s:.2f} s")
    loads: list[Measured] = []
    for sessions in options.sessions:
        measured = Measured.of(
            await _load(options, partial(speak, speech=pace.speaks), pace, sessions), speaks=pace.speaks
        )
        loads.append(measured)
        console.print(table_of(measured, width=console.width))
        for problem in measured.problems:
            note(f"  note: {problem}")
    if options.json_file is not None:
        await trio.Path(options.json_file).write_bytes(
            as_json(
                loads,
                url=shown,
                question=options.question,
                pace=pace,
                seconds=options.seconds,
                warmup_s=options.warmup_s,
            )
        )
    if not any(load.totals["interrupts"] for load in loads):
        raise ServerError(
            "REQUEST_TIMEOUT",
            "nothing was measured: no caller could interrupt an answer. Does --question get a long one?",
        )
    echo(verdict_of(loads))
    return 0 if all(load.kept for load in loads) else FAILED


async def _load(options: BenchOptions, make_dialect: MakeDialect, pace: Pace, sessions: int) -> Load:
    whole_s = options.warmup_s + options.seconds
    questions = sum(map(len, pace.plans(sessions, whole_s)))
    callers = f"{sessions} session" + ("" if sessions == 1 else "s")
    note(f"{callers}: {questions} questions in {whole_s:.0f} s")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_count_down, callers, ceil(whole_s))
        load = await measure_load(
            options.url, make_dialect, pace, sessions, warmup_s=options.warmup_s, seconds=options.seconds
        )
        nursery.cancel_scope.cancel(reason="the load is over")
    return load


async def _count_down(callers: str, seconds: int) -> None:
    """Show once a second that the load goes on; more would disturb what is measured."""
    line = RunningLine()
    try:
        for left in range(seconds, -1, -1):
            line.show(f"{callers}: {left} s to go")
            await trio.sleep(1)
        await trio.sleep_forever()  # what is outstanding is waited for; the load's end cancels
    finally:
        line.clear()
