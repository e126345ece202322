"""E-mail and web addresses, names with dots or digits; what is said for their signs depends on the language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from attrs import field, frozen

from voxint.normalize.scan import Rule, rules

__all__ = ["Spelling"]

_PIECE = re.compile(r"[A-Za-z]+|\d+|[^A-Za-z\d]")
_VOWEL = re.compile("[AEIOUYaeiouy]")
_BESIDE_HAN = re.compile("(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])")
_SHORT = frozenset(("ai", "app", "cn", "eu", "fm", "gg", "hk", "io", "jp", "js", "py", "tv", "uk", "us", "utf", "api"))
"""What people spell though it could be read."""

_SPELLED = 5
"""Letters up to which a name without a vowel is spelled rather than tried; chosen here."""

_LONGEST_PATH = 40
"""Characters of a web address behind its host that a listener can use; chosen here."""

_DOMAINS = (
    "com|org|net|edu|gov|info|io|ai|dev|app|uk|de|fr|cn|jp|eu|ru|nl|ch|au|ca|in|co|me|tv|us|xyz|cloud|online|site|tech"
)
_LABEL = "[A-Za-z0-9-]{1,63}+"
_STOPS = r"\s\u4e00-\u9fff<>\"，。、；：！？（）《》“”"
_TAIL = rf"(?:/[^{_STOPS}]{{0,2000}}(?<![.,;:!?')\]]))?"
_MAIL = rf"(?:mailto:)?([A-Za-z0-9._%+-]{{1,64}}+@{_LABEL}(?:\.{_LABEL}){{1,8}})"
_URL = rf"(?i:https?|ftp|wss?)://(?:[^/@{_STOPS}]{{1,80}}@)?([^{_STOPS}]{{1,2000}}(?<![.,;:!?')\]]))"
_HOST = rf"((?:{_LABEL}\.){{1,6}}(?:{_DOMAINS})(?::\d{{1,5}})?(?![A-Za-z\d_@-]|\.[A-Za-z\d]){_TAIL})"
_LOCAL = r"(localhost(?::\d{1,5})?(?![A-Za-z\d_-]|\.[A-Za-z\d])(?:/[A-Za-z\d_./-]{0,80})?)"
_DOTTED = r"[A-Za-z_][A-Za-z0-9_]{0,63}+(?:\.[A-Za-z0-9_]{1,64}){1,8}(?![A-Za-z\d])"
_INITIALS = r"(?:(?:[A-Z][a-z]|[A-Za-z])\.){1,8}(?:[A-Z][a-z]|[A-Za-z])(?![^\W_])\.?"
_RUN = r"(?:[A-Za-z]{1,24}+|\d{1,9}+)"
_CODE = rf"{_RUN}(?:[-_.]?{_RUN}){{1,16}}(?![A-Za-z\d])"
_PATH = r"(?<![A-Za-z\d_.])(?:~|\.{1,2})?(?:/[A-Za-z\d_.-]{0,64}[A-Za-z\d_]){1,12}/?"


@frozen
class Spelling:
    """What a language says for the signs in addresses and names.

    Args:
        signs: The name of each sign.
        number: What is said for a run of digits.
        letter: What is said for a letter alone.
        point: What is said for a dot between two digits.
        extra: What is said for pieces whose sound is not as they are spelled.
    """

    signs: Mapping[str, str]
    number: Callable[[str], str]
    letter: Callable[[str], str]
    point: str
    extra: Mapping[str, str] = field(factory=dict)

    def aloud(self, written: str) -> str:
        """Return the pieces of a name or an address, each as it is said."""
        said = " ".join(said for piece in _PIECE.findall(written) if (said := self._piece(piece)))
        return _BESIDE_HAN.sub("", said)

    def _piece(self, piece: str) -> str:
        if piece.isdecimal():
            return self.number(piece)
        if piece in self.extra:
            return self.extra[piece]
        if not piece.isascii() or not piece.isalpha():
            return self.signs.get(piece) or (piece if piece.isalpha() else "")
        if len(piece) == 1:
            return self.letter(piece)
        spelled = piece.lower() in _SHORT or (len(piece) <= _SPELLED and not _VOWEL.search(piece))
        return piece.upper() if spelled and (piece.islower() or piece.lower() in _SHORT) else piece

    def _web(self, found: re.Match[str]) -> str:
        """Say a host and a short path; what is asked of the host is for machines."""
        host, slash, path = re.split(r"[?#]", found.group(1), maxsplit=1)[0].partition("/")
        host = host.removeprefix("www.")
        short = len(path) <= _LONGEST_PATH and path
        return self.aloud(host + slash + path.rstrip("/") if short else host)

    def _mail(self, found: re.Match[str]) -> str:
        return self.aloud(found.group(1))

    def _dotted(self, found: re.Match[str]) -> str | None:
        """Say `main.py`, `os.path`; a capital behind a dot begins a sentence whose space is missing."""
        parts = found.group().split(".")
        named = all(part[0].islower() or part[0].isdigit() or part[0] == "_" for part in parts[1:])
        return self.aloud(found.group()) if named and re.search("[A-Za-z]", found.group()) else None

    def _code(self, found: re.Match[str]) -> str | None:
        """Say GPT-4, B2B, 1080p: letters and digits, whatever joins them."""
        written = found.group()
        if not (re.search(r"\d", written) and re.search("[A-Za-z]", written)):
            return None
        pointed = re.sub(r"(?<=\d)\.(?=\d)", f" {self.point} ", written)
        parts = [part if part == self.point else self.aloud(part) for part in re.split(r"[ _-]", pointed)]
        return _BESIDE_HAN.sub("", " ".join(parts))

    def _path(self, found: re.Match[str]) -> str:
        return self.aloud(found.group().rstrip("/"))

    def addresses(self) -> list[Rule]:
        """Return the rules for addresses, which go before all others that begin with a letter or a digit."""
        return rules(((_URL, self._web), (_MAIL, self._mail), (_HOST, self._web), (_LOCAL, self._web)))

    def names(self) -> list[Rule]:
        """Return the rules for names with dots or digits, which come when it is no number."""
        return rules(((_INITIALS, re.Match.group), (_CODE, self._code), (_DOTTED, self._dotted)))

    def marks(self) -> list[Rule]:
        """Return the rules for what begins with a sign: a path."""
        return rules(((_PATH, self._path),))
