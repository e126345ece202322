"""The environment of a process that has a sound card of the test's own."""

from __future__ import annotations

import os
from pathlib import Path

from tests.docs.pages import ROOT

__all__ = ["card_env"]

STUB = Path(__file__).parent / "stub"


def card_env(how: Path | str) -> dict[str, str]:
    """Return it; `how` is as the stub `sounddevice` has it."""
    return {"PYTHONPATH": os.pathsep.join((str(STUB), str(ROOT))), "FAKE_CARD": str(how)}
