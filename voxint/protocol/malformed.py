"""What is wrong with a frame, in a sentence: which field, what it takes, and of what type is what came.

The decoder's own words name Python's types, and quote what was sent. A sentence of ours names the types of JSON, lists
the choices where there are some, and repeats nothing: what was sent may be what somebody said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import inspect

from voxint.errors import WireError

__all__ = ["malformed", "one_of"]

_PLACE = re.compile(r"(?P<what>.*?)(?: - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`)?", re.DOTALL)
_INDEX = re.compile(r"\[\d+\]")
_STEP = re.compile(r"\.([^.\[]+)|\[\.\.\.\]")

_TYPE = re.compile(r"Expected `(?P<wanted>[^`]+)`(?:, got `(?P<got>\w+)`)?")
_LENGTH = re.compile(r"Expected `(?P<type>\w+)` of length (?P<bound>[<>]=) (?P<length>\d+)")
_RANGE = re.compile(r"Expected `(?:int|float)` (?P<bound>[<>]=?) (?P<number>-?[\d.]+)")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`")
_JSON = re.compile(r"JSON is malformed: (?P<why>[^()]+) \(byte (?P<byte>\d+)\)")

_NAMES = {
    "int": ("a whole number",),
    "float": ("a number",),
    "str": ("a string",),
    "bool": ("true", "false"),
    "array": ("an array",),
    "object": ("an object",),
}
_CAME = {
    "int": "a whole number",
    "float": "a number with a fraction",
    "str": "a string",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
}
_PARTS = {"str": "character", "array": "item", "object": "entry", "bytes": "byte"}
_BOUNDS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_FIXED = {
    "Input data was truncated": "is no whole JSON: it breaks off",
    "Invalid UTF-8 encoded string": "holds what is no valid Unicode",
    "Invalid base64 encoded string": "must be base64, with its padding",
    "Number out of range": "is a number too large to be read",
    "Integer value out of range": "is a number too large to be read",
}


def one_of(choices: tuple[str, ...] | list[str]) -> str:
    """Return the choices as a sentence has them: ``a, b or c``."""
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def malformed(error: Exception, place: str, kind: object) -> WireError:
    """Return what a failure of the decoder means to who sent the frame.

    Args:
        error: What the decoder raised: msgspec's error, or that of a text that is no Unicode or nests too deep.
        place: Where in the frame the decoded part stands, such as ``$.payload``.
        kind: The type that was decoded, whose fields have the choices.
    """
    match = _PLACE.fullmatch(str(error))
    what, path, key = (match["what"], match["path"] or "", match["key"]) if match else ("", "", None)
    if isinstance(error, RecursionError):
        said = "is nested too deeply"
    elif isinstance(error, UnicodeError):
        said = "holds what is no valid Unicode"
    elif isinstance(error.__cause__, ValueError):
        said = what  # of a check of ours, which says itself what is wrong
    else:
        said = _said(what, _choices(kind, _INDEX.sub("[...]", path)))
    subject = f"each key of {_subject(place + path)}" if key else _subject(place + path)
    return WireError("MALFORMED_PAYLOAD", f"{subject} {said}", place + path)


def _subject(path: str) -> str:
    """Return how a sentence calls what stands at `path`: by its own name, without those around it."""
    if path == "$":
        return "the message"
    outer, value_of, _ = path.partition("[...]") if path.endswith("[...]") else (path, "", "")
    field, item_of, _ = outer.rpartition(".")[2].partition("[")
    if value_of:
        return f"each value of `{field}`"
    return f"each item of `{field}`" if item_of else f"`{field}`"


def _said(what: str, choices: tuple[str, ...]) -> str:
    """Return the rest of the sentence that begins with the field's name."""
    if what in _FIXED:
        return _FIXED[what]
    if found := _TYPE.fullmatch(what):
        wanted = one_of(
            choices or [word for each in found["wanted"].split(" | ") for word in _NAMES.get(each, (each,))]
        )
        return f"must be {wanted}" + (f", not {_CAME.get(found['got'], found['got'])}" if found["got"] else "")
    if found := _LENGTH.fullmatch(what):
        part = _PARTS.get(found["type"], "item")
        parts = part if found["length"] == "1" else "entries" if part == "entry" else f"{part}s"
        return f"must have {_BOUNDS[found['bound']]} {found['length']} {parts}"
    if found := _RANGE.fullmatch(what):
        return f"must be {_BOUNDS[found['bound']]} {found['number'].removesuffix('.0')}"
    if found := _MISSING.fullmatch(what):
        return f"must have the field `{found['field']}`"
    if found := _JSON.fullmatch(what):
        return f"is no JSON: {found['why']} at byte {found['byte']}"
    if choices:  # "Invalid enum value" and the value
        return f"must be {one_of(choices)}"
    return "has a value that is not taken here: look it up in the protocol"


@lru_cache(maxsize=256)
def _choices(kind: object, path: str) -> tuple[str, ...]:
    """Return the words that the field at `path` takes; none where it takes any, or is no word.

    To look through the types is work, and a client may send as many bad frames as good ones: hence the cache, whose
    keys come from the types alone.
    """
    here = [inspect.type_info(kind)]
    for step in _STEP.finditer(path):
        here = [inner for each in here for inner in _inner(each, step[1])]
    return tuple(str(value) for each in here if isinstance(each, inspect.LiteralType) for value in each.values)


def _inner(kind: inspect.Type, field: str | None) -> Iterator[inspect.Type]:
    """Yield what may stand in a value of this type under a field's name; None: in any item of it."""
    found: list[inspect.Type] = []
    match kind:
        case inspect.StructType():
            found = [each.type for each in kind.fields if each.encode_name == field]
        case inspect.VarTupleType() | inspect.ListType() if field is None:
            found = [kind.item_type]
        case inspect.DictType() if field is None:
            found = [kind.value_type]
    for each in found:
        yield from _alternatives(each)


def _alternatives(kind: inspect.Type) -> Iterator[inspect.Type]:
    match kind:
        case inspect.UnionType():
            for each in kind.types:
                yield from _alternatives(each)
        case inspect.Metadata():
            yield from _alternatives(kind.type)
        case _:
            yield kind
