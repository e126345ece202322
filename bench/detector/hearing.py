"""What two detectors say of the same sound: Silero's model, and the browser client's, which Node runs."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from voxint.children import python_environment
from voxint.providers.silero import Silero

__all__ = ["DETECTOR", "FEATURES", "WINDOW", "Floats", "hear", "ints", "silero"]

Floats: TypeAlias = NDArray[np.float32]

WINDOW = 512
FEATURES = 64
DETECTOR = Path(__file__).parent.parent.parent / "voxint/web/client/detector.wasm"

_NODE_S = 600.0

_SCRIPT = f"""
const fs = require("fs");
const [wasm, sound, lengths, heard] = process.argv.slice(1);
const {{ memory, inputAt, featuresAt, reset, heard: hear }} =
  new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(wasm))).exports;
const bytes = fs.readFileSync(sound);
const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
const input = new Int16Array(memory.buffer, inputAt(), {WINDOW});
const features = new Float32Array(memory.buffer, featuresAt(), {FEATURES});
const out = fs.openSync(heard, "w");
let at = 0;
for (const length of JSON.parse(fs.readFileSync(lengths, "utf8"))) {{
  const windows = Math.floor(length / {WINDOW});
  const rows = new Float32Array(windows * {FEATURES + 1});
  reset();
  for (let n = 0; n < windows; n += 1) {{
    input.set(samples.subarray(at + n * {WINDOW}, at + (n + 1) * {WINDOW}));
    rows[n * {FEATURES + 1} + {FEATURES}] = hear();
    rows.set(features, n * {FEATURES + 1});
  }}
  if (windows) fs.writeSync(out, Buffer.from(rows.buffer));
  at += length;
}}
"""


def ints(sound: NDArray[np.floating]) -> NDArray[np.int16]:
    """Return a sound from -1 to 1 as samples of 16 bits, clipped."""
    return np.asarray(np.clip(sound, -1, 1) * 32767, np.int16)


async def silero(sounds: Sequence[NDArray[np.int16]]) -> list[Floats]:
    """Return what Silero says of each window of each sound."""
    async with Silero() as detector:
        told = []
        for sound in sounds:
            stream = detector.open()
            told.append(np.array(stream.feed(sound.tobytes()), np.float32))
            stream.close()
        return told


def hear(sounds: Sequence[NDArray[np.int16]], wasm: Path = DETECTOR, node: str = "node") -> list[tuple[Floats, Floats]]:
    """Return of each sound what the client's detector knows of each window, a row of numbers, and what it says.

    Args:
        sounds: At 16 kHz.
        wasm: The detector.
        node: The program that runs it.

    Raises:
        subprocess.CalledProcessError: Node could not run it.
    """
    with tempfile.TemporaryDirectory() as folder:
        sound, lengths, heard = (Path(folder) / name for name in ("sound", "lengths", "heard"))
        sound.write_bytes(b"".join(each.tobytes() for each in sounds))
        lengths.write_text(json.dumps([len(each) for each in sounds]))
        arguments = [node, "-e", _SCRIPT, *map(str, (wasm, sound, lengths, heard))]
        subprocess.run(arguments, check=True, timeout=_NODE_S, env=python_environment())
        rows = np.fromfile(heard, np.float32).reshape(-1, FEATURES + 1)
    ends = np.cumsum([len(each) // WINDOW for each in sounds])[:-1]
    return [(part[:, :FEATURES], part[:, FEATURES]) for part in np.split(rows, ends)]
