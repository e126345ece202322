"""Tokens that go round in a loop."""

from __future__ import annotations

import pytest

from voxint.providers._recognition_guard import end_of_loop


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        ([], None),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], None),
        ([5] * 7, None),  # people say a word seven times
        ([5] * 8, [5]),
        ([1, 2, *[5] * 9], [1, 2, 5]),
        ([1, 2, 3] * 3, None),  # and a phrase three times
        ([1, 2, 3] * 4, [1, 2, 3]),
        ([9, *[1, 2, 3] * 4, 1], [9, 1, 2, 3]),  # in the middle of the next round
        ([9, *[1, 2, 3] * 4, 1, 2], [9, 1, 2, 3]),
        ([*[1, 2, 3] * 4, 7], None),  # it found out by itself
        ([1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 2], [1, 1, 2]),
    ],
)
def test_a_loop_is_said_once(tokens: list[int], kept: list[int] | None) -> None:
    """Eight tokens at least, and the same four times over; what is kept is what stood before, and one round."""
    end = end_of_loop(tokens)
    assert (None if end is None else tokens[:end]) == kept
