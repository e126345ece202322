"""Calls in the layout of Full-Duplex-Bench v1.5: a folder a sample, both sides as sound on one clock.

The four overlaps bear its names (github.com/DanielLin94144/Full-Duplex-Bench, evaluation/README.md): in each sample
`input.wav` is what the microphone took up, `output.wav` what the loudspeaker sounded, `clean_input.wav` the question
without the overlap, and `metadata.json` has the words and where the overlap is, in seconds. `clean_output.wav`, an
answer that nothing comes into, is of another call and is not written.
"""

from __future__ import annotations

import wave
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bench.bargein.line import RATE
from bench.bargein.record import Record
from bench.bargein.samples import Kind, Sample

__all__ = ["FOLDERS", "write_overlap"]

FOLDERS: Mapping[Kind, str] = {
    "interruption": "user_interruption",
    "backchannel": "user_backchannel",
    "side": "talking_to_other",
    "background": "background_speech",
}
"""The overlaps that Full-Duplex-Bench has, by ours."""


def write_overlap(folder: Path, sample: Sample, record: Record) -> Path | None:
    """Write a call, and return its folder; None where it is no overlap of theirs, or has failed."""
    if sample.kind not in FOLDERS or record.overlap is None or sample.overlap is None:
        return None
    place = folder / FOLDERS[sample.kind] / sample.name
    place.mkdir(parents=True, exist_ok=True)
    _save(place / "input.wav", record.input)
    _save(place / "output.wav", record.output)
    asked = record.question[0] - sample.question.onset
    clean = bytearray(len(record.input))
    clean[2 * asked : 2 * asked + len(sample.question.pcm)] = sample.question.pcm
    _save(place / "clean_input.wav", bytes(clean[: len(record.input)]))
    about = {
        "context_text": sample.question.text,
        "current_turn_text": sample.overlap.stretch.text,
        "timestamps": [round(at / RATE, 3) for at in record.overlap],
        "voice": sample.voice,
        "level_db": sample.level_db,
        "seed": sample.seed,
    }
    (place / "metadata.json").write_bytes(msgspec.json.format(msgspec.json.encode(about), indent=2) + b"\n")
    return place


def _save(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(pcm)
