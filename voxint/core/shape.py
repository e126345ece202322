"""What is wrong with the shape of a stage: told when an agent is made, to the one who wrote the stage."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from inspect import isasyncgen, isasyncgenfunction, isawaitable, isgenerator, isgeneratorfunction
from typing import Any

from attrs import frozen

from voxint.arguments import a
from voxint.core.audio import AudioFormat
from voxint.core.failure import Stage
from voxint.errors import UpstreamError

__all__ = ["check_returned", "stage_fault", "thrown_away"]


@frozen
class _Shape:
    """What a stage has to be.

    Args:
        noun: What it is called.
        method: The name of its one method.
        takes: The names of the method's arguments.
        writes: A statement that writes a piece.
        has_format: Whether it has an `audio_format`.
    """

    noun: str
    method: str
    takes: str
    writes: str
    has_format: bool

    @property
    def head(self) -> str:
        """The first line of the method."""
        return f"`async def {self.method}(self, {self.takes})`"


_SHAPES: dict[Stage, _Shape] = {
    "llm": _Shape("language model", "generate", "turn, out", "await out.send(Delta(text))", has_format=False),
    "stt": _Shape("recogniser", "transcribe", "audio, out", "await out.send(Transcript(text, True))", has_format=True),
    "tts": _Shape("synthesizer", "synthesize", "text, out", "await out.send(Speech(audio, piece))", has_format=True),
}


def stage_fault(stage: Stage, given: object) -> str | None:
    """Return what is wrong with what was given as a stage, as a sentence with the remedy; None where it has the shape.

    A method that is a plain function passes: it may return an awaitable, as what a decorator or `functools.partial`
    makes does. `check_returned` judges it at the first request.
    """
    shape, what = _SHAPES[stage], _called(given)
    if isinstance(given, type):
        return f"{what} is a class: give an instance, {given.__name__}(...)"
    method = getattr(given, shape.method, None)
    if not callable(method):
        return f"{what} has no method `{shape.method}`: {_no_method(stage, given)}"
    name = f"{what}.{shape.method}"
    if isasyncgenfunction(_bare(method)) or isgeneratorfunction(_bare(method)):
        return f"{name} is a generator: write each piece with `{shape.writes}` instead of `yield`"
    if not _takes(method, len(shape.takes.split(","))):
        return f"{name} takes other arguments: write {shape.head}"
    return _format_fault(given, what) if shape.has_format else None


def check_returned(stage: Stage, given: object, returned: object) -> None:
    """Refuse what a stage's method has returned where it can't be awaited.

    Raises:
        UpstreamError: It can't; names the method, and the remedy.
    """
    if isawaitable(returned):
        return
    shape = _SHAPES[stage]
    generator = isasyncgen(returned) or isgenerator(returned)
    remedy = f"write each piece with `{shape.writes}` instead of `yield`" if generator else f"write {shape.head}"
    fault = f"{_called(given)}.{shape.method} returned {a(returned)}, which can't be awaited"
    raise UpstreamError(
        f"the {shape.noun} can't be called; tell the operator of this service",
        retryable=False,
        operator_detail=f"{fault}: {remedy}",
    )


def thrown_away(stage: Stage, given: object, returned: object) -> str:
    """Return, for the log, that a stage's method gave a value to nobody, and what its author has to write instead."""
    shape = _SHAPES[stage]
    method = f"{_called(given)}.{shape.method}"
    return f"{method} returned {a(returned)}, which is thrown away: write each piece with `{shape.writes}`"


def _called(given: object) -> str:
    """Return what to call a stage: by its class, which its author knows."""
    if isinstance(given, type):
        return given.__name__
    if inspect.isroutine(given):
        return f"the function {given.__name__}"
    return a(given) if type(given).__module__ == "builtins" else type(given).__name__


def _no_method(stage: Stage, given: object) -> str:
    others = [other for other, shape in _SHAPES.items() if callable(getattr(given, shape.method, None))]
    shape = _SHAPES[stage]
    if given is not None and others:
        return f"it is a {_SHAPES[others[0]].noun}; give it as {others[0]}=..."
    return f"a {shape.noun} is an object with a method {shape.head}"


def _bare(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function behind a callable object; Python's questions see through a `partial` themselves."""
    known = inspect.isroutine(method) or isinstance(method, partial)
    return method if known else type(method).__call__


def _takes(method: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(method).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # of a function that is not Python's nobody knows
        return True
    return True


def _format_fault(given: object, what: str) -> str | None:
    nothing = object()
    found = getattr(given, "audio_format", nothing)
    if isinstance(found, AudioFormat):
        return None
    fault = "has no `audio_format`" if found is nothing else f"has {a(found)} as its `audio_format`"
    return f"{what} {fault}: write `audio_format = AudioFormat(16_000)`, with its samples a second"
