"""Fits the detector's weights: a layer of softsigns and a logistic unit, taught what Silero says of undisturbed speech.

By Adam, over weights that are rounded to bytes in each step, so that what is learned is what the browser runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.detector.hearing import FEATURES, Floats

__all__ = ["SCALE", "UNITS", "fit", "source"]

UNITS = 16
SCALE = 24.0
SLOPE = 3.0
BATCH = 1024

_COMMENT = (
    "/** The numbers of the detector, each a byte: made by `python -m bench.detector --fit`, and edited by nobody. */"
)

Bytes = NDArray[np.int8]


def fit(features: Floats, truth: Floats, weights: Floats, *, steps: int = 12_000, seed: int = 3) -> tuple[Bytes, Bytes]:
    """Return the rows of the hidden units, each with its bias, and the output's row with its own.

    Args:
        features: A row of each window.
        truth: The probability that each should get.
        weights: How much each counts.
        steps: Of learning, over `BATCH` windows each.
        seed: Of what they begin as, and of what is learned when.
    """
    chance = np.random.default_rng(seed)
    parts: list[NDArray[np.float32]] = [
        (chance.standard_normal((FEATURES, UNITS)) * 0.15).astype(np.float32),
        np.zeros(UNITS, np.float32),
        (chance.standard_normal(UNITS) * 0.3).astype(np.float32),
        np.zeros(1, np.float32),
    ]
    means = [np.zeros_like(part) for part in parts]
    squares = [np.zeros_like(part) for part in parts]
    for step in range(1, steps + 1):
        some = chance.integers(0, len(features), BATCH)
        slopes = _slopes([_rounded(part) for part in parts], features[some], truth[some], weights[some])
        rate = 3e-3 * (1 if step < steps * 0.6 else 0.25 if step < steps * 0.85 else 0.06)
        for part, slope, mean, square in zip(parts, slopes, means, squares, strict=True):
            slope = slope + 1e-5 * part
            mean += 0.1 * (slope - mean)
            square += 0.001 * (slope**2 - square)
            part -= rate * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
            np.clip(part, -127 / SCALE, 127 / SCALE, out=part)
    hidden = np.concatenate([parts[0].T, parts[1][:, None]], axis=1)
    return _bytes(hidden), _bytes(np.concatenate(parts[2:]))


def source(hidden: Bytes, output: Bytes) -> str:
    """Return both as the detector's source has them."""
    return (
        f"{_COMMENT}\n\n// For each of {UNITS} units its {FEATURES} weights and its bias.\n"
        f"export const HIDDEN = memory.data<i8>([\n{_lines(hidden.ravel().tolist())}\n]);\n\n"
        f"// A weight for each unit, and the bias.\n"
        f"export const OUTPUT = memory.data<i8>([\n{_lines(output.tolist())}\n]);\n"
    )


def _slopes(parts: Sequence[Floats], features: Floats, truth: Floats, weights: Floats) -> list[Floats]:
    """Return by how much each weight made it worse."""
    sums = features @ parts[0] + parts[1]
    units = sums / (1 + np.abs(sums))
    told = 1 / (1 + np.exp(-SLOPE * (units @ parts[2] + parts[3][0])))
    error = (told - truth) * weights * SLOPE / len(features)
    inner = np.outer(error, parts[2]) / (1 + np.abs(sums)) ** 2
    return [features.T @ inner, inner.sum(0), units.T @ error, np.array([error.sum()], np.float32)]


def _rounded(part: Floats) -> Floats:
    return (np.round(part * SCALE) / SCALE).astype(np.float32)


def _bytes(part: Floats) -> Bytes:
    return np.round(part * SCALE).astype(np.int8)


def _lines(numbers: Sequence[int]) -> str:
    lines = [" "]
    for number in numbers:
        word = f" {number},"
        if len(lines[-1]) + len(word) > 118:
            lines.append(" ")
        lines[-1] += word
    return "\n".join(lines)
