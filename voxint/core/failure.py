"""Why a request failed, in the words that its ERROR will have."""

from __future__ import annotations

from typing import Literal

import trio
from attrs import frozen

from voxint.core.text import encodable
from voxint.errors import UpstreamError, UpstreamTimeout
from voxint.logs import leaves
from voxint.protocol.messages import Error, ErrorCode

__all__ = ["NOT_OURS", "Failure", "Stage", "internal_failure", "is_ours", "stage_failure", "too_long"]

Stage = Literal["stt", "llm", "tts"]

NOT_OURS = (trio.Cancelled, KeyboardInterrupt, GeneratorExit)
"""What no request may keep: it is meant for whoever runs the request."""


def is_ours(error: BaseException) -> bool:
    """Return whether `error` is a request's own: no cancellation, no Ctrl+C, no group that holds one.

    All else is, however basic: an extension's panic and a provider's `sys.exit` must not end the server.
    """
    return not any(isinstance(leaf, NOT_OURS) for leaf in leaves(error))


@frozen
class Failure:
    """What ended a request that neither finished nor was interrupted.

    Args:
        code: The protocol's error code.
        message: What happened, for the client's log; never a transcript, a key or a traceback.
        retryable: Whether the same request may succeed later.
        stage: Whose fault it is, where it is a stage's.
        cause: The exception behind it, for the operator's log.
    """

    code: ErrorCode
    message: str
    retryable: bool
    stage: Stage | None = None
    cause: BaseException | None = None

    def error(self, request_id: str) -> Error:
        """Return the ERROR that ends the request."""
        return Error(
            error_code=self.code,
            error_msg=self.message,
            error_detail=f"stage {self.stage}" if self.stage else "",
            retryable=self.retryable,
            request_id=request_id,
            stage=self.stage,
        )


def stage_failure(stage: Stage, error: BaseException) -> Failure:
    """Return the failure that an exception out of a stage means.

    Only an `UpstreamError` was written for the client to read; any other exception is named by its type, because its
    text may hold what the user said.
    """
    match error:
        case UpstreamTimeout():
            return Failure("REQUEST_TIMEOUT", encodable(str(error)), True, stage, error)
        case UpstreamError():
            return Failure("UPSTREAM_ERROR", encodable(str(error)), error.retryable, stage, error)
    return Failure("UPSTREAM_ERROR", f"the provider raised {type(error).__name__}", False, stage, error)


def internal_failure(error: BaseException) -> Failure:
    """Return the failure that an exception out of voxint's own code means."""
    return Failure("INTERNAL_ERROR", "the server failed; its log says how", True, None, error)


def too_long(seconds: float) -> Failure:
    """Return the failure of a request that outlived its limit."""
    return Failure("REQUEST_TIMEOUT", f"the request took longer than {seconds:g} s", True)
