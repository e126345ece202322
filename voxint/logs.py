"""The log of a library: the host's structlog where it has configured one, else nothing below a warning."""

from __future__ import annotations

import logging
from typing import Any

import structlog

__all__ = ["get_logger"]

_QUIET = structlog.make_filtering_bound_logger(logging.WARNING)


def get_logger() -> Any:
    """Return a logger that obeys structlog's configuration.

    structlog by itself prints every line, debug lines too, to standard output: right for the program that chose it,
    wrong for one that only embeds a voice server. `voxint serve` configures it.
    """
    return structlog.wrap_logger(None, wrapper_class=_bind)  # type: ignore[arg-type]  # is called only


def _bind(logger: Any, processors: Any, context: Any) -> Any:
    wrapper: Any = structlog.get_config()["wrapper_class"] if structlog.is_configured() else _QUIET
    return wrapper(logger, processors, context)
