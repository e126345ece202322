"""What may interrupt an answer: what is known of the speech over it, and what follows from that; pure.

An answer is held at the first suspicion, because silence is what a person who interrupts waits for, and a hold can be
taken back. What has been said decides then: words that are meant commit the interruption; a cough, a noise, the
answer's own echo and words that say no more than "go on" release it.
"""

from __future__ import annotations

from typing import Literal

from attrs import Factory, evolve, field, frozen

from voxint.arguments import bounded, check_fields
from voxint.core.discreet import size_of
from voxint.core.ears.backchannel import BACKCHANNELS, asks, is_backchannel
from voxint.core.ears.commands import COMMANDS, are_few, are_too_many
from voxint.core.ears.words import contains_one_of, count_words
from voxint.core.events import ReleaseReason

__all__ = ["BargeIn", "Overlap", "Verdict", "judge"]

Verdict = Literal["wait", "hold", "commit"] | ReleaseReason
"""What is to be done with the answer: nothing yet, `hold` it, `commit` the interruption, or release it for a reason."""

APART_MS = 300.0
"""Milliseconds of quiet between two sounds that are no longer one stretch of speech; ours: longer than the closure of a
consonant."""

SPEECH_MS = 90.0
"""Milliseconds from which on a sound is called speech; ours: as `VoiceCuts.least_ms` has it by default."""


@frozen(kw_only=True, field_transformer=check_fields)
class BargeIn:
    """What may interrupt an answer.

    Args:
        hold: Whether an answer is held first and the decision follows. False: speech that lasts for `onset_ms`
            interrupts for good, whatever it is; for who would rather be silent too often than speak over somebody.
        onset_ms: Milliseconds of speech in a row that hold an answer. Ours: two windows; a click has one, and each
            window more is one more of the answer over the person's first word.
        min_speech_ms: Milliseconds of speech from which on words interrupt while they are spoken; what is shorter has
            to be over first. Ours, by measuring: what a recogniser makes of less is often another word.
        min_words: Words that an interruption has at least, backchannels aside; in Chinese characters. Ours: "stop" is
            one.
        sure_ms: Milliseconds of speech that interrupt whatever was understood of it: a recogniser may be slow, or tell
            nothing before the end. Ours: longer than any cough or "mm-hm", and shorter than `Limits.hold_s`.
        release_ms: Milliseconds of quiet after which an answer goes on that was held, where no word has come that is
            meant. Ours: longer than the closure of a consonant; each more is silence that a cough costs the person.
        backchannels: Words that say "go on" and no more, alone or repeated; by default those of English and Chinese.
        brief_ms: Milliseconds of speech below which a word or two interrupt only where a command is among them, and
            more than can be said in the time don't: in a hum a recogniser finds words that nobody has said. Ours, by
            measuring: "mm-hm" and "okay" have 400 to 800, and a third of those of three voices became other words.
        commands: Words that interrupt although they are short; by default those of English and Chinese.
        tail_ms: Milliseconds of an answer that are its end: whatever is said over them replies to it, so that a "yes"
            counts that comes a moment early. Ours: people answer a question over its last word or two.
        min_answer_ms: Milliseconds of an answer that are heard before it may be interrupted; what is said before waits.
            By default there are none.
        quieter_db: Decibels below the person's own loud windows that speech over an answer is somebody else's. Ours:
            who turns away or speaks softly is 10 dB below, and a first syllable 10 more. 0: all speech counts.
    """

    hold: bool = True
    onset_ms: float = field(default=64.0, validator=bounded(at_least=0, at_most=2_000))
    min_speech_ms: float = field(default=600.0, validator=bounded(at_least=0, at_most=10_000))
    min_words: int = field(default=1, validator=bounded(at_least=1, at_most=20))
    sure_ms: float = field(default=1200.0, validator=bounded(more_than=0, at_most=60_000))
    release_ms: float = field(default=300.0, validator=bounded(more_than=0, at_most=10_000))
    backchannels: tuple[str, ...] = field(default=tuple(sorted(BACKCHANNELS["en"] | BACKCHANNELS["zh"])), repr=size_of)
    brief_ms: float = field(default=900.0, validator=bounded(at_least=0, at_most=10_000))
    commands: tuple[str, ...] = field(default=tuple(sorted(COMMANDS["en"] | COMMANDS["zh"])), repr=size_of)
    tail_ms: float = field(default=500.0, validator=bounded(at_least=0, at_most=10_000))
    min_answer_ms: float = field(default=0.0, validator=bounded(at_least=0, at_most=60_000))
    quieter_db: float = field(default=24.0, validator=bounded(at_least=0, at_most=60))
    phrases: frozenset[str] = field(
        init=False, eq=False, repr=False, default=Factory(lambda self: frozenset(self.backchannels), takes_self=True)
    )
    calls: frozenset[str] = field(
        init=False, eq=False, repr=False, default=Factory(lambda self: frozenset(self.commands), takes_self=True)
    )


@frozen(kw_only=True)
class Overlap:
    """What is known of the speech over an answer.

    Args:
        held: Whether the answer is held now.
        run_ms: Milliseconds of speech in a row up to now.
        speech_ms: Milliseconds of speech, with its short pauses; behind a longer one it counts anew.
        quiet_ms: Milliseconds since the last of it.
        text: What was understood of the utterance so far.
        over: Whether the utterance is over, and `text` all of it.
        let_go: Whether this stretch of speech holds nothing any more: a client, or the limit of a hold, has released.
    """

    held: bool = False
    run_ms: float = 0.0
    speech_ms: float = 0.0
    quiet_ms: float = 0.0
    text: str = field(default="", repr=size_of)
    over: bool = False
    let_go: bool = False

    @property
    def lasts(self) -> bool:
        """Whether this stretch of speech may still go on."""
        return self.speech_ms > 0 and self.quiet_ms < APART_MS

    def heard(self, ms: float, *, is_speech: bool) -> Overlap:
        """Return what is known with so many milliseconds more."""
        if not is_speech:
            return evolve(self, run_ms=0.0, quiet_ms=self.quiet_ms + ms)
        apart = not self.lasts
        return evolve(
            self,
            run_ms=self.run_ms + ms,
            speech_ms=(0.0 if apart else self.speech_ms + self.quiet_ms) + ms,
            quiet_ms=0.0,
            let_go=self.let_go and not apart,
        )

    def released(self, *, let_go: bool = False) -> Overlap:
        """Return what is known once the answer goes on: a new onset holds it again, and late words still count."""
        return evolve(self, held=False, run_ms=0.0, let_go=self.let_go or let_go)


def judge(rules: BargeIn, overlap: Overlap, *, said: str = "", tail: bool = False, echoed: bool = False) -> Verdict:
    """Return what is to be done with an answer that somebody speaks over.

    Args:
        rules: What may interrupt.
        overlap: What is known of the speech.
        said: What of the answer was heard: "yes" to a question in it is an answer.
        tail: Whether the answer is about to end: any word is a reply to it then.
        echoed: Whether the words are the answer's own.
    """
    words = 0 if echoed else count_words(overlap.text)
    agreeing = not tail and _agrees(rules, overlap, said)
    paused = overlap.quiet_ms >= rules.release_ms
    if (
        words >= rules.min_words
        and not agreeing
        and (overlap.over or paused or overlap.speech_ms >= rules.min_speech_ms)
    ):
        return "commit"
    if overlap.speech_ms >= rules.sure_ms and not echoed:
        return "commit"
    if overlap.over or (overlap.held and paused):
        return _reason(rules, overlap, agreeing=agreeing, echoed=echoed)
    if not overlap.held and not overlap.let_go and overlap.run_ms and overlap.run_ms >= rules.onset_ms:
        return "hold" if rules.hold else "commit"
    return "wait"


def _agrees(rules: BargeIn, overlap: Overlap, said: str) -> bool:
    """Return whether what is said wants nothing: a listener's words, or too few for so short a sound."""
    if is_backchannel(overlap.text, rules.phrases, said):
        return True
    brief = bool(overlap.text) and 0 < overlap.speech_ms < rules.brief_ms
    if not brief or asks(said):
        return False
    if are_too_many(overlap.text, overlap.speech_ms):
        return True
    return are_few(overlap.text) and not contains_one_of(overlap.text, rules.calls)


def _reason(rules: BargeIn, overlap: Overlap, *, agreeing: bool, echoed: bool) -> ReleaseReason:
    """Return why an answer goes on."""
    if echoed:
        return "echo"
    if agreeing:
        return "backchannel"
    return "noise" if overlap.over or overlap.speech_ms >= SPEECH_MS else "silence"
