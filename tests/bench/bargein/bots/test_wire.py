"""The peers' servers: what they may import, and that they begin where there is what they need."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from bench.bargein import line
from bench.bargein.bots import wire

BOTS = Path(wire.__file__).parent
FILES = sorted(path for path in BOTS.glob("*.py") if path.stem != "voxint")
"""Those of the peers, and what they have in common."""


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports at its top level."""
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_wire_needs_the_standard_library_alone() -> None:
    """It is read in environments that have none of our packages."""
    assert {name.partition(".")[0] for name in imported(BOTS / "wire.py")} <= sys.stdlib_module_names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bot_needs_nothing_of_ours_but_the_wire(path: Path) -> None:
    """No server of a peer's imports voxint, or what of the benchmark does."""
    ours = {name for name in imported(path) if name.partition(".")[0] in ("bench", "voxint")}
    assert ours <= {"bench.bargein.bots.wire"}


def test_both_sides_have_one_rate() -> None:
    """What wire.py says of the sound is what line.py does; frames are whole."""
    assert wire.RATE == line.RATE
    assert wire.speech_body("Yes.")["sample_rate"] == line.RATE
    assert wire.transcription_url("http://h/v1").endswith(f"?sample_rate={line.RATE}")
    assert line.RATE * wire.FRAME_S * 2 == wire.FRAME_BYTES


def test_an_unknown_peer_is_refused() -> None:
    """The command line takes the peers that have a file, and no other."""
    peers = sorted({path.stem for path in FILES} - {"__init__", "__main__", "wire"})
    command = [sys.executable, "-m", "bench.bargein.bots", "brand-new", "http://127.0.0.1:1/v1", "en"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=BOTS.parents[2], check=False)
    assert told.returncode == 2
    assert all(peer in told.stderr for peer in peers)
