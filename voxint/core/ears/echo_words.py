"""Whether what was understood is what the answer itself has just said; pure."""

from __future__ import annotations

from voxint.core.ears.words import spoken_words

__all__ = ["is_echo"]

LEAST = 3
"""Words in a row, or Chinese characters, that are no accident; ours: people repeat a word or two to ask about them."""

LATEST = 40
"""Words of the answer that an echo may be of; ours: some fifteen seconds of speech."""


def is_echo(text: str, spoken: str) -> bool:
    """Return whether `text` stands, word by word, in the latest part of what an answer has spoken.

    Args:
        text: What was understood.
        spoken: What of the answer was heard so far.
    """
    words = spoken_words(text)
    if len(words) < LEAST:
        return False
    said = spoken_words(spoken[-16 * LATEST :])[-LATEST:]
    size = len(words)
    return any(said[begin : begin + size] == words for begin in range(len(said) - size + 1))
