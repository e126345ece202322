"""`voxint models`: which files the speech models need, which are on this machine, and how the others get there."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from voxint.assets.find import find, is_there, remedy
from voxint.assets.pull import Pulled, open_puller
from voxint.assets.table import ENTRIES, GROUPS, AssetEntry, entry_of, names, recommended
from voxint.cli.failures import FAILED, run, tell
from voxint.cli.model_list import as_json, as_lines, as_table, listed, size_in_words, summary
from voxint.cli.terminal import echo, note
from voxint.errors import ConfigError, UpstreamError

__all__ = ["models"]

PICTURES_A_SECOND = 4
"""Of the progress bar; ours: the processor has a checksum to reckon."""

OTHER_WAYS = (
    "Is there a way to the internet here? HTTPS_PROXY names a proxy. Without one, run `voxint models pull all "
    "--folder FOLDER` on another machine, copy FOLDER here, and name it by VOXINT_ASSETS."
)
"""What there is to do where files could not be fetched."""

folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="The folder of model files, instead of the environment's VOXINT_ASSETS.",
)


@click.group(invoke_without_command=True)
@folder_option
@click.option("--check", is_flag=True, help="Check the SHA-256 of each file, and not its size alone.")
@click.option("--json", "json_", is_flag=True, help="Write JSON, for machines.")
@click.pass_context
def models(ctx: click.Context, folder: Path | None, check: bool, json_: bool) -> None:
    """List the files that speech models need: what is there and where, what is missing, sizes and licences.

    A file is looked for in a folder of yours, in the cache, and in the packages that the extras bring. Exit code 1
    where a file is not the right one. `voxint models pull` fetches what is missing.
    """
    ctx.obj = folder
    if ctx.invoked_subcommand is not None:
        return

    async def main() -> int:
        files = listed(folder, check=check)
        if json_:
            echo(as_json(files))
        elif sys.stdout is not None and sys.stdout.isatty():
            Console(highlight=False, markup=False).print(as_table(files))
            note(*summary(files, folder))
        else:
            echo("\n".join(as_lines(files)))
        return FAILED if any(file.wrong for file in files) else 0

    run(main)


@models.command()
@click.argument("wanted", metavar="[NAME]...", nargs=-1)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Put the files there instead of into the cache, also those that are elsewhere on this disk: for a machine "
    "without the internet.",
)
@click.pass_obj
def pull(before: Path | None, wanted: tuple[str, ...], folder: Path | None) -> None:
    """Fetch model files into the cache.

    NAME is that of a file or of a group (kokoro, kokoro-voices, moonshine, whisper), or `all`. Without one:
    what the demo and the recommended voices need. What is on this disk is checked and not fetched
    again; what broke off goes on where it was.
    """
    target = folder or before

    async def main() -> int:
        entries = _chosen(wanted)
        code, not_fetched = 0, False
        async with open_puller(target, waiting=_waiting) as puller:
            for entry in entries:
                if not entry.urls and not is_there(entry.name, target):
                    tell(f"{entry.name} is in no place on the network by itself: {remedy(entry)}")
                    code = FAILED
                    continue
                try:
                    with _bar(entry) as show:
                        pulled = await puller.pull(entry, show)
                except UpstreamError as error:
                    tell(str(error))
                    code, not_fetched = FAILED, True
                except KeyboardInterrupt:
                    note("stopped; what has come is kept, and the same command goes on from there")
                    raise
                else:
                    echo(_told(pulled))
        if not_fetched:
            note(OTHER_WAYS)
        return code

    run(main)


@models.command()
@click.argument("name")
@folder_option
@click.pass_obj
def path(before: Path | None, name: str, folder: Path | None) -> None:
    """Print where the file NAME is, and each of its parts in a line where it has several."""

    async def main() -> None:
        for each in find(name, folder or before).paths:
            echo(each)

    run(main)


def _chosen(wanted: tuple[str, ...]) -> list[AssetEntry]:
    """Return the entries that are wanted, each once; a group's name stands for its files."""
    chosen: dict[str, AssetEntry] = {}
    for name in wanted or recommended():
        if name == "all":
            found: tuple[str, ...] = tuple(ENTRIES)
        elif wanted and name in GROUPS:
            found = names(name)
        elif name in ENTRIES:
            found = (name,)
        else:
            close = difflib.get_close_matches(name, (*GROUPS, *ENTRIES), n=1)
            hint = f"did you mean {close[0]}?" if close else "`voxint models` lists them"
            raise ConfigError("NAME", f"there is no model file and no group {name}; {hint}")
        chosen |= {each: entry_of(each) for each in found}
    return list(chosen.values())


def _waiting() -> None:
    note("another `voxint models pull` is at work in this folder: waiting for it")


def _told(pulled: Pulled) -> str:
    name, where = pulled.entry.name, pulled.paths[0]
    match pulled.how:
        case "there":
            return f"{name} is there ({pulled.source})"
        case "copied":
            return f"{name} copied from the {pulled.source}: {where}"
        case "fetched":
            by = f" from {pulled.source}" if pulled.source else ""
            return f"{name} fetched{by}, {size_in_words(pulled.entry.size)}: {where}"


@contextmanager
def _bar(entry: AssetEntry) -> Iterator[Callable[[int], None]]:
    """Show how a file comes in, on standard error where that is a terminal; the bar goes with the block."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda have: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True, markup=False)
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, refresh_per_second=PICTURES_A_SECOND
    ) as progress:
        task = progress.add_task(entry.name, total=entry.size)
        yield lambda have: progress.update(task, completed=have)
