"""What the fields of a message may hold, read from the classes that the codec reads and writes them with."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen
from msgspec import inspect

__all__ = ["FieldRow", "rows_of"]


@frozen
class FieldRow:
    """A field of a message.

    Args:
        path: Where it stands in the payload, such as ``content.text``; ``[]`` and ``<id>`` stand for any of several.
        type: What it may hold, in words.
        required: Whether what it stands in has it always.
    """

    path: str
    type: str
    required: bool


def rows_of(payload: type, *, written: bool = False) -> list[FieldRow]:
    """Return a payload's fields and those of the objects in it, in order.

    The second spelling of a field, in camelCase, is left out.

    Args:
        payload: The class.
        written: Whether it is looked at as it is written: then null is a value of its own, and a default may be there
            always. As it is read null stands for what is absent.
    """
    told = inspect.type_info(payload)
    assert isinstance(told, inspect.StructType)
    return list(_rows(told, "", written))


def _rows(struct: inspect.StructType, within: str, written: bool) -> Iterator[FieldRow]:
    always = written and not struct.cls.__struct_config__.omit_defaults
    for field in struct.fields:
        name = field.encode_name
        if name != name.lower():
            continue
        required = field.required or always
        yield FieldRow(within + name, _words(field.type, nulls=written and required), required)
        for inner, more in _inner(field.type):
            yield from _rows(inner, f"{within}{name}{more}.", written)


def _inner(told: inspect.Type) -> Iterator[tuple[inspect.StructType, str]]:
    """Yield the objects in a type, and how the way to one is written."""
    match told:
        case inspect.StructType():
            yield told, ""
        case inspect.UnionType(types=types):
            for each in types:
                yield from _inner(each)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            for found, more in _inner(item):
                yield found, f"[]{more}"
        case inspect.DictType(value_type=value):
            for found, more in _inner(value):
                yield found, f".<id>{more}"


def _words(told: inspect.Type, *, nulls: bool = False) -> str:
    match told:
        case inspect.UnionType(types=types):
            some = [_words(each) for each in types if not isinstance(each, inspect.NoneType)]
            return " or ".join([*some, *["null"] * (nulls and len(some) < len(types))])
        case inspect.StrType(min_length=least, max_length=most):
            return "string" + _range(least, most, "characters")
        case inspect.IntType(ge=least, le=most):
            return "integer" + _range(least, most)
        case inspect.FloatType(ge=least, le=most):
            return "number" + _range(least, most)
        case inspect.BoolType():
            return "bool"
        case inspect.BytesType():
            return "string: base64"
        case inspect.LiteralType(values=values):
            return ", ".join(f"`{value}`" for value in values)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"list of {_several(item)}" + _range(None, told.max_length)
        case inspect.TupleType(item_types=items):
            return f"[{'; '.join(map(_words, items))}]"
        case inspect.DictType(value_type=value):
            words = "object" if isinstance(value, inspect.AnyType) else f"object by id: {_words(value)}"
            return words + _range(None, told.max_length)
        case inspect.StructType():
            return "object"
        case inspect.AnyType() | inspect.RawType():
            return "any JSON"
    raise TypeError(f"no words for {told}")


def _several(item: inspect.Type) -> str:
    words = _words(item)
    return f"{words}s" if words in ("string", "object", "integer") else words


def _range(least: float | None, most: float | None, unit: str = "") -> str:
    if least is None and most is None:
        return ""
    if least == 1 and most is None:
        return ", not empty"
    unit = f" {unit}" * bool(unit)
    if least is None:
        return f", {most:,}{unit} at most"
    return f", {least:,}{unit} at least" if most is None else f", {least:,} to {most:,}{unit}"
