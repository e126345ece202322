"""Chinese text to the phonemes that Kokoro reads; in the child.

The words are jieba's, their readings pypinyin's, and the phonemes of a reading misaki's. All of
them come with the extra `mandarin`.
"""

from __future__ import annotations

import logging

import jieba
from misaki.zh import ZHG2P

from voxint.providers._kokoro_said import Token

__all__ = ["Mandarin"]

NO_SYLLABLE = "\u032f"
"""A sign under a vowel that makes no syllable, which the model was not taught."""


class Mandarin:
    """The dictionaries, loaded: a second or two."""

    def __init__(self) -> None:
        jieba.setLogLevel(logging.CRITICAL)
        # Its cache would be a file of anybody's, in the folder of everybody's temporary files.
        jieba.dt.tmp_dir = "/nowhere"
        jieba.initialize()
        self.tokens("好")

    def tokens(self, text: str) -> list[Token]:
        """Return the phonemes of a text's words, each with the place in the text at which it stands."""
        found: list[Token] = []
        at = 0
        for word in jieba.lcut(text):
            found.append(Token(at, _phonemes(word) + " "))
            at += len(word)
        return found


def _phonemes(word: str) -> str:
    try:
        return str(ZHG2P.word2ipa(word)).replace(NO_SYLLABLE, "")
    except (ValueError, AssertionError):  # a character without a reading in the dictionaries
        return "".join(map(_phonemes, word)) if len(word) > 1 else ""
