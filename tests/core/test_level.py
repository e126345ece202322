"""How loud a sound is."""

from __future__ import annotations

import array

from voxint.core.level import QUIETEST_DB, level_db


def test_a_level_is_in_decibels_below_full_scale() -> None:
    """Half the amplitude is 6 dB less; silence, and nothing at all, is the quietest that counts."""
    full = array.array("h", [32_767, -32_768] * 100).tobytes()
    half = array.array("h", [16_384, -16_384] * 100).tobytes()
    assert abs(level_db(full)) < 0.01
    assert abs(level_db(half) + 6.02) < 0.01
    assert level_db(bytes(640)) == level_db(b"") == level_db(b"\1\0" * 320) == QUIETEST_DB
