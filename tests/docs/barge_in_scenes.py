"""Two scenes of barge-in by voice as voxint plays them, in virtual time: what the timeline of the documentation shows.

The ears, their rules and the defaults are the real ones; the person, the detector, the recogniser, the model and the
voice are made here, and answer as late as the numbers below say. These are ours: about what Silero, Moonshine, a model
of this machine and Kokoro need.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import trio
import trio.testing
from attrs import frozen

from tests.core.ears.coded import FORMAT, WINDOW, CodedEars, quiet, speech
from tests.core.ears.hall import Hall, a_hall
from voxint.core.events import Committed, Endpoint, Held, Onset, Released, Voice
from voxint.core.stages import Transcript
from voxint.testing.stages import SPEAK, Call, ScriptedModel, ScriptedVoice

__all__ = ["Scene", "Span", "Word", "backchannel", "interruption"]

HEARD_LATE_MS, QUIET_LATE_MS = 128, 96
"""How much later than a voice begins and ends the detector says so."""

WORD_LATE_MS = 160
"""How much later than a word ends the recogniser tells it."""

LAST_WORD_S, FIRST_TOKEN_S, TOKEN_S, FIRST_SOUND_S, SOUND_S = 0.06, 0.25, 0.05, 0.15, 0.06
"""From the end of the utterance to its text; to the model's first word, each of the others, the first 125 ms of speech,
each 125 ms more."""

BEFORE_MS, ENDS_MS = 512, 2_784
"""What is played of the answer before the person speaks, and until when all is looked at."""

STORY = "Once upon a time, there was a clock. Nobody had wound it for a hundred years. " * 4

Span = tuple[float, float]
"""From when to when, in milliseconds since the person's first sample."""

Word = tuple[str, float, float]
"""A word, its beginning and its end."""


@frozen(kw_only=True)
class Scene:
    """What happened, in milliseconds since the person's first sample.

    Args:
        words: What the person says.
        judged: What the detector takes for speech.
        held: When the answer was held.
        onset: When the utterance was told.
        committed: When it interrupted; None: it did not.
        released: When the answer went on; None: it did not.
        reason: Why it did.
        decided: When the utterance was over.
        outcome: What became of it.
        asked: When all of its words were known; None: they are no question.
        sounds: When the answer sounds, by a player that pauses.
        next_sounds: When the next one begins to; None: there is none.
        model: When the model works, a span for each call.
        voice: When the synthesizer does.
        ends: When nobody looks any more.
    """

    words: tuple[Word, ...]
    judged: Span
    held: float
    onset: float
    committed: float | None
    released: float | None
    reason: str | None
    decided: float
    outcome: str
    asked: float | None
    sounds: tuple[Span, ...]
    next_sounds: float | None
    model: tuple[Span, ...]
    voice: tuple[Span, ...]
    ends: float


def interruption() -> Scene:
    """Play somebody who means it."""
    return _played(("Stop,", 0, 320), ("what", 352, 544), ("about", 544, 768), ("Friday?", 768, 1184))


def backchannel() -> Scene:
    """Play somebody who shows that they follow."""
    return _played(("Mm-hm.", 0, 352))


def _played(*words: Word) -> Scene:
    return trio.run(_play, words, clock=trio.testing.MockClock(autojump_threshold=0))


async def _play(words: Sequence[Word]) -> Scene:
    tokens = [step for word in STORY.split() for step in (word + " ", TOKEN_S)]
    model = ScriptedModel(FIRST_TOKEN_S, *tokens)
    voice = ScriptedVoice(FIRST_SOUND_S, SPEAK, every=SOUND_S)
    async with a_hall(model=model, voice=voice, stt=_LateEars([word for word, _, _ in words])) as hall:
        await hall.say(quiet(640), speech(320), _told(0), quiet(640))
        while not hall.of(Voice):
            await hall.say(quiet(32))
        await hall.say(quiet(BEFORE_MS))
        began, before = trio.current_time(), len(hall.heard)
        await hall.say(*_sound(words))
        return _written_down(hall, began, before, words, model.calls, voice.calls)


class _LateEars(CodedEars):
    """Tells a word where its number stands among the samples, below all sound: the detector does not hear it."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        self._words = words
        self._utterances = 0

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        """Tell the words; the first utterance of all is a question of one."""
        heard: list[str] = []
        async for piece in audio:
            for sample in array("h", piece):
                if sample < 0:
                    heard.append("Please?" if self._utterances == 0 else self._words[-sample - 1])
                    await out.send(Transcript(" ".join(heard), is_final=False))
        self._utterances += 1
        await trio.sleep(LAST_WORD_S)
        await out.send(Transcript(" ".join(heard), is_final=True))


def _told(number: int) -> bytes:
    """Return a window of silence in which a word is told."""
    return array("h", [-number - 1] + [0] * (WINDOW - 1)).tobytes()


def _sound(words: Sequence[Word]) -> list[bytes]:
    """Return what the person says, as the detector and the recogniser hear it."""
    last = words[-1][2]
    loud = speech(last + QUIET_LATE_MS - HEARD_LATE_MS)
    samples = array("h", quiet(HEARD_LATE_MS) + loud + quiet(ENDS_MS - last - QUIET_LATE_MS))
    for number, (_, _, end) in enumerate(words):
        samples[FORMAT.samples(end + WORD_LATE_MS)] = -number - 1
    return [samples.tobytes()]


def _written_down(
    hall: Hall,
    began: float,
    before: int,
    words: Sequence[Word],
    model: Sequence[Call[Any]],
    voice: Sequence[Call[Any]],
) -> Scene:
    ends = trio.current_time()
    heard = hall.heard[before:]

    def ms(at: float) -> float:
        return round((at - began) * 1000, 1)

    def when(kind: type[object]) -> float | None:
        return next((ms(each.at) for each in heard if isinstance(each.event, kind)), None)

    def spans(calls: Sequence[Call[Any]]) -> tuple[Span, ...]:
        return tuple((ms(call.started), ms(ends if call.ended is None else call.ended)) for call in calls)

    [over] = [each for each in heard if isinstance(each.event, Endpoint)]
    held, released, onset, endpoint = when(Held), when(Released), when(Onset), over.event
    assert isinstance(endpoint, Endpoint)
    assert held is not None, "it is held"
    assert onset is not None, "and told"
    on_its_clock = endpoint.decided_ms - ms(over.at) + LAST_WORD_S * 1000  # the microphone's, at the first sample
    asked = endpoint.outcome == "request"
    voices = [each for each in hall.heard if isinstance(each.event, Voice)]
    sounds = (ms(voices[0].at), held)
    return Scene(
        words=tuple(words),
        judged=(HEARD_LATE_MS, round(endpoint.at_ms - on_its_clock, 1)),
        held=held,
        onset=onset,
        committed=when(Committed),
        released=released,
        reason=next((each.event.reason for each in heard if isinstance(each.event, Released)), None),
        decided=round(endpoint.decided_ms - on_its_clock, 1),
        outcome=endpoint.outcome,
        asked=ms(over.at) if asked else None,
        sounds=(sounds,) if released is None else (sounds, (released, ms(ends))),
        next_sounds=next(ms(each.at) for each in voices if each.request_id == over.request_id) if asked else None,
        model=spans(model),
        voice=spans(voice),
        ends=ms(ends),
    )
