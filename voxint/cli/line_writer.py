"""Lines on their way to a file descriptor that may not take them: whoever has one never waits.

A terminal that was stopped with Ctrl-S, a pipe that nobody reads, a log driver that hangs: a write to any of them
lasts as long as it pleases. So a thread of its own writes, from a bounded queue; what finds no room is dropped.
"""

from __future__ import annotations

import atexit
import io
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Iterable

__all__ = ["FLUSH_S", "LineLost", "LineWriter", "QueuedText"]

MOST_BYTES = 1 << 20
"""What may wait; ours: some four thousand lines, which a reader that is there takes in a few milliseconds."""

FLUSH_S = 0.5
"""Seconds that the end of the process waits for what is still to be written; ours: a reader that reads needs less."""

RETRY_S = 1.0
"""Seconds between two looks at a descriptor that is full and does not block, as a terminal may be set by others."""


class LineLost(Exception):
    """A line was not taken: too many wait already."""


class LineWriter:
    """Writes lines to a file descriptor from a thread of its own.

    Lines are written in their order and whole. Where one was torn, by a disk that is full in its middle, the next
    begins on a line of its own.

    Args:
        fd: Where they go.
        lost: Told, from the thread, of the lines that could not be written: how many. It must not raise.
        most_bytes: What may wait.
    """

    def __init__(self, fd: int, lost: Callable[[int], None], most_bytes: int = MOST_BYTES) -> None:
        self._fd = fd
        self._lost = lost
        self._most = most_bytes
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._idle = True
        self._torn = False
        self._in_vain = False

    def write(self, line: str) -> None:
        """Queue a line; never waits.

        Args:
            line: With its line end. What is not Unicode in it is replaced.

        Raises:
            LineLost: There is no room.
        """
        data = line.encode("utf-8", "backslashreplace")
        with self._changed:
            if self._size + len(data) > self._most:
                raise LineLost
            self._lines.append(data)
            self._size += len(data)
            if self._thread is None:
                # A daemon: a write that never returns must not keep the process alive.
                self._thread = threading.Thread(target=self._run, name=f"writer of fd {self._fd}", daemon=True)
                self._thread.start()
                atexit.register(self.flush)
            self._changed.notify_all()

    def flush(self, seconds: float = FLUSH_S) -> bool:
        """Wait until all is written, at most so long; return whether it is. Who was waited for in vain is not again."""
        with self._changed:
            limit = 0.0 if self._in_vain else seconds
            self._in_vain = not self._changed.wait_for(lambda: self._idle and not self._lines, limit)
            return not self._in_vain

    def _run(self) -> None:
        while True:
            with self._changed:
                self._idle = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._lines))
                lines = list(self._lines)
                self._idle = False
            self._write_all(lines)

    def _write_all(self, lines: list[bytes]) -> None:
        lost = 0
        for line in lines:
            lost += not self._written(line)
            with self._changed:
                self._lines.popleft()
                self._size -= len(line)
        if lost:
            self._lost(lost)

    def _written(self, line: bytes) -> bool:
        """Write a line, for as long as that takes; return whether it could be."""
        rest = memoryview(b"\n" + line if self._torn else line)
        began = False
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
                began = True
            except BlockingIOError:
                select.select([], [self._fd], [], RETRY_S)
            except OSError:  # the reader has gone, the disk is full: there is nowhere to tell it
                self._torn = self._torn or began
                return False
        self._torn = False
        return True


class QueuedText(io.TextIOBase):
    """A standard stream of this process whose writes go to a `LineWriter`: a `print` anywhere can't hold it up.

    What finds no room is dropped.
    """

    def __init__(self, writer: LineWriter, of: io.TextIOBase, lost: Callable[[int], None]) -> None:
        self._writer = writer
        self._of = of
        self._told_lost = lost

    @property
    def encoding(self) -> str:  # type: ignore[override]  # the base says str, and has it settable
        """UTF-8, whatever the terminal's: what is not in it can't be written anyhow."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]  # as `encoding`
        """What becomes of halves of characters: they are written as escapes."""
        return "backslashreplace"

    def fileno(self) -> int:
        """Return the descriptor of the stream that this one stands for."""
        return self._of.fileno()

    def isatty(self) -> bool:
        """Return whether that is a terminal."""
        return self._of.isatty()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Queue text, and return its length."""
        if not isinstance(text, str):
            raise TypeError(f"a text stream takes str, not {type(text).__name__}")
        if text:
            try:
                self._writer.write(text)
            except LineLost:
                self._told_lost(1)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]  # of a text stream
        """Queue several."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Do nothing: what is queued is on its way."""
