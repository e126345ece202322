"""What libraries of this process say past our log: told in a line of it, without their words."""

from __future__ import annotations

import logging
import sys
import threading

from voxint.logs import get_logger, places

__all__ = ["hear_libraries"]

log = get_logger()


def hear_libraries() -> None:
    """Have the log tell what Python would write to standard error by itself: there, words of an exception are shown.

    That is what libraries log by the standard library, at warning and above, where nobody has given it a handler, and
    exceptions that can be raised nowhere: of a clean-up by the garbage collector, or one that ends a thread.
    """
    logging.lastResort = _Heard(logging.WARNING)
    sys.unraisablehook = _tell_ignored
    threading.excepthook = lambda ended: _tell_bug(ended.exc_type, ended.exc_value)
    sys.excepthook = lambda kind, error, trace: _tell_bug(kind, error)


class _Heard(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Tell a record by its template: what was filled in may be anybody's words."""
        error = record.exc_info[1] if record.exc_info else None
        trace = None if error is None else places(error)
        template = record.msg if isinstance(record.msg, str) and record.args else None
        log.warning("a library logged", logger=record.name, template=template, trace=trace)


def _tell_bug(kind: type[BaseException], error: BaseException | None) -> None:
    """Tell what has ended a thread, of a provider's it may be."""
    log.error("a thread has failed", trace=[kind.__name__] if error is None else places(error))


def _tell_ignored(ignored: sys.UnraisableHookArgs) -> None:
    error = ignored.exc_value
    trace = [ignored.exc_type.__name__] if error is None else places(error)
    log.warning("an exception was ignored", trace=trace)
