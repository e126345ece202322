"""A piece of text with what is said for it."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Span"]


@frozen
class Span:
    """A piece of a text and what is said for it: a word, or a number with its unit, and the white space behind.

    Args:
        written: The piece as it was written.
        spoken: What is said for it: the same for plain words, "" for what has no sound.
    """

    written: str
    spoken: str
