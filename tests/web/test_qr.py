"""The page's own QR encoder, read back by another program's decoder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.needs import ABSENT
from tests.web.nodes import needs_node, node

zxingcpp = pytest.importorskip("zxingcpp", reason=f"the package zxing-cpp: {ABSENT}")

QR = Path(__file__).parent.parent.parent / "voxint" / "web" / "page" / "qr.js"

LINK = "https://agent.example:8765/#join=9b2f6c1e4d7a.é" + "Jx0c2mZ8rY1kq5vT" * 12

LONGEST = 213
"""Bytes that version 10 holds at level M."""

SECONDS = 30.0

pytestmark = needs_node


def encoded(texts: list[str]) -> list[list[list[int]] | None]:
    """Return what the encoder makes of some texts."""
    program = (
        f"const {{ qr }} = await import({QR.as_uri()!r});"
        "const made = (text) => qr(text)?.map((row) => row.map(Number)) ?? null;"
        f"console.log(JSON.stringify({json.dumps(texts)}.map(made)))"
    )
    done = subprocess.run(
        (*node(), "--input-type=module", "-e", program), capture_output=True, text=True, timeout=SECONDS, check=True
    )
    made: list[list[list[int]] | None] = json.loads(done.stdout)
    return made


def test_every_length_is_read_back() -> None:
    """By a decoder that knows nothing of the encoder: versions 1 to 10, level M, and a letter of two bytes."""
    texts = [LINK.encode()[:length].decode(errors="ignore") for length in range(1, LONGEST + 1, 4)] + [LINK[:212]]
    sides = set()
    for text, modules in zip(texts, encoded(texts), strict=True):
        assert modules is not None
        sides.add(len(modules))
        picture = np.kron(1 - np.pad(np.array(modules, np.uint8), 4), np.ones((4, 4), np.uint8)) * 255
        (read,) = zxingcpp.read_barcodes(picture.astype(np.uint8))
        assert (read.text, read.ec_level) == (text, "M")
    assert sides == {17 + 4 * version for version in range(1, 11)}


def test_what_is_too_long_is_no_code() -> None:
    """The page leaves the link alone then, and shows no code that a phone can't read."""
    longest, longer = encoded(["x" * LONGEST, "x" * (LONGEST + 1)])
    assert longest is not None
    assert longer is None
