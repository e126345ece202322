"""What the log has of a failed request: ids, sentences of ours, and the author's own line; never what anybody said."""

from __future__ import annotations

from voxint.authors_line import line_of_error
from voxint.core.events import Endpoint, ReleaseReason
from voxint.core.failure import Failure, Stage
from voxint.core.observer import NoObserver, Observer
from voxint.core.request import Request
from voxint.logs import get_logger, leaves, places

__all__ = ["FailureLog", "failure_fields", "tell_failure"]

log = get_logger()


def failure_fields(failure: Failure) -> dict[str, object]:
    """Return the fields of a line of the log; those of which nothing is known are left out.

    `by` is the line to look at: the author's of a stage, as far as the exception has come through it, and of a bug of
    voxint's the line of that. `cause` is where each exception was raised.
    """
    fields = {
        "error_id": failure.error_id,
        "stage": failure.stage,
        "error": failure.message,
        "detail": failure.operator_detail or None,
        "by": _by(failure),
        "cause": None if failure.cause is None else places(failure.cause),
    }
    return {name: value for name, value in fields.items() if value is not None}


def tell_failure(failure: Failure, **fields: object) -> None:
    """Write the line of a request that has failed.

    Args:
        failure: Why.
        fields: What else the line has, before that; the ids of the request, and whatever was counted of it.
    """
    # A provider's bad day is a warning; a bug of ours is an error.
    tell = log.error if failure.kind == "internal" else log.warning
    tell("request failed", **fields, **failure_fields(failure))


def _by(failure: Failure) -> str | None:
    for error in () if failure.cause is None else leaves(failure.cause):
        line = line_of_error(error)
        if line is not None and (failure.stage is None or not line.ours):
            return line.place
    return None


class FailureLog:
    """An observer that writes a line for each request that fails, and passes on what it hears.

    Args:
        then: Hears the same.
    """

    def __init__(self, then: Observer | None) -> None:
        self._then: Observer = NoObserver() if then is None else then

    def accepted(self, request: Request) -> None:
        """Pass it on."""
        self._then.accepted(request)

    def finished(self, request: Request) -> None:
        """Write the line where it has failed, and pass it on."""
        if (failure := request.failure) is not None:
            tell_failure(failure, req_id=request.id, session_id=request.session_id)
        self._then.finished(request)

    def reaped(self, request: Request) -> None:
        """Pass it on."""
        self._then.reaped(request)

    def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
        """Pass it on: the log has it already."""
        self._then.cleanup_failed(request, stage, error)

    def utterance_over(self, request: Request, endpoint: Endpoint) -> None:
        """Pass it on."""
        self._then.utterance_over(request, endpoint)

    def released(self, request: Request, reason: ReleaseReason) -> None:
        """Pass it on."""
        self._then.released(request, reason)
