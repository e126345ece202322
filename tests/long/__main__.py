"""Jobs that go on for as long as they are told to: the short ones are part of the tests.

::

    python -m tests.long messages --count 1000000
    python -m tests.long interrupts --count 100000
    python -m tests.long every-byte
    python -m tests.long soak --minutes 60

They assert promises and measure nothing, so they stand with the tests and not in `bench`.
"""

# mutator.py         messages of the protocol, and what a broken client makes of them
# messages.py        such messages against a connection, in virtual time
# interrupts.py      random interrupts against scripted stages, in virtual time
# server_process.py  a server as a process, run, asked and killed
# echo.py            a WebSocket for a conformance suite
# soak.py            callers that do as they like with one, and what is left of them in it

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from functools import partial

import click
import trio

from tests.end_to_end.breaking import ALL
from tests.long.echo import serve_echo
from tests.long.interrupts import random_interrupts
from tests.long.messages import many_messages, mutated_messages
from tests.long.soak import Findings, soak


def _seed(ctx: click.Context, parameter: click.Parameter, value: int | None) -> int:
    """Return the seed, and say which; without one another is taken for each run."""
    seed = random.randrange(10**6) if value is None else value
    click.echo(f"seed {seed}")
    return seed


_seed_option = click.option("--seed", type=int, callback=_seed, help="Of all chance; by default another each time.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Break voxint for long."""


@main.command()
@_seed_option
@click.option("--count", default=1_000_000, show_default=True)
@click.option("--client", type=int, help="Only the client of this number, as a failure names it.")
def messages(seed: int, count: int, client: int | None) -> None:
    """Send mutated messages: no error, no broken promise, no growth."""
    if client is not None:
        click.echo(f"{mutated_messages(seed, 1, client)} messages of client {client}")
        return
    began = time.monotonic()
    done = many_messages(seed, count, lambda done: click.echo(f"{done} messages, {time.monotonic() - began:.0f} s"))
    click.echo(f"{done} messages: all well")


@main.command()
@_seed_option
@click.option("--count", default=100_000, show_default=True)
@click.option("--client", type=int, help="Only the client of this number, as a failure names it.")
def interrupts(seed: int, count: int, client: int | None) -> None:
    """Interrupt at random moments: every promise is kept."""
    began = time.monotonic()
    done, clients = random_interrupts(seed, 1 if client is not None else count, client or 0)
    click.echo(f"{done} interrupts of {clients} clients in {time.monotonic() - began:.0f} s: all well")


@main.command()
def every_byte() -> None:
    """Break an exchange at every byte by every fault, half an hour long; ordinarily a sample of them is."""
    tests = [sys.executable, "-m", "pytest", "-q", "tests/end_to_end/test_every_byte.py"]
    raise SystemExit(subprocess.run(tests, env={**os.environ, ALL: "1"}).returncode)


@main.command("soak")
@_seed_option
@click.option("--minutes", default=60.0, show_default=True)
def soak_for(seed: int, minutes: float) -> None:
    """Have callers do as they like with a server's process: at the end all is as it was."""

    def told(findings: Findings) -> None:
        if not len(findings.memory) % 20:
            click.echo(f"{len(findings.memory) / 2:.0f} %: {findings.memory[-1] / 2**20:.1f} MiB", err=True)

    findings = trio.run(partial(soak, minutes * 60, seed, told))
    click.echo(str(findings))
    findings.judge()
    click.echo("all is as it was")


@main.command()
@click.option("--port", default=9001, show_default=True)
def echo(port: int) -> None:
    """Serve a WebSocket that says what it hears, for a conformance suite; ended by Ctrl-C."""
    click.echo(f"ws://127.0.0.1:{port}/")
    try:
        trio.run(serve_echo, port)
    except* KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main(prog_name="python -m tests.long")
