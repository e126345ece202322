from __future__ import annotations

import pytest
import trio

from voxint.core.timeline import Timeline

pytestmark = pytest.mark.virtual_time


async def test_the_first_mark_of_a_name_stands() -> None:
    """An instant happens once."""
    timeline = Timeline()
    timeline.mark("asked")
    await trio.sleep(0.5)
    timeline.mark("asked")
    timeline.mark("first_text")
    assert timeline.at("asked") == 0.0
    assert timeline.at("stopped") is None
    assert timeline.between_s("asked", "first_text") == 0.5
    assert timeline.between_s("stopped", "asked") is None
