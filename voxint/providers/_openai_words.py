"""What a provider says of its failure, made fit for its operator's log: no key, no word of the conversation.

The server's other callers wait while this runs, so all of it is linear, and each size has a bound: where the
conversation is too long to be looked for, the provider's words are held back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import compress, count

from voxint.providers._openai_secrets import Secrets, Span, View, looks_secret, views

__all__ = ["shown"]

SAID_CHARS = 300  # the brief words of a provider; a page of them is of no use in a log

LOOKED_AT_CHARS = 1000
"""Of its words; blotting makes them fewer."""

BEYOND_CHARS = 500
"""Looked at behind those, so that what is cut there is known for what it is."""

TURN_CHARS = 1 << 16
"""Of a conversation that is looked for in them: some 16,000 tokens. Chosen here by
measuring: 5 ms at the worst, with all else that is done here."""

ECHO_CHARS = 16
"""So many characters in a row that also stand in the turn are an echo of it. Two English texts share shorter ones by
chance; of a longer text, servers quote some 25 at its begin and end."""

LEAST_BYTES = 8  # a shorter message is blotted out nowhere: yes and no would be gone from every sentence

STEP = 8
"""Of the turn every so many characters a block is looked at: a run of `ECHO_CHARS` holds one of them whole."""

BLOCK = ECHO_CHARS - STEP + 1

MOST_NEAR = 2048
"""Places of the turn that share a block with the words and are looked at closely. An honest text has a few; ours: they
take 2 ms."""

BLOT = "***"


def shown(said: str, secrets: Secrets, texts: Iterable[str]) -> str:
    """Return the words of a provider in one line; empty where there are none, or none may be shown.

    Args:
        said: Its words, of any length.
        secrets: What it was sent.
        texts: The conversation that it was sent.
    """
    line = " ".join(said[: 4 * LOOKED_AT_CHARS].split())[: LOOKED_AT_CHARS + BEYOND_CHARS]
    texts = list(texts)
    if sum(map(len, texts)) > TURN_CHARS:
        return "(its words are held back: the conversation is too long to be looked for in them)" if line else ""
    known = Echoes.of(texts)
    hidden: list[Span] = []
    for view in views(line):
        hidden.extend(secrets.found_in(view))
        hidden.extend(looks_secret(view))
        echoes = known.found_in(view)
        if echoes is None:
            return "(its words are held back: they are too like the conversation)"
        hidden.extend(echoes)
    words = _without(line, hidden)[:SAID_CHARS]
    return "".join(char if char.isprintable() else "?" for char in words)  # no terminal's commands


def _without(line: str, hidden: list[Span]) -> str:
    """Return the words, as far as they are looked at, with all that is hidden blotted out."""
    parts: list[str] = []
    end = 0
    for begin, until in sorted(hidden):
        if begin >= LOOKED_AT_CHARS:
            break
        if begin > end or not parts:
            parts += [line[end:begin], BLOT]
        end = max(end, until)
    return "".join((*parts, line[end:LOOKED_AT_CHARS]))


class Echoes:
    """A conversation, to be found again in a line that may repeat parts of it.

    Args:
        long: All its texts of `ECHO_CHARS` and more, a line break between them: a line has none, so no run goes over
            two of them.
        short: Its shorter texts.
    """

    def __init__(self, long: str, short: set[str]) -> None:
        self._long = long
        self._blocks = [long[at : at + BLOCK] for at in range(0, len(long) - BLOCK + 1, STEP)]
        self._short = short

    @classmethod
    def of(cls, texts: Iterable[str]) -> Echoes:
        """Return what of these texts is looked for."""
        long, short = [], set()
        for text in (" ".join(text.split()) for text in texts):
            if len(text) >= ECHO_CHARS:
                long.append(text)
            elif len(text.encode("utf-8", "replace")) >= LEAST_BYTES:
                short.add(text)
        return cls("\n".join(long), short)

    def found_in(self, view: View) -> list[Span] | None:
        """Return where runs of it stand in the words; None: at so many places might be one that nobody looks."""
        runs = self._runs(view.text)
        if runs is None:
            return None
        found = [view.span(start, start + ECHO_CHARS) for start in runs]
        found.extend(view.span(*span) for span in self._whole_texts(view.text))
        return found

    def _whole_texts(self, line: str) -> Iterator[Span]:
        for size in {len(text) for text in self._short}:
            for start in range(len(line) - size + 1):
                if line[start : start + size] in self._short:
                    yield start, start + size

    def _runs(self, line: str) -> list[int] | None:
        """Return where runs of `ECHO_CHARS` begin in `line` that a text has too; None where too much is near to one.

        A run of 16 characters holds a block of 9 that begins at a multiple of 8 in the texts: an eighth of all blocks,
        of which nearly none is in the line. Round those that are, the runs themselves are looked up.
        """
        near = {line[at : at + BLOCK] for at in range(len(line) - BLOCK + 1)}.intersection(self._blocks)
        if not near:
            return []
        places = {
            self._long[max(0, at - STEP + 1) : at + ECHO_CHARS]
            for at in compress(count(0, STEP), map(near.__contains__, self._blocks))
        }
        if len(places) > MOST_NEAR:
            return None
        shared = {place[at : at + ECHO_CHARS] for place in places for at in range(len(place) - ECHO_CHARS + 1)}
        return [at for at in range(len(line) - ECHO_CHARS + 1) if line[at : at + ECHO_CHARS] in shared]
