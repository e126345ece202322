"""What the core's refusals and failures are called on the wire."""

from __future__ import annotations

from typing import Literal

from attrs import evolve

from voxint.core.failure import Failure, FailureKind
from voxint.core.seats import SEATS
from voxint.errors import RequestRefused, WireError
from voxint.protocol.messages import Error, ErrorCode

__all__ = ["FAILURE_CODES", "INTERNAL", "error_of", "failure_of", "wire_error"]

FAILURE_CODES: dict[FailureKind, ErrorCode] = {
    "upstream": "UPSTREAM_ERROR",
    "timeout": "REQUEST_TIMEOUT",
    "too_large": "PAYLOAD_TOO_LARGE",
    "busy": "SERVER_BUSY",
    "internal": "INTERNAL_ERROR",
}

_REFUSAL_CODES: dict[Literal["live", "busy", "no_ears", "too_large", "not_offered"], ErrorCode] = {
    "live": "MALFORMED_PAYLOAD",
    "busy": "SERVER_BUSY",
    "no_ears": "MALFORMED_PAYLOAD",
    "too_large": "PAYLOAD_TOO_LARGE",
    "not_offered": "MALFORMED_PAYLOAD",
}


INTERNAL = (
    "a bug of the server's has ended the request: try again, or give its operator the error_id, which its log has"
)
"""What a client is told of a bug of voxint's, whose kind is no affair of a stranger's."""


def error_of(failure: Failure, request_id: str) -> Error:
    """Return the ERROR that ends a request."""
    return Error(
        error_code=FAILURE_CODES[failure.kind],
        error_msg=INTERNAL if failure.kind == "internal" else failure.message,
        error_detail=_detail(failure),
        retryable=failure.retryable,
        request_id=request_id,
        stage=failure.stage,
        error_id=failure.error_id,
    )


def _detail(failure: Failure) -> str:
    """Return whose fault it is, or which quota's, as a refused REQUEST is told."""
    if failure.stage:
        return f"stage {failure.stage}"
    return f"quota {failure.limit}" if failure.kind == "busy" and failure.limit else ""


def failure_of(error: Error) -> Failure:
    """Return the failure that an ERROR tells of, as far as the wire tells it."""
    kinds: dict[str, FailureKind] = {code: kind for kind, code in FAILURE_CODES.items()}
    kind = kinds.get(error.error_code, "internal")
    failure = Failure(kind, error.error_msg, error.retryable, error.stage)
    return failure if error.error_id is None else evolve(failure, error_id=error.error_id)


def wire_error(refusal: RequestRefused, request_id: str | None) -> WireError:
    """Return what a client is told of a refusal; the id of a live request stands in its detail.

    With the id in `request_id` a client would end the live request.
    """
    code = _REFUSAL_CODES[refusal.kind]
    if refusal.kind == "live":
        return WireError(code, refusal.message, request_id or "")
    detail = "$.payload" if refusal.kind == "too_large" else ""
    if refusal.limit == "text_chars":
        detail = "$.payload.content.text"
    elif refusal.limit == "upload_s":
        detail = "$.payload.content.voice"
    elif refusal.kind == "not_offered":
        detail = f"$.payload.{refusal.limit}"
    elif refusal.limit == SEATS:
        detail = f"quota {SEATS}"
    return WireError(code, refusal.message, detail, request_id, refusal.retryable)
