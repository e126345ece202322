"""Lines to a descriptor that takes them, takes them late, or does not."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from voxint.cli.line_writer import LineLost, LineWriter, QueuedText


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """Give both ends of a pipe."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def test_lines_come_in_order_and_whole() -> None:
    """Also those that were queued while another was being written."""
    lost: list[int] = []
    with pipe() as (reader, end):
        writer = LineWriter(end, lost.append)
        for number in range(1000):
            writer.write(f"{number}\n")
        assert writer.flush(10)
        assert os.read(reader, 100_000).decode().split() == [str(number) for number in range(1000)]
    assert lost == []


def test_who_writes_to_a_reader_that_does_not_read_never_waits() -> None:
    """What finds no room is refused, what waits goes out when the reader reads, and the end waits in vain once."""
    with pipe() as (reader, end):
        writer = LineWriter(end, lambda lines: None, most_bytes=200_000)
        writer.write("x" * 150_000 + "\n")
        with pytest.raises(LineLost):
            writer.write("x" * 99_999 + "\n")
        assert not writer.flush(0.05)
        read = 0
        while read < 150_001:
            read += len(os.read(reader, 65_536))
        writer.write("one more\n")
        assert os.read(reader, 100).endswith(b"one more\n")


def test_a_line_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs the lines, and what is torn does not spoil the next one."""
    lost: list[int] = []
    told = threading.Event()

    def note(lines: int) -> None:
        lost.append(lines)
        told.set()

    written: list[bytes] = []
    outcomes = iter([3, OSError(errno.ENOSPC, "full"), None])

    def write(fd: int, data: memoryview) -> int:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        written.append(bytes(data[:outcome]))
        return len(written[-1])

    monkeypatch.setattr(os, "write", write)
    writer = LineWriter(-1, note)
    writer.write('{"one": 1}\n')
    assert told.wait(10)
    writer.write('{"two": 2}\n')
    assert writer.flush(10)
    assert (lost, b"".join(written)) == ([1], b'{"o\n{"two": 2}\n')


def test_a_standard_stream_never_waits_nor_raises() -> None:
    """Halves of characters are written as escapes; what finds no room is counted."""
    lost: list[int] = []
    with pipe() as (reader, end), open(end, "w", closefd=False) as of:
        writer = LineWriter(end, lost.append, most_bytes=100)
        stream = QueuedText(writer, of, lost.append)
        print("语\udc80", file=stream)
        assert writer.flush(10)
        assert os.read(reader, 100).decode() == "语\\udc80\n"
        for _ in range(100):
            stream.write("x" * 60)
        assert sum(lost) > 50
        assert (stream.fileno(), stream.isatty(), stream.encoding) == (end, False, "utf-8")
