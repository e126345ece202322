"""Kokoro's process: `voxint.workers.child` runs what `_kokoro_engine` does.

The provider imports this file to know where it lies, so what needs the packages of the extra is imported when it runs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from voxint.providers._kokoro_jobs import Start
from voxint.workers.child import serve_jobs

if TYPE_CHECKING:
    from voxint.providers._kokoro_engine import KokoroEngine

__all__ = ["main"]


def main() -> None:
    """Say what is asked for, until standard input ends."""
    serve_jobs(_load)


def _load() -> KokoroEngine:
    from voxint.providers._kokoro_engine import KokoroEngine

    return KokoroEngine(Start.unpacked(sys.argv[1]))


if __name__ == "__main__":
    main()
