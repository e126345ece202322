"""Scripted stages on trio's clock: they do what a test tells them and note what happened to them.

A script is a list of plain values, done in order:

- a `str` is said by the model, or understood by the ears
- a number is a pause in seconds; `FOREVER` is a stall
- an exception is raised
- any other item of the stage's output (`ToolCall`, `Usage`, `Transcript`, `Speech`) is written as it is
- `REPEAT` begins again, without end: with nothing but a text before it, a flood
- `HEAR` reads the upload to its end, `SPEAK` writes the audio of a piece of text

::

    ScriptedModel("Hello. ", 0.25, "How are you?", FOREVER)     # stalls after two deltas
    ScriptedModel.says("Hello. ", "How are you?", every=0.125)
    ScriptedEars(HEAR, 0.5, "what time is it?")                 # half a second to understand
    ScriptedVoice(0.125, SPEAK)                                 # an eighth of a second before each piece
    ScriptedModel("Well, ", FOREVER, lingers=1.0)               # its clean-up takes a second: an overrun

With `trio.testing.MockClock(autojump_threshold=0)` and pauses in halves, quarters and eighths, times are exact.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import Enum
from typing import Generic, Literal, TypeVar

import trio
from attrs import define, field, frozen

from voxint.core.audio import AudioFormat
from voxint.core.stages import (
    Delta,
    ModelOutput,
    Speech,
    SpeechToText,
    TextToSpeech,
    ToolCall,
    Transcript,
    Turn,
    Usage,
    VoiceOption,
)

__all__ = ["FOREVER", "HEAR", "REPEAT", "SPEAK", "Call", "ScriptedEars", "ScriptedModel", "ScriptedVoice"]

FOREVER = math.inf
"""A pause without end: the provider that went silent."""

T = TypeVar("T")


class _Verb(Enum):
    REPEAT = "repeat"
    HEAR = "hear"
    SPEAK = "speak"


REPEAT: Literal[_Verb.REPEAT] = _Verb.REPEAT
"""Begin the script again."""

HEAR: Literal[_Verb.HEAR] = _Verb.HEAR
"""Read the upload to its end."""

SPEAK: Literal[_Verb.SPEAK] = _Verb.SPEAK
"""Write the audio of the piece of text that was read."""


@define(eq=False)
class Call(Generic[T]):
    """One call of a scripted stage: what it was given and what became of it. Times are trio's, in seconds.

    Attributes:
        given: The `Turn` of a model; the pieces of text of a voice; the audio of ears, piece by piece.
        started: When it was called.
        written: How many items it has written.
        cancelled: When `Cancelled` reached it, or None.
        ended: When it returned or raised, clean-up included; None while it runs.
        error: What its script raised, or None.
        chosen: The voice, or the language, that its caller has chosen; "": none.
    """

    given: list[T] = field(factory=list)
    started: float = field(factory=trio.current_time)
    written: int = 0
    cancelled: float | None = None
    ended: float | None = None
    error: Exception | None = None
    chosen: str = ""

    @property
    def running(self) -> bool:
        """Whether it has neither returned nor raised."""
        return self.ended is None

    @property
    def finished(self) -> bool:
        """Whether it did its whole script."""
        return self.ended is not None and self.cancelled is None and self.error is None


@frozen
class _Script:
    """What a stage does in one call, and at the end of a call that is cancelled."""

    steps: tuple[object, ...]
    lingers: float
    breaks: Exception | None


class _Scripted(Generic[T]):
    """What the scripted stages share: the scripts, the calls, the clean-up that lingers."""

    def __init__(self, script: _Script) -> None:
        self.calls: list[Call[T]] = []
        self._scripts: tuple[_Script, ...] = (script,)

    @property
    def running(self) -> int:
        """How many calls are under way."""
        return sum(call.running for call in self.calls)

    async def _call(self, work: Callable[[Call[T], tuple[object, ...]], Awaitable[None]], chosen: str = "") -> None:
        script = self._scripts[min(len(self.calls), len(self._scripts) - 1)]
        call: Call[T] = Call(chosen=chosen)
        self.calls.append(call)
        try:
            await work(call, script.steps)
        except trio.Cancelled:
            call.cancelled = trio.current_time()
            with trio.CancelScope(shield=True):  # bounded by `lingers`: this is the overrun a test asked for
                await trio.sleep(script.lingers)
            if script.breaks is not None:
                raise script.breaks from None
            raise
        except Exception as error:
            call.error = error
            raise
        finally:
            call.ended = trio.current_time()


async def _perform(script: Sequence[object], write: Callable[[object], Awaitable[None]]) -> None:
    """Do a script; `write` gets what is neither a pause, an exception nor `REPEAT`."""
    again = True
    while again:
        again = False
        for step in script:
            match step:
                case int() | float():
                    await trio.sleep(step)
                case Exception():
                    raise step
                case _Verb.REPEAT:
                    again = True
                case _:
                    await write(step)


class ScriptedModel(_Scripted[Turn]):
    """A language model that follows a script; implements `LanguageModel`.

    Args:
        *script: See the head of this file.
        lingers: Seconds of shielded clean-up when it is cancelled.
        breaks: Raised at the end of that clean-up instead of `Cancelled`.
    """

    def __init__(
        self,
        *script: str | Delta | float | Exception | ToolCall | Usage | Literal[_Verb.REPEAT],
        lingers: float = 0.0,
        breaks: Exception | None = None,
    ) -> None:
        super().__init__(_Script(script, lingers, breaks))

    @classmethod
    def says(cls, *texts: str, every: float = 0.0) -> ScriptedModel:
        """Return a model that pauses `every` seconds before each text."""
        return cls(*(step for text in texts for step in (every, text)))

    @classmethod
    def turns(cls, *models: ScriptedModel) -> ScriptedModel:
        """Return a model that does the script of each of `models` in turn, then the last one's for good."""
        together = cls()
        together._scripts = tuple(script for model in models for script in model._scripts)
        return together

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Do the script."""

        async def work(call: Call[Turn], steps: tuple[object, ...]) -> None:
            call.given.append(turn)

            async def write(step: object) -> None:
                assert isinstance(step, str | Delta | ToolCall | Usage), f"a model cannot write {step!r}"
                call.written += 1
                await out.send(Delta(step) if isinstance(step, str) else step)

            await _perform(steps, write)

        await self._call(work)


class ScriptedVoice(_Scripted[str]):
    """A synthesizer that does its script for each piece of text; implements `TextToSpeech`.

    Args:
        *script: See the head of this file; by default `SPEAK`.
        seconds_per_char: How long the audio of a character lasts; by default 1/16.
        chunk_s: Seconds of audio in one `Speech`.
        every: Seconds to synthesize one; less than `chunk_s` is faster than it is played.
        rate: Samples a second.
        seats: How many callers it serves at once; None: no bound.
        voices: Those that a caller may choose.
        lingers: Seconds of shielded clean-up when it is cancelled.
        breaks: Raised at the end of that clean-up instead of `Cancelled`.
    """

    def __init__(
        self,
        *script: float | Exception | Speech | Literal[_Verb.SPEAK, _Verb.REPEAT],
        seconds_per_char: float = 0.0625,
        chunk_s: float = 0.125,
        every: float = 0.0,
        rate: int = 16_000,
        seats: int | None = None,
        voices: Iterable[VoiceOption] = (),
        lingers: float = 0.0,
        breaks: Exception | None = None,
    ) -> None:
        super().__init__(_Script(script or (SPEAK,), lingers, breaks))
        self.seats = seats
        self.voices = tuple(voices)
        self.audio_format = AudioFormat(rate)
        self._seconds_per_char = seconds_per_char
        self._chunk = self.audio_format.bytes(chunk_s * 1000)
        self._every = every

    def speaking_as(self, voice: str) -> TextToSpeech:
        """Return the same stage for a caller that has chosen a voice; its calls are noted here."""
        return _ChosenVoice(self, voice)

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Do the script for each piece until there is no more text."""
        await self._synthesize(text, out, "")

    async def _synthesize(
        self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech], chosen: str
    ) -> None:
        async def work(call: Call[str], steps: tuple[object, ...]) -> None:
            async def write(step: object) -> None:
                if step is SPEAK:
                    await self._speak(call, out)
                    return
                assert isinstance(step, Speech), f"a voice cannot write {step!r}"
                call.written += 1
                await out.send(step)

            async for piece in text:
                call.given.append(piece)
                await _perform(steps, write)

        await self._call(work, chosen)

    async def _speak(self, call: Call[str], out: trio.abc.SendChannel[Speech]) -> None:
        piece = call.given[-1]
        audio = bytes(self.audio_format.bytes(len(piece) * self._seconds_per_char * 1000))
        for start in range(0, len(audio), self._chunk):
            await trio.sleep(self._every)
            call.written += 1
            await out.send(Speech(audio[start : start + self._chunk], None if start else piece))


class ScriptedEars(_Scripted[bytes]):
    """A recogniser that follows a script; implements `SpeechToText`.

    Args:
        *script: See the head of this file; a `str` becomes a final `Transcript`.
        rate: Samples a second.
        seats: How many callers it serves at once; None: no bound.
        languages: Those that a caller may choose.
        lingers: Seconds of shielded clean-up when it is cancelled.
        breaks: Raised at the end of that clean-up instead of `Cancelled`.
    """

    def __init__(
        self,
        *script: str | float | Exception | Transcript | Literal[_Verb.HEAR, _Verb.REPEAT],
        rate: int = 16_000,
        seats: int | None = None,
        languages: Iterable[str] = (),
        lingers: float = 0.0,
        breaks: Exception | None = None,
    ) -> None:
        super().__init__(_Script(script, lingers, breaks))
        self.seats = seats
        self.languages = tuple(languages)
        self.audio_format = AudioFormat(rate)

    @classmethod
    def hears(cls, text: str, after: float = 0.0) -> ScriptedEars:
        """Return ears that understand `text`, `after` seconds from the end of the upload."""
        return cls(HEAR, after, text)

    def hearing(self, language: str) -> SpeechToText:
        """Return the same stage for a caller that has chosen a language; its calls are noted here."""
        return _ChosenEars(self, language)

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        """Do the script."""
        await self._transcribe(audio, out, "")

    async def _transcribe(
        self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript], chosen: str
    ) -> None:
        async def work(call: Call[bytes], steps: tuple[object, ...]) -> None:
            async def write(step: object) -> None:
                if step is HEAR:
                    async for piece in audio:
                        call.given.append(piece)
                    return
                assert isinstance(step, str | Transcript), f"ears cannot write {step!r}"
                call.written += 1
                await out.send(Transcript(step, is_final=True) if isinstance(step, str) else step)

            await _perform(steps, write)

        await self._call(work, chosen)


@frozen(eq=False)
class _ChosenVoice:
    """A scripted voice, for a caller that has chosen one of its voices."""

    whole: ScriptedVoice
    voice: str

    @property
    def audio_format(self) -> AudioFormat:
        return self.whole.audio_format

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        await self.whole._synthesize(text, out, self.voice)


@frozen(eq=False)
class _ChosenEars:
    """Scripted ears, for a caller that has chosen a language."""

    whole: ScriptedEars
    language: str

    @property
    def audio_format(self) -> AudioFormat:
        return self.whole.audio_format

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        await self.whole._transcribe(audio, out, self.language)
