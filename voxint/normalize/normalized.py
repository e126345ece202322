"""`normalize`: the rules of a language, run over a text."""

from __future__ import annotations

from typing import Literal

from voxint.normalize.chinese import chinese
from voxint.normalize.english import english
from voxint.normalize.scan import scan
from voxint.normalize.span import Span

__all__ = ["normalize"]


def normalize(text: str, language: Literal["en", "zh"], *, british: bool = False) -> tuple[Span, ...]:
    """Return what is said aloud for a text, piece by piece, in words that a voice can read.

    The pieces joined are the text. What a voice reads well by itself stays as it is, so does what is in another
    script; numbers are read in `language`. Nothing that is said has a digit in it. The time is linear in the text's
    length, whatever it is, and no text raises.

    Args:
        text: A sentence or a part of it, without Markdown.
        language: English or Chinese.
        british: The other order of days and months, and "one hundred and five"; of English alone.
    """
    return scan(text, english(british) if language == "en" else chinese())
