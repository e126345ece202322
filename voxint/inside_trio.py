"""Where a call is made: voxint runs on trio, and a program of asyncio is told so before anything is opened."""

from __future__ import annotations

import sys

import trio

from voxint.errors import OutsideTrio

__all__ = ["require_trio", "require_trio_of"]

START = (
    'start the program with `trio.run(main)` (anyio: backend="trio"), or give voxint a thread or a process of its own'
)
HAND_OVER = "hand the call over to trio's thread, with trio.from_thread and trio_token=..."
PAGE = "docs/howto/asyncio.md"


def require_trio(what: str) -> None:
    """Refuse to open something where no task of trio runs.

    Args:
        what: What was called, such as ``open_conversation``.

    Raises:
        OutsideTrio: It was called in asyncio, or in no event loop.
    """
    if not trio.lowlevel.in_trio_task():
        raise OutsideTrio(f"{what} needs trio, and {_elsewhere()}: {START} ({PAGE})")


def require_trio_of(what: str, *, waits: bool = True) -> None:
    """Refuse a call of what was opened in trio, where that doesn't run: another thread would break its state.

    Args:
        what: What was called, such as ``Conversation.ask``.
        waits: Whether the call waits. One that doesn't may be made by the host of a guest run as well.

    Raises:
        OutsideTrio: It was called in asyncio, or in no event loop.
    """
    if not (trio.lowlevel.in_trio_task() or (not waits and trio.lowlevel.in_trio_run())):
        raise OutsideTrio(f"{what} belongs to the trio that opened it, and {_elsewhere()}: {HAND_OVER} ({PAGE})")


def _elsewhere() -> str:
    asyncio = sys.modules.get("asyncio")  # not imported: a program that has not loaded it is not in it
    try:
        if asyncio is not None and asyncio.get_running_loop() is not None:
            return "this is asyncio"
    except RuntimeError:  # how asyncio says that it does not run here
        pass
    return "no event loop runs in this thread"
