"""What Kokoro's process does: texts in, a window of speech at a time out. In the child."""

from __future__ import annotations

import io
import json
import time
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from attrs import define, field

from voxint.normalize import normalize
from voxint.providers._kokoro_english import English
from voxint.providers._kokoro_jobs import Facts, Place, SpokenWindow, Start, Wish
from voxint.providers._kokoro_level import FADE, Leveller, faded, pcm
from voxint.providers._kokoro_model import MOST_TOKENS, Floats, KokoroModel, Outline
from voxint.providers._kokoro_plan import FIRST, FRAME, MOST, RATE, Window, timeline, windows
from voxint.providers._kokoro_said import SaidWord, Token, aligned, groups, runs
from voxint.providers._model_files import read
from voxint.workers.child import Job, JobFailed

if TYPE_CHECKING:
    from voxint.providers._kokoro_mandarin import Mandarin

__all__ = ["KokoroEngine"]

KEPT = 32
"""Texts that are kept with what was worked out for them: ours, more callers than one machine can speak for, 20 MB."""

UTTERANCE = 220
"""Phonemes of an utterance at most. Ours: 12 s; to read it takes 0.1 s, which is before its first sound."""

FINE = 60
"""Phonemes from which on an utterance ends with its sentence. Ours: 4 s; a shorter one sounds better with the next."""

PAUSES = ((".!?…", 16), (",;:—", 8), ("", 2))
"""Frames of silence behind an utterance, by its last mark: 0.4 s, 0.2 s, 0.05 s. Ours, as the model has them within."""

MEASURED = "It takes about three seconds to say this sentence, which nobody hears."


@define(eq=False)
class UtterancePlan:
    """What the model reads at once, worked out as far as it was asked for."""

    said: list[SaidWord]
    outline: Outline | None = None
    planned: list[Window] = field(factory=list)
    words: list[tuple[int, str]] = field(factory=list)


class KokoroEngine:
    """The engine: `voxint.workers.child.Engine`."""

    def __init__(self, start: Start) -> None:
        vocabulary = json.loads(read(start.vocabulary))["vocab"]
        self._kokoro = KokoroModel(read(start.model), vocabulary, start.threads)
        self._voices: dict[str, Floats] = {}
        self._left_out: dict[str, str] = {}
        self._load_voices(start)
        self._american: English | None = None
        self._british: English | None = None
        folder = Path(start.british) if start.british else None
        if any(name.startswith("b") for name in start.voices):
            self._british = English(folder, by_rule=folder is None)
        if any(not name.startswith("b") for name in start.voices):
            self._american = English()
        # At the start, for it takes a second or two, in which an interruption could only kill the process.
        self._mandarin = _mandarin() if start.mandarin else None
        self._kept: OrderedDict[tuple[str, str, str, float, bool], list[UtterancePlan]] = OrderedDict()
        self.ready = Facts(self._measure() if start.measured else None, self._left_out).packed()

    def run(self, job: Job) -> bytes:
        """Say a part of a text."""
        wish = Wish.unpacked(job.payload)
        return self._say(wish, job).packed()

    def _load_voices(self, start: Start) -> None:
        for name, file in start.voices.items():
            try:
                self._voices[name] = _voice(name, read(file))
            except ValueError as fault:
                if name in start.own:
                    raise
                self._left_out[name] = str(fault)  # it may be that nobody ever wants it

    def _say(self, wish: Wish, job: Job) -> SpokenWindow:
        if wish.voice in self._left_out:  # since the process before this one, or nobody could choose it
            raise JobFailed(self._left_out[wish.voice])
        utterances = self._utterances(wish)
        number, at = wish.place
        utterance = utterances[number]
        if utterance.outline is None:
            self._outline(utterance, wish, job)
        following = None if number + 1 == len(utterances) else (number + 1, 0)
        if not utterance.planned:
            written = "".join(said.written for said in utterance.said)
            utterance.outline = None
            return SpokenWindow(((0, written),), (0, 0), following, wish.level, b"")
        return self._window(utterance, wish, at, following, job)

    def _window(self, utterance: UtterancePlan, wish: Wish, at: int, following: Place | None, job: Job) -> SpokenWindow:
        planned, outline = utterance.planned, utterance.outline
        assert outline is not None
        window = planned[at]
        audio = self._kokoro.sound(outline, window, job)
        begin = window.around[0] * FRAME
        overlap = (FADE * window.joined[0], FADE * window.joined[1])
        leveller = Leveller(wish.level)
        sound = leveller.evened(faded(audio, begin, begin + (window.end - window.begin) * FRAME, overlap))
        opens = planned[at - 1].end if at else window.begin  # silence before it is this window's
        last = at + 1 == len(planned)
        silence = (window.begin - opens) * FRAME, _pause(utterance.said) * FRAME if last else 0
        until = window.end
        words = tuple(
            (max(0, frame - opens) * FRAME, written)
            for frame, written in utterance.words
            if (at == 0 or frame >= opens) and (last or frame < until)
        )
        if last:
            utterance.outline = None  # what is said of a text is said once
        return SpokenWindow(
            words,
            overlap,
            following if last else (wish.place[0], at + 1),
            leveller.level,
            bytes(2 * silence[0]) + pcm(sound) + bytes(2 * silence[1]),
        )

    def _utterances(self, wish: Wish) -> list[UtterancePlan]:
        key = (wish.text, wish.language, wish.voice, wish.speed, wish.first)
        if key not in self._kept:
            said = self._phonemes(wish)
            self._kept[key] = [UtterancePlan(group) for group in groups(said, UTTERANCE, FINE)]
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _phonemes(self, wish: Wish) -> list[SaidWord]:
        british = wish.voice.startswith("b")
        english = self._british if british else self._american
        assert english is not None
        spans = normalize(wish.text, cast("Literal['en', 'zh']", wish.language), british=british)
        tokens: list[Token] = []
        for run in runs("".join(span.spoken for span in spans)):
            if not run.chinese:
                found = english.tokens(run.text)
            elif self._mandarin is not None:
                found = self._mandarin.tokens(run.text)
            else:
                continue
            tokens += [Token(run.at + token.at, token.phonemes) for token in found]
        return aligned(spans, tokens)

    def _outline(self, utterance: UtterancePlan, wish: Wish, job: Job) -> None:
        tokens: list[int] = []
        words: list[tuple[str, int | None]] = []
        for said in utterance.said:
            mine = self._kokoro.tokens(said.phonemes)
            silent = len(mine) - len(self._kokoro.tokens(said.phonemes.lstrip(' ;:,.!?—…"()“”')))
            words.append((said.written, len(tokens) + 1 + silent if silent < len(mine) else None))
            tokens += mine
        if all(token is None for _, token in words):
            return
        outline = self._kokoro.outline(tokens[:MOST_TOKENS], self._voices[wish.voice], wish.speed, job)
        utterance.planned = windows(outline.energy, FIRST if wish.first and wish.place[0] == 0 else MOST)
        if utterance.planned:
            utterance.words = timeline(words, outline.durations, utterance.planned)
            utterance.outline = outline

    def _measure(self) -> float:
        """Return the seconds that a second of speech takes to make; the first try, which is slower, is not counted."""
        factor = 0.0
        for _ in range(2):
            begin = time.perf_counter()
            place: Place | None = (0, 0)
            samples = 0
            while place is not None:
                wish = Wish(MEASURED, "en", next(iter(self._voices)), 1.0, place, first=True)
                sound = self._say(wish, Job(0, 0, b""))
                samples, place = samples + len(sound.audio) // 2, sound.following
            factor = (time.perf_counter() - begin) / (samples / RATE)
        return factor


def _mandarin() -> Mandarin:
    from voxint.providers._kokoro_mandarin import Mandarin  # its package may be absent

    return Mandarin()


def _pause(said: list[SaidWord]) -> int:
    last = "".join(each.phonemes for each in said).rstrip(' "”)')[-1:]
    return next(frames for marks, frames in PAUSES if not marks or (last and last in marks))


def _voice(name: str, content: bytes) -> Floats:
    """Return a voice's styles, one for each length."""
    if content.startswith(b"PK"):  # several voices, an archive of numpy's
        with np.load(io.BytesIO(content)) as voices:
            return cast("Floats", voices[name])
    return np.frombuffer(content, np.float32).reshape(-1, 1, 256)
