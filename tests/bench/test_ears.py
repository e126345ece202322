"""What open microphones cost: with a scripted detector, and the command with the real one."""

from __future__ import annotations

import msgspec
from click.testing import CliRunner

from bench.__main__ import main
from bench.ears import FRAME_BYTES, Cost, cost
from tests.core.ears.detectors import WINDOW, Scripted
from tests.needs import needs_silero


def test_each_microphone_hears_all_of_its_sound() -> None:
    """Each is fed as long as it was said; the cost of a window and of all together tell the same time."""
    heard = list[bytes]()

    def says(pcm: bytes) -> list[float]:
        heard.append(pcm)
        return [0.0]

    found = cost(Scripted(says), 16_000, "room", microphones=4, seconds=2.0)
    windows = 2.0 * 16_000 / WINDOW
    assert 4 * (windows - 1) <= len(heard) <= 4 * (windows + 1)
    assert any(any(pcm) for pcm in heard)
    assert abs(found.cores * 2.0 - found.window_us * len(heard) / 1e6) < 0.01
    assert FRAME_BYTES == 86


@needs_silero
def test_the_command() -> None:
    """A row for each rate and sound, with the real model."""
    done = CliRunner().invoke(main, ["ears", "--microphones", "2", "--seconds", "1", "--json"], catch_exceptions=False)
    costs = msgspec.json.decode(done.output, type=list[Cost])
    assert [(each.rate, each.sound) for each in costs] == [
        *((16_000, "room"), (16_000, "zeros")),
        *((48_000, "room"), (48_000, "zeros")),
    ]
    assert all(each.window_us > 0 and each.microphones == 2 for each in costs)
    printed = CliRunner().invoke(main, ["ears", "--microphones", "1", "--seconds", "1"], catch_exceptions=False)
    assert "µs for a window" in printed.output
