"""`voxint sim`: the simulated upstream by itself."""

from __future__ import annotations

import click

from voxint.cli.failures import FAILED
from voxint.cli.terminal import echo
from voxint.printable import printable
from voxint.testing.sim.__main__ import main

__all__ = ["sim"]


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
def sim(flags: tuple[str, ...]) -> None:
    """Run the simulated upstream, an OpenAI-compatible server with a pace and faults; --help lists its flags."""
    code = 0
    try:
        main(list(flags))
    except* OSError as group:
        echo(printable(f"voxint: {group.exceptions[0]}"), err=True)
        code = FAILED
    raise SystemExit(code)
