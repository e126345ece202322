"""How well engines of speech understand and how soon they speak: ``python -m bench speech``.

Each engine is asked by its stage's interface, without a server: what a session adds is measured elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, cast

import click
import msgspec
import trio
from attrs import frozen
from rich.console import Console
from rich.table import Table

from bench.engines import Ears, Times, Voice, hear, speak, watched_memory
from bench.machine import commit, machine
from bench.recordings import Recording, RecordingsMissing, from_folder, from_packages
from bench.schema import Machine
from voxint.cli.agent import open_stage
from voxint.core.resample import load_resampler
from voxint.core.stages import SpeechToText, TextToSpeech
from voxint.errors import ConfigError
from voxint.net.http import open_http
from voxint.printable import printable
from voxint.server.config_file import StageConfig
from voxint.server.config_values import Given

__all__ = ["Figures", "measure", "speech", "tables"]

EARS = ("pocketsphinx grammar=general", "moonshine", "whisper")
VOICES = ("espeak", "kokoro")

CALLERS = (1, 4)
"""One, and more than two cores can carry of the heavier engines."""

TIMED = 8
"""Recordings that are spoken in real time; ours: half a minute, by each number of callers."""

SENTENCES = (
    "Sure, I can help you with that.",
    "The next train leaves in a quarter of an hour, from the platform on your left.",
    "I am sorry, but there is no table free this evening; shall I ask for tomorrow?",
    "It will rain until noon, and the afternoon will be dry and rather cold.",
    "Please say the name of the street once more.",
    "Your parcel has arrived, and a neighbour of yours has signed for it.",
    "One moment, I am looking for it.",
    "There are three ways to the harbour, and the shortest of them goes through the old town.",
)
"""What a voice agent may say: ours, short and long, for engines that speak English."""


@frozen
class Figures:
    """All that was measured.

    Args:
        when: In ISO 8601.
        commit: Of what.
        machine: On what.
        ears: By engine.
        voices: By engine.
        absent: Why an engine was not measured, by engine.
    """

    when: str
    commit: str
    machine: Machine
    ears: dict[str, Ears]
    voices: dict[str, Voice]
    absent: dict[str, str]


@click.command()
@click.option("--stt", "ears", multiple=True, help=f"An engine with its options; again for more.  [{', '.join(EARS)}]")
@click.option("--tts", "voices", multiple=True, help=f"Likewise.  [{', '.join(VOICES)}]")
@click.option(
    "--recordings",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of name.wav with its words in name.txt, in place of the recordings of Debian's packages.",
)
@click.option("--timed", default=TIMED, show_default=True, help="Recordings that are spoken in real time.")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def speech(
    ears: Sequence[str], voices: Sequence[str], folder: Path | None, timed: int, *, markdown: bool, as_json: bool
) -> None:
    """Measure engines of speech: wrong words, speed, latencies, memory. Some two minutes for each.

    An engine is written as a configuration has it: a name or module:attribute, and options behind it, such as
    --stt "pocketsphinx grammar=general". Without any, those that are installed are measured.
    """
    named = bool(ears or voices)
    try:
        recordings = (from_packages() if folder is None else from_folder(folder)) if ears or not named else []
    except RecordingsMissing as error:
        raise click.ClickException(printable(str(error))) from error
    console = Console(stderr=True)
    with console.status("") as status:
        figures = trio.run(
            partial(
                measure,
                ears if named else EARS,
                voices if named else VOICES,
                recordings,
                timed=timed,
                tell=lambda words: status.update(printable(words)),
            )
        )
    if as_json:
        click.echo(msgspec.json.encode(figures))
    elif markdown:
        click.echo("\n\n".join(_markdown(*table) for table in tables(figures)))
    else:
        _print(figures, Console())
    if figures.absent and not as_json:
        for engine, why in figures.absent.items():
            click.echo(printable(f"not measured: {engine}: {why}"), err=True)
    if figures.absent and (named or not (figures.ears or figures.voices)):
        sys.exit(1)


async def measure(
    ears: Sequence[str],
    voices: Sequence[str],
    recordings: Sequence[Recording],
    *,
    timed: int = TIMED,
    callers: Sequence[int] = CALLERS,
    tell: Callable[[str], object] = lambda words: None,
) -> Figures:
    """Measure engines, one after the other.

    Args:
        ears: Recognisers, as the command takes them.
        voices: Synthesizers, likewise.
        recordings: What recognisers hear.
        timed: How many of the recordings are spoken in real time.
        callers: How many talk at once, one number after the other.
        tell: Called with what is done next.
    """
    await load_resampler()
    figures = Figures(
        datetime.now(UTC).isoformat(timespec="seconds"), commit(), machine(), ears={}, voices={}, absent={}
    )
    chosen = recordings[:: max(1, len(recordings) // timed)][:timed]
    async with open_http() as http:
        for engine in (*ears, *voices):
            tell(engine)
            kind: Kind = "stt" if engine in ears else "tts"
            try:
                async with watched_memory() as memory, open_stage(_config(kind, engine), http) as stage:
                    if kind == "stt":
                        heard = await hear(cast("SpeechToText", stage), recordings, chosen, callers, memory)
                        figures.ears[engine] = heard
                    else:
                        spoken = await speak(cast("TextToSpeech", stage), SENTENCES, callers, memory)
                        figures.voices[engine] = spoken
            except ConfigError as error:
                figures.absent[engine] = str(error)
    return figures


Kind = Literal["stt", "tts"]


def _config(kind: Kind, engine: str) -> StageConfig:
    """Read an engine as it is written: its name, and its options behind it."""
    place = f"--{kind}"
    provider, *options = engine.split()
    given = dict(option.partition("=")[::2] for option in options)
    return StageConfig(kind, provider, place, {name: Given(value, place, False) for name, value in given.items()})


Row = tuple[str, ...]


def tables(figures: Figures) -> list[list[Row]]:
    """Return the tables that there is something for: a row of the engines, then a row for each figure of theirs."""
    made = []
    if ears := figures.ears:
        first = next(iter(ears.values()))
        made.append(
            [
                ("understanding", *ears),
                *(
                    (
                        f"wrong of {said.said} words, {group}",
                        *(f"{each.scores[group].rate:.1%}" for each in ears.values()),
                    )
                    for group, said in first.scores.items()
                ),
                ("seconds for a second of speech", *(f"{each.real_time:.3f}" for each in ears.values())),
                *_timed("first words behind the voice", [each.first_partial for each in ears.values()]),
                *_timed("last words behind the end", [each.final for each in ears.values()]),
                *_last(ears.values()),
            ]
        )
    if voices := figures.voices:
        counts = next(iter(voices.values())).real_time
        made.append(
            [
                ("speaking", *voices),
                *(
                    (
                        f"seconds for a second of speech, {_callers(count)}",
                        *(f"{each.real_time[count]:.3f}" for each in voices.values()),
                    )
                    for count in counts
                ),
                *_timed("first sound behind the text", [each.first_audio for each in voices.values()]),
                *_last(voices.values()),
            ]
        )
    return made


def _timed(what: str, engines: Sequence[dict[int, Times | None]]) -> Iterator[Row]:
    for count in engines[0]:
        yield f"{what}, {_callers(count)}", *(_times(each[count]) for each in engines)


def _last(engines: Iterable[Ears | Voice]) -> Iterator[Row]:
    engines = list(engines)
    yield "memory", *(f"{each.memory_mib:.0f} MiB" for each in engines)
    yield "failed", *(str(each.failed) for each in engines)


def _callers(count: int) -> str:
    return "1 caller" if count == 1 else f"{count} callers"


def _times(times: Times | None) -> str:
    return "none" if times is None else f"{times.p50 / 1000:.2f} / {times.worst / 1000:.2f} s"


def _print(figures: Figures, console: Console) -> None:
    for header, *rows in tables(figures):
        table = Table(caption="times: median / worst")
        for place, head in enumerate(header):
            table.add_column(printable(head), justify="right" if place else "left")
        for row in rows:
            table.add_row(*map(printable, row))
        console.print(table)


def _markdown(header: Row, *rows: Row) -> str:
    lines = [header, ("---", *["---:"] * (len(header) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
