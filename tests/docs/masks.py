"""What differs from run to run in what a page shows: durations, ports, keys, days, and how far an answer had come."""

from __future__ import annotations

import doctest
import re

__all__ = ["agree", "masked"]

_MASKS = (
    (r"\bvox_[\w-]{43}", "vox_#"),  # first: one may end like a duration
    (r"\d[\d.,]*(?= ?m?s\b)", "#"),  # how long it took
    (r"(?<=127\.0\.0\.1:)\d+", "#"),
    (r'(?<="port":)\d+', "#"),
    (r"\b[0-9a-f]{12}\b", "#"),  # a key's id
    # A machine that is busy with something else; a line that an example is to blame for is not passed over.
    (r"^\d{4}-\d\d-\d\d \S+ \[warning *\] the loop was held +by=unknown .*\n", ""),
    (r"\b\d{4}-\d\d-\d\d( \d\d:\d\d)?", "#"),
    (r"(?<=tokens  )\d+", "#"),
    (r"\d+(?= characters )", "#"),
    (r"(?<=heard: “)[^”]+", "#"),
    (r"(?<=\} )\d+\.0$", "#"),  # a counter
)
"""Each with what stands for it. Words and names are compared as they are."""


_UNDERSTOOD = re.compile(r"(?<=^understood: ).*$", re.MULTILINE)
"""What a recogniser understood: some write capitals and points, and the machine may have another than the page."""


def masked(text: str) -> str:
    """Return `text` without what differs from run to run, and without white space at the ends of lines."""
    lines = "".join(line.rstrip() + "\n" for line in text.splitlines())
    for pattern, stands in _MASKS:
        lines = re.sub(pattern, stands, lines, flags=re.MULTILINE)
    return _UNDERSTOOD.sub(lambda found: found[0].lower().rstrip("."), lines)


def agree(shown: str, printed: str) -> bool:
    """Return whether a program printed what its page shows; ``...`` there stands for anything."""
    return doctest.OutputChecker().check_output(masked(shown), masked(printed), doctest.ELLIPSIS)
