"""What a program hands over, judged by its type where it comes in: the sentence names the argument, and no value."""

from __future__ import annotations

import inspect
import math
import re
import types
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache, wraps
from numbers import Integral, Real
from typing import Any, Literal, ParamSpec, TypeVar

from attrs import Attribute

__all__ = ["Audio", "a", "all_typed", "not_negative", "typed", "typed_arguments", "typed_fields", "with_words"]

P = ParamSpec("P")
_VOWEL = re.compile("[aeioAEIO]|[FHLMNRSX][A-Z]")  # as it is spoken: an SSLContext, a Usage
R = TypeVar("R")
T = TypeVar("T")

Audio = bytes | bytearray | memoryview
"""What a piece of PCM may come in."""


def typed(value: object, kind: object, name: str, remedy: str = "") -> None:
    """Refuse a value of another type, in a sentence.

    Args:
        value: What was given; the sentence tells its type and nothing else of it.
        kind: What is expected: a class, or what annotations are made of (a union, None, a `Literal`,
            ``tuple[str, ...]``, a mapping, a callable). Numbers of other libraries are numbers; True is none.
        name: What the caller calls it, such as ``text`` or ``Limits.lead_ms``.
        remedy: What to do instead; where empty, what follows from the types.

    Raises:
        TypeError: It is of another type.
        ValueError: It is a string, and none of those that are known.
    """
    if _judge(kind)(value):
        return
    hint = remedy or _remedy(value, kind)
    sentence = f"{name} must be {_expected(kind)}, not {_given(value, kind)}{hint and ': '}{hint}"
    if isinstance(value, str) and any(typing.get_origin(each) is Literal for each in _members(kind)):
        raise ValueError(f"{name} must be {_expected(kind)}, and is another string")
    raise TypeError(sentence)


def all_typed(values: Iterable[T], kind: type[T], name: str) -> tuple[T, ...]:
    """Return the values of an iterable, each of which is judged.

    Raises:
        TypeError: One is of another type.
    """
    given = tuple(values)
    typed(given, tuple[kind, ...], name)  # type: ignore[valid-type]  # mypy takes no variable for a type
    return given


def with_words(text: object, name: str, remedy: str = "") -> None:
    """Refuse what is no text, and a text without a word: there is nothing to ask.

    Raises:
        TypeError: As `typed`.
        ValueError: The text is empty.
    """
    typed(text, str, name, remedy)
    if not str(text).strip():
        raise ValueError(f"{name} is empty: there is nothing to ask")


def not_negative(value: object, name: str) -> None:
    """Refuse what is no number of something, such as milliseconds that were heard.

    Raises:
        TypeError: As `typed`.
        ValueError: It is negative, or not a number at all (NaN).
    """
    typed(value, float, name)
    number = typing.cast("float", value)
    if math.isnan(number) or number < 0:
        raise ValueError(f"{name} is {number}: nobody has heard less than nothing")


def typed_fields(cls: type, fields: list[Attribute[Any]]) -> list[Attribute[Any]]:
    """Have each field of a class judged by its annotation; for ``@frozen(field_transformer=typed_fields)``.

    A list becomes a tuple where a tuple belongs. A field whose type is a protocol is left to whoever knows it.
    """

    @cache
    def known() -> dict[str, tuple[object, Callable[[object], bool]]]:
        """Return each field's kind, and what tells it: when the first is made, for by then all names are there."""
        return {name: (kind, _judge(kind)) for name, kind in typing.get_type_hints(cls).items()}

    def judged(attribute: Attribute[Any]) -> Attribute[Any]:
        name, label = attribute.name, f"{cls.__name__}.{attribute.name}"

        def judge(value: object) -> object:
            kind, fits = known()[name]
            if fits(value):
                return value
            if type(value) is list and any(typing.get_origin(each) is tuple for each in _members(kind)):
                value = tuple(value)
            typed(value, kind, label)
            return value

        return attribute.evolve(converter=judge) if attribute.init else attribute

    return [judged(attribute) for attribute in fields]


def typed_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Have each argument of a function judged by its annotation, as `typed` does; a coroutine function stays one."""
    signature = inspect.signature(function)
    several = {name for name, each in signature.parameters.items() if each.kind is each.VAR_POSITIONAL}
    kinds = cache(lambda: typing.get_type_hints(function))

    def judge(args: tuple[object, ...], given: dict[str, object]) -> None:
        try:
            arguments = signature.bind(*args, **given).arguments
        except TypeError:
            return  # too many, or an unknown one: Python says so, in its own words
        for name, value in arguments.items():
            for each in value if name in several else (value,):
                typed(each, kinds().get(name, object), name)

    @wraps(function)
    def called(*args: P.args, **given: P.kwargs) -> R:
        judge(args, given)
        return function(*args, **given)

    @wraps(function)
    async def awaited(*args: P.args, **given: P.kwargs) -> object:
        judge(args, given)
        return await typing.cast("Awaitable[object]", function(*args, **given))

    return typing.cast("Callable[P, R]", awaited) if inspect.iscoroutinefunction(function) else called


def a(value: object) -> str:
    """Return what a value is, with an article: `a str`, `an int`, `bytes`, `None`, `the class Settings`."""
    return f"the class {value.__name__}" if isinstance(value, type) else _named(type(value))


def _named(kind: type) -> str:
    if kind is type(None):
        return "None"
    name = kind.__name__
    if name in ("bytes", "ellipsis"):
        return name
    return f"{'an' if _VOWEL.match(name) else 'a'} {name}"


def _members(kind: object) -> tuple[object, ...]:
    """Return what a union is made of; of no union, itself."""
    united = typing.get_origin(kind) in (typing.Union, types.UnionType)
    return typing.get_args(kind) if united else (kind,)


@cache
def _judge(kind: object) -> Callable[[object], bool]:
    """Return what tells whether a value is of a kind; made once for each, since some are asked for every request."""
    if len(members := _members(kind)) > 1:
        judges = [_judge(each) for each in members]
        return lambda value: any(judge(value) for judge in judges)
    if kind in (Any, object) or typing.Protocol in getattr(kind, "__bases__", ()):
        return lambda value: True
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        literals, kinds = frozenset(args), frozenset(map(type, args))
        return lambda value: type(value) in kinds and value in literals
    if origin is tuple:
        inner = _judge(args[0])
        return lambda value: isinstance(value, tuple) and all(map(inner, value))
    if origin is Mapping:
        keys, values = map(_judge, args)
        return lambda value: isinstance(value, Mapping) and all(map(keys, value)) and all(map(values, value.values()))
    if origin is Iterable:
        return lambda value: isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    if origin is Callable:
        return callable
    if kind in (int, float):
        number = Integral if kind is int else Real
        return lambda value: isinstance(value, number) and not isinstance(value, bool)
    plain = type(None) if kind is None else typing.cast("type", origin or kind)
    return lambda value: isinstance(value, plain)


def _expected(kind: object) -> str:
    members = _members(kind)
    if len(members) > 1:
        *first, last = dict.fromkeys(map(_expected, members))
        return f"{', '.join(first)} or {last}"
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, args))}"
    if origin in (tuple, Iterable):
        inner = "" if args[0] in (Any, object) else f" of {getattr(args[0], '__name__', args[0])}"
        return f"{'a tuple' if origin is tuple else 'a list or tuple'}{inner}"
    if origin is Mapping:
        return "a mapping" if object in args else "a mapping of strings"
    if origin is Callable:
        return "a function"
    words: dict[object, str] = {int: "a whole number", float: "a number", bool: "True or False", None: "None"}
    plain = typing.cast("type", origin or kind)
    return words.get(kind) or _named(plain)


def _given(value: object, kind: object) -> str:
    """Return what a value is; of the right container, what in it is wrong."""
    for each in _members(kind):
        origin, args = typing.get_origin(each), typing.get_args(each)
        inside: Iterable[object] = ()
        if origin is tuple and isinstance(value, tuple):
            inside = (item for item in value if not _judge(args[0])(item))
        elif origin is Mapping and isinstance(value, Mapping):
            wrong_keys = (key for key in value if not _judge(args[0])(key))
            inside = (*wrong_keys, *(item for item in value.values() if not _judge(args[1])(item)))
        for wrong in inside:
            return f"{a(value)} with {a(wrong)} in it"
    return a(value)


def _remedy(value: object, kind: object) -> str:
    """Return what was probably meant."""
    for each in _members(kind):
        origin, args = typing.get_origin(each), typing.get_args(each)
        if origin in (tuple, Iterable) and _judge(args[0])(value):
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
