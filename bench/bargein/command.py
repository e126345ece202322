"""The command: ``python -m bench bargein``."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import cast

import click
import msgspec
import trio
from rich.console import Console

from bench.bargein.figures import Kept
from bench.bargein.line import Language
from bench.bargein.phrases import PHRASES
from bench.bargein.report.page import write_bargein
from bench.bargein.report.table import print_bargein
from bench.bargein.run import Plan, run_bargein
from bench.bargein.synthesis import cache_folder
from bench.bargein.systems import PLACES
from bench.environments import HOME
from voxint.errors import ConfigError
from voxint.logs import leaves
from voxint.printable import printable

__all__ = ["bargein"]

SAMPLES = 60
QUICK_SAMPLES = 10
"""Of each language: some twelve minutes for each system and language, and two."""

QUICK_SYSTEMS = ("voxint",)
SEED = 12

TIME = "%Y%m%d-%H%M%S"
RESULTS = "results.json"


def _names(known: tuple[str, ...], value: str) -> list[str]:
    names = [name.strip() for name in value.split(",") if name.strip()]
    if unknown := [name for name in names if name not in known]:
        raise click.BadParameter(f"no such name: {', '.join(unknown)}; there are {', '.join(known)}")
    return names


@click.command()
@click.option("--quick", is_flag=True, help="voxint alone, ten samples of a language.")
@click.option("--systems", help=f"By commas.  [{','.join(PLACES)}]")
@click.option("--languages", default=",".join(PHRASES), show_default=True, help="By commas.")
@click.option("--samples", type=click.IntRange(1), help=f"Of each language.  [{SAMPLES}]")
@click.option("--seed", default=SEED, show_default=True, help="Of all that is chosen.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="The run's folder.  [.bench/bargein/TIME]"
)
@click.option(
    "--fdb",
    "overlaps",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the calls there too, as Full-Duplex-Bench v1.5 has them.",
)
@click.option(
    "--report",
    "result",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Measure nothing: print and draw this results.json again.",
)
def bargein(
    systems: str | None,
    languages: str,
    samples: int | None,
    seed: int,
    out: Path | None,
    overlaps: Path | None,
    result: Path | None,
    *,
    quick: bool,
) -> None:
    """Measure barge-in by voice: what callers say, cough and echo into an answer, and what becomes of it.

    One call after the other, in real time, of some ten seconds each. Sounds come from a seed; voices are synthesised
    at the first run, in some minutes, and kept.
    """
    console, told = Console(), Console(stderr=True)
    if result is not None:
        kept = msgspec.json.decode(result.read_bytes(), type=Kept)
        folder = out or result.parent
    else:
        folder = out or HOME / "bargein" / datetime.now(UTC).strftime(TIME)
        plan = Plan(
            _names(tuple(PLACES), systems if systems is not None else ",".join(QUICK_SYSTEMS if quick else PLACES)),
            cast("list[Language]", _names(tuple(PHRASES), languages)),
            samples or (QUICK_SAMPLES if quick else SAMPLES),
            seed,
            cache_folder(),
            overlaps,
        )
        folder.mkdir(parents=True, exist_ok=True)
        with told.status("") as status:
            try:
                run = partial(
                    run_bargein,
                    plan,
                    tell=lambda words: status.update(printable(words)),
                    keep=partial(_keep, folder / RESULTS),
                )
                kept = trio.run(run)
            except* ConfigError as group:
                raise click.ClickException(printable("; ".join(str(each) for each in leaves(group)))) from None
    print_bargein(kept, console)
    for path in write_bargein(kept, folder):
        console.print(printable(str(path)), soft_wrap=True, highlight=False, markup=False)


def _keep(path: Path, kept: Kept) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(kept))
    part.replace(path)
