"""How much sound a microphone may bring."""

from __future__ import annotations

import pytest
import trio

from voxint.core.audio import AudioFormat
from voxint.core.ears.pace import AHEAD_S, LONGEST_PIECE_S, MicrophonePace
from voxint.errors import RequestRefused

pytestmark = pytest.mark.virtual_time

FORMAT = AudioFormat(16_000)
SECOND = FORMAT.bytes(1000)


async def test_a_microphone_may_be_ahead_by_what_a_network_holds_up() -> None:
    """Then as fast as time passes; what is refused does not count."""
    pace = MicrophonePace(FORMAT)
    for _ in range(int(AHEAD_S)):
        pace.take(SECOND)
    with pytest.raises(RequestRefused, match="more sound than time has passed"):
        pace.take(SECOND)
    await trio.sleep(1)
    pace.take(SECOND)
    with pytest.raises(RequestRefused):
        pace.take(SECOND)


async def test_what_was_muted_is_not_made_up_for() -> None:
    """An hour without sound does not let in an hour of it at once."""
    pace = MicrophonePace(FORMAT)
    await trio.sleep(3600)
    for _ in range(int(AHEAD_S)):
        pace.take(SECOND)
    with pytest.raises(RequestRefused):
        pace.take(SECOND)


async def test_a_piece_is_short() -> None:
    """It is looked at in one step."""
    pace = MicrophonePace(FORMAT)
    pace.take(int(LONGEST_PIECE_S * SECOND))
    with pytest.raises(RequestRefused, match="pieces of at most 2 s"):
        pace.take(int(LONGEST_PIECE_S * SECOND) + 2)
