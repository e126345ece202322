"""Settled pieces of a transcript, joined as their script is written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from voxint.core.tokens import UNSPACED

__all__ = ["join_transcripts"]

_UNSPACED_SEAM = re.compile(rf"(?<=[{UNSPACED}]) | (?=[{UNSPACED}])")


def join_transcripts(finals: Iterable[str]) -> str:
    """Return the pieces as one text: a space between them, none beside a Chinese or Japanese character."""
    joined = ""
    for piece in filter(None, map(str.strip, finals)):
        seam = f"{joined[-1:]} {piece[:1]}"
        joined += ("" if not joined or _UNSPACED_SEAM.search(seam) else " ") + piece
    return joined
