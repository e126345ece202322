"""The test that any provider's own suite can run: does a stage keep its contract, above all when it is cancelled?

::

    async def test_my_model_keeps_the_contract() -> None:
        deltas = await check_language_model(MyModel(...), Turn((ChatMessage("user", "Hello?"),)))
        assert deltas                                   # and whatever else the provider promises

Each check runs the stage to its end, three times at once, and then again and again, cancelled at another moment each
time: after its first steps, at every send, half-way between two of them. After each it must be gone: no task, no
swallowed `Cancelled`, no other error in its place. No step of it may hold the event loop. Then it has to work as on the
first day.

All of that is some forty runs. In real time a check tries moments for `budget_s`, from the middle of a run outwards,
and leaves out the rest; a line of the log, ``conformance checked``, says how long it took and how many moments it left
out. In virtual time (`trio.testing.MockClock`) a stage that needs no socket is checked whole, in no time. A check never
ends for a stage that shields itself from cancellation for good: let the test runner bound that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import trio

from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.core.stages import (
    Delta,
    LanguageModel,
    ModelOutput,
    Speech,
    SpeechToText,
    TextToSpeech,
    Thinking,
    ToolCall,
    Transcript,
    Turn,
    Usage,
)
from voxint.inside_trio import require_trio
from voxint.testing.trial import Trial, TrialBounds, class_name

__all__ = ["check_language_model", "check_speech_to_text", "check_text_to_speech"]

T = TypeVar("T")

PIECE_MS = 20.0
"""Audio in one piece of an upload, as the pipeline hands it over."""


async def check_language_model(
    stage: LanguageModel,
    turn: Turn,
    *,
    within_s: float = 30.0,
    stop_s: float = 0.25,
    step_s: float = 0.1,
    budget_s: float = 5.0,
) -> list[ModelOutput]:
    """Check that a model ends, writes the right types, and stops at once at any moment.

    Args:
        stage: The model; entered already where it is a context manager.
        turn: What it answers; let the answer be a few words.
        within_s: For a whole run, in seconds of trio's clock.
        stop_s: For a cancelled run to be gone.
        step_s: For a step, in which the event loop can do nothing else, in seconds of the real clock.
        budget_s: For the check, likewise; what it must try, some five runs, may take longer.

    Returns:
        What it wrote in the first run.

    Raises:
        AssertionError: The contract is broken; says how.
    """
    require_trio("check_language_model")
    assert isinstance(stage, LanguageModel), f"{class_name(stage)} has no `generate` method"

    async def run(out: trio.abc.SendChannel[ModelOutput]) -> None:
        await stage.generate(turn, out)

    bounds = TrialBounds(within_s, stop_s, step_s, budget_s)
    return await Trial(class_name(stage), run, (Delta, Thinking, ToolCall, Usage), bounds).whole()


async def check_text_to_speech(
    stage: TextToSpeech,
    text: Sequence[str],
    *,
    within_s: float = 30.0,
    stop_s: float = 0.25,
    step_s: float = 0.1,
    budget_s: float = 5.0,
) -> list[Speech]:
    """Check that a synthesizer speaks all of its text in whole samples, names what it speaks, and stops at once.

    Args:
        stage: The synthesizer; entered already where it is a context manager.
        text: Two or three short sentences, each with its white space, as the pipeline would cut them.
        within_s: For a whole run, in seconds of trio's clock.
        stop_s: For a cancelled run to be gone.
        step_s: For a step, in which the event loop can do nothing else, in seconds of the real clock.
        budget_s: For the check, likewise; what it must try, some five runs, may take longer.

    Returns:
        What it wrote in the first run.

    Raises:
        AssertionError: The contract is broken; says how.
    """
    require_trio("check_text_to_speech")
    assert isinstance(stage, TextToSpeech), f"{class_name(stage)} lacks `synthesize` or `audio_format`"
    name = class_name(stage)
    _check_format(name, stage.audio_format)

    def sound(spoken: Sequence[Speech]) -> None:
        said = "".join(speech.text or "" for speech in spoken)
        assert said == "".join(text), (
            f"{name}: the `text` of its Speech, joined, is not the text that came in: {said!r}"
        )
        assert any(speech.audio for speech in spoken), f"{name} wrote no audio"
        halves = [speech for speech in spoken if len(speech.audio) % BYTES_PER_SAMPLE]
        assert not halves, f"{name} wrote half a sample: carry the odd byte over to the next Speech"

    async def run(out: trio.abc.SendChannel[Speech]) -> None:
        await _fed(text, lambda pieces: stage.synthesize(pieces, out))

    async def starve(out: trio.abc.SendChannel[Speech]) -> None:
        await _fed(text[:1], lambda pieces: stage.synthesize(pieces, out), ends=False)

    async def nothing(out: trio.abc.SendChannel[Speech]) -> None:
        await _fed((), lambda pieces: stage.synthesize(pieces, out))

    bounds = TrialBounds(within_s, stop_s, step_s, budget_s)
    return await Trial(name, run, (Speech,), bounds, sound).whole(starve=starve, nothing=nothing)


async def check_speech_to_text(
    stage: SpeechToText,
    audio: bytes,
    *,
    within_s: float = 30.0,
    stop_s: float = 0.25,
    step_s: float = 0.1,
    budget_s: float = 5.0,
) -> list[Transcript]:
    """Check that a recogniser settles what it heard, and stops at once, also while it waits for audio.

    Args:
        stage: The recogniser; entered already where it is a context manager.
        audio: A few words of speech in the stage's `audio_format`; it comes in pieces of 20 ms, without pauses.
        within_s: For a whole run, in seconds of trio's clock.
        stop_s: For a cancelled run to be gone.
        step_s: For a step, in which the event loop can do nothing else, in seconds of the real clock.
        budget_s: For the check, likewise; what it must try, some five runs, may take longer.

    Returns:
        What it wrote in the first run.

    Raises:
        AssertionError: The contract is broken; says how.
    """
    require_trio("check_speech_to_text")
    assert isinstance(stage, SpeechToText), f"{class_name(stage)} lacks `transcribe` or `audio_format`"
    name = class_name(stage)
    _check_format(name, stage.audio_format)
    size = stage.audio_format.bytes(PIECE_MS)
    pieces = [audio[start : start + size] for start in range(0, len(audio), size)]

    def settled(heard: Sequence[Transcript]) -> None:
        assert heard, f"{name} understood nothing: is that audio speech, in its format?"
        assert heard[-1].is_final, f"{name} ended with a partial: the words of the last segment are lost"

    async def run(out: trio.abc.SendChannel[Transcript]) -> None:
        await _fed(pieces, lambda upload: stage.transcribe(upload, out))

    async def starve(out: trio.abc.SendChannel[Transcript]) -> None:
        await _fed(pieces[: len(pieces) // 2], lambda upload: stage.transcribe(upload, out), ends=False)

    async def nothing(out: trio.abc.SendChannel[Transcript]) -> None:
        await _fed((), lambda upload: stage.transcribe(upload, out))

    bounds = TrialBounds(within_s, stop_s, step_s, budget_s)
    return await Trial(name, run, (Transcript,), bounds, settled).whole(starve=starve, nothing=nothing)


def _check_format(name: str, audio_format: object) -> None:
    assert isinstance(audio_format, AudioFormat), f"{name}.audio_format is {audio_format!r}, not an AudioFormat"


async def _fed(
    items: Sequence[T], call: Callable[[trio.abc.ReceiveChannel[T]], Awaitable[None]], *, ends: bool = True
) -> None:
    """Call a stage whose input brings `items`, and then its end or nothing more."""
    give, take = trio.open_memory_channel[T](max(1, len(items)))
    with give, take:
        for item in items:
            give.send_nowait(item)
        if ends:
            give.close()
        await call(take)
