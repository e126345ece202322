"""Single keys of a terminal, and signals; whatever ends the program, the terminal is as it was."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

try:
    import termios
    import tty
except ImportError:  # Windows
    HAS_KEYS = False
else:
    HAS_KEYS = True

__all__ = ["SIGNALS", "has_keys", "read_keys", "single_keys", "watch_signals"]

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What ends the program in order: the default of the last two would leave the terminal without an echo."""


def has_keys() -> bool:
    """Return whether single keys can be read: standard input is a terminal, and not that of Windows."""
    return HAS_KEYS and sys.stdin is not None and sys.stdin.isatty()


@contextmanager
def single_keys() -> Iterator[None]:
    """Have the terminal give each key at once and show none, for the block; Ctrl-C still is a signal."""
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


async def read_keys(pressed: Callable[[str], None]) -> None:
    """Tell each key. Waits for them without bound, and is cancelled in the end; returns where the terminal is gone."""
    fd = sys.stdin.fileno()
    while True:
        await trio.lowlevel.wait_readable(fd)
        keys = os.read(fd, 64)
        if not keys:
            return
        for key in keys.decode("ascii", errors="ignore"):
            pressed(key)


async def watch_signals(told: Callable[[signal.Signals], None]) -> None:
    """Tell each signal that ends the program. Waits for them without bound, and is cancelled in the end."""
    with trio.open_signal_receiver(*SIGNALS) as signals:
        async for each in signals:
            told(signal.Signals(each))
