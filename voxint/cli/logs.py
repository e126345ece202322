"""The log of the command line: JSON lines for machines, coloured lines for a terminal, nobody's words in either."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from voxint.cli.libraries import hear_libraries
from voxint.cli.line_writer import LineWriter
from voxint.logs import get_logger, lines_lost, note_lost, places
from voxint.printable import printable_event

__all__ = ["LEVELS", "LogFormat", "configure_logs", "flush_logs"]

LogFormat = Literal["auto", "json", "console"]

LEVELS = ("debug", "info", "warning", "error")

log = get_logger()

_writers: list[LineWriter] = []
"""The one that writes the log, where it is configured."""


def configure_logs(level: str, log_format: LogFormat = "auto") -> None:
    """Send the log of this process to standard error, by a thread of its own: who logs never waits for a reader.

    Lines for which there is no room are dropped and counted, and how many is logged when there is room again. What
    libraries log by the standard library is told by logger and place, without its words.

    Args:
        level: The least level that is written, one of `LEVELS`.
        log_format: ``auto`` is ``console`` where standard error is a terminal, else ``json``.
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    renderer: structlog.typing.Processor
    if log_format == "json" or (log_format == "auto" and not terminal):
        stamp, renderer = structlog.processors.TimeStamper("iso"), structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        colors = terminal and not os.environ.get("NO_COLOR")
        stamp = structlog.processors.TimeStamper("%H:%M:%S.%f", utc=False)
        renderer = structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False, pad_event_to=18)
    # Where it was closed by whoever started this process, nobody wants to hear anything.
    fd = os.open(os.devnull, os.O_WRONLY) if sys.stderr is None else sys.stderr.fileno()
    writer = LineWriter(fd, note_lost)
    _writers[:] = [writer]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            stamp,
            _places_of_errors,
            printable_event,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: _Lines(writer),
        cache_logger_on_first_use=True,
    )
    hear_libraries()


def flush_logs() -> None:
    """Wait a moment until the log is written; before the process ends by other means than its main program's end."""
    for writer in _writers:
        writer.flush()


class _Lines:
    """What structlog gives its rendered lines to."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer
        self._told = 0

    def msg(self, line: str) -> None:
        """Write a line; in front of it, how many there was no room for since the last one that could be written."""
        self._writer.write(f"{line}\n")
        if (lost := lines_lost()) != self._told:
            self._told, missing = lost, lost - self._told
            log.warning("lines of the log are lost", lines=missing)

    debug = info = warning = error = msg


def _places_of_errors(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception, which a provider of the operator's own may log, by its type and place."""
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error is True:  # as of structlog's own `log.exception`
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["trace"] = places(error)
    return event
