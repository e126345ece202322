"""A server in the test's own process, where leaks can be seen, and callers whose every frame is checked."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from itertools import count

import trio
from attrs import define, field

from voxint.client import Client, RemoteReply, connect
from voxint.core.agent import Agent
from voxint.core.settings import SettingsChange
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.server.quotas import Quotas
from voxint.server.serve import Server, serve
from voxint.testing.invariants import Checker

__all__ = [
    "ACK_WITHIN_S",
    "EVERYBODY",
    "Caller",
    "calling",
    "no_descriptor_left",
    "no_request_left",
    "request_tasks",
    "serving",
    "turns",
]

ACK_WITHIN_S = 1.0
"""The server's 250 ms, and what two busy cores may add to it: the client, the server and the tests share one thread."""

STOP_S = 10.0
"""`serve` has to return by then; it does so at once where nothing is left of any request."""

turns = count(1)
"""Every turn of the session has a number of its own, which the upstream's ledger knows it by."""


EVERYBODY = Quotas(
    busy_share=1,
    session_requests_per_minute=0,
    session_upstream_calls_per_minute=0,
    key_requests_per_minute=0,
    key_upstream_calls_per_minute=0,
)


@asynccontextmanager
async def serving(agent: Agent, config: ServerConfig | None = None) -> AsyncIterator[Server]:
    """Serve while the block runs, then shut down; `serve` returns only when no task of any request is left.

    Everybody is served, however often they ask and however busy the machine is: other tests may run on it.
    """
    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve, quotas=EVERYBODY), agent, config or ServerConfig(port=0, drain_s=0))
        yield server
        server.shut_down()
        nursery.cancel_scope.deadline = trio.current_time() + STOP_S
    assert not nursery.cancel_scope.cancelled_caught, "the server could not stop: a task is left"


@define(eq=False)
class Caller:
    """A client, and what its connection promised.

    Attributes:
        client: It.
        checker: Looks at every frame.
        frames: Every frame with the instant it was read, on CLOCK_MONOTONIC as the upstream's ledger.
        more: Where tasks wait for frames.
    """

    checker: Checker = field(factory=lambda: Checker(ACK_WITHIN_S))
    frames: list[tuple[float, m.ServerMessage]] = field(factory=list)
    more: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)
    client: Client = field(init=False)

    def heard(self, message: m.ServerMessage, now: float) -> None:
        """Take a frame."""
        self.checker.received(message, now)
        self.frames.append((time.monotonic(), message))
        self.more.unpark_all()

    async def ask(self, request_id: str, text: str, *, require_tts: bool | None = None) -> RemoteReply:
        """Ask in text."""
        patch = SettingsChange(require_tts=require_tts)
        content = m.Content(text=text)
        self.checker.sent(
            m.RequestMessage(request_id=request_id, data_type="TEXT", content=content, patch=patch), _now()
        )
        return await self.client.send_text(text, request_id=request_id, require_tts=require_tts)

    async def interrupt(
        self,
        request_id: str | None,
        reason: str = "USER_STOP",
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> m.InterruptAck:
        """Interrupt; with `nursery.start`, started in the step in which the INTERRUPT is queued."""
        self.checker.sent(m.Interrupt(interrupt_request_id=request_id, reason=reason), _now())
        task_status.started()
        return await self.client.interrupt(request_id, reason=reason)

    async def frame(self, number: int, of: str) -> bool:
        """Wait until so many frames of a request were read; return whether it had not ended by then."""
        while True:
            seen = self.frames_of(of)
            if len(seen) >= number or self.ended(of):
                return not self.ended(of)
            await self.more.park()

    def frames_of(self, request_id: str) -> list[m.Response]:
        """Return the RESPONSEs of a request."""
        return [frame for _, frame in self.frames if isinstance(frame, m.Response) and frame.request_id == request_id]

    def ended(self, request_id: str) -> bool:
        """Return whether its last frame was read."""
        return any(frame.text_stream_seq == -1 for frame in self.frames_of(request_id)) or any(
            isinstance(frame, m.Error) and frame.request_id == request_id for _, frame in self.frames
        )

    def last_ack(self) -> m.InterruptAck:
        """Return the latest acknowledgement."""
        return next(frame for _, frame in reversed(self.frames) if isinstance(frame, m.InterruptAck))

    def read_at(self, message: m.ServerMessage) -> float:
        """Return when this frame was read, on CLOCK_MONOTONIC."""
        return next(at for at, frame in self.frames if frame is message)


@asynccontextmanager
async def calling(url: str, *, require_tts: bool = True, features: tuple[str, ...] = ()) -> AsyncIterator[Caller]:
    """Connect a caller; at the end of the block every promise must have been kept, and nothing be owed."""
    caller = Caller()
    caller.checker.sent(
        m.Register(auth=m.Auth(type="API_KEY", api_key=""), patch=SettingsChange(require_tts=require_tts)), _now()
    )
    async with connect(url, require_tts=require_tts, features=features, on_frame=caller.heard) as caller.client:
        yield caller
    caller.checker.settled()
    assert [str(broken) for broken in caller.checker.violations] == []


def _now() -> float:
    return trio.current_time()


def request_tasks() -> list[str]:
    """Return the names of all tasks that do a request's work: with nothing live there are none."""
    found = []
    todo = [trio.lowlevel.current_root_task()]
    while todo:
        task = todo.pop()
        if task is None:
            continue
        if task.name.startswith(("request ", "guard of ", "tts of ", "pacing of ")):
            found.append(task.name)
        todo += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return found


async def no_request_left() -> None:
    """Wait, not for long, until no task does a request's work: a guard ends a step after the last frame was read."""
    with trio.fail_after(2):
        while request_tasks():  # noqa: ASYNC110 - requests have no event for those who don't know them
            await trio.sleep(0.005)


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Assert that the block leaves no file descriptor open that it opened. It has to close its server and client."""
    before = _descriptors()
    yield
    after = _descriptors()
    assert after - before == Counter(), "file descriptors are left open"


def _descriptors() -> Counter[str]:
    kinds: Counter[str] = Counter()
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the one that lists the folder
            kinds[os.readlink(f"/proc/self/fd/{name}").partition(":")[0]] += 1
    return kinds
