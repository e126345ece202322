"""The operations on a session's functions."""

from __future__ import annotations

import pytest

from voxint.core.tools import FunctionOp, Tool, apply_function_op

OLD = (Tool("lights", "Switch the lights"), Tool("guide", "Lead the way"))
NEW = (Tool("guide", "Lead to an exhibit"), Tool("map", "Show the map"))


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("REPLACE", NEW),
        ("ADD", (OLD[0], NEW[0], NEW[1])),
        ("UPDATE", (OLD[0], NEW[0])),
        ("DELETE", (OLD[0],)),
    ],
)
def test_an_operation_changes_the_functions_it_names(op: FunctionOp, expected: tuple[Tool, ...]) -> None:
    """REPLACE keeps only the given, ADD also overwrites, UPDATE only overwrites, DELETE goes by name."""
    assert expected == apply_function_op(OLD, op, NEW)


@pytest.mark.parametrize(("op", "expected"), [("REPLACE", ()), ("ADD", OLD), ("UPDATE", OLD), ("DELETE", OLD)])
def test_an_empty_list_changes_nothing_but_by_replacing(op: FunctionOp, expected: tuple[Tool, ...]) -> None:
    """An empty list clears with REPLACE and is without effect otherwise."""
    assert expected == apply_function_op(OLD, op, ())


def test_a_name_given_twice_counts_once() -> None:
    """The later of two functions of one name stands, in the place of the first."""
    first, second = Tool("guide", "one"), Tool("guide", "two")

    assert (second,) == apply_function_op((), "REPLACE", (first, second))
    assert (second, OLD[0]) == apply_function_op((), "ADD", (first, OLD[0], second))


def test_an_unknown_operation_is_a_programming_error() -> None:
    """The codec lets only the four operations through, so that another one fails loudly."""
    with pytest.raises(AssertionError):
        apply_function_op(OLD, "MERGE", NEW)  # type: ignore[arg-type]  # the wrong value is the test


def test_a_function_can_be_counted_among_others() -> None:
    """Tools hash by name and description although their schema is a dict."""
    assert {Tool("map", "Show", {"type": "object"})} == {Tool("map", "Show", {"type": "object"})}
