from __future__ import annotations

import functools
import types
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from voxint.core.agent import Agent
from voxint.core.audio import AudioFormat
from voxint.core.conversation import open_conversation
from voxint.core.stages import Delta
from voxint.errors import RequestFailed
from voxint.testing.stages import ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time


class _Sound:
    """A model as it should be."""

    async def generate(self, turn: Any, out: Any) -> None:
        await out.send(Delta("Yes."))


class _Misnamed:
    async def generates(self, turn: Any, out: Any) -> None: ...


class _Narrow:
    async def generate(self, turn: Any) -> None: ...


class _Selfless:
    async def generate(turn: Any, out: Any) -> None: ...


class _Generator:
    async def generate(self, turn: Any, out: Any) -> AsyncIterator[Delta]:
        yield Delta("Yes.")


class _PlainGenerator:
    def generate(self, turn: Any, out: Any) -> Any:
        yield Delta("Yes.")


class _Bound:
    generate = functools.partial(_Generator.generate, None)  # type: ignore[arg-type]  # wrong on purpose


class _Object:
    class _Called:
        async def __call__(self, turn: Any, out: Any) -> AsyncIterator[Delta]:
            yield Delta("Yes.")

    generate = _Called()


class _Formatless:
    async def synthesize(self, text: Any, out: Any) -> None: ...


class _Misformatted(_Formatless):
    audio_format = 16_000


class _Voice(_Formatless):
    audio_format = AudioFormat()


async def function(turn: Any, out: Any) -> None:
    """Do as a model would, and be none."""


class _Detector:
    audio_format = AudioFormat()
    window_samples = 512

    def open(self) -> Any: ...


class _Late(_Detector):
    async def open(self) -> Any: ...


class _Windowless:
    audio_format = AudioFormat()

    def open(self) -> Any: ...


class _Misjudging(_Detector):
    window_samples = 0


class _Turns:
    audio_format = AudioFormat()

    async def complete(self, pcm: bytes) -> float:
        return 1.0


class _Wordy(_Turns):
    async def complete(self, pcm: bytes, words: str) -> float:  # type: ignore[override]  # wrong on purpose
        return 1.0


OPEN = "`def open(self)`"
WINDOW = "write how many samples it judges at once, such as 512"
HEAD = "`async def generate(self, turn, out)`"
OBJECT = f"a language model is an object with a method {HEAD}"
SEND = "write each piece with `await out.send(Delta(text))` instead of `yield`"
FORMAT = "write `audio_format = AudioFormat(16_000)`, with its samples a second"


@pytest.mark.parametrize(
    ("stages", "told"),
    [
        ({"llm": _Sound}, "llm: _Sound is a class: give an instance, _Sound(...)"),
        ({"llm": _Misnamed()}, f"llm: _Misnamed has no method `generate`: {OBJECT}"),
        ({"llm": None}, f"llm: None has no method `generate`: {OBJECT}"),
        ({"llm": "openai_chat"}, f"llm: a str has no method `generate`: {OBJECT}"),
        ({"llm": function}, f"llm: the function function has no method `generate`: {OBJECT}"),
        ({"llm": _Voice()}, "llm: _Voice has no method `generate`: it is a synthesizer; give it as tts=..."),
        ({"llm": _Narrow()}, f"llm: _Narrow.generate takes other arguments: write {HEAD}"),
        ({"llm": _Selfless()}, f"llm: _Selfless.generate takes other arguments: write {HEAD}"),
        ({"llm": _Generator()}, f"llm: _Generator.generate is a generator: {SEND}"),
        ({"llm": _PlainGenerator()}, f"llm: _PlainGenerator.generate is a generator: {SEND}"),
        ({"llm": _Bound()}, f"llm: _Bound.generate is a generator: {SEND}"),
        ({"llm": _Object()}, f"llm: _Object.generate is a generator: {SEND}"),
        ({"tts": _Formatless()}, f"tts: _Formatless has no `audio_format`: {FORMAT}"),
        ({"tts": _Misformatted()}, f"tts: _Misformatted has an int as its `audio_format`: {FORMAT}"),
        ({"tts": _Voice}, "tts: _Voice is a class: give an instance, _Voice(...)"),
        ({"vad": _Detector}, "vad: _Detector is a class: give an instance, _Detector(...)"),
        ({"vad": "silero"}, f"vad: a str has no method `open`: a voice detector is an object with a method {OPEN}"),
        ({"vad": _Late()}, f"vad: _Late.open is a coroutine function, and nobody awaits it: write {OPEN}"),
        ({"vad": _Windowless()}, f"vad: _Windowless has no `window_samples`: {WINDOW}"),
        ({"vad": _Misjudging()}, f"vad: _Misjudging has 0 as its `window_samples`: {WINDOW}"),
        ({"vad": _Turns()}, "vad: _Turns has no method `open`: it is a turn detector; give it as turns=..."),
        ({"turns": _Turns}, "turns: _Turns is a class: give an instance, _Turns(...)"),
        (
            {"turns": _Detector()},
            "turns: _Detector has no method `complete`: it is a voice detector; give it as vad=...",
        ),
        (
            {"turns": _Windowless()},
            "turns: _Windowless has no method `complete`: a turn detector is an object with a method "
            "`async def complete(self, pcm)`",
        ),
        (
            {"turns": _Wordy()},
            "turns: _Wordy.complete takes other arguments: write `async def complete(self, pcm)`",
        ),
        ({"stt": _Voice()}, "stt: _Voice has no method `transcribe`: it is a synthesizer; give it as tts=..."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_stage_of_another_shape_is_told_when_the_agent_is_made(stages: dict[str, Any], told: str) -> None:
    """Which stage, what is wrong with it, and what to write; not at its first request, and not as an AttributeError."""
    with pytest.raises(TypeError) as raised:
        Agent(**{"llm": _Sound(), **stages})
    assert str(raised.value) == f"Agent.{told}"


def test_stages_of_the_right_shape_pass() -> None:
    """Those of this package, a bare one, and no ears and no voice at all; detectors too."""
    Agent(llm=_Sound(), vad=_Detector(), turns=_Turns())
    Agent(llm=_Sound())
    Agent(llm=ScriptedModel(), stt=ScriptedEars(), tts=ScriptedVoice())
    Agent(llm=_Sound(), tts=_Voice())


def decorated(method: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Hide that a method is a coroutine function, as many decorators do."""

    def inner(*args: Any) -> Awaitable[None]:
        return method(*args)

    return inner


class _Decorated:
    @decorated
    async def generate(self, turn: Any, out: Any) -> None:
        await out.send(Delta("Yes."))


class _Delegating:
    def generate(self, turn: Any, out: Any) -> Any:
        return _Sound().generate(turn, out)


class _Prepared:
    generate = functools.partial(_Sound.generate, _Sound())


class _Loose:
    async def generate(self, *args: Any, **options: Any) -> None:
        await args[1].send(Delta("Yes."))


class _Static:
    @staticmethod
    async def generate(turn: Any, out: Any, temperature: float = 1.0) -> None:
        await out.send(Delta("Yes."))


def with_a_table(method: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Bring an argument of its own, as what injects a database does."""

    @functools.wraps(method)
    async def inner(self: Any, turn: Any, out: Any) -> None:
        await method(self, turn, out, {"well?": "Yes."})

    return inner


class _Injected:
    @with_a_table
    async def generate(self, turn: Any, out: Any, table: dict[str, str]) -> None:
        await out.send(Delta(table["well?"]))


def writing(method: Callable[..., AsyncIterator[str]]) -> Callable[..., Awaitable[None]]:
    """Write what a generator yields."""

    @functools.wraps(method)
    async def inner(self: Any, turn: Any, out: Any) -> None:
        async for text in method(self, turn):
            await out.send(Delta(text))

    return inner


class _Adapted:
    @writing
    async def generate(self, turn: Any) -> AsyncIterator[str]:
        yield "Yes."


class _OfTypes:
    @types.coroutine
    def generate(self, turn: Any, out: Any) -> Any:
        yield from out.send(Delta("Yes.")).__await__()


class _Signed(_Sound):
    async def generate(self, turn: Any, out: Any) -> None:
        await out.send(Delta("Yes."))

    generate.__signature__ = "nonsense"  # type: ignore[attr-defined]  # as some generators of code leave it


class _Unsigned:
    class _Called:
        @property
        def __signature__(self) -> Any:
            raise RuntimeError("persimmon")

        async def __call__(self, turn: Any, out: Any) -> None:
            await out.send(Delta("Yes."))

    generate = _Called()


class _Strange(type):
    def __getattr__(cls, name: str) -> Any:
        raise RuntimeError("persimmon")


class _OfStrange(metaclass=_Strange):
    async def generate(self, turn: Any, out: Any) -> None:
        await out.send(Delta("Yes."))


class _Absent:
    @property
    def generate(self) -> Any:
        raise RuntimeError("persimmon")


class _Unready(_Formatless):
    @property
    def audio_format(self) -> Any:
        raise RuntimeError("persimmon")


@pytest.mark.parametrize(
    ("stages", "where"),
    [
        ({"llm": _Absent()}, "_Absent.generate"),
        ({"tts": _Unready()}, "_Unready.audio_format"),
        ({"stt": _Absent()}, ""),
    ],
)
def test_a_property_that_raises_is_told_by_kind_and_place(stages: dict[str, Any], where: str) -> None:
    """Without a word of its author's, which may hold anything; its traceback has none either."""
    with pytest.raises(TypeError) as raised:
        Agent(**{"llm": _Sound(), **stages})
    told = str(raised.value)
    assert "persimmon" not in told
    if where:
        assert f"{where} raised RuntimeError when it was read, at " in told
        assert "test_shape.py:" in told
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)


@pytest.mark.parametrize(
    "model",
    [
        _Decorated(),
        _Delegating(),
        _Prepared(),
        _Loose(),
        _Static(),
        _Injected(),
        _Adapted(),
        _OfTypes(),
        _Signed(),
        _Unsigned(),
        _OfStrange(),
    ],
)
async def test_whatever_gives_something_to_await_is_a_stage(model: Any) -> None:
    """A plain function that returns an awaitable works as a coroutine function does."""
    async with open_conversation(Agent(llm=model)) as conversation:
        assert await conversation.ask("Well?").text() == "Yes."


class _Nothing:
    def generate(self, turn: Any, out: Any) -> None: ...


class _Hidden:
    def generate(self, turn: Any, out: Any) -> Any:
        return _Generator().generate(turn, out)


@pytest.mark.parametrize(
    ("model", "detail"),
    [
        (_Nothing(), f"_Nothing.generate returned None, which can't be awaited: write {HEAD}"),
        (
            _Hidden(),
            f"_Hidden.generate returned an async_generator, which can't be awaited: {SEND}",
        ),
    ],
)
async def test_a_plain_function_is_judged_at_the_first_request(model: Any, detail: str) -> None:
    """It may return an awaitable; one that does not is told with its class and what to write."""
    with capture_logs() as lines:
        async with open_conversation(Agent(llm=model)) as conversation:
            with pytest.raises(RequestFailed) as raised:
                await conversation.ask("Well?").text()
    assert (raised.value.stage, raised.value.detail) == ("llm", detail)
    assert raised.value.message == "the language model can't be called; tell the operator of this service"
    assert [(line["event"], line["detail"]) for line in lines] == [("request failed", detail)]
    assert "by" not in lines[0]  # no line of the author's is in the trace, and ours would mislead
