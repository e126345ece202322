"""Run the simulated upstream in a process of its own; it prints where it listens as one line of JSON."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from functools import partial

import msgspec
import structlog
import trio
from attrs import fields

from voxint.printable import printable, printable_event
from voxint.testing.sim.app import serve_sim
from voxint.testing.sim.settings import SimSettings


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; a flag for each field of `SimSettings`, such as ``--first-token-s 0.5``."""
    parser = argparse.ArgumentParser("python -m voxint.testing.sim", description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=0, type=int)
    parser.add_argument("--with-parent", action="store_true", help="end when standard input does: its writer has ended")
    names = [field.name for field in fields(SimSettings)]
    for name in names:
        parser.add_argument(f"--{name.replace('_', '-')}", default=argparse.SUPPRESS, nargs="?", const="true")
    given = vars(parser.parse_args(arguments))
    host, port, with_parent = (given.pop(name) for name in ("host", "port", "with_parent"))
    try:
        settings = SimSettings().override(given, strict=False)
    except ValueError as error:
        parser.error(printable(str(error)))
    # Standard output is for the one line: nobody reads on after it, and a full pipe would stop the process.
    *before, renderer = structlog.get_config()["processors"]
    structlog.configure(
        processors=[*before, printable_event, renderer], logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )
    # A shell that starts this in its background has it ignore Ctrl-C, and hands that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        trio.run(partial(_run, settings, host, port, with_parent=with_parent))
    except* KeyboardInterrupt:
        pass


async def _run(settings: SimSettings, host: str, port: int, *, with_parent: bool) -> None:
    async with trio.open_nursery() as nursery:
        if with_parent:
            nursery.start_soon(_end_with_standard_input, nursery.cancel_scope)
        address = await nursery.start(partial(serve_sim, settings, host=host, port=port))
        gc.freeze()  # the collector need not look again at what start-up made: that would make every stream late
        sys.stdout.write(msgspec.json.encode(address).decode() + os.linesep)
        sys.stdout.flush()


async def _end_with_standard_input(scope: trio.CancelScope) -> None:
    """Cancel when whoever holds the other end of the pipe has ended, by whatever signal; it never writes."""
    await trio.to_thread.run_sync(os.read, 0, 1, abandon_on_cancel=True)
    scope.cancel(reason="the parent is gone")


if __name__ == "__main__":
    main()
