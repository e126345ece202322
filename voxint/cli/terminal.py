"""What a command writes to its terminal; it is written nowhere else, and none of it can command the terminal."""

from __future__ import annotations

import io
import sys
import threading
import traceback
from types import TracebackType
from typing import Any, TextIO

import click

from voxint.printable import printable, printable_lines

__all__ = ["Commands", "RunningLine", "ask_secret", "echo", "is_terminal", "note"]


def echo(text: object = "", *, nl: bool = True, err: bool = False, again: bool = False, **style: Any) -> None:
    """Write text, whoever wrote it: its line feeds and tabs are kept, other controls are spelt out.

    Args:
        text: What to write.
        nl: Whether the line ends behind it.
        err: Whether to standard error.
        again: Whether to write over the line that the cursor is in.
        **style: As `click.style` has it; without a terminal there is none.
    """
    shown = printable_lines(str(text))
    click.echo("\r" * again + (click.style(shown, **style) if style else shown), nl=nl, err=err)


def note(*lines: str) -> None:
    """Write lines beside the answer: dim, to standard error, and each of them one line whatever is in it."""
    for line in lines:
        click.echo(click.style(printable(line), dim=True), err=True)


class RunningLine:
    """A line on standard error that is written over and over; there is none where that is no terminal.

    Args:
        below_text: Whether text on standard output may stand in the middle of a line, where that is a terminal too.

    Attributes:
        works: Whether there is one.
    """

    def __init__(self, *, below_text: bool = False) -> None:
        self.works = is_terminal(sys.stderr)
        self._ends_text = below_text and is_terminal(sys.stdout)
        self._width = 0

    def show(self, words: str) -> None:
        """Write the line, below what stands there so far, or over itself."""
        if not self.works:
            return
        if not self._width and self._ends_text:
            echo(err=True)
        echo(printable(words).ljust(self._width), nl=False, err=True, again=True, dim=True)
        self._width = max(self._width, len(words))

    def clear(self) -> bool:
        """Take the line away; return whether the terminal's text ended a line for it."""
        if not self._width:
            return False
        echo(" " * self._width, nl=False, err=True, again=True)
        echo("", nl=False, err=True, again=True)
        self._width = 0
        return self._ends_text


def ask_secret(what: str) -> str:
    """Ask on standard error for a secret, twice, without showing it, and return it."""
    given: str = click.prompt(what, hide_input=True, confirmation_prompt=True, err=True)
    return given


class Commands(click.Group):
    """A group whose usage errors and tracebacks are printable, and whose output fits any terminal's encoding."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, as click does."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # an answer in Chinese must not end an ASCII terminal's
        sys.excepthook = _tell_bug
        threading.excepthook = lambda bug: _tell_bug(bug.exc_type, bug.exc_value, bug.exc_traceback)
        return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse what stands in front of the command."""
        try:
            return super().make_context(*args, **kwargs)
        except click.ClickException as error:
            raise _made_printable(error) from error.__cause__

    def invoke(self, ctx: click.Context) -> Any:
        """Parse the rest, and run the command."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            raise _made_printable(error) from error.__cause__


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether somebody looks at a stream."""
    return stream is not None and stream.isatty()  # None: it was closed by whoever started this process


def _made_printable(error: click.ClickException) -> click.ClickException:
    """Return a usage error, which may quote what a script was given by somebody, so that it can be shown."""
    words = error.format_message()
    if (shown := printable_lines(words)) == words:
        return error
    if isinstance(error, click.UsageError):
        return click.UsageError(shown, error.ctx)
    return click.ClickException(shown)


def _tell_bug(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Write a traceback as Python does; the words of an exception may be anybody's."""
    echo("".join(traceback.format_exception(kind, error, trace)), nl=False, err=True)
