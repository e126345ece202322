"""What the engines' processes have in common: they alone load an engine, and let go of it in time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import voxint.providers
from voxint.core.agent import Limits
from voxint.providers import espeak, kokoro, moonshine, pocketsphinx, smart_turn, whisper
from voxint.workers.process import WorkerKind

FOREIGN = "numpy onnxruntime sanotts misaki jieba faster_whisper ctranslate2 pocketsphinx espeakng_loader"


def test_a_provider_is_imported_without_its_engine() -> None:
    """It may be none that is installed: then entering says what to add. And an engine's memory is its process'."""
    files = Path(voxint.providers.__file__).parent.glob("[!_]*.py")
    modules = [f"voxint.providers.{file.stem}" for file in files]
    assert "voxint.providers.kokoro" in modules
    program = f"import sys, {', '.join(modules)}; print(*sorted(set('{FOREIGN}'.split()) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "kind", [each.WORKER for each in (espeak, kokoro, moonshine, pocketsphinx, smart_turn, whisper)]
)
def test_who_does_not_let_go_is_killed_before_the_request_has_overrun(kind: WorkerKind) -> None:
    """The deadline of an interruption leaves time for the kill behind the wait for an engine that hangs."""
    assert kind.abort_s <= Limits().interrupt_s - 0.05
