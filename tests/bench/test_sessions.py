from __future__ import annotations

import msgspec

from bench.sessions import Listening, Resuming, listening, resuming, to_json, to_text


async def test_a_resume_is_measured() -> None:
    """With nothing kept, with all seen, and with all sent again."""
    measured = await resuming(2)
    assert min(measured.fresh, measured.has_all, measured.has_nothing) > 0


async def test_listeners_are_measured() -> None:
    """All of them read the whole answer."""
    measured = await listening(2, binary=True, seconds=3)
    assert (measured.listeners, measured.binary) == (2, True)
    assert measured.cpu_s >= 0


def test_the_figures_are_printed() -> None:
    """For a reader and for a machine."""
    figures = (Resuming(0.25, 0.5, 1.25), [Listening(10, True, 0.75)])
    assert "10 listening, binary" in to_text(*figures)
    assert msgspec.json.decode(to_json(*figures)) == {
        "resuming_ms": {"fresh": 0.25, "has_all": 0.5, "has_nothing": 1.25},
        "listening": [{"listeners": 10, "binary": True, "cpu_s": 0.75}],
    }
