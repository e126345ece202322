"""The test that any provider's own suite can run: does a stage keep its contract, above all when it is cancelled?

::

    async def test_my_model_keeps_the_contract() -> None:
        deltas = await check_language_model(MyModel(...), Turn((ChatMessage("user", "Hello?"),)))
        assert deltas                                   # and whatever else the provider promises

Each check runs the stage to its end, three times at once, and then again and again, cancelled at another moment each
time: after its first steps, at every send, half-way between two of them. After each it must be gone: no task, no
swallowed `Cancelled`, no other error in its place. Then it has to work as on the first day.

A check takes as long as some forty runs do: give it a short turn. It runs in real time as well as on
`trio.testing.MockClock`. Nothing else of the program may start tasks meanwhile, since tasks are counted. A check never
ends for a stage that shields itself from cancellation for good: let the test runner bound that.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import trio
from attrs import define, field

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

__all__ = ["check_language_model", "check_speech_to_text", "check_text_to_speech"]

T = TypeVar("T")

MOMENTS = 16
"""At most so many sends, and gaps between them, are tried for a cancellation; chosen to keep a check short."""

STEPS = (0, 1, 2, 3, 5, 8)
"""Scheduler passes after which a run is cancelled: the steps of a connect, where streams get lost."""

AT_ONCE = 3
"""Runs of a stage side by side."""

PIECE_MS = 20.0
"""Audio in one piece of an upload, as the pipeline hands it over."""


async def check_language_model(
    stage: LanguageModel, turn: Turn, *, within_s: float = 30.0, stop_s: float = 0.25, own_tasks: int = 0
) -> list[ModelOutput]:
    """Check that a model ends, writes the right types, and stops at once at any moment.

    Args:
        stage: The model; entered already where it is a context manager.
        turn: What it answers; let the answer be a few words.
        within_s: For a whole run, in seconds of trio's clock.
        stop_s: For a cancelled run to be gone.
        own_tasks: That the stage's resources may keep after a cancelled run, such as a connection pool's four spares.

    Returns:
        What it wrote in the first run.

    Raises:
        AssertionError: The contract is broken; says how.
    """
    require_trio("check_language_model")
    assert isinstance(stage, LanguageModel), f"{_name(stage)} has no `generate` method"

    async def run(out: trio.abc.SendChannel[ModelOutput]) -> None:
        await stage.generate(turn, out)

    return await _Check(_name(stage), run, (Delta, Thinking, ToolCall, Usage), within_s, stop_s, own_tasks).whole()


async def check_text_to_speech(
    stage: TextToSpeech, text: Sequence[str], *, within_s: float = 30.0, stop_s: float = 0.25, own_tasks: int = 0
) -> list[Speech]:
    """Check that a synthesizer speaks all of its text in whole samples, names what it speaks, and stops at once.

    Args:
        stage: The synthesizer; entered already where it is a context manager.
        text: Two or three short sentences, each with its white space, as the pipeline would cut them.
        within_s: For a whole run, in seconds of trio's clock.
        stop_s: For a cancelled run to be gone.
        own_tasks: That the stage's resources may keep after a cancelled run, such as a connection pool's four spares.

    Returns:
        What it wrote in the first run.

    Raises:
        AssertionError: The contract is broken; says how.
    """
    require_trio("check_text_to_speech")
    assert isinstance(stage, TextToSpeech), f"{_name(stage)} lacks `synthesize` or `audio_format`"
    name = _name(stage)
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

    check = _Check(name, run, (Speech,), within_s, stop_s, own_tasks, sound)
    spoken = await check.whole()
    await check.waiting(starve)
    await check.returns(nothing)
    return spoken


async def check_speech_to_text(
    stage: SpeechToText, audio: bytes, *, within_s: float = 30.0, stop_s: float = 0.25, own_tasks: int = 0
) -> list[Transcript]:
    """Check that a recogniser settles what it heard, and stops at once, also while it waits for audio.

    Args:
        stage: The recogniser; entered already where it is a context manager.
        audio: A few words of speech in the stage's `audio_format`; it comes in pieces of 20 ms, without pauses.
        within_s: For a whole run, in seconds of trio's clock.
        stop_s: For a cancelled run to be gone.
        own_tasks: That the stage's resources may keep after a cancelled run, such as a connection pool's four spares.

    Returns:
        What it wrote in the first run.

    Raises:
        AssertionError: The contract is broken; says how.
    """
    require_trio("check_speech_to_text")
    assert isinstance(stage, SpeechToText), f"{_name(stage)} lacks `transcribe` or `audio_format`"
    name = _name(stage)
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

    check = _Check(name, run, (Transcript,), within_s, stop_s, own_tasks, settled)
    heard = await check.whole()
    await check.waiting(starve)
    await check.returns(nothing)
    return heard


def _name(stage: object) -> str:
    return type(stage).__name__


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


_Run = Callable[[trio.abc.SendChannel[T]], Awaitable[None]]


@define(eq=False)
class _Probe(trio.abc.SendChannel[T], Generic[T]):
    """The writing end a stage is given: notes what comes and when, and can cancel the run at one of the sends."""

    cancel_at: int | None = None
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    items: list[T] = field(factory=list)
    times: list[float] = field(factory=list)
    asked: float | None = None
    """When the run was cancelled."""
    reached: bool = False
    """Whether a send has raised `Cancelled` into the stage."""
    went_on: bool = False
    """Whether the stage tried to write again after that."""

    def cancel(self) -> None:
        self.asked = trio.current_time()
        self.scope.cancel(reason="conformance")

    async def send(self, value: T) -> None:
        self.went_on = self.went_on or self.reached
        if len(self.items) == self.cancel_at:
            self.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled:
            self.reached = True
            raise
        self.items.append(value)
        self.times.append(trio.current_time())

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@define(eq=False)
class _Check(Generic[T]):
    """The checks that all three kinds of stage share; `run` is one whole run."""

    name: str
    run: _Run[T]
    types: tuple[type, ...]
    within_s: float
    stop_s: float
    own_tasks: int
    sound: Callable[[Sequence[T]], None] = lambda items: None
    tasks: int = 0

    async def whole(self) -> list[T]:
        """Run to the end, several at once, cancelled at every moment, and once more; return the first run's items."""
        began = trio.current_time()
        first = await self.to_the_end(self.run)
        ended = trio.current_time()
        # Tasks that a provider keeps for longer than a request, such as a pool's, are there by now.
        self.tasks = trio.lowlevel.current_statistics().tasks_living + self.own_tasks
        await self.at_once()
        for steps in STEPS:
            await self.cancelled(self.run, f"after {steps} steps", functools.partial(_take_steps, steps))
        for number in _spread(range(len(first.items))):
            await self.cancelled(self.run, f"at send {number}", cancel_at=number)
        instants = [began, *first.times, ended]
        gaps = [(start + end) / 2 - began for start, end in itertools.pairwise(instants) if end > start]
        for delay_s in _spread(gaps):
            await self.cancelled(self.run, f"after {delay_s:g} s", functools.partial(trio.sleep, delay_s))
        await self.to_the_end(self.run)
        return first.items

    async def waiting(self, starve: _Run[T]) -> None:
        """Cancel a run that waits for input which never comes."""
        await self.cancelled(starve, "while it waits for input", functools.partial(trio.sleep, self.stop_s), ends=False)

    async def to_the_end(self, run: _Run[T]) -> _Probe[T]:
        """Run whole, and look at what was written."""
        probe = await self.returns(run)
        for item in probe.items:
            assert isinstance(item, self.types), f"{self.name} wrote a {_name(item)}"
        self.sound(probe.items)
        return probe

    async def returns(self, run: _Run[T]) -> _Probe[T]:
        """Run to the return, within the time there is."""
        probe: _Probe[T] = _Probe()
        with trio.move_on_after(self.within_s) as patience:
            await run(probe)
        assert not patience.cancelled_caught, f"{self.name} did not return within {self.within_s:g} s"
        return probe

    async def at_once(self) -> None:
        """Run several side by side: they must not meet."""
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(AT_ONCE):
                    nursery.start_soon(self.to_the_end, self.run)
        except* Exception as group:
            raise AssertionError(f"{self.name}, run {AT_ONCE} times at once: {_first(group)}") from group

    async def cancelled(
        self,
        run: _Run[T],
        moment: str,
        until: Callable[[], Awaitable[None]] | None = None,
        *,
        cancel_at: int | None = None,
        ends: bool = True,
    ) -> None:
        """Run, cancel after `until` or at a send, and look at what is left."""
        probe: _Probe[T] = _Probe(cancel_at)
        error: Exception | None = None
        returned = False

        async def cancel() -> None:
            assert until is not None
            await until()
            probe.cancel()

        async with trio.open_nursery() as nursery:
            if until is not None:
                nursery.start_soon(cancel)
            try:
                with probe.scope:
                    await run(probe)
                    returned = True
            except Exception as raised:  # noqa: BLE001 - whatever a stage raises here is what the check reports
                error = raised
            ended = trio.current_time()
            nursery.cancel_scope.cancel(reason="the run has ended")
        about = f"{self.name}, cancelled {moment},"
        assert error is None, f"{about} raised {error!r} instead of letting Cancelled through"
        assert not probe.went_on, f"{about} went on writing"
        assert not (returned and (probe.reached or not ends)), f"{about} swallowed Cancelled and returned"
        took_s = ended - (ended if probe.asked is None else probe.asked)
        assert took_s <= self.stop_s, f"{about} took {took_s:g} s to stop, {self.stop_s:g} s are allowed"
        await self.no_task_left(about)

    async def no_task_left(self, about: str) -> None:
        """Give what the stage left behind a moment to go, then find nothing."""
        with trio.move_on_after(self.stop_s):
            while trio.lowlevel.current_statistics().tasks_living > self.tasks:  # noqa: ASYNC110 - no event says so
                await trio.sleep(self.stop_s / 16)
        left = trio.lowlevel.current_statistics().tasks_living - self.tasks
        assert left <= 0, f"{about} left {left} task(s) running: keep every task in a nursery of the call"


async def _take_steps(steps: int) -> None:
    for _ in range(steps):
        await trio.lowlevel.checkpoint()


def _spread(values: Sequence[T]) -> list[T]:
    """Return at most `MOMENTS` of the values: the first, the last, and evenly between."""
    if len(values) <= MOMENTS:
        return list(values)
    return [values[index * (len(values) - 1) // (MOMENTS - 1)] for index in range(MOMENTS)]


def _first(error: BaseException) -> BaseException:
    """Return the first exception in a group, however deep."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
