"""The command line, and the only place that binds a server to its providers."""

# failures.py  one line for an operator's error, and the exit codes
# logs.py      what the log looks like
# agent.py     from a configuration to a running agent
# running.py   a server as a process: signals, the drain, the end
# serve.py, check.py, demo.py, say.py, sim.py: a command each
# speakers.py, wav.py, receipts.py: what `say` plays, reads and shows

from __future__ import annotations

import click

from voxint._version import __version__
from voxint.cli.check import check
from voxint.cli.demo import demo
from voxint.cli.say import say
from voxint.cli.serve import serve
from voxint.cli.sim import sim

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="voxint", message="%(prog)s %(version)s")
def main() -> None:
    """An interruptible voice server. Start with `voxint demo`."""


for command in (demo, say, serve, check, sim):
    main.add_command(command)
