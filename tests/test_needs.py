"""A run that is to have everything fails where a test was skipped for want of something that a machine may have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.needs import ABSENT, missing

IN_A_TEST = """
from tests.needs import missing, skip_for

def test_it():
    skip_for(missing(files=[__import__("pathlib").Path("/nowhere/at all")], debian="nothing-at-all"))
"""
BY_A_MARK = """
from tests.needs import missing, needs

@needs(missing(packages=["no_such_package"]))
def test_it():
    pass
"""
A_WHOLE_FILE = """
import pytest

pytest.skip("the model Nobody is not on this machine", allow_module_level=True)
"""
OTHERWISE = """
import pytest

@pytest.mark.skipif(True, reason="reads /proc")
def test_it():
    pass
"""
NOT_AT_ALL = """
from tests.needs import missing, needs

@needs(missing(packages=["pytest"]))
def test_it():
    pass
"""


def run(folder: Path, test: str, required: str) -> tuple[int, str]:
    """Run a test with the hooks of `tests/conftest.py`, and return its exit status and what it printed."""
    (folder / "test_it.py").write_text(test)
    (folder / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", folder / "pytest.ini", folder / "test_it.py"],
        cwd=ROOT,
        env=os.environ | {"MODELS_REQUIRED": required},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("test", "told"),
    [
        (IN_A_TEST, "test_it.py::test_it: Skipped: /nowhere/at all (Debian: nothing-at-all): not on this machine"),
        (BY_A_MARK, "test_it.py::test_it: Skipped: the package no_such_package: not on this machine"),
        (A_WHOLE_FILE, "test_it.py: Skipped: the model Nobody is not on this machine"),
    ],
    ids=["in a test", "by a mark", "a whole file"],
)
def test_what_is_missing_fails_a_run_that_is_to_have_it(tmp_path: Path, test: str, told: str) -> None:
    """However it was skipped, it is listed with what is missing; where nothing is required, it is a skip."""
    status, printed = run(tmp_path, test, "1")
    assert status == 1, printed
    assert "MODELS_REQUIRED, and these were skipped:" in printed
    assert told in printed
    status, printed = run(tmp_path, test, "")
    assert status in (0, pytest.ExitCode.NO_TESTS_COLLECTED), printed
    assert "MODELS_REQUIRED" not in printed


@pytest.mark.parametrize(("test", "outcome"), [(OTHERWISE, "1 skipped"), (NOT_AT_ALL, "1 passed")])
def test_nothing_else_does(tmp_path: Path, test: str, outcome: str) -> None:
    """Neither a skip for another reason, nor a test that has all it needs."""
    status, printed = run(tmp_path, test, "1")
    assert status == 0, printed
    assert outcome in printed


def test_all_that_is_missing_is_named() -> None:
    """In one reason, which ends as the hook looks for it; where nothing is missing there is none."""
    reason = missing(
        packages=["pytest", "no_such_package"],
        files=[Path("/"), Path("/nowhere")],
        libraries=["no-such-library"],
        debian="some-package",
    )
    named = "the package no_such_package, /nowhere, the library no-such-library (Debian: some-package)"
    assert reason == f"{named}: {ABSENT}"
    assert missing(packages=["pytest"], assets=[], files=[Path("/")]) == ""
