"""Where a call is made: voxint runs on trio, and what is opened there belongs to that run of it, and to its block."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, Protocol, Self, TypeVar, cast

import trio

from voxint.errors import OutsideTrio

__all__ = ["Block", "require_trio", "within_block", "within_trio"]

P = ParamSpec("P")
R = TypeVar("R")

START = (
    'start the program with `trio.run(main)` (anyio: backend="trio"), or give voxint a thread or a process of its own'
)
HAND_OVER = "hand the call over to its thread, with trio.from_thread and trio_token=..."
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


class Block:
    """A block of the library's, as those know it who may be used in another thread, or after it.

    It belongs to the run of trio in which it is made, and ends where a `with` of it does. An object that is used in
    the block has it as ``_block``, and each of its public methods is `within_block` or `within_trio`.

    Args:
        ended: What to tell whoever is used after the block; empty where all may be.
        error: Makes the error that tells it.
    """

    def __init__(self, ended: str = "", error: Callable[[str], Exception] = trio.ClosedResourceError) -> None:
        self._run = trio.lowlevel.current_trio_token()
        self._sentence = ended
        self._error = error
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended = True

    def check_trio(self, what: str, *, waits: bool) -> None:
        """Refuse a call that is made elsewhere: another thread would break the state of what was opened.

        Args:
            what: What was called, such as ``Conversation.ask``.
            waits: Whether the call waits. One that doesn't may be made by the host of a guest run as well.

        Raises:
            OutsideTrio: It was called in asyncio, in no event loop, or in another run of trio.
        """
        inside = trio.lowlevel.in_trio_task() if waits else trio.lowlevel.in_trio_run()
        if not (inside and trio.lowlevel.current_trio_token() is self._run):
            where = "this is another run of trio" if inside else _elsewhere()
            raise OutsideTrio(f"{what} belongs to the trio that opened it, and {where}: {HAND_OVER} ({PAGE})")

    def check_open(self) -> None:
        """Refuse what is done after the block, with its own error."""
        if self._ended:
            raise self._error(self._sentence)


class _InBlock(Protocol):
    """Whose methods are looked after."""

    _block: Block


def within_block(method: Callable[P, R]) -> Callable[P, R]:
    """Have a public method refuse to be called elsewhere than in the trio of its object's `Block`, or after that."""

    def check(block: Block, what: str, waits: bool) -> None:
        block.check_trio(what, waits=waits)
        block.check_open()

    return _door(method, check)


def within_trio(method: Callable[P, R]) -> Callable[P, R]:
    """Have a public method refuse to be called elsewhere than in the trio of its object's `Block`; after it is well."""

    def check(block: Block, what: str, waits: bool) -> None:
        block.check_trio(what, waits=waits)

    return _door(method, check)


def _door(method: Callable[P, R], check: Callable[[Block, str, bool], None]) -> Callable[P, R]:
    """Return `method` behind `check`, which comes before all else: also before the arguments are judged."""
    kind, _, name = method.__qualname__.rpartition(".")
    what = f"reading a {kind}" if name == "__anext__" else method.__qualname__
    coroutine = inspect.iscoroutinefunction(method)
    waits = coroutine or inspect.isasyncgenfunction(inspect.unwrap(method))

    @wraps(method)
    def called(owner: _InBlock, /, *args: Any, **given: Any) -> Any:
        check(owner._block, what, waits)
        return cast("Any", method)(owner, *args, **given)

    @wraps(method)
    async def awaited(owner: _InBlock, /, *args: Any, **given: Any) -> Any:
        check(owner._block, what, waits)
        return await cast("Any", method)(owner, *args, **given)

    return cast("Callable[P, R]", awaited if coroutine else called)


def _elsewhere() -> str:
    asyncio = sys.modules.get("asyncio")  # not imported: a program that has not loaded it is not in it
    try:
        if asyncio is not None and asyncio.get_running_loop() is not None:
            return "this is asyncio"
    except RuntimeError:  # how asyncio says that it does not run here
        pass
    return "no event loop runs in this thread"
