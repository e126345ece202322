"""The command, as far as it needs no voices."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from bench.bargein.command import bargein
from bench.bargein.figures import Kept
from bench.bargein.systems import PLACES, system
from bench.machine import machine


def test_a_run_is_printed_and_drawn_again(tmp_path: Path) -> None:
    """From its results alone, beside them."""
    results = tmp_path / "results.json"
    results.write_bytes(msgspec.json.encode(Kept("2026-11-30T12:00:00+00:00", "abc", machine(), 12, 7, ["en"])))
    done = CliRunner().invoke(bargein, ["--report", str(results)])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize("option", ["--systems", "--languages"])
def test_a_name_that_is_none_is_told(option: str) -> None:
    """Before anything is synthesised, with those that there are."""
    done = CliRunner().invoke(bargein, [option, "en,somebody"])
    assert done.exit_code == 2
    assert "no such name" in done.output
    assert "somebody" in done.output


@pytest.mark.parametrize("name", sorted(PLACES))
def test_every_system_is_there(name: str) -> None:
    """Each bears its name, says how it is used, and can be asked for its packages' versions."""
    found = system(name)
    assert found.name == name
    assert len(found.notes) > 40
    assert isinstance(found.versions(), dict)
