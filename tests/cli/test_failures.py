"""What a person is told of an error that is no bug, and the exit code."""

from __future__ import annotations

import errno

import pytest

from voxint.cli.failures import BAD_CONFIG, FAILED, told_failure
from voxint.errors import ConfigError, Disconnected


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("voxint.toml: [server] port", "write a whole number"), BAD_CONFIG,
         "voxint: voxint.toml: [server] port: write a whole number"),
        (Disconnected("DISCONNECTED", "ws://h: it is down"), FAILED, "voxint: ws://h: it is down"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a.wav"), FAILED,
         "voxint: a.wav: No such file or directory"),
        (OSError(errno.ENOSPC, "No space left on device"), FAILED,
         "voxint: the system refused something: No space left on device"),
        (OSError("127.0.0.1 port 1 is taken"), FAILED, "voxint: 127.0.0.1 port 1 is taken"),
    ],
)  # fmt: skip
def test_an_error_is_one_line_without_a_number(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int, line: str
) -> None:
    """Of the system's error its words, and where; no code that only a program reads."""
    told, rest = told_failure(ExceptionGroup("", [error]))
    assert (told, rest) == (code, None)
    assert capsys.readouterr().err == f"{line}\n"
