"""The test that any provider's own suite can run: does a stage keep its contract, above all when it is cancelled?

::

    async def test_my_model_keeps_the_contract() -> None:
        deltas = await check_language_model(MyModel(...), Turn((ChatMessage("user", "Hello?"),)))
        assert deltas                                   # and whatever else the provider promises

Each check looks at the stage's shape, and at what it gives for each voice or language that it offers. Then it runs the
stage to its end, three times at once, and then again and again, cancelled at another moment each time: after its first
steps, at every send, half-way between two of them. After each it must be gone: no task, no swallowed `Cancelled`, no
other error in its place. No step of it may hold the event loop. Then it has to work as on the first day: a model that
answered at first still answers.

All of that is 49 runs of a model that writes much, and 51 of a voice or a recogniser; fewer where a stage writes less.
In real time a check tries moments for `TrialBounds.budget_s`, from the middle of a run outwards, and leaves out the
rest: 19 runs a model needs in any case, and the others 21. A line of the log, ``conformance checked``, says how long it
took and how many moments it left out. In virtual time (`trio.testing.MockClock`) a stage that needs no socket is
checked whole, in no time. A check never ends for a stage that shields itself from cancellation for good: let the test
runner bound that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import trio

from voxint.arguments import Audio, check_all, check_type, type_in_words
from voxint.core.audio import BYTES_PER_SAMPLE
from voxint.core.failure import Stage
from voxint.core.shape import check_returned, chosen_of, options_of, stage_fault
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
    VoiceOption,
)
from voxint.errors import UpstreamError
from voxint.inside_trio import require_trio
from voxint.testing.trial import Subject, TrialBounds, class_name, put_on_trial

__all__ = ["TrialBounds", "check_language_model", "check_speech_to_text", "check_text_to_speech"]

T = TypeVar("T")

PIECE_MS = 20.0
"""Audio in one piece of an upload, as the pipeline hands it over."""

WRITES: dict[Stage, str] = {
    "llm": "await out.send(Delta(...))",
    "stt": "await out.send(Transcript(...))",
    "tts": "await out.send(Speech(...))",
}
"""How each kind of stage writes a piece."""

CHECKS: dict[Stage, str] = {
    "llm": "check_language_model",
    "stt": "check_speech_to_text",
    "tts": "check_text_to_speech",
}


async def check_language_model(
    stage: LanguageModel, turn: Turn, *, bounds: TrialBounds = TrialBounds()
) -> list[ModelOutput]:
    """Check that a model ends, writes the right types, and stops at once at any moment.

    Args:
        stage: The model; entered already where it is a context manager.
        turn: What it answers; let the answer be a few words.
        bounds: What it may take.

    Returns:
        What it wrote in the first run.

    Raises:
        AssertionError: The contract is broken; says how.
        TypeError: An argument is of another type.
    """
    require_trio("check_language_model")
    _check_shape("llm", stage)
    check_type(turn, Turn, "turn")
    check_type(bounds, TrialBounds, "bounds")

    async def run(out: trio.abc.SendChannel[ModelOutput]) -> None:
        await _called("llm", stage, stage.generate(turn, out))

    types = (Delta, Thinking, ToolCall, Usage)
    return await put_on_trial(Subject(stage, run, types, WRITES["llm"], answers=_answers), bounds)


async def check_text_to_speech(
    stage: TextToSpeech, text: Iterable[str], *, bounds: TrialBounds = TrialBounds()
) -> list[Speech]:
    """Check that a synthesizer speaks all of its text in whole samples, names what it speaks, and stops at once.

    Args:
        stage: The synthesizer; entered already where it is a context manager.
        text: Two or three short sentences, each with its white space, as the pipeline would cut them.
        bounds: What it may take.

    Returns:
        What it wrote in the first run.

    Raises:
        AssertionError: The contract is broken; says how.
        TypeError: An argument is of another type.
    """
    require_trio("check_text_to_speech")
    _check_shape("tts", stage)
    check_type(text, Iterable[str], "text")
    sentences = check_all(text, str, "text")
    check_type(bounds, TrialBounds, "bounds")
    name = class_name(stage)

    def sound(spoken: Sequence[Speech]) -> None:
        said = "".join(speech.text or "" for speech in spoken)
        assert said == "".join(sentences), (
            f"{name}: the `text` of its Speech, joined, is not the text that came in: {said!r}"
        )
        assert any(speech.audio for speech in spoken), f"{name} wrote no audio"
        halves = [speech for speech in spoken if len(speech.audio) % BYTES_PER_SAMPLE]
        assert not halves, f"{name} wrote half a sample: carry the odd byte over to the next Speech"

    def fed(pieces: Sequence[str], *, ends: bool = True) -> Callable[[trio.abc.SendChannel[Speech]], Awaitable[None]]:
        async def run(out: trio.abc.SendChannel[Speech]) -> None:
            await _fed(pieces, lambda given: _called("tts", stage, stage.synthesize(given, out)), ends=ends)

        return run

    starve, nothing = fed(sentences[:1], ends=False), fed(())
    subject = Subject(stage, fed(sentences), (Speech,), WRITES["tts"], sound, starve, nothing)
    return await put_on_trial(subject, bounds)


async def check_speech_to_text(
    stage: SpeechToText, audio: Audio, *, bounds: TrialBounds = TrialBounds()
) -> list[Transcript]:
    """Check that a recogniser settles what it heard, and stops at once, also while it waits for audio.

    Args:
        stage: The recogniser; entered already where it is a context manager.
        audio: A few words of speech in the stage's `audio_format`; it comes in pieces of 20 ms, without pauses.
        bounds: What it may take.

    Returns:
        What it wrote in the first run.

    Raises:
        AssertionError: The contract is broken; says how.
        TypeError: An argument is of another type.
    """
    require_trio("check_speech_to_text")
    _check_shape("stt", stage)
    check_type(audio, Audio, "audio", "PCM, 16 bits a sample")
    check_type(bounds, TrialBounds, "bounds")
    name, size, whole = class_name(stage), stage.audio_format.bytes(PIECE_MS), bytes(audio)
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]

    def settled(heard: Sequence[Transcript]) -> None:
        assert heard, f"{name} understood nothing: is that audio speech, in its format?"
        assert heard[-1].is_final, f"{name} ended with a partial: the words of the last segment are lost"

    def fed(
        pieces: Sequence[bytes], *, ends: bool = True
    ) -> Callable[[trio.abc.SendChannel[Transcript]], Awaitable[None]]:
        async def run(out: trio.abc.SendChannel[Transcript]) -> None:
            await _fed(pieces, lambda given: _called("stt", stage, stage.transcribe(given, out)), ends=ends)

        return run

    starve, nothing = fed(pieces[: len(pieces) // 2], ends=False), fed(())
    subject = Subject(stage, fed(pieces), (Transcript,), WRITES["stt"], settled, starve, nothing)
    return await put_on_trial(subject, bounds)


def _answers(written: Sequence[ModelOutput]) -> bool:
    return any(isinstance(piece, Delta | ToolCall) for piece in written)


def _check_shape(kind: Stage, stage: object) -> None:
    """Find that a stage has the shape that `Agent` wants, in its words, and gives one for each of its options."""
    if (fault := stage_fault(kind, stage)) is None:
        _check_options(kind, stage)
        return
    other = next((check for each, check in CHECKS.items() if stage_fault(each, stage) is None), None)
    raise AssertionError(fault if other is None else f"{class_name(stage)} is another kind of stage: use {other}")


def _check_options(kind: Stage, stage: object) -> None:
    for option in options_of(kind, stage):
        name = option.name if isinstance(option, VoiceOption) else option
        try:
            chosen_of(kind, stage, name)
        except UpstreamError as error:
            raise AssertionError(error.operator_detail) from None


async def _called(kind: Stage, stage: object, returned: Awaitable[None]) -> None:
    """Await what the method of a stage has returned; find that it can be, and that nothing is lost with its value."""
    try:
        check_returned(kind, stage, returned)
    except UpstreamError as error:
        raise AssertionError(error.operator_detail) from None
    value: object = await returned  # type: ignore[func-returns-value]  # whether it returns one is what is looked at
    assert value is None, (
        f"{class_name(stage)} returned {type_in_words(value)}, and what a stage returns is thrown away: "
        f"write each piece with `{WRITES[kind]}`"
    )


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
