"""What annotations mean for a value: whether it fits, what is made of it, and how a sentence calls both."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from functools import cache
from numbers import Integral, Real
from typing import Any, Final, Literal

from attrs import frozen

__all__ = ["UNFIT", "Kind", "kind_of", "members_of", "named"]

UNFIT: Final = object()
"""What a kind makes of a value that doesn't fit."""

FORMS = (
    "a class, object, None, a union, a Literal, tuple[X, ...], Mapping[K, V], Iterable[X], AsyncIterable[X], Callable"
)

_VOWEL = re.compile("[aeioAEIO]|[FHLMNRSX][A-Z]|Http|nd")  # as it is spoken: an SSLContext, a Usage


@frozen
class Kind:
    """One annotation.

    Args:
        expected: How a sentence calls it: `a whole number`.
        take: Returns the value as voxint has it, which is a plain number, str or tuple where one is expected; `UNFIT`
            where it doesn't fit.
        converts: Whether `take` may return something else than the value.
        wrong_inside: Of a container, what in it does not fit.
    """

    expected: str
    take: Callable[[object], object]
    converts: bool = False
    wrong_inside: Callable[[object], Iterable[object]] = lambda _: ()


def members_of(annotation: object) -> tuple[object, ...]:
    """Return what a union is made of; of no union, itself."""
    united = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if united else (annotation,)


@cache
def kind_of(annotation: object) -> Kind:
    """Return what an annotation means; made once for each, since some are asked for every request.

    Numbers and texts of other libraries are taken, and become plain ones, since no wire has them; True is no number.
    A list is taken for a tuple. A protocol is left to whoever knows it, and so is what an iterable will give.

    Raises:
        TypeError: It is none of the `FORMS`: what can't be judged whole is not judged by half.
    """
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if len(members_of(annotation)) > 1:
        return _union([kind_of(each) for each in members_of(annotation)])
    if annotation in (Any, object) or typing.Protocol in getattr(annotation, "__bases__", ()):
        return Kind("anything", lambda value: value)
    if annotation in (None, type(None)):
        return Kind("None", lambda value: UNFIT if value is not None else None)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if origin is Literal:
        return _literal(args)
    if origin is tuple and len(args) == 2 and args[1] is ...:
        return _tuple(kind_of(args[0]), _of(args[0]))
    if origin is Mapping and args:
        return _mapping(kind_of(args[0]), kind_of(args[1]), "a mapping" if object in args else "a mapping of strings")
    if origin is Iterable and args:
        kind_of(args[0])
        return Kind(f"a list or tuple{_of(args[0])}", lambda value: value if _is_list(value) else UNFIT)
    if origin is AsyncIterable and args:
        kind_of(args[0])
        return _class(AsyncIterable)
    if origin is Callable or annotation is Callable:
        return Kind("a function", lambda value: value if callable(value) else UNFIT)
    if isinstance(annotation, type) and origin is None and not typing.is_typeddict(annotation):
        return _class(annotation)
    raise TypeError(f"a value can't be judged by {annotation}: annotate it with {FORMS}")


def named(kind: type) -> str:
    """Return the name of a class with an article: `a str`, `an int`, `bytes`, `None`."""
    if kind is type(None):
        return "None"
    name = kind.__name__
    if name in ("bytes", "ellipsis"):
        return name
    if kind.__module__ != "builtins" and name in ("bool", "int", "str", "float"):
        name = f"{kind.__module__}.{name}"  # numpy's, or the sentence would say that a bool is no bool
    return f"{'an' if _VOWEL.match(name) else 'a'} {name}"


def _class(kind: type) -> Kind:
    return Kind(named(kind), lambda value: value if isinstance(value, kind) else UNFIT)


def _int(value: object) -> object:
    if type(value) is int:
        return value
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else UNFIT


def _float(value: object) -> object:
    if type(value) is float:
        return value
    if not isinstance(value, Real) or isinstance(value, bool):
        return UNFIT
    try:
        return float(value)
    except OverflowError:
        return UNFIT


def _str(value: object) -> object:
    if type(value) is str:
        return value
    return str.__str__(value) if isinstance(value, str) else UNFIT


_PLAIN: dict[object, Kind] = {
    int: Kind("a whole number", _int, converts=True),
    float: Kind("a number", _float, converts=True),
    str: Kind("a str", _str, converts=True),
    bool: Kind("True or False", lambda value: value if isinstance(value, bool) else UNFIT),
}


def _literal(known: tuple[object, ...]) -> Kind:
    types_, values = frozenset(map(type, known)), frozenset(known)

    def take(value: object) -> object:
        plain = _str(value) if isinstance(value, str) else value
        return plain if type(plain) in types_ and plain in values else UNFIT

    return Kind(f"one of {', '.join(map(str, known))}", take, converts=True)


def _union(kinds: list[Kind]) -> Kind:
    def take(value: object) -> object:
        for kind in kinds:
            if (taken := kind.take(value)) is not UNFIT:
                return taken
        return UNFIT

    *first, last = dict.fromkeys(kind.expected for kind in kinds)
    return Kind(
        f"{', '.join(first)} or {last}" if first else last,
        take,
        any(kind.converts for kind in kinds),
        lambda value: next(filter(None, (tuple(kind.wrong_inside(value)) for kind in kinds)), ()),
    )


def _tuple(inner: Kind, of: str) -> Kind:
    def take(value: object) -> object:
        if not isinstance(value, tuple | list):
            return UNFIT
        taken = tuple(map(inner.take, value))
        return UNFIT if any(each is UNFIT for each in taken) else taken

    def wrong_inside(value: object) -> Iterable[object]:
        items = value if isinstance(value, tuple | list) else ()
        return (item for item in items if inner.take(item) is UNFIT)

    return Kind(f"a list or tuple{of}", take, True, wrong_inside)


def _mapping(key: Kind, item: Kind, expected: str) -> Kind:
    def wrong_inside(value: object) -> Iterable[object]:
        if isinstance(value, Mapping):
            yield from (each for each in value if key.take(each) is UNFIT)
            yield from (each for each in value.values() if item.take(each) is UNFIT)

    def take(value: object) -> object:
        return value if isinstance(value, Mapping) and not any(True for _ in wrong_inside(value)) else UNFIT

    return Kind(expected, take, False, wrong_inside)


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _of(inner: object) -> str:
    return "" if inner in (Any, object) else f" of {getattr(inner, '__name__', inner)}"
