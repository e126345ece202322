"""Options that several engines have, each judged where it is set."""

from __future__ import annotations

from math import isfinite
from pathlib import Path

from voxint.errors import ConfigError

__all__ = ["MOST_SEATS", "check_folder", "check_number", "check_ratio", "check_seconds"]

MOST_SEATS = 10_000
"""Upper limit of `seats`. Chosen here: nobody has so many callers on one machine."""


def check_number(option: str, value: object, low: int, high: int) -> int:
    """Return a whole number that an option may have.

    Raises:
        ConfigError: It is none, or beyond a bound.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(option, f"write a whole number from {low} to {high}{_not(value)}")
    return value


def check_seconds(option: str, value: object) -> float:
    """Return how many seconds an utterance may wait.

    Raises:
        ConfigError: It is no number of seconds up to a minute.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 60:
        raise ConfigError(option, f"write seconds from 0 to 60{_not(value)}")
    return value


def check_folder(option: str, value: object) -> Path | None:
    """Return the folder of assets, if one was given.

    Raises:
        ConfigError: It is no folder.
    """
    if value is None:
        return None
    if not isinstance(value, str | Path) or not Path(value).is_dir():
        raise ConfigError(option, f"write the path of a folder with model files, not {value!r}")
    return Path(value)


def check_ratio(option: str, value: object, low: float, high: float) -> float:
    """Return a number that an option may have.

    Raises:
        ConfigError: It is none, or beyond a bound.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or not low <= value <= high:
        raise ConfigError(option, f"write a number from {low:g} to {high:g}{_not(value)}")
    return value


def _not(value: object) -> str:
    """What was given, if it is a number: a text may be a secret in the wrong place."""
    return f", not {value}" if isinstance(value, int | float) else ""
