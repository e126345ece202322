from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from voxint.core.fade import FadeIn


@given(st.lists(st.integers(0, 7), max_size=12), st.integers(1, 16), st.integers(-32768, 32767))
def test_a_fade_is_a_straight_line_over_any_pieces(sizes: list[int], samples: int, value: int) -> None:
    """However the speech is cut, each sample is raised by its place, and all behind them stay as they are."""
    fade, faded = FadeIn(samples), b""
    for size in sizes:
        faded += fade.feed(struct.pack(f"<{size}h", *[value] * size))
    total = sum(sizes)
    expected = [value * index // samples if index < samples else value for index in range(total)]
    assert faded == struct.pack(f"<{total}h", *expected)
    assert fade.over == (total >= samples)
