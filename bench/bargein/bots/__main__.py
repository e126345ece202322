"""Run one peer: ``python -m bench.bargein.bots NAME BASE_URL LANGUAGE``, in the environment that has its packages.

When it listens, it prints the URL of its WebSocket (wire.py), and serves until it is killed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from bench.bargein.bots.wire import Given


def main() -> None:
    """Run the peer that the arguments name."""
    parser = argparse.ArgumentParser("python -m bench.bargein.bots", description=__doc__)
    parser.add_argument("name", choices=("livekit", "pipecat"))
    parser.add_argument("base_url", help="of the model, the voice and the recogniser; ends in /v1")
    parser.add_argument("language", choices=("en", "zh"))
    given = parser.parse_args()
    os.environ["LOGURU_LEVEL"] = "ERROR"  # pipecat greets when it is imported
    bot = importlib.import_module(f"bench.bargein.bots.{given.name}")

    def ready(url: str) -> None:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()

    bot.run(Given(given.base_url, given.language, ready))


if __name__ == "__main__":
    main()
