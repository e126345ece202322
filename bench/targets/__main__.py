"""Run one target: ``python -m bench.targets NAME LLM_URL SPEECH_URL TRANSCRIPTION_URL [--trace FILE]``.

When it listens, one line of JSON on standard output says where, with its versions. With ``--trace``, a line is appended
to the file for each turn that is told to stop: its number and the instant, in seconds of CLOCK_MONOTONIC. A file and
not a pipe, since whoever reads a pipe is woken in the middle of what is measured.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from importlib.metadata import version
from time import monotonic

from bench.targets.plain import Tell, Upstream


def _say(data: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the target that the arguments name, until killed."""
    parser = argparse.ArgumentParser("python -m bench.targets", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("upstream", nargs=3)
    parser.add_argument("--trace", default=os.devnull)
    given = parser.parse_args()
    target = importlib.import_module(f"bench.targets.{given.name}")

    def ready(url: str) -> None:
        versions = {"python": platform.python_version(), **{name: version(name) for name in target.PACKAGES}}
        about = {"dialect": target.DIALECT, "notes": target.NOTES, "cannot": target.CANNOT}
        _say({"url": url, "versions": versions, **about})

    trace = os.open(given.trace, os.O_WRONLY | os.O_APPEND)

    def cancelled(turn: int) -> None:
        os.write(trace, b"%d %.6f\n" % (turn, monotonic()))

    target.run(Upstream(*given.upstream), Tell(ready, cancelled))


if __name__ == "__main__":
    main()
