"""Text that others wrote, made fit for a terminal and a log: what would command or deceive one is spelt out.

A request id, a reason, a model's words and a server's reach terminals. There ``ESC ] 52`` writes a clipboard, ``ESC ]
0`` a title, C1 controls do the same in one character, U+2028 breaks a line of a log, and bidirectional controls let a
line say something else than it does. Each such character is spelt out by itself, as Python would in a literal, so that
a sequence that comes in two pieces gets no further than one that comes whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

__all__ = ["FIELD_CHARS", "LINE_BYTES", "printable", "printable_event", "printable_fields", "printable_lines"]

_C0, _DELETE_AND_C1 = r"\x00-\x1f", r"\x7f-\x9f"
_SEPARATORS = r"\u2028\u2029"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SURROGATES = r"\ud800-\udfff"  # no terminal's encoding has them
# Those without a width that no writing needs: a soft hyphen, spaces and joiners of width zero, deprecated controls,
# notes between lines, and the tags that hide ASCII. The joiners U+200C and U+200D stay: Persian and emoji need them.
_UNSEEN = r"\xad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"

_IN_A_LINE = re.compile(f"[{_C0}{_DELETE_AND_C1}{_SEPARATORS}{_BIDI}{_SURROGATES}{_UNSEEN}]")
_IN_LINES = re.compile(f"[\\x00-\\x08\\x0b-\\x1f{_DELETE_AND_C1}{_SEPARATORS}{_BIDI}{_SURROGATES}{_UNSEEN}]")

FIELD_CHARS = 2_000
"""Longest text of one field of a log line, in characters. Ours: an upstream's error page is longer, and not read."""

LINE_BYTES = 16 * 1024
"""Longest line of a log, in bytes. Ours: a pipe's buffer holds four, and collectors split what is longer."""

FIRST = ("timestamp", "level", "event")  # structlog's, which a line keeps however much else it has

DEEPEST = 6  # levels of fields in fields; ours: no line has more than two
FIELD_BYTES = 32  # what stands around a field: quotes, a comma, spaces, colours
PLAIN_CHARS = 80  # a text so short may be reckoned at its longest, every character in it a quote
NUMBER_BITS = 256  # an integer beyond is told by its size: to write one out takes the square of its length


def printable(text: str) -> str:
    r"""Return `text` as one line that does nothing to a terminal; a line feed is written ``\n``."""
    return _IN_A_LINE.sub(_spelt, text)


def printable_lines(text: str) -> str:
    """Return `text` with its line feeds and tabs, and nothing else that a terminal would obey."""
    return _IN_LINES.sub(_spelt, text)


def printable_fields(fields: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields of a log line made printable, names and values at any depth, and within the line's bounds.

    A text is cut at `FIELD_CHARS`; where the fields take more than `LINE_BYTES`, those that no longer fit are an
    ellipsis or left out.
    """
    writer = _Writer()
    first = {name: writer.value(fields[name], 0) for name in FIRST if name in fields}
    rest = writer.mapping({name: value for name, value in fields.items() if name not in first}, 0)
    return rest | first


def printable_event(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Make a line printable: a processor of structlog's, for the place right in front of the renderer."""
    return printable_fields(event)


def _spelt(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]


class _Writer:
    """Makes the fields of one line printable, with what is left of its size."""

    def __init__(self) -> None:
        self._left = LINE_BYTES - 2 * FIELD_BYTES

    def mapping(self, fields: Mapping[Any, object], depth: int) -> dict[str, Any]:
        """Return fields made printable, as many as fit."""
        made: dict[str, Any] = {}
        for name, value in fields.items():
            if self._left <= FIELD_BYTES:
                break
            made[self._text(name if isinstance(name, str) else _described(name))] = self.value(value, depth)
        return made

    def value(self, value: object, depth: int) -> Any:
        """Return a value made printable."""
        self._left -= FIELD_BYTES
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            return value if value.bit_length() <= NUMBER_BITS else f"an integer of {value.bit_length()} bits"
        if isinstance(value, str):
            return self._text(value)
        if depth >= DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            return self.mapping(value, depth + 1)
        if isinstance(value, list | tuple | set | frozenset):
            made = []
            for item in value:
                if self._left <= FIELD_BYTES:
                    break
                made.append(self.value(item, depth + 1))
            return made
        return self._text(_described(value))

    def _text(self, text: str) -> str:
        """Return a text made printable, cut where the field's or the line's room ends."""
        if len(text) < PLAIN_CHARS and text.isascii() and text.isprintable():  # nearly all are so
            self._left -= 2 * len(text)
            if self._left > 0:
                return text
            self._left += 2 * len(text)
        # Nobody else's text is looked at beyond what can be shown of it.
        shown = printable(text[: FIELD_CHARS + 1])
        if len(shown) > FIELD_CHARS:
            shown = shown[: FIELD_CHARS - 1] + "…"
        if _written_bytes(shown) > self._left:
            shown = _fitting(shown, self._left - 3) + "…"
        self._left -= _written_bytes(shown)
        return shown


def _written_bytes(text: str) -> int:
    r"""Return how many bytes a text takes in a log: a renderer writes ``\"`` for a quote and ``\\`` for a backslash."""
    return len(text.encode()) + sum(map(text.count, "\"'\\"))


def _fitting(text: str, most: int) -> str:
    """Return as much of the beginning as `most` bytes hold."""
    low, high = 0, min(len(text), max(most, 0))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _written_bytes(text[:middle]) <= most else (low, middle - 1)
    return text[:low]


def _described(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001  # an object of anybody's; the line is written without it
        return f"a {type(value).__name__} whose repr raises {type(error).__name__}"
