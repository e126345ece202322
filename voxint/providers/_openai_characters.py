"""Characters that a server cut in two: joined where the other half comes, one U+FFFD where it does not."""

from __future__ import annotations

import re

__all__ = ["hold_back", "mend", "mend_escapes"]

# In text that was decoded with "surrogateescape", a byte that is no UTF-8 is U+DC00 plus its value. A server that
# writes such bytes does not write halves of surrogate pairs, which come from escapes such as \ud83d.
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONE = re.compile("[\ud800-\udc7f\udd00-\udfff]")

_ESCAPES = re.compile(
    r"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_UNKNOWN = "\ufffd"


def hold_back(text: str) -> tuple[str, str]:
    """Return `text` without half a character at its end, and that half: it goes before what comes next."""
    if text and _is_high(text[-1]):
        return text[:-1], text[-1]
    for count in range(1, min(3, len(text)) + 1):
        byte = ord(text[-count]) - 0xDC00
        if not 0x80 <= byte <= 0xFF:
            break
        if byte >= 0xC0:  # the first byte of a character, which says how many there are
            whole = 2 + (byte >= 0xE0) + (byte >= 0xF0)
            if whole > count and not _is_high(text[-count - 1 : len(text) - count]):
                return text[:-count], text[-count:]
            break
    return text, ""


def mend(text: str) -> str:
    """Return `text` with the halves in it joined, and U+FFFD for each that stands alone."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text
    whole = _LONE.sub(_UNKNOWN, _PAIR.sub(_joined, text))
    return whole.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def mend_escapes(json_text: str) -> str:
    """Return a JSON text with an escaped U+FFFD for every escaped half of a surrogate pair that stands alone."""
    return _ESCAPES.sub(lambda match: r"\ufffd" if match[2] else match[0], json_text)


def _is_high(char: str) -> bool:
    return "\ud800" <= char <= "\udbff"


def _joined(match: re.Match[str]) -> str:
    return match[0].encode("utf-16", "surrogatepass").decode("utf-16")
