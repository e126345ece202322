"""`python -m voxint` is the command `voxint`, and `voxint` completes its words in a shell."""

from __future__ import annotations

from pathlib import Path

from tests.cli.process import run_cli
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
