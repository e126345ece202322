"""The log of a library: the host's structlog where it has configured one, else nothing below a warning."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Hashable, Iterator
from math import inf
from typing import Any

import structlog

from voxint.printable import printable, printable_fields

__all__ = ["Log", "Seldom", "get_logger", "leaves", "lines_lost", "note_lost", "places"]

_QUIET = structlog.make_filtering_bound_logger(logging.WARNING)


class _Lost:
    """How many lines could not be written; told from any thread."""

    def __init__(self) -> None:
        self.lines = 0
        self._lock = threading.Lock()

    def add(self, lines: int) -> None:
        with self._lock:
            self.lines += lines


_LOST = _Lost()


def note_lost(lines: int) -> None:
    """Count lines of the log that could not be written."""
    _LOST.add(lines)


def lines_lost() -> int:
    """Return how many lines of this process's log could not be written so far."""
    return _LOST.lines


class Log:
    """A logger that obeys structlog's configuration and never raises.

    A full disk, a closed pipe or a processor's bug costs the line, which is counted, not the calls of everybody who is
    connected.
    """

    def __init__(self) -> None:
        self._to: Any = structlog.wrap_logger(None, wrapper_class=_bind)  # type: ignore[arg-type]  # is called only

    def debug(self, event: str, **fields: object) -> None:
        """Write a line for the one who looks for a bug."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Write a line about what goes as it should."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Write a line about somebody else's fault."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Write a line about a fault of ours."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        try:
            # Made printable here too: the host's own configuration may send lines to a terminal as they are.
            getattr(self._to, level)(printable(event), **printable_fields(fields))
        except Exception:  # noqa: BLE001 - there is nowhere left to tell it, and the server goes on without a log
            note_lost(1)


class Seldom:
    """Keeps what comes again and again from filling the log: of each kind there is one line in a while.

    Args:
        every_s: Seconds from one line of a kind to the next.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._told_at: dict[Hashable, float] = {}
        self._untold: dict[Hashable, int] = {}

    def due(self, kind: Hashable, now: float) -> int | None:
        """Note that there is something to tell, and return whether it may be told now.

        Args:
            kind: Of what kind it is. Each that was ever told is remembered: there have to be few.
            now: In seconds, on whichever clock is always asked.

        Returns:
            How many of the kind were not told since its last line, for the line's `more`; None: it may not be told.
        """
        if now - self._told_at.get(kind, -inf) < self._every_s:
            self._untold[kind] = self._untold.get(kind, 0) + 1
            return None
        self._told_at[kind] = now
        return self._untold.pop(kind, 0)


def get_logger() -> Log:
    """Return a logger that obeys structlog's configuration.

    structlog by itself prints every line, debug lines too, to standard output: right for the program that chose it,
    wrong for one that only embeds a voice server. `voxint serve` configures it.
    """
    return Log()


def places(error: BaseException) -> list[str]:
    """Return the type and place of each exception in `error`, never its text, which may quote a person.

    It is the one way to log an exception: a formatter that is given the exception itself may show its text, or local
    variables, and of a group it shows where the nursery is and not where the bug is.
    """
    return [_place(leaf) for leaf in leaves(error)]


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions of a group, however deep; of no group, `error` itself."""
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for inner in error.exceptions:
        yield from leaves(inner)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{at}"


def _bind(logger: Any, processors: Any, context: Any) -> Any:
    wrapper: Any = structlog.get_config()["wrapper_class"] if structlog.is_configured() else _QUIET
    return wrapper(logger, processors, context)
