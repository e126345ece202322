"""Run a command, and tell a person in one line what went wrong: a traceback is for bugs."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn

import trio

from voxint.cli.terminal import echo
from voxint.errors import ConfigError, Disconnected, VoxintError
from voxint.logs import leaves
from voxint.printable import printable

__all__ = ["BAD_CONFIG", "FAILED", "QUIT", "run", "tell", "told_failure"]

FAILED = 1
"""Exit code: the command did not work."""

BAD_CONFIG = 2
"""Exit code: a flag, a variable or a line of the configuration is wrong; click's own for usage errors."""

QUIT = 130
"""Exit code: ended by Ctrl-C, as shells count it."""


def run(main: Callable[[], Awaitable[int | None]]) -> NoReturn:
    """Run `main` on trio and exit with the code it returns, None being success.

    An error of the operator's, of a provider's or of the system's is one line on standard error.
    """
    code: int | None = FAILED
    try:
        code = trio.run(main)
    except* KeyboardInterrupt:
        code = QUIT
    except* BrokenPipeError:
        # Whoever read our output has left, as `head` does; nor shall the interpreter try to flush what is left of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except* (VoxintError, OSError) as group:
        code, _ = told_failure(group)
    sys.exit(code)


def told_failure(error: BaseException) -> tuple[int, BaseException | None]:
    """Tell a person, in a line each, the errors that are not bugs; return the exit code, and the others."""
    known, rest = BaseExceptionGroup("", [error]).split((VoxintError, OSError))
    errors = [] if known is None else list(leaves(known))
    for each in errors:
        words = each.message if isinstance(each, Disconnected) else str(each)
        tell(words)
    return BAD_CONFIG if any(isinstance(each, ConfigError) for each in errors) else FAILED, rest


def tell(words: str) -> None:
    """Write the one line that says why a command did not work, whoever's words are in it."""
    echo(printable(f"voxint: {words}"), err=True)
