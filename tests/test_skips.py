"""A run that is to have every model and recording fails where one is missing (MODELS_REQUIRED), and no other does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ABSENT

ROOT = Path(__file__).parent.parent

ABSENT_THINGS = {
    "in a test": f"import pytest\ndef test_it():\n    pytest.skip('the model X is {ABSENT}')\n",
    "of a file": f"import pytest\npytest.skip('the model X is {ABSENT}', allow_module_level=True)\n",
    "by a mark": f"import pytest\n@pytest.mark.skipif(True, reason='the model X is {ABSENT}')\ndef test_it(): ...\n",
    "of a package": "import pytest\ndef test_it():\n    pytest.importorskip('no_such_package')\n",
}
ELSEWHERE = "import pytest\ndef test_it():\n    pytest.skip('this is not Linux')\n"
PASSING = "def test_another(): ...\n"


def run(folder: Path, test: str, *, required: bool) -> tuple[int, str]:
    """Run a file of tests beside one that passes; return the exit code and what was printed."""
    (folder / "test_one.py").write_text(test)
    (folder / "test_two.py").write_text(PASSING)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)} | ({"MODELS_REQUIRED": "1"} if required else {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("test", ABSENT_THINGS.values(), ids=ABSENT_THINGS)
def test_a_skip_for_want_of_something_fails_a_run_that_is_to_have_it(tmp_path: Path, test: str) -> None:
    """Told with its reason; anywhere else it is a skip."""
    code, printed = run(tmp_path, test, required=True)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "MODELS_REQUIRED, and these were skipped:" in printed
    assert run(tmp_path, test, required=False)[0] == pytest.ExitCode.OK


def test_a_skip_for_another_reason_is_one(tmp_path: Path) -> None:
    """Such as a system that has not what is tested."""
    assert run(tmp_path, ELSEWHERE, required=True)[0] == pytest.ExitCode.OK
