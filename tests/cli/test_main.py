"""`python -m voxint` is the command `voxint`, and `voxint` completes its words in a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.process import run_cli
from tests.docs.pages import ROOT, blocks
from voxint import __version__


async def test_python_m_voxint_is_the_command(tmp_path: Path) -> None:
    """With all that it can do; what it calls itself is what was typed, and what can be typed again."""
    helped = await run_cli("--help", cwd=tmp_path)
    assert helped.code == 0
    assert helped.out.startswith("Usage: python -m voxint [OPTIONS] COMMAND [ARGS]...\n")
    for command in ("demo", "say", "serve", "check", "keys", "bench", "sim"):
        assert f"\n  {command} " in helped.out
    wrong = await run_cli("sya", cwd=tmp_path)
    assert wrong.code == 2
    assert wrong.err.startswith("Usage: python -m voxint [OPTIONS] COMMAND [ARGS]...\nTry 'python -m voxint --help'")


async def test_the_version_is_told(tmp_path: Path) -> None:
    """By the program's name, however it was called."""
    done = await run_cli("--version", cwd=tmp_path)
    assert (done.code, done.out) == (0, f"voxint {__version__}\n")


AS_INSTALLED = "from voxint.cli import main; main(prog_name='voxint')"
"""What the installed command does."""


def complete(**variables: str) -> str:
    """Return what the command says to a shell that asks with these variables."""
    done = subprocess.run(
        [sys.executable, "-c", AS_INSTALLED], env=os.environ | variables, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(("shell", "begins"), [
    ("bash", "_voxint_completion() {"),
    ("zsh", "#compdef voxint"),
    ("fish", "function _voxint_completion;"),
])  # fmt: skip
def test_the_page_says_how_a_shell_completes_the_command(shell: str, begins: str) -> None:
    """It prints a script for the shell, by the variable that the page has; the script asks the command again."""
    page = ROOT / "docs" / "reference" / "cli.md"
    assert any(f"_VOXINT_COMPLETE={shell}_source voxint" in block.code for block in blocks(page))
    script = complete(_VOXINT_COMPLETE=f"{shell}_source")
    assert begins in script
    assert f"_VOXINT_COMPLETE={shell}_complete" in script


def test_commands_and_options_are_completed() -> None:
    """As a shell asks for them while somebody types."""
    asked = {"_VOXINT_COMPLETE": "bash_complete"}
    said = complete(**asked, COMP_WORDS="voxint s", COMP_CWORD="1")
    assert said.split() == ["plain,say", "plain,serve", "plain,sim"]
    said = complete(**asked, COMP_WORDS="voxint say --int", COMP_CWORD="2")
    assert said.split() == ["plain,--interrupt-after"]
