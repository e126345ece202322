"""What of a reply was generated, sent and heard: pure arithmetic on samples, the time handed in."""

from __future__ import annotations

from math import inf
from typing import Literal

from attrs import define, field

from voxint.core.alignment import Aligned
from voxint.core.audio import AudioFormat
from voxint.core.discreet import size_of
from voxint.core.encodable import text_bytes
from voxint.core.receipt import AudioAccount, TextAccount
from voxint.core.spans import Marker, SpokenSpan

__all__ = ["LETTERS_PER_S", "PlayoutLedger"]

LETTERS_PER_S = 15
"""150 words a minute at 6 characters a word; the ledger uses it until the reply has spoken a whole span of its own."""


_SPAN_BYTES, _PART_BYTES = 512, 200
"""What a span takes up beside its text, and each part of that beside the part's: measured."""

MARKS_APART_MS = 10.0
"""Between two marks of one message; ours: a screen shows nothing sooner, and no word is so short."""


@define(eq=False)
class _Playhead:
    """A player that starts a frame when it arrives or when the one before it ends, whichever is later.

    All that is left to play is always one gapless run, so its start is the only history to keep.
    """

    rate: int
    base: int = 0
    """Samples that were over when the run began."""
    start: float = 0.0
    """When the run began, in seconds."""
    run: int = 0
    """Samples of the run."""

    @property
    def until(self) -> float:
        return self.start + self.run / self.rate

    def add(self, samples: int, now: float) -> None:
        if now > self.until:
            self.base += self.run
            self.start = now
            self.run = samples
        else:
            self.run += samples

    def at(self, now: float) -> int:
        return self.base + max(0, min(self.run, round((now - self.start) * self.rate)))


@define(eq=False)
class _Frozen:
    """Where the listener was when the reply was interrupted; the words up to there are found when they are asked for.

    An interrupt cancels first and reckons later.
    """

    now: float
    samples: int
    shown: int
    text: str | None = field(default=None, repr=size_of)


@define(eq=False)
class PlayoutLedger:
    """The account of one reply, from the model's text to the listener's ear.

    Every `now` is in seconds of one clock and never before the `now` of an earlier call; samples are whole samples of
    `audio_format`, the format the client gets.

    Heard is estimated by a clock: a frame is played when it arrives or when the frame before it ends. A client's
    report corrects that clock, forward or back, and is exact at its instant; from there the clock goes on until the
    next report. So an interrupt that brings its own report is cut exactly there, a client that reports rarely is not
    taken to stand still between reports, and one that falls silent ends by the clock. A report never counts more than
    was sent, nor less than the report before it.

    A player that pauses has a time of its own, which stands still meanwhile: between `pause` and `go_on` nothing is
    heard, and what it had then is heard behind them, to the sample.

    Args:
        audio_format: What the client is sent.
        spoken: Whether speech was asked for; without it, text sent counts as heard.
    """

    audio_format: AudioFormat
    spoken: bool = field(kw_only=True)
    _written: list[str] = field(init=False, factory=list, repr=size_of)
    _protected: list[tuple[int, int]] = field(init=False, factory=list)  # from and to which character
    _shown: int = field(init=False, default=0)
    _spans: list[SpokenSpan] = field(init=False, factory=list)
    _spans_ended: bool = field(init=False, default=False)
    _generated: int = field(init=False, default=0)
    _sent: int = field(init=False, default=0)
    _clock: _Playhead = field(init=False)
    _client: _Playhead | None = field(init=False, default=None)
    _reported: int = field(init=False, default=0)
    _frozen: _Frozen | None = field(init=False, default=None)
    _paused_at: float | None = field(init=False, default=None)
    _stood_s: float = field(init=False, default=0.0)
    _marker: Marker = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._marker = Marker(self.audio_format.samples(MARKS_APART_MS))
        self._clock = _Playhead(self.audio_format.rate)

    # What the stages and the writer report, in the order in which it happens.

    def wrote_text(self, text: str, *, protected: bool = False) -> None:
        """Record that the model wrote `text`, and whether a voice may not interrupt while it is spoken."""
        if protected:
            begin = sum(map(len, self._written))
            self._protected.append((begin, begin + len(text)))
        self._written.append(text)

    def shown_until(self, chars: int) -> None:
        """Record that so many characters of the text were sent; less than before changes nothing."""
        self._shown = max(self._shown, chars)

    def begin_span(self, text: Aligned | str, delayed: int = 0) -> None:
        """Record that the audio from here on speaks `text`, as well as any text begun since the last audio.

        Args:
            text: What is written and what is spoken for it; a `str` is spoken as it is written.
            delayed: How many samples from here it begins: of the audio before it, that is what a resampler still holds.
        """
        text = Aligned.verbatim(text) if isinstance(text, str) else text
        start = self._generated + delayed
        if self._spans and self._spans[-1].start >= start:
            self._spans[-1].add(text)
        else:
            self._spans.append(SpokenSpan(start, [text]))

    def end_spans(self) -> None:
        """Record that the synthesizer has ended: the last span is as long as it is.

        Until then the last span may have more audio to come, and is taken to be as long as its text should last.
        """
        self._spans_ended = True

    def generated(self, samples: int) -> None:
        """Record that `samples` more of audio were synthesized."""
        self._generated += samples

    def sent_until(self, samples: int, now: float) -> None:
        """Record that so many samples were sent in all; less than before changes nothing."""
        more = samples - self._sent
        if more <= 0:
            return
        self._sent = samples
        own = self._own_time(now)
        self._clock.add(more, own)
        if self._client is not None:
            self._client.add(more, own)

    @property
    def sent_samples(self) -> int:
        """How many samples were sent in all."""
        return self._sent

    def pause(self, now: float) -> None:
        """Record that the player pauses where it is, until `go_on`."""
        if self._paused_at is None:
            self._paused_at = now

    def go_on(self, now: float) -> float:
        """Record that the player goes on; return for how many seconds it has stood, 0 where it did not."""
        if self._paused_at is None:
            return 0.0
        stood = now - self._paused_at
        self._paused_at = None
        self._stood_s += stood
        return stood

    def _own_time(self, now: float) -> float:
        """Return the player's own time, which stands still while it pauses."""
        return (now if self._paused_at is None else min(now, self._paused_at)) - self._stood_s

    def resent(self, begin: int, now: float) -> None:
        """Record that the player lacked what comes behind `begin` samples, and is sent that again now.

        The player has played at most what it had, and plays on from there.
        """
        if self._frozen is None and begin < self._sent:
            heard, own = min(begin, self.heard_samples(now)), self._own_time(now)
            self._clock = _Playhead(self.audio_format.rate, heard, own, self._sent - heard)
            if self._client is not None:
                self._client = _Playhead(self.audio_format.rate, heard, own, self._sent - heard)

    def reported(self, played_ms: float, now: float) -> None:
        """Take the client's word that it has played `played_ms` milliseconds of this reply's audio."""
        if self._frozen is not None:
            return
        # A client that counts whole milliseconds says up to one less when it has played all.
        at_end = played_ms > self.audio_format.ms(self._sent) - 1
        played = self._sent if at_end else self.audio_format.samples(max(0.0, played_ms))
        self._reported = max(self._reported, played)
        left = self._sent - self._reported
        self._client = _Playhead(self.audio_format.rate, self._reported, self._own_time(now), left)

    def freeze(self, now: float) -> None:
        """Fix what was heard: the reply was interrupted at `now`, and the client plays no more of it.

        Later calls, and anything sent or reported later, leave `heard_samples` and `heard_text` as they are now.
        """
        if self._frozen is None:
            self._frozen = _Frozen(now, self.heard_samples(now), self._shown)

    def join_text(self) -> None:
        """Keep the text in one piece; nothing that follows from it changes. For a reply that has ended."""
        self._written = [self.written]
        if self._frozen is not None and self._frozen.text is not None:
            self._spans.clear()  # what was heard is known for good

    def forget_words(self) -> None:
        """Let go of the text; how much was generated, sent and heard of the audio stays. For a reply long over."""
        self._written.clear()
        self._spans.clear()
        if self._frozen is not None:
            self._frozen.text = ""

    @property
    def words_bytes(self) -> int:
        """What the text takes up in memory, in bytes; about."""
        kept = text_bytes(self.written)
        if self._frozen is not None and self._frozen.text is not None:
            kept += text_bytes(self._frozen.text)
        return kept + sum(
            _SPAN_BYTES + _PART_BYTES * len(span.text.parts) + 2 * text_bytes(span.text.written) for span in self._spans
        )

    # What follows from these reports.

    @property
    def written(self) -> str:
        """All the model wrote."""
        return "".join(self._written)

    @property
    def shown(self) -> str:
        """All the text that was sent."""
        return self.written[: self._shown]

    @property
    def playing_until(self) -> float | None:
        """When the audio sent so far has been heard, or the freeze before that; None while none was sent.

        Infinite where some is left and the player pauses.
        """
        if not self._sent:
            return None
        until = (self._client or self._clock).until + self._stood_s
        if self._paused_at is not None and until > self._paused_at:
            until = inf
        return until if self._frozen is None else min(until, self._frozen.now)

    def heard_samples(self, now: float) -> int:
        """Return how many samples have been heard, at most those sent."""
        if self._frozen is not None:
            return self._frozen.samples
        return (self._client or self._clock).at(self._own_time(now))

    def protected(self, now: float) -> bool:
        """Return whether the word that is spoken now, or comes next, is protected."""
        if not self._protected or not self.spoken:
            return False
        written, heard = self.written, len(self.heard_text(now))
        word = heard + len(written[heard:]) - len(written[heard:].lstrip())
        return any(begin <= word < end for begin, end in self._protected)

    def heard_ms(self, now: float) -> float:
        """Return how many milliseconds have been heard."""
        return self.audio_format.ms(self.heard_samples(now))

    def left_ms(self, now: float) -> float | None:
        """Return how many milliseconds are still to be heard of a reply that is synthesized to its end; else None."""
        return self.audio_format.ms(self._generated - self.heard_samples(now)) if self._spans_ended else None

    def heard_text(self, now: float) -> str:
        """Return the beginning of the text that has been heard.

        It is the text as it was written; the white space behind its last word is heard with the end of all. A span
        whose audio is over counts whole. Of the span that is playing those words count whose end was reached, if each
        letter that is spoken lasts equally long (in Chinese and Japanese: those characters).
        """
        if self._frozen is None:
            return self._said_by(now, self._shown)
        if self._frozen.text is None:
            self._frozen.text = self._said_by(self._frozen.now, self._frozen.shown)
        return self._frozen.text

    def marks(self, begin: int, end: int, *, joins: bool = False) -> tuple[tuple[float, int], ...]:
        """Return the marks of the audio from sample `begin` to `end`: its millisecond, and how much text is reached.

        From that millisecond on, the first so many characters of the text have been spoken or are being spoken: they
        end where the span ends that begins there. At no time is more heard than the last mark says, and never less than
        the one before it, but for white space. With the end of the audio comes what is behind all words.

        Args:
            begin: The first sample.
            end: The first one behind it, not beyond what was generated.
            joins: Whether to tell what is reached at `begin`, also where no span begins there.
        """
        if not self._spans and not self._written:
            return ()  # nothing was written, or the words are forgotten
        behind = inf if self._spans_ended and end >= self._generated else end
        marks = self._marker.marks(self._spans, begin, behind, joins=joins)
        return tuple((self.audio_format.ms(at), chars) for at, chars in marks)

    def _said_by(self, now: float, shown: int) -> str:
        if not self.spoken:
            return self.written[:shown]
        heard = self.heard_samples(now)
        parts: list[str] = []
        for index, span in enumerate(self._spans):
            length = self._length(index)
            if not heard or heard < span.start + length:
                parts.append(span.text.said(max(0, heard - span.start) * span.letters // max(1, length)))
                return "".join(parts).rstrip()
            parts.append(span.text.written)
        return "".join(parts)

    def _length(self, index: int) -> int:
        """Return how many samples the span at `index` lasts, an estimate while its audio still comes."""
        start = self._spans[index].start
        if index + 1 < len(self._spans):
            return self._spans[index + 1].start - start
        so_far = self._generated - start
        if self._spans_ended:
            return so_far
        letters = self._spans[index].letters
        letters_before = sum(span.letters for span in self._spans[:index])
        if letters_before:
            return max(so_far, letters * (start - self._spans[0].start) // letters_before)
        return max(so_far, letters * self.audio_format.rate // LETTERS_PER_S)

    def audio_account(self, now: float) -> AudioAccount:
        """Return the receipt's account of the audio."""
        ms = self.audio_format.ms
        source: Literal["client", "estimated"] = "estimated" if self._client is None else "client"
        return AudioAccount(
            generated_ms=ms(self._generated),
            sent_ms=ms(self._sent),
            heard_ms=ms(self.heard_samples(now)),
            source=source,
        )

    def text_account(self, now: float) -> TextAccount:
        """Return the receipt's account of the text."""
        return TextAccount(generated_chars=sum(map(len, self._written)), heard=self.heard_text(now))
