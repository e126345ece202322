"""What a loudspeaker sounds of the frames that come: it pauses, goes on and drops as it is told. Times are samples."""

from __future__ import annotations

from collections import deque

from attrs import define, field, frozen

from bench.bargein.line import RATE

__all__ = ["JITTER_MS", "Player", "Sounded"]

JITTER_MS = 40
"""How long a player that has nothing waits with the first sound that comes, so that the next is there in time; ours:
two frames of what most send."""


@frozen
class Sounded:
    """Samples in a row that were sounded.

    Args:
        at: Of the first, since the call began.
        count: How many.
        answer: Whose, as the system named it.
    """

    at: int
    count: int
    answer: str = ""


@define(eq=False)
class Player:
    """A player of s16le mono at `RATE`.

    Attributes:
        track: What the loudspeaker has sounded since the call began, silence included.
        sounded: Where in it there is sound of the system's.
    """

    track: bytearray = field(factory=bytearray, repr=False)
    sounded: list[Sounded] = field(factory=list)
    _paused: str | None = None
    _waiting: deque[tuple[str, bytes]] = field(factory=deque, repr=False)
    _starts: int | None = None

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self._paused is not None

    @property
    def now(self) -> int:
        """The next sample that is to be sounded."""
        return len(self.track) // 2

    @property
    def waiting(self) -> int:
        """Samples that it has and has not sounded."""
        return sum(len(pcm) for _, pcm in self._waiting) // 2

    def advance(self, to: int) -> None:
        """Sound all that is due before the sample `to`."""
        while (due := to - self.now) > 0:
            starts = self._starts
            if self.paused or starts is None:
                self._silence(due)
            elif starts > self.now:
                self._silence(min(due, starts - self.now))
            else:
                self._sound(due)

    def take(self, at: int, pcm: bytes, answer: str = "") -> None:
        """Take sound that came at the sample `at`."""
        self.advance(at)
        if not pcm:
            return
        self._waiting.append((answer, pcm))
        if self._starts is None:
            self._starts = at + JITTER_MS * RATE // 1000

    def pause(self, at: int, answer: str = "") -> None:
        """Stop at the sample `at` because of an answer, and keep what waits."""
        self.advance(at)
        self._paused = answer

    def resume(self, at: int) -> None:
        """Go on at the sample `at`."""
        self.advance(at)
        self._paused = None

    def flush(self, at: int, answer: str = "") -> None:
        """Throw away what waits of an answer at the sample `at`, its pause too. Of all, where it has no name."""
        self.advance(at)
        if answer in ("", self._paused):
            self._paused = None
        self._waiting = deque((name, pcm) for name, pcm in self._waiting if answer and name != answer)
        if not self._waiting:
            self._starts = None

    def _silence(self, count: int) -> None:
        self.track += bytes(2 * count)

    def _sound(self, most: int) -> None:
        answer, pcm = self._waiting.popleft()
        now, later = pcm[: 2 * most], pcm[2 * most :]
        if later:
            self._waiting.appendleft((answer, later))
        count, at = len(now) // 2, self.now
        self.track += now
        last = self.sounded[-1] if self.sounded else None
        if last is not None and last.at + last.count == at and last.answer == answer:
            self.sounded[-1] = Sounded(last.at, last.count + count, answer)
        else:
            self.sounded.append(Sounded(at, count, answer))
        if not self._waiting:
            self._starts = None
