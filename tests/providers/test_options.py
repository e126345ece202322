"""Options of engines are judged where they are set, and what can't be is refused by the option's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxint.errors import ConfigError
from voxint.providers._options import check_folder, check_number, check_ratio, check_seconds


def test_what_fits_is_returned(tmp_path: Path) -> None:
    """Each returns what it was given; a folder as a path, none as none."""
    assert check_number("threads", 3, 1, 4) == 3
    assert check_ratio("speed", 1.5, 0.5, 2) == 1.5
    assert check_seconds("wait_s", 0) == 0
    assert check_folder("assets", str(tmp_path)) == check_folder("assets", tmp_path) == tmp_path
    assert check_folder("assets", None) is None


@pytest.mark.parametrize("value", [0, 5, 1.5, True, "3", None, float("nan")])
def test_what_does_not_fit_is_refused(value: object) -> None:
    """Too small, too large, no number: the error says what fits, and repeats no text."""
    with pytest.raises(ConfigError, match=r"threads: write a whole number from 1 to 4") as raised:
        check_number("threads", value, 1, 4)
    assert "'3'" not in str(raised.value)


@pytest.mark.parametrize("value", [0.4, 2.1, True, "1", float("nan"), float("inf")])
def test_a_ratio_that_does_not_fit_is_refused(value: object) -> None:
    """The same of numbers that need not be whole."""
    with pytest.raises(ConfigError, match=r"speed: write a number from 0\.5 to 2"):
        check_ratio("speed", value, 0.5, 2)


@pytest.mark.parametrize("value", [-1, 61, "5", False])
def test_seconds_that_do_not_fit_are_refused(value: object) -> None:
    """A wait is a minute at most."""
    with pytest.raises(ConfigError, match="wait_s: write seconds from 0 to 60"):
        check_seconds("wait_s", value)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    """What is no folder can hold no files."""
    for value in (5, str(tmp_path / "absent")):
        with pytest.raises(ConfigError, match="assets: write the path of a folder"):
            check_folder("assets", value)
