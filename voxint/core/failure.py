"""Why a request failed: whose fault it was, in words that a stranger may read."""

from __future__ import annotations

import secrets
import traceback
from typing import Literal

import trio
from attrs import field, frozen

from voxint.core.encodable import encodable
from voxint.errors import RequestRefused, UpstreamError, UpstreamTimeout
from voxint.logs import leaves

__all__ = [
    "NOT_OURS",
    "Failure",
    "FailureKind",
    "Stage",
    "internal_failure",
    "own_errors",
    "refused",
    "stage_failure",
    "too_long",
]

Stage = Literal["stt", "llm", "tts"]

FailureKind = Literal["upstream", "timeout", "too_large", "busy", "internal"]
"""`upstream`: a provider failed; `timeout`: something took too long; `too_large`: more came than is taken;
`busy`: there is no room for a spoken turn now; `internal`: a bug of ours."""

NOT_OURS = (trio.Cancelled, KeyboardInterrupt)
"""What no request may keep: it is meant for whoever runs the request."""

ASYNCIO = "this stage awaited asyncio; use trio (docs/howto/asyncio.md)"

ID_BYTES = 6
"""Of a failure's id: twelve digits to read out on a telephone; ours: among a million failures of a log two share one
with a chance of 1 in 500."""


def _new_error_id() -> str:
    return secrets.token_hex(ID_BYTES)


def _kind_of(error: BaseException | None) -> str:
    return "None" if error is None else type(error).__name__  # its text may hold what somebody said


@frozen
class Failure:
    """What ended a request that neither finished nor was interrupted.

    Args:
        kind: What kind of failure it is.
        message: What happened, for the caller, who is a stranger: never a transcript, a key, a traceback, or the words
            of an upstream.
        retryable: Whether the same request may succeed later.
        stage: Whose fault it is, where it is a stage's.
        operator_detail: More of it, for the operator's log.
        cause: The exception behind it, for the operator's log.
        error_id: Random, made with the failure: what a caller tells the operator, who finds the line of the log by it.
        limit: The field of `Limits` that the caller has passed, where one was.
    """

    kind: FailureKind
    message: str
    retryable: bool
    stage: Stage | None = None
    operator_detail: str = ""
    cause: BaseException | None = field(default=None, repr=_kind_of)
    error_id: str = field(factory=_new_error_id, eq=False)
    limit: str = ""


def own_errors(error: BaseException, *, cancelled: bool) -> tuple[BaseException | None, BaseException | None]:
    """Return what of `error` is a request's own, and what is meant for whoever runs the request.

    A cancellation and Ctrl+C are not its own; all else is, however basic: an extension's panic, a provider's `sys.exit`
    and the end of its generator must not end the server. A group is split.

    Args:
        error: What came out of a stage.
        cancelled: Whether somebody has asked for a cancellation. If nobody has, one that comes is a provider's own,
            which kept it from another request and raises it again.
    """
    not_own = NOT_OURS if cancelled else (KeyboardInterrupt,)
    if isinstance(error, BaseExceptionGroup):
        others, own = error.split(not_own)
        return own, others
    return (None, error) if isinstance(error, not_own) else (error, None)


def stage_failure(stage: Stage, error: BaseException) -> Failure:
    """Return the failure that an exception out of a stage means.

    Only an `UpstreamError` was written for the caller to read; any other exception is named by its type, because its
    text may hold what the user said. Of a group, as a stage's own nursery raises one, a bug comes before a failure of
    the upstream, which it may have led to.
    """
    told = min(leaves(error), key=lambda leaf: isinstance(leaf, UpstreamError))
    if not isinstance(told, UpstreamError):
        detail = ASYNCIO if _awaited_asyncio(told) else ""
        return Failure("upstream", f"the provider raised {type(told).__name__}", False, stage, detail, error)
    late = isinstance(told, UpstreamTimeout)
    kind: FailureKind = "timeout" if late else "upstream"
    detail = encodable(told.operator_detail)
    return Failure(kind, encodable(told.message), late or told.retryable, stage, detail, error)


def _awaited_asyncio(error: BaseException) -> bool:
    """Return whether a stage has taken trio for asyncio, where that is certain: not told is better than told wrongly.

    asyncio has no loop here and says so in these words, or hands trio something that this does not know.
    """
    if isinstance(error, RuntimeError):
        return error.args == ("no running event loop",)
    if not isinstance(error, TypeError) or not str(error).startswith("trio.run received unrecognized yield message"):
        return False
    raised_in = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(raised_in) and raised_in[-1].partition(".")[0] == "asyncio"


def internal_failure(error: BaseException) -> Failure:
    """Return the failure that an exception out of voxint's own code means.

    Who runs the agent itself has the exception as the cause of its error; a client is told of the server's log instead
    (`protocol.codes`).
    """
    kind = type(next(leaves(error))).__name__
    message = f"a bug of voxint's ({kind}) has ended the request: try again, and report it with its cause"
    return Failure("internal", message, True, cause=error)


def refused(refusal: RequestRefused) -> Failure:
    """Return the failure that a refusal is to who speaks: nobody has asked, so there is none to raise it to."""
    return Failure("busy", refusal.message, retryable=refusal.retryable, limit=refusal.limit)


def too_long(seconds: float) -> Failure:
    """Return the failure of a request that outlived its limit."""
    return Failure("timeout", f"the request took longer than {seconds:g} s", True)
