"""What is wrong with the shape of a stage or a detector: told when an agent is made, to the one who wrote it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from inspect import (
    CO_ITERABLE_COROUTINE,
    isasyncgen,
    isasyncgenfunction,
    isawaitable,
    iscoroutinefunction,
    isgenerator,
    isgeneratorfunction,
)
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Final, Literal, TypeAlias

from attrs import frozen

from voxint.arguments import type_in_words
from voxint.authors_line import line_of_error
from voxint.core.audio import AudioFormat
from voxint.core.failure import Stage
from voxint.core.stages import MOST_NAME_CHARS, VoiceOption
from voxint.errors import UpstreamError

__all__ = ["PARTS", "Part", "check_returned", "chosen_of", "options_of", "seats_of", "stage_fault", "thrown_away"]

Part: TypeAlias = Stage | Literal["vad", "turns"]
"""What an agent has one of: a stage, or a detector of its ears."""

PARTS: tuple[Part, ...] = ("llm", "stt", "tts", "vad", "turns")

_NOTHING: Final = object()

_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)
"""By their types: `inspect.isroutine` asks the stage's own class, whose author may have written what it answers."""


@frozen
class _Choice:
    """How a stage says what callers may choose of it.

    Args:
        options: The attribute that has them, as a tuple.
        write: What one of them is, for who writes it.
        method: The method that returns the stage for one of them.
        takes: The name of its argument.
    """

    options: str
    write: str
    method: str
    takes: str

    @property
    def head(self) -> str:
        """The first line of the method."""
        return f"`def {self.method}(self, {self.takes})`"


@frozen
class _Shape:
    """What a stage or a detector has to be.

    Args:
        noun: What it is called.
        method: The name of its one method.
        takes: The names of the method's arguments.
        writes: A statement that writes a piece, of one that writes pieces.
        returns: What the method returns, of another.
        has_format: Whether it has an `audio_format`.
        at_once: Whether its method is a plain one, whose result nobody awaits.
        has_seats: Whether it may say how many callers it serves at once.
        has_window: Whether it has `window_samples`.
        choice: What callers may choose of it, where it offers anything.
    """

    noun: str
    method: str
    takes: tuple[str, ...]
    writes: str = ""
    returns: str = ""
    has_format: bool = True
    at_once: bool = False
    has_seats: bool = False
    has_window: bool = False
    choice: _Choice | None = None

    @property
    def head(self) -> str:
        """The first line of the method."""
        return f"`{'' if self.at_once else 'async '}def {self.method}({', '.join(('self', *self.takes))})`"

    @property
    def remedy(self) -> str:
        """What to do with what the method gives."""
        return f"write each piece with `{self.writes}`" if self.writes else f"return {self.returns}"

    @property
    def instead(self) -> str:
        """What to do in place of `yield`."""
        return f"{self.remedy} instead of `yield`" if self.writes else self.remedy


_SHAPES: dict[Part, _Shape] = {
    "llm": _Shape("language model", "generate", ("turn", "out"), "await out.send(Delta(text))", has_format=False),
    "stt": _Shape(
        "recogniser",
        "transcribe",
        ("audio", "out"),
        "await out.send(Transcript(text, True))",
        has_seats=True,
        choice=_Choice("languages", 'the tags of languages, such as ("en", "zh")', "hearing", "language"),
    ),
    "tts": _Shape(
        "synthesizer",
        "synthesize",
        ("text", "out"),
        "await out.send(Speech(audio, piece))",
        has_seats=True,
        choice=_Choice("voices", "VoiceOption(name, language) for each", "speaking_as", "voice"),
    ),
    "vad": _Shape("voice detector", "open", (), returns="the new stream", at_once=True, has_window=True),
    "turns": _Shape("turn detector", "complete", ("pcm",), returns="the probability"),
}


def stage_fault(stage: Part, given: object) -> str | None:
    """Return what is wrong with what was given as a stage, as a sentence with the remedy; None where it has the shape.

    A method that is a plain function passes: it may return an awaitable, as what a decorator or `functools.partial`
    makes does. `check_returned` judges it at the first request.
    """
    shape, what = _SHAPES[stage], _called(given)
    if isinstance(given, type):
        return f"{what} is a class: give an instance, {given.__name__}(...)"
    method, name = _seen(given, shape.method), f"{what}.{shape.method}"
    if isinstance(method, _Raised):
        return f"{name} {method.told}"
    if not callable(method):
        return f"{what} has no method `{shape.method}`: {_no_method(stage, given)}"
    if _yields(method):
        return f"{name} is a generator: {shape.instead}"
    if shape.at_once and iscoroutinefunction(_bare(method)):
        return f"{name} is a coroutine function, and nobody awaits it: write {shape.head}"
    if not _takes(method, len(shape.takes)):
        return f"{name} takes other arguments: write {shape.head}"
    return (
        (_format_fault(given, what) if shape.has_format else None)
        or (_seats_fault(_seen(given, "seats"), what) if shape.has_seats else None)
        or (_window_fault(_seen(given, "window_samples"), what) if shape.has_window else None)
        or (_choice_fault(shape.choice, given, what) if shape.choice else None)
    )


def seats_of(stage: Stage, given: object) -> int | None:
    """Return how many callers a stage serves at once, as it says now; None: it names no bound.

    It is read each time: an engine may know it only once it is entered, or lose a part of what it had.

    Raises:
        UpstreamError: What it says is no number of callers; names the stage's class, and what to write.
    """
    seats = _seen(given, "seats")
    if (fault := _seats_fault(seats, _called(given))) is not None:
        raise _uncallable(stage, fault)
    return seats if isinstance(seats, int) else None


def options_of(stage: Stage, given: object) -> tuple[Any, ...]:
    """Return what callers may choose of a stage, as it says now: voices or languages; nothing, where it says nothing.

    It is read each time: an engine may know it only once it is entered.

    Raises:
        UpstreamError: What it says is no such tuple; names the stage's class, and what to write.
    """
    choice = _SHAPES[stage].choice
    options = _NOTHING if choice is None else _seen(given, choice.options)
    if choice is None or options is _NOTHING:
        return ()
    if (fault := _options_fault(choice, options, _called(given))) is not None:
        raise _uncallable(stage, fault)
    return options if isinstance(options, tuple) else ()


def chosen_of(stage: Stage, given: object, option: str) -> object:
    """Return the stage that a stage gives for what a caller has chosen of it.

    Raises:
        UpstreamError: It gives what is no such stage; names its method, and what is wrong with that.
        Exception: Whatever the method raises.
    """
    choice = _SHAPES[stage].choice
    assert choice is not None, f"nobody can choose anything of {stage}"
    chosen = getattr(given, choice.method)(option)
    if (fault := stage_fault(stage, chosen)) is not None:
        raise _uncallable(stage, f"{_called(given)}.{choice.method} returned what is no {_SHAPES[stage].noun}: {fault}")
    return chosen


def _uncallable(stage: Part, fault: str) -> UpstreamError:
    return UpstreamError(
        f"the {_SHAPES[stage].noun} can't be called; tell the operator of this service",
        retryable=False,
        operator_detail=fault,
    )


def check_returned(stage: Part, given: object, returned: object) -> None:
    """Refuse what a stage's method has returned where it can't be awaited.

    Raises:
        UpstreamError: It can't; names the method, and the remedy.
    """
    if isawaitable(returned):
        return
    shape = _SHAPES[stage]
    generator = isasyncgen(returned) or isgenerator(returned)
    remedy = shape.instead if generator else f"write {shape.head}"
    fault = f"{_called(given)}.{shape.method} returned {type_in_words(returned)}, which can't be awaited"
    raise _uncallable(stage, f"{fault}: {remedy}")


def thrown_away(stage: Stage, given: object, returned: object) -> str:
    """Return, for the log, that a stage's method gave a value to nobody, and what its author has to write instead."""
    shape = _SHAPES[stage]
    method = f"{_called(given)}.{shape.method}"
    return f"{method} returned {type_in_words(returned)}, which is thrown away: {shape.remedy}"


def _called(given: object) -> str:
    """Return what to call a stage: by its class, which its author knows."""
    if isinstance(given, type):
        return given.__name__
    if isinstance(given, _FUNCTIONS):
        return f"the function {given.__name__}"
    return type_in_words(given) if type(given).__module__ == "builtins" else type(given).__name__


def _no_method(stage: Part, given: object) -> str:
    others = [
        other
        for other, shape in _SHAPES.items()
        # Files and paths have an `open` too.
        if callable(_seen(given, shape.method))
        and not (shape.has_window and _seen(given, "window_samples") is _NOTHING)
    ]
    shape = _SHAPES[stage]
    if given is not None and others:
        return f"it is a {_SHAPES[others[0]].noun}; give it as {others[0]}=..."
    return f"a {shape.noun} is an object with a method {shape.head}"


def _bare(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function behind a `partial` and a callable object."""
    while isinstance(method, partial):
        method = method.func
    return method if isinstance(method, _FUNCTIONS) else type(method).__call__


def _yields(method: Callable[..., Any]) -> bool:
    """Return whether calling it gives a generator to read; that of `types.coroutine` is one to await."""
    function: Any = _bare(method)
    if not isgeneratorfunction(function):
        return isasyncgenfunction(function)
    return not function.__code__.co_flags & CO_ITERABLE_COROUTINE


def _takes(method: Callable[..., Any], count: int) -> bool:
    """Return whether it can be called with so many arguments; what says nothing of its arguments passes."""
    try:
        # What a decorator wraps is not what is called: the decorator may bring an argument of its own.
        signature = inspect.signature(method, follow_wrapped=False)
    except Exception:  # noqa: BLE001 - any: it is its author's, or it is not Python's
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


@frozen
class _Raised:
    """What an attribute is that can't be read.

    Args:
        told: What happened: the kind of exception and where, none of its words.
    """

    told: str


def _seen(given: object, name: str) -> object:
    """Return an attribute of a stage: `_NOTHING` where it has none, `_Raised` where its author's code raises."""
    try:
        return getattr(given, name, _NOTHING)
    except Exception as error:  # noqa: BLE001 - any: it is a property of somebody else's
        line = line_of_error(error)
        return _Raised(f"raised {type(error).__name__} when it was read{'' if line is None else f', at {line.place}'}")


def _format_fault(given: object, what: str) -> str | None:
    found = _seen(given, "audio_format")
    if isinstance(found, AudioFormat):
        return None
    if isinstance(found, _Raised):
        return f"{what}.audio_format {found.told}"
    fault = "has no `audio_format`" if found is _NOTHING else f"has {type_in_words(found)} as its `audio_format`"
    return f"{what} {fault}: write `audio_format = AudioFormat(16_000)`, with its samples a second"


def _seats_fault(found: object, what: str) -> str | None:
    if found is _NOTHING or found is None or (isinstance(found, int) and type(found) is not bool and found >= 1):
        return None
    if isinstance(found, _Raised):
        return f"{what}.seats {found.told}"
    said = str(found) if type(found) is int else type_in_words(found)
    return f"{what} has {said} as its `seats`: write how many callers it serves at once, 1 or more; None for no bound"


def _window_fault(found: object, what: str) -> str | None:
    if isinstance(found, int) and type(found) is not bool and found >= 1:
        return None
    if isinstance(found, _Raised):
        return f"{what}.window_samples {found.told}"
    said = str(found) if type(found) is int else type_in_words(found)
    has = "has no `window_samples`" if found is _NOTHING else f"has {said} as its `window_samples`"
    return f"{what} {has}: write how many samples it judges at once, such as 512"


def _choice_fault(choice: _Choice, given: object, what: str) -> str | None:
    """Return what is wrong with what a stage offers, or with the method that it has for that."""
    options, method = _seen(given, choice.options), _seen(given, choice.method)
    if options is _NOTHING:
        return None
    if (fault := _options_fault(choice, options, what)) is not None:
        return fault
    if isinstance(method, _Raised):
        return f"{what}.{choice.method} {method.told}"
    if not callable(method):
        return f"{what} has `{choice.options}` and no method `{choice.method}`: write {choice.head}"
    if iscoroutinefunction(_bare(method)) or _yields(method):
        return f"{what}.{choice.method} must return the stage itself, and at once: write {choice.head}"
    return None if _takes(method, 1) else f"{what}.{choice.method} takes other arguments: write {choice.head}"


def _options_fault(choice: _Choice, options: object, what: str) -> str | None:
    if isinstance(options, _Raised):
        return f"{what}.{choice.options} {options.told}"
    if not isinstance(options, tuple):
        return f"{what} has {type_in_words(options)} as its `{choice.options}`: write a tuple, {choice.write}"
    for each in options:
        fits = _is_tag(each) if choice.options == "languages" else isinstance(each, VoiceOption)
        if not fits:
            wrong = "a text that is no tag" if isinstance(each, str) else type_in_words(each)
            return f"{what} has {wrong} in its `{choice.options}`: write {choice.write}"
    return None


def _is_tag(option: object) -> bool:
    return isinstance(option, str) and 0 < len(option) <= MOST_NAME_CHARS and option.replace("-", "").isalnum()
