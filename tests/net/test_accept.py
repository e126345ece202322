"""Taking connections in where the system has no file descriptor left."""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from typing import cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from voxint.net.accept import accept_connections


class _Queue:
    """Stands for a listener: answers as scripted, then waits for good."""

    def __init__(self, *answers: OSError | trio.SocketStream) -> None:
        self._answers = deque(answers)

    async def __aenter__(self) -> _Queue:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def accept(self) -> trio.SocketStream:
        await trio.lowlevel.checkpoint()
        if not self._answers:
            await trio.sleep_forever()
        answer = self._answers.popleft()
        if isinstance(answer, OSError):
            raise answer
        return answer


def _newcomer() -> tuple[trio.SocketStream, socket.socket]:
    theirs, ours = socket.socketpair()
    ours.setblocking(False)
    return trio.SocketStream(trio.socket.from_stdlib_socket(ours)), theirs


async def _served(*answers: OSError | trio.SocketStream) -> tuple[list[trio.SocketStream], int]:
    """Return who was served, and how many were closed at once."""
    served: list[trio.SocketStream] = []
    refused: list[None] = []

    async def serve(stream: trio.SocketStream) -> None:
        served.append(stream)
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            accept_connections,
            cast("trio.SocketListener", _Queue(*answers)),
            serve,
            nursery,
            lambda: None,
            lambda: refused.append(None),
        )
        await wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()
    return served, len(refused)


async def test_who_comes_when_one_is_free_again_is_served() -> None:
    """Linux says that none is left also while nobody waits; whoever then comes after somebody has left is let in."""
    stream, theirs = _newcomer()
    with theirs:
        assert await _served(OSError(errno.EMFILE, "too many"), stream) == ([stream], 0)


async def test_who_comes_while_none_is_free_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reserve that it was taken in with can't be held again: nobody has left."""
    opened = os.open
    reserves: list[int] = []

    def open_one(path: str, flags: int) -> int:
        if reserves:
            raise OSError(errno.EMFILE, "too many")
        reserves.append(opened(path, flags))
        return reserves[-1]

    monkeypatch.setattr("voxint.net.accept.os.open", open_one)
    stream, theirs = _newcomer()
    with theirs:
        assert await _served(OSError(errno.EMFILE, "too many"), stream) == ([], 1)
        assert theirs.recv(1) == b""
