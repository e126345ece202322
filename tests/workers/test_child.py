"""The child's side by itself: what an abort reaches, and how frames are read."""

from __future__ import annotations

import io

import pytest

from voxint.workers import frames
from voxint.workers.child import Aborted, Job


def job() -> Job:
    """Return a job of an engine."""
    return Job(1, 7, b"payload")


def test_an_abort_reaches_whoever_asked_for_it_once() -> None:
    """At the abort, in the order in which they asked; who asks afterwards is told at once."""
    calls = list[str]()
    each = job()
    each.when_aborted(lambda: calls.append("first"))
    each.when_aborted(lambda: calls.append("second"))
    each.check()
    assert calls == []
    each.abort()
    each.abort()
    assert calls == ["first", "second"]
    each.when_aborted(lambda: calls.append("third"))
    assert calls == ["first", "second", "third"]
    with pytest.raises(Aborted):
        each.check()


def test_an_abort_that_comes_when_the_job_is_over_reaches_nobody() -> None:
    """The engine may be at another job by then, or at rest."""
    calls = list[str]()
    each = job()
    each.when_aborted(lambda: calls.append("late"))
    each.end()
    each.abort()
    assert calls == []
    assert not each.aborted


def test_who_is_told_may_ask_again() -> None:
    """A call that asks for another gets it at once, and nobody waits for himself."""
    calls = list[str]()
    each = job()
    each.when_aborted(lambda: each.when_aborted(lambda: calls.append("inner")))
    each.abort()
    assert calls == ["inner"]


def test_a_frame_is_read_whole_or_not_at_all() -> None:
    """A pipe that ends within one has ended before it."""
    whole = frames.packed(3, 2**32 - 1, b"payload")
    stream = io.BytesIO(whole + frames.packed(4, 0))
    assert [frames.read(stream) for _ in range(3)] == [(3, 2**32 - 1, b"payload"), (4, 0, b""), None]
    for size in range(len(whole)):
        assert frames.read(io.BytesIO(whole[:size])) is None
