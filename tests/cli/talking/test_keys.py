from __future__ import annotations

import os
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
import trio
import trio.testing

from voxint.cli.talking.keys import has_keys, read_keys, single_keys, watch_signals


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal as standard input; gives the end at which a person types."""
    person, program = os.openpty()
    with closing(os.fdopen(program)) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield person
    os.close(person)


async def test_each_key_is_told_at_once(terminal: int) -> None:
    """Without a line end, and without being shown; what is no key of ours does no harm."""
    assert has_keys()
    pressed = ""

    def press(key: str) -> None:
        nonlocal pressed
        pressed += key
        if key == "q":
            nursery.cancel_scope.cancel()

    with single_keys(), trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_keys, press)
            os.write(terminal, " \xe9\x1b[Aq".encode())
    assert pressed == " \x1b[Aq"


def test_the_terminal_is_put_back_whatever_happens(terminal: int) -> None:
    """Its lines and its echo; meanwhile Ctrl-C still is a signal."""
    before = termios.tcgetattr(sys.stdin)
    with suppress(ZeroDivisionError), single_keys():
        now = termios.tcgetattr(sys.stdin)[3]
        assert not now & (termios.ICANON | termios.ECHO)
        assert now & termios.ISIG
        raise ZeroDivisionError
    assert termios.tcgetattr(sys.stdin) == before


def test_what_is_no_terminal_has_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe, or nothing at all."""
    with open(os.devnull) as null:
        monkeypatch.setattr(sys, "stdin", null)
        assert not has_keys()
    monkeypatch.setattr(sys, "stdin", None)
    assert not has_keys()


async def test_signals_that_end_programs_are_told() -> None:
    """Instead of leaving the terminal as it is."""
    told: list[signal.Signals] = []

    def tell(signum: signal.Signals) -> None:
        told.append(signum)
        if len(told) == 2:
            nursery.cancel_scope.cancel()
        else:
            signal.raise_signal(signal.SIGTERM)

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch_signals, tell)
            await trio.testing.wait_all_tasks_blocked()
            signal.raise_signal(signal.SIGINT)
    assert told == [signal.SIGINT, signal.SIGTERM]
