"""What the `repr` of a message shows: it ends up in logs and in the tracebacks of others."""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Annotated, Any, Literal

import attrs
import msgspec

from voxint.core.discreet import size_of

__all__ = ["SHOWN", "Discreet", "Plain", "Secret", "ShownAs", "WireMessage"]

_How = Literal["shown", "sized", "secret"]


@attrs.frozen
class ShownAs:
    """How a field is shown; stands in its annotation, where msgspec passes over it."""

    how: _How


SHOWN = ShownAs("shown")

Plain = Annotated[str, SHOWN]
"""A text that may be shown: an id, a code, a sentence of voxint's. Of every text that is not marked so, and of every
piece of audio and of JSON, the size alone is: it may be what people say, what their words led to, or a prompt."""

Secret = Annotated[str, ShownAs("secret")]
"""A key, a password or a token: not even its size is shown."""


class _AsItIs(str):
    """What stands in a `repr` for something else."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Discreet(msgspec.Struct, frozen=True):
    """A struct whose `repr` shows of its fields what is marked as harmless, and of all else the size."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, _shown(getattr(self, name), how)) for name, how in _fields(type(self)).items()]

    def __repr__(self) -> str:
        """Return the fields without secrets and words."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


class WireMessage(Discreet, frozen=True, omit_defaults=True, kw_only=True):
    """Fields equal to their default are left out on the wire, so that an absent stream is never a null."""


def _shown(value: Any, how: _How) -> Any:
    if value is None or how == "shown":
        return value
    return "..." if how == "secret" else _AsItIs(size_of(value))


@cache
def _fields(message: type[Discreet]) -> dict[str, _How]:
    hints = typing.get_type_hints(message, include_extras=True)
    return {name: _how_shown(hints[name]) for name in message.__struct_fields__}


def _how_shown(kind: Any) -> _How:
    """Return how a field of this annotation is shown; what is not known to be harmless is not."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return next((each.how for each in args[1:] if isinstance(each, ShownAs)), None) or _how_shown(args[0])
    if origin is Literal or kind in (int, float, bool, type(None)):
        return "shown"
    if origin in (typing.Union, types.UnionType, tuple, dict):
        inside = {_how_shown(each) for each in args if each is not ...}
        return "secret" if "secret" in inside else "sized" if "sized" in inside else "shown"
    own = isinstance(kind, type) and (issubclass(kind, msgspec.Struct) or attrs.has(kind))  # with a `repr` of its own
    return "shown" if own else "sized"
