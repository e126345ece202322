"""What the keys of a configuration mean: sections, the type of each key, and the values made of what was given."""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs
from attrs import field, frozen

from voxint.core.agent import Limits
from voxint.core.ears.rules import EarRules
from voxint.errors import ConfigError
from voxint.server.config import ServerConfig
from voxint.server.quotas import Quotas

__all__ = ["EXPECTED", "SECTIONS", "Given", "Section", "Sections", "converted", "ears", "made"]

T = TypeVar("T", bound=attrs.AttrsInstance)


@frozen
class Given:
    """One value as the operator gave it.

    Args:
        value: As it stands there; may be a secret.
        place: Where it stands.
        typed: Whether it has a type of its own (TOML), or is text to be understood (environment, flags).
    """

    value: object = field(repr=False)
    place: str
    typed: bool


Section = dict[str, Given]
Sections = dict[str, Section]


def _settable(made: type[attrs.AttrsInstance]) -> dict[str, object]:
    """Return what may be set of a class, and the type of each; what is a class of its own has a section of its own."""
    hints = typing.get_type_hints(made)
    return {each.name: hints[each.name] for each in attrs.fields(made) if each.init and not attrs.has(hints[each.name])}


_EAR_HINTS = typing.get_type_hints(EarRules)

_EARS: Mapping[str, type[attrs.AttrsInstance]] = {
    each.name: _EAR_HINTS[each.name] for each in attrs.fields(EarRules) if attrs.has(_EAR_HINTS[each.name])
}
"""The parts of the ears' rules that are classes of their own, by name."""

SECTIONS: Mapping[str, Mapping[str, object]] = {
    "server": _settable(ServerConfig),
    "limits": _settable(Limits),
    "quotas": _settable(Quotas),
    "agent": {"prompt": str, "language_prompt": str},
    "ears": _settable(EarRules),
    **{f"ears.{name}": _settable(part) for name, part in _EARS.items()},
}
"""The keys of each section but the providers', whose keys are their own, and the type of each. A dot is in the name of
a section that stands within another, as TOML has it."""


def ears(sections: Sections) -> EarRules:
    """Return the ears' rules of a configuration.

    Raises:
        ConfigError: A value is not what is expected there.
    """
    parts: dict[str, Any] = {name: made(f"ears.{name}", part, sections[f"ears.{name}"]) for name, part in _EARS.items()}
    return attrs.evolve(made("ears", EarRules, sections["ears"]), **parts)


def made(section: str, cls: type[T], given: Section) -> T:
    """Return an instance of a section's class, each value of its type and all found good by the class's validators.

    Raises:
        ConfigError: A value is not what is expected there; names the place.
    """
    values: dict[str, Any] = {key: converted(section, key, entry) for key, entry in given.items()}
    try:
        return cls(**values)
    except ValueError as error:
        raise _refused(str(error), cls.__name__, given) from None


def _refused(words: str, cls: str, given: Section) -> ConfigError:
    """Return where a class's validator has found what it says; one may compare a value with another that was left."""
    told = re.fullmatch(rf"{cls}\.(\w+)(.*)", words, re.DOTALL)
    assert told is not None, f"a validator of {cls} names no field"
    name, fault = told[1], told[2].replace(f"{cls}.", "")
    if name in given:
        return ConfigError(given[name].place, f"it{fault}")
    return ConfigError(next(iter(given.values())).place, f"{name}{fault}")


def converted(section: str, key: str, given: Given) -> object:
    """Return the value as the type of its key; secrets stand in no error, so no value does."""
    kind = SECTIONS[section][key]
    value = given.value if given.typed else _understood(kind, str(given.value))
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind is str and isinstance(value, str):
        return value
    if kind == tuple[str, ...] and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if kind == Mapping[str, str] and isinstance(value, dict) and all(isinstance(each, str) for each in value.values()):
        return value
    raise ConfigError(given.place, f"write {EXPECTED[kind]}")


EXPECTED: Mapping[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    tuple[str, ...]: 'a list of strings, such as ["one", "two"]',
    Mapping[str, str]: "a table of strings, in the file only: a section such as [server.accounts]",
}


def _understood(kind: object, text: str) -> object:
    """Return what a text of the environment or of a flag means where `kind` is wanted; the text where it means none."""
    try:
        if kind is int:
            return int(text)
        if kind is float:
            return float(text)
    except ValueError:
        return text
    if kind is bool:
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if kind == tuple[str, ...]:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text
