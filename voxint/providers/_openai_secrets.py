"""Keys in a provider's words, however they are written there, and what looks like one.

A provider repeats the key that it refuses: broken over two lines, in capitals, in base64 or percent-encoded, and
inside of a URL. Everything here is linear in the words.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator

from attrs import frozen

__all__ = ["Secrets", "Span", "View", "looks_secret", "views"]

Span = tuple[int, int]
"""Where something begins and ends in the words."""

GRAM = 12
"""So many letters and digits in a row of a secret are a part of it worth hiding; ours: 62 bits of a random key."""

LEAST_SPLIT = 8
"""A secret with fewer letters and digits is looked for as it is: with all that stands between them taken out, common
words would hold it by chance."""

_ESCAPE = re.compile(
    r"%(?:25){0,4}([0-9A-Fa-f]{2})|\\{1,4}u([0-9A-Fa-f]{4})|\\{1,4}x([0-9A-Fa-f]{2})|&#x([0-9A-Fa-f]{1,6});|\\{1,4}([\"/bfnrt\\])"
    r"|&#([0-9]{1,7});"
)

_SPECIAL = {"n": " ", "r": " ", "t": " ", "b": " ", "f": " "}

_NAMES = r"(?:key|token|secret|passw(?:or)?d|pwd|sig(?:nature)?|auth|authorization|credentials?|session|cookie)"

_LOOKS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"://([^\s/?#@]{1,256})@",  # a URL with a user or a password
        rf"{_NAMES}[\w-]{{0,32}}[\"']?\s{{0,2}}=\s{{0,2}}[\"']?([^\s\"'&,;<>#]{{4,}})",
        rf"{_NAMES}[\w-]{{0,32}}[\"']?\s{{0,2}}:\s{{0,2}}[\"']?(?=[^\s\d]{{0,64}}\d)([^\s\"'&,;<>#]{{8,}})",
        r"authorization[\"']?\s{0,2}[:=]\s{0,2}[\"']?((?:[a-z]{1,16}\s{1,2})?[^\s\"',;]{4,})",
        r"\b(?:bearer|basic|digest|negotiate)\s{1,2}([\w.~+/=-]{8,})",
        r"(?<![a-z0-9])((?:[srp]k|gh[opsur]|github_pat|xox[a-z]|glpat|hf|gsk|r8|nvapi|xai|whsec|(?:api|key|tok)(?=[\w-]{0,24}\d))"
        r"[-_][\w-]{6,})",
        r"(?<![a-z0-9])((?:AKIA|ASIA|AIza)[\w-]{12,}|eyJ[\w-]{8,}(?:\.[\w-]{1,2048}){0,4})",
    )
]

_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}|[A-Za-z0-9]{20,}")
_CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[a-z0-9])|(?<=[0-9])(?=[A-Za-z])")

_PATHS = re.compile(
    r"(?<![\w:/.>-])/(?!v\d|api/|openai/|chat/)[\w.@+~-]+(?:/[\w.@+~-]+)+"
    r"|(?<!\w)~[\w.-]{0,32}(?:/[\w.@+-]+)+"
    r"|file://[^\s\"'<>]+"
    r"|(?<![A-Za-z])[A-Za-z]:\\[^\s\"'<>|]+|\\\\[\w.-]+\\[^\s\"'<>|]+"
)


@frozen
class View:
    """The words as somebody may read them.

    Args:
        text: Them, perhaps with what is escaped in them written out.
        begins: Where each character of `text` begins in the words, and their length behind the last.
    """

    text: str
    begins: tuple[int, ...]

    def span(self, start: int, end: int) -> Span:
        """Return where a part of `text` stands in the words."""
        return self.begins[start], self.begins[end]


def views(line: str) -> list[View]:
    """Return the words as they are, and, where something in them is escaped, with that written out."""
    plain = View(line, tuple(range(len(line) + 1)))
    if _ESCAPE.search(line) is None:
        return [plain]
    text: list[str] = []
    begins: list[int] = []
    end = 0
    for match in _ESCAPE.finditer(line):
        text.append(line[end : match.start()])
        begins.extend(range(end, match.start()))
        char = _written_out(match)
        text.append(char)
        begins.extend([match.start()] * len(char))
        end = match.end()
    text.append(line[end:])
    begins.extend(range(end, len(line) + 1))
    return [plain, View("".join(text), tuple(begins))]


def _written_out(match: re.Match[str]) -> str:
    percent, four, two, entity, special, decimal = match.groups()
    if special is not None:
        return _SPECIAL.get(special, special)
    code = int(decimal) if decimal is not None else int(percent or four or two or entity, 16)
    return chr(code) if code < 0x110000 else "?"


class Secrets:
    """The secrets that a provider was sent, to be found again in what it says.

    Args:
        secrets: Keys, and values of headers.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._grams: set[str] = set()
        self._whole: dict[int, set[str]] = {}
        short = set()
        sent = list(secrets)
        for secret in filter(None, (*sent, *map(_password, sent))):
            short.add(secret.lower())
            for form in _forms(secret):
                if len(form) >= GRAM:
                    self._grams.update(form[at : at + GRAM] for at in range(len(form) - GRAM + 1))
                elif len(form) >= LEAST_SPLIT:
                    self._whole.setdefault(len(form), set()).add(form)
        self._short = sorted(secret for secret in short if len(_bare(secret)) < LEAST_SPLIT)

    def found_in(self, view: View) -> Iterator[Span]:
        """Yield where a secret, or a large part of one, stands, in any case, whatever stands between its letters."""
        lower = "".join([char.lower()[0] for char in view.text])  # some capitals become two small letters
        for secret in self._short:
            for match in re.finditer(re.escape(secret), lower):
                yield view.span(*match.span())
        at = [place for place, char in enumerate(lower) if char.isalnum()]
        bare = "".join([lower[place] for place in at])
        for size, known in [(GRAM, self._grams), *self._whole.items()]:
            for start in range(len(bare) - size + 1 if known else 0):
                if bare[start : start + size] in known:
                    yield view.span(at[start], at[start + size - 1] + 1)


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it may be written, letters and digits alone, in lower case.

    The marks of an escape fall out like those that split one: percent-encoded, a text is its hex.
    """
    yield _bare(secret)
    yield "".join(char if char.isalnum() else f"{ord(char):02x}" for char in secret).lower()
    data = secret.encode("utf-8", "replace")
    for before_each in ("", "25", "x", "u00"):
        yield "".join(f"{before_each}{byte:02x}" for byte in data)
    yield "".join(str(ord(char)) for char in secret)
    for before, cut in ((0, 0), (1, 2), (2, 3)):  # what stands before it shifts base64, and shares characters with it
        encoded = base64.b64encode(bytes(before) + data).decode()
        yield _bare(encoded[cut : (before + len(data)) * 8 // 6])


def _password(secret: str) -> str:
    """Return the password in the credentials of HTTP's basic authentication; empty where they are none."""
    try:
        return base64.b64decode(secret, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _bare(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


def looks_secret(view: View) -> Iterator[Span]:
    """Yield what looks like a key, a password in a URL, or a place in a file system; the best that can be done."""
    for pattern in _LOOKS:
        for match in pattern.finditer(view.text):
            yield view.span(*match.span(1))
    for match in _RUN.finditer(view.text):
        if _is_random(match.group()):
            yield view.span(*match.span())
    for match in _PATHS.finditer(view.text):
        yield view.span(*match.span())


def _is_random(run: str) -> bool:
    """Return whether letters, capitals and digits alternate as nobody writes: the name of a model has few changes."""
    return len(set(run)) >= 8 and sum(1 for _ in _CHANGE.finditer(run)) >= len(run) / 5
