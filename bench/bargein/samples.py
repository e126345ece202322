"""A sample: the caller's microphone with its truth. The same seed gives the same set of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from attrs import frozen

from bench.bargein.line import RATE, Language
from bench.bargein.noises import NOISES, Sound, distant
from bench.bargein.phrases import PHRASES, Phrases
from bench.recordings import Recording
from voxint.core.audio import AudioFormat

__all__ = ["FALSE", "KINDS", "Echo", "Kind", "Overlap", "Sample", "Stretch", "lines_of", "make_set"]

Kind = Literal["interruption", "backchannel", "cough", "clap", "noise", "background", "side", "echo"]

SHARES: Mapping[Kind, int] = {
    "interruption": 8,
    "backchannel": 6,
    "cough": 3,
    "clap": 2,
    "noise": 3,
    "echo": 4,
    "side": 2,
    "background": 2,
}
"""Of every thirty samples; ours: rates of 2 % need the more of a kind, the more it is asked about."""

KINDS: tuple[Kind, ...] = tuple(SHARES)

FALSE: frozenset[Kind] = frozenset(("backchannel", "cough", "clap", "noise", "echo"))
"""What must not end an answer for good. What is said to others, or by others, is told beside it: no sound alone says
whom somebody means."""

LEVELS_DB = (-6.0, -14.0, -24.0)
"""Of the loudest sample, from full scale; ours: close to the microphone, at arm's length, from the chair."""

BACKGROUND_DB = (-24.0, -32.0)
ROOM_DB = (-66.0, -56.0)
"""Root mean square of the room, from full scale: a bedroom's and an office's; ours."""

ECHO_DB = (-20.0, -30.0, -40.0)
ECHO_MS = (20.0, 80.0, 180.0)
"""What comes back of the loudspeaker, and how much later: a telephone at the ear to a kiosk's loudspeaker; ours."""

AFTER_MS = (700.0, 2_500.0)
"""When an overlap begins, after the first sound of the answer; ours: in its first sentence."""

QUESTION_DB = -10.0
HALTING_MS = (350.0, 700.0)
"""The pause in the middle of a halting question; ours: shorter than the end of most turns, longer than a breath."""

HALTING = 4
"""One question of so many is halting."""

AUDIBLE = 0.03
"""Of the loudest sample, from which on a sound has begun: measuring.md's."""

WORTH_S = (1.0, 5.0)
"""How long a recording lasts that is used as an interruption; ours."""


@frozen
class Stretch:
    """A sound of the microphone's with its truth.

    Args:
        pcm: s16le mono.
        onset: Its first audible sample.
        end: The sample after its last audible one.
        text: What is said in it, if anything is.
    """

    pcm: bytes
    onset: int
    end: int
    text: str = ""

    @classmethod
    def of(cls, sound: Sound, level_db: float, text: str = "") -> Stretch:
        """Return a sound at a level: of its loudest sample, from full scale."""
        loud = np.abs(sound)
        audible = np.flatnonzero(loud > AUDIBLE * loud.max())
        scaled = sound / loud.max() * 10 ** (level_db / 20) * 32767
        return cls(np.round(scaled).astype("<i2").tobytes(), int(audible[0]), int(audible[-1]) + 1, text)


@frozen
class Echo:
    """What the microphone takes up of the loudspeaker.

    Args:
        delay_ms: How much later.
        level_db: How loud, of what is sounded.
    """

    delay_ms: float
    level_db: float


@frozen
class Overlap:
    """What sounds while the answer is spoken.

    Args:
        after_ms: When it begins, after the answer's first sound was heard.
        stretch: Of what; its `onset` counts from its own beginning.
    """

    after_ms: float
    stretch: Stretch


@frozen
class Sample:
    """A call's microphone.

    Args:
        name: Which; no other of the set has it.
        kind: What overlaps the answer.
        language: What is spoken.
        voice: Who calls: a voice of Kokoro's, a person's recording, or what makes the noise.
        level_db: How loud the overlap is.
        room_db: How loud the room is.
        seed: Of the room's sound.
        question: What the call begins with.
        overlap: What comes into the answer; None: the echo alone.
        echo: What comes back of the loudspeaker; None: nothing.
    """

    name: str
    kind: Kind
    language: Language
    voice: str
    level_db: float
    room_db: float
    seed: int
    question: Stretch
    overlap: Overlap | None
    echo: Echo | None = None


def lines_of(languages: Iterable[Language]) -> set[tuple[str, str]]:
    """Return all that has to be synthesised: voices and what they say."""
    lines: set[tuple[str, str]] = set()
    for phrases in (PHRASES[language] for language in languages):
        parts = [part for halting in phrases.halting for part in halting]
        said = (*phrases.questions, *phrases.interruptions, *phrases.backchannels, *phrases.aside, *parts)
        lines |= {(voice, text) for voice in phrases.callers for text in said}
        lines |= {(voice, text) for voice in phrases.others for text in phrases.background}
        lines |= {(phrases.answerer, text) for text in phrases.answer}
    return lines


def make_set(
    languages: Sequence[Language],
    count: int,
    seed: int,
    voices: Mapping[tuple[str, str], bytes],
    recordings: Sequence[Recording] = (),
) -> list[Sample]:
    """Return a set of samples.

    Args:
        languages: In which.
        count: Of each language.
        seed: Of all that is chosen.
        voices: The sound of what `lines_of` names.
        recordings: What people said, in English: every other interruption in English is one of them.
    """
    fitting = [each for each in recordings if WORTH_S[0] <= each.seconds <= WORTH_S[1]]
    samples = []
    for language in languages:
        people = fitting if language == "en" else []
        for number, kind in enumerate(_kinds(count)):
            maker = _Maker(language, random.Random(f"{seed} {language} {number}"), voices, people)
            samples.append(maker.make(kind, number))
    return samples


def _kinds(count: int) -> list[Kind]:
    """Return so many kinds, each time the one that lacks most of its share."""
    chosen: dict[Kind, int] = dict.fromkeys(SHARES, 0)
    order: list[Kind] = []
    for _ in range(count):
        kind = min(SHARES, key=lambda each: (chosen[each] + 1) / SHARES[each])
        chosen[kind] += 1
        order.append(kind)
    return order


@frozen
class _Maker:
    """Makes one sample."""

    language: Language
    chance: random.Random
    voices: Mapping[tuple[str, str], bytes]
    recordings: Sequence[Recording]

    @property
    def phrases(self) -> Phrases:
        return PHRASES[self.language]

    def make(self, kind: Kind, number: int) -> Sample:
        chance = self.chance
        level = chance.choice(BACKGROUND_DB if kind == "background" else LEVELS_DB)
        caller = chance.choice(self.phrases.callers)
        voice, overlap, echo = caller, None, None
        if kind == "echo":
            level = chance.choice(ECHO_DB)
            voice, echo = self.phrases.answerer, Echo(chance.choice(ECHO_MS), level)
        else:
            voice, sound, text = self._overlap(kind, caller)
            overlap = Overlap(chance.uniform(*AFTER_MS), Stretch.of(sound, level, text))
        return Sample(
            name=f"{self.language}-{number:03}-{kind}",
            kind=kind,
            language=self.language,
            voice=voice,
            level_db=level,
            room_db=chance.choice(ROOM_DB),
            seed=chance.getrandbits(32),
            question=self._question(caller),
            overlap=overlap,
            echo=echo,
        )

    def _question(self, caller: str) -> Stretch:
        chance = self.chance
        if chance.randrange(HALTING):
            text = chance.choice(self.phrases.questions)
            return Stretch.of(self._said(caller, text), QUESTION_DB, text)
        parts = chance.choice(self.phrases.halting)
        first, second = (_trimmed(self._said(caller, part)) for part in parts)
        pause = np.zeros(int(chance.uniform(*HALTING_MS) * RATE / 1000))
        return Stretch.of(np.concatenate([first, pause, second]), QUESTION_DB, " ".join(parts))

    def _overlap(self, kind: Kind, caller: str) -> tuple[str, Sound, str]:
        """Return who or what it is, its sound, and its words."""
        chance, phrases = self.chance, self.phrases
        noise = np.random.default_rng(chance.getrandbits(32))
        match kind:
            case "interruption" if self.recordings and chance.randrange(2):
                person = chance.choice(self.recordings)
                return person.group, _floats(person.at(AudioFormat(RATE))), person.text
            case "background":
                other = chance.choice([voice for voice in phrases.others if voice != caller] or phrases.others)
                text = chance.choice(phrases.background)
                return other, distant(noise, self._said(other, text)), text
            case "interruption" | "backchannel" | "side":
                said = {
                    "interruption": phrases.interruptions,
                    "backchannel": phrases.backchannels,
                    "side": phrases.aside,
                }
                text = chance.choice(said[kind])
                return caller, self._said(caller, text), text
            case _:
                name = kind if kind in NOISES else chance.choice(sorted(set(NOISES) - {"cough", "clap"}))
                return name, NOISES[name](noise), ""

    def _said(self, voice: str, text: str) -> Sound:
        return _floats(self.voices[voice, text])


def _floats(pcm: bytes) -> Sound:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64) / 32768


def _trimmed(sound: Sound) -> Sound:
    loud = np.abs(sound)
    audible = np.flatnonzero(loud > AUDIBLE * loud.max())
    return sound[audible[0] : audible[-1] + 1]
