"""Which line of a traceback or a stack its author can change: neither voxint's, nor Python's, nor a library's.

An exception of a stage was often raised deep in a library, and a loop is held up by a call of Python's; the line that
helps is the one of the stage that led there.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from itertools import dropwhile
from types import CodeType, FrameType

import outcome
import trio
from attrs import frozen

__all__ = ["CodeLine", "line_of_error", "line_of_stack", "line_of_thread"]

OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
STAGES = os.path.join(OURS, "providers") + os.sep
INSTALLED = tuple({sysconfig.get_path(kind) + os.sep for kind in ("purelib", "platlib")})
PYTHONS = tuple({sysconfig.get_path(kind) + os.sep for kind in ("stdlib", "platstdlib")})
RUNNER = os.path.dirname(os.path.abspath(trio.__file__)) + os.sep
RUNTIME = (OURS, RUNNER, os.path.dirname(os.path.abspath(outcome.__file__)) + os.sep)
"""What runs stages, and is never to blame for what they do."""
NOWHERE = ("<frozen ", "<attrs ")
"""What there is no file of: nobody can look it up, whoever called it."""


@frozen
class CodeLine:
    """A line of code, told without the value of any variable.

    Attributes:
        file: Its file, as Python knows it.
        line: Counted from 1.
        function: The function that it stands in.
    """

    file: str
    line: int
    function: str

    @property
    def ours(self) -> bool:
        """Whether it is voxint's own, and not one of its providers'."""
        return self.file.startswith(OURS) and not self.file.startswith(STAGES)

    @property
    def place(self) -> str:
        """The file, as short as it can be found by, and the line: `stages/blocky.py:16`."""
        roots = sorted((os.path.join(os.path.abspath(root), "") for root in ("", *sys.path)), key=len, reverse=True)
        shortest = next((self.file.removeprefix(root) for root in roots if self.file.startswith(root)), self.file)
        return f"{shortest}:{self.line}"


def line_of_error(error: BaseException) -> CodeLine | None:
    """Return the line of the author's that `error` went through last; None where it was never raised."""
    return _authors(_line(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__))


def line_of_stack(innermost: FrameType | None) -> CodeLine | None:
    """Return the line of the author's that a stack stands in; None where there is no stack.

    What called the event loop is not looked at: the program's `trio.run` stands behind every task.
    """
    lines = [_line(frame.f_code, line) for frame, line in traceback.walk_stack(innermost)] if innermost else []
    lines.reverse()
    loop = next((at for at, line in enumerate(lines) if line.file.startswith(RUNNER)), -1)
    return _authors(dropwhile(lambda line: line.file.startswith(RUNNER), lines[loop + 1 :]))


def line_of_thread(thread_id: int) -> CodeLine | None:
    """Return the line of its author's in which a thread is; None where it is in the event loop itself, or has ended."""
    return line_of_stack(sys._current_frames().get(thread_id))  # documented, and the only way to see another thread's


def _line(code: CodeType, line: int) -> CodeLine:
    return CodeLine(code.co_filename, line, code.co_qualname)


def _authors(outermost_first: Iterable[CodeLine]) -> CodeLine | None:
    """Choose: the innermost line of a program; else where a package was entered; else where a stage of ours was."""
    lines = [line for line in outermost_first if not line.file.startswith(NOWHERE)]
    for line in reversed(lines):
        if _is_a_programs(line.file):
            return line
    for line in lines:
        if line.file.startswith(STAGES) or (line.file.startswith(INSTALLED) and not line.file.startswith(RUNTIME)):
            return line
    return lines[-1] if lines else None


def _is_a_programs(file: str) -> bool:
    return not file.startswith((*INSTALLED, *PYTHONS, *RUNTIME))
