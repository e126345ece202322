from __future__ import annotations

import re

import pytest
from attrs import evolve

from voxint.core.failure import Failure, internal_failure, own_errors, stage_failure
from voxint.errors import UpstreamError, UpstreamTimeout
from voxint.protocol.codes import INTERNAL, error_of


def test_a_failure_names_its_stage() -> None:
    """Whether to try again is the provider's to say."""
    fault = UpstreamError("no such voice", retryable=False)
    assert stage_failure("tts", fault) == Failure("upstream", "no such voice", False, "tts", "", fault)


def test_a_failure_in_a_stages_own_nursery_is_told_as_one_outside_of_it() -> None:
    """However deep the groups; and a bug is told before a failure of the upstream beside it."""
    fault = UpstreamTimeout("the model is silent")
    group = ExceptionGroup("", [ExceptionGroup("", [fault])])
    assert stage_failure("llm", group) == Failure("timeout", "the model is silent", True, "llm", "", group)
    both = ExceptionGroup("", [fault, ExceptionGroup("", [KeyError("persimmon")])])
    assert stage_failure("llm", both) == Failure("upstream", "the provider raised KeyError", False, "llm", "", both)


def test_a_failure_of_ours_says_nothing_of_itself() -> None:
    """Its cause is for the operator's log."""
    cause = KeyError("a secret")
    failure = internal_failure(cause)
    assert failure.cause is cause
    told = "a bug of voxint's (KeyError) has ended the request: try again, and report it with its cause"
    assert failure.message == told
    assert internal_failure(ExceptionGroup("a secret", [cause])).message == told
    assert error_of(failure, "r1").error_msg == INTERNAL, "a client has no exception: it is told of the log"


def test_a_failure_has_an_id_of_its_own() -> None:
    """It stays the same without the exception, which is let go of before the log is written."""
    failures = [stage_failure("llm", UpstreamError("down")) for _ in range(100)]
    assert len({failure.error_id for failure in failures}) == 100
    assert all(re.fullmatch("[0-9a-f]{12}", failure.error_id) for failure in failures)
    assert evolve(failures[0], cause=None).error_id == failures[0].error_id


def test_a_repr_of_a_failure_names_its_cause_by_its_class() -> None:
    """Its text may hold what somebody said; where there is none, it is None."""
    assert "cause=KeyError," in repr(internal_failure(KeyError("persimmon")))
    assert "cause=None," in repr(Failure("upstream", "down", True))


@pytest.mark.parametrize(
    "error", [ValueError(), SystemExit(), GeneratorExit(), BaseExceptionGroup("", [ValueError(), SystemExit()])]
)
def test_what_a_stage_raises_is_the_requests_own(error: BaseException) -> None:
    """However basic: it must not end the server."""
    own, others = own_errors(error, cancelled=True)
    assert (own is None, others) == (False, None)


def test_what_is_meant_for_others_is_split_off() -> None:
    """A clean-up may fail beside a cancellation, and each goes its own way."""
    fault, stop = ValueError(), KeyboardInterrupt()
    own, others = own_errors(BaseExceptionGroup("", [fault, stop]), cancelled=True)
    assert isinstance(own, BaseExceptionGroup)
    assert isinstance(others, BaseExceptionGroup)
    assert (own.exceptions, others.exceptions) == ((fault,), (stop,))
    assert own_errors(stop, cancelled=True) == (None, stop)
