from __future__ import annotations

from voxint.core.failure import internal_failure, stage_failure
from voxint.errors import UpstreamError


def test_a_failure_becomes_an_error_that_names_the_stage() -> None:
    """Whether to try again is the provider's to say."""
    error = stage_failure("tts", UpstreamError("no such voice", retryable=False)).error("r1")
    assert (error.error_code, error.error_msg, error.error_detail) == (
        "UPSTREAM_ERROR",
        "no such voice",
        "stage tts",
    )
    assert (error.stage, error.retryable, error.request_id) == ("tts", False, "r1")


def test_a_failure_of_ours_says_nothing_of_itself() -> None:
    """Its cause is for the operator's log."""
    cause = KeyError("a secret")
    failure = internal_failure(cause)
    assert failure.cause is cause
    assert failure.error("r1").error_msg == "the server failed; its log says how"
    assert failure.error("r1").error_detail == ""
