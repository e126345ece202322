"""What a program hands over, judged by its type where it comes in: the sentence names the argument, and no value."""

from __future__ import annotations

import inspect
import math
import operator
import sys
import typing
from collections.abc import Awaitable, Callable, Iterable
from functools import wraps
from itertools import chain, repeat
from numbers import Real
from typing import Any, Literal, ParamSpec, TypeVar

from attrs import Attribute, converters, validators

from voxint.kinds import UNFIT, Kind, kind_of, members_of, named

__all__ = [
    "Audio",
    "bounded",
    "check_all",
    "check_arguments",
    "check_fields",
    "check_not_negative",
    "check_text",
    "check_type",
    "field_name",
    "type_in_words",
]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

Audio = bytes | bytearray | memoryview
"""What a piece of PCM may come in."""

_DIGITS = 15
"""Of a number that a sentence shows; Python refuses to write one of more than 4,300."""


def check_type(value: T, kind: object, name: str, remedy: str = "") -> T:
    """Return a value as voxint has it, and refuse one of another type, in a sentence.

    Args:
        value: What was given; the sentence tells its type and nothing else of it.
        kind: What is expected, as an annotation; `voxint.kinds` knows which there are, and makes plain numbers, texts
            and tuples of others'.
        name: What the caller calls it, such as ``text`` or ``Limits.lead_ms``.
        remedy: What to do instead; where empty, what follows from the types.

    Raises:
        TypeError: It is of another type; or the kind is none that can be judged.
        ValueError: It is a string, and none of those that are known; or a number beyond any float.
    """
    known = kind_of(kind)
    taken = known.take(value)
    if taken is UNFIT:
        raise _misfit(value, kind, known, name, remedy)
    return typing.cast("T", taken)


def check_all(values: Iterable[T], kind: type[T], name: str) -> tuple[T, ...]:
    """Return the values of an iterable, each of which is judged.

    Raises:
        TypeError: One is of another type.
    """
    given = tuple(values)
    return check_type(given, tuple[kind, ...], name)  # type: ignore[valid-type]  # mypy takes no variable for a type


def check_text(text: object, name: str, remedy: str = "") -> str:
    """Return a text as a plain str; refuse what is none, and one without a word.

    Raises:
        TypeError: As `check_type`.
        ValueError: The text is empty.
    """
    words = typing.cast("str", check_type(text, str, name, remedy))
    if not words.strip():
        raise ValueError(f"{name} is empty: give at least a word")
    return words


def check_not_negative(value: object, name: str) -> float:
    """Return a finite number as a plain float; refuse a negative one, such as milliseconds that were heard.

    Raises:
        TypeError: As `check_type`.
        ValueError: It is negative, infinite, too large, or not a number at all (NaN).
    """
    number = typing.cast("float", check_type(value, float, name))
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{name} must be a number from 0 on, not {number:g}")
    return number


def field_name(instance: object, attribute: Attribute[Any]) -> str:
    """Return what to call a field in a sentence: `Limits.lead_ms`; without its instance, `lead_ms`."""
    return attribute.name if instance is None else f"{type(instance).__name__}.{attribute.name}"


def bounded(
    *,
    at_least: float | None = None,
    more_than: float | None = None,
    at_most: float | None = None,
    less_than: float | None = None,
) -> Callable[[object, Attribute[Any], Any], None]:
    """Return a validator for a field of numbers: `Limits.request_s must be more than 0, not -3`.

    Raises:
        ValueError: By the validator, where a number is beyond a bound, or beyond any float.
    """
    all_bounds = (
        ("at least", operator.ge, at_least),
        ("more than", operator.gt, more_than),
        ("at most", operator.le, at_most),
        ("less than", operator.lt, less_than),
    )
    bounds = [(words, holds, bound) for words, holds, bound in all_bounds if bound is not None]

    def check(instance: object, attribute: Attribute[Any], value: Any) -> None:
        if value > sys.float_info.max and value != math.inf:  # a whole number: a reckoning in seconds would overflow
            raise ValueError(_beyond_floats(field_name(instance, attribute)))
        for words, holds, bound in bounds:
            if not holds(value, bound):
                shown = "a number of many digits" if abs(value) >= 10**_DIGITS else value
                name = field_name(instance, attribute)
                raise ValueError(f"{name} must be {words} {bound}, not {shown}")

    return check


def check_fields(cls: type, fields: list[Attribute[Any]]) -> list[Attribute[Any]]:
    """Have each field of a class judged by its annotation; for ``@frozen(field_transformer=check_fields)``.

    A validator judges, before the field's own. Where a kind of value becomes another, such as a list a tuple and
    numpy's number a plain one, a converter does that, after the field's own.

    Raises:
        TypeError: At once, where a field is annotated with what can't be judged.
    """
    annotations = typing.get_type_hints(cls)

    def judged(attribute: Attribute[Any]) -> Attribute[Any]:
        annotation = annotations[attribute.name]
        kind = kind_of(annotation)

        def convert(value: object) -> object:
            taken = kind.take(value)
            return value if taken is UNFIT else taken

        def judge(instance: object, attribute: Attribute[Any], value: object) -> None:
            if kind.take(value) is UNFIT:
                raise _misfit(value, annotation, kind, field_name(instance, attribute))

        own = attribute.converter
        return attribute.evolve(
            converter=own if not kind.converts else convert if own is None else converters.pipe(own, convert),
            validator=judge if attribute.validator is None else validators.and_(judge, attribute.validator),
        )

    return [judged(attribute) if attribute.init else attribute for attribute in fields]


def check_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Have each argument of a function judged by its annotation, as `check_type` does; a coroutine function stays one.

    Raises:
        TypeError: At once, where an argument is annotated with what can't be judged.
    """
    parameters, hints = inspect.signature(function).parameters, typing.get_type_hints(function)
    named_ones = {name: _judge(hints[name], name) for name in parameters if name in hints}
    several = (named_ones.get(name) for name, each in parameters.items() if each.kind is each.VAR_POSITIONAL)
    in_order = [
        named_ones.get(name)
        for name, each in parameters.items()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    others = next(several, None)  # also of too many: Python refuses those itself, in its own words

    def judged(args: tuple[Any, ...], given: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        places = zip(args, chain(in_order, repeat(others)), strict=False)
        return (
            [value if judge is None else judge(value) for value, judge in places],
            {name: named_ones[name](value) if name in named_ones else value for name, value in given.items()},
        )

    @wraps(function)
    def called(*args: P.args, **given: P.kwargs) -> R:
        plain, plain_given = judged(args, given)
        return function(*plain, **plain_given)

    @wraps(function)
    async def awaited(*args: P.args, **given: P.kwargs) -> object:
        plain, plain_given = judged(args, given)
        return await typing.cast("Awaitable[object]", function(*plain, **plain_given))

    return typing.cast("Callable[P, R]", awaited) if inspect.iscoroutinefunction(function) else called


def type_in_words(value: object) -> str:
    """Return what a value is, with an article: `a str`, `an int`, `bytes`, `None`, `the class Settings`."""
    return f"the class {value.__name__}" if isinstance(value, type) else named(type(value))


def _judge(annotation: object, name: str) -> Callable[[object], object]:
    kind = kind_of(annotation)
    take = kind.take

    def judge(value: object) -> object:
        taken = take(value)
        if taken is UNFIT:
            raise _misfit(value, annotation, kind, name)
        return taken

    return judge


def _beyond_floats(name: str) -> str:
    return f"{name} must be a number that a float can hold, and is larger"


def _misfit(value: object, annotation: object, kind: Kind, name: str, remedy: str = "") -> Exception:
    """Return the error of a value that doesn't fit."""
    members = members_of(annotation)
    if isinstance(value, str) and any(typing.get_origin(each) is Literal for each in members):
        return ValueError(f"{name} must be {kind.expected}, and is another string")
    if float in members and isinstance(value, Real) and not isinstance(value, bool):
        return ValueError(_beyond_floats(name))
    for wrong in kind.wrong_inside(value):
        return TypeError(f"{name} must be {kind.expected}, and has {type_in_words(wrong)} in it")
    hint = _remedy(value, members, name, remedy)
    return TypeError(f"{name} must be {kind.expected}, not {type_in_words(value)}{hint and ': '}{hint}")


def _remedy(value: object, members: tuple[object, ...], name: str, known: str) -> str:
    """Return what was probably meant; where the caller knows a remedy, that one."""
    if bytes in members and hasattr(value, "tobytes"):
        return f"give its bytes, {name}.tobytes() where its samples are of 16 bits"
    if known:
        return known
    for each in members:
        origin, args = typing.get_origin(each), typing.get_args(each)
        if origin in (tuple, Iterable) and kind_of(args[0]).take(value) is not UNFIT:
            return "a single one is written (...,)"
        if isinstance(value, bytes) and each is str:
            return "decode it"
        if isinstance(each, type) and each.__module__.startswith("voxint.") and value is not None:
            is_class = isinstance(value, type) and issubclass(value, each)
            return (
                f"give an instance, {getattr(value, '__name__', '')}(...)"
                if is_class
                else f"write {each.__name__}(...)"
            )
    return ""
