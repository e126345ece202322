"""The log of the command line: JSON lines for machines, coloured lines for a terminal, nobody's words in either."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from voxint.cli.libraries import hear_libraries
from voxint.logs import places
from voxint.printable import printable_event

__all__ = ["LEVELS", "LogFormat", "configure_logs"]

LogFormat = Literal["auto", "json", "console"]

LEVELS = ("debug", "info", "warning", "error")


def configure_logs(level: str, log_format: LogFormat = "auto") -> None:
    """Send the log of this process to standard error; each line is written at once.

    Args:
        level: The least level that is written, one of `LEVELS`.
        log_format: ``auto`` is ``console`` where standard error is a terminal, else ``json``.
    """
    terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor
    if log_format == "json" or (log_format == "auto" and not terminal):
        stamp, renderer = structlog.processors.TimeStamper("iso"), structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        colors = terminal and not os.environ.get("NO_COLOR")
        stamp = structlog.processors.TimeStamper("%H:%M:%S.%f", utc=False)
        renderer = structlog.dev.ConsoleRenderer(colors=colors, sort_keys=False, pad_event_to=18)
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
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    hear_libraries()


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
