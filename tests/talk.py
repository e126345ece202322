"""A client that talks to a server's `Connection` without a socket, in virtual time, and checks every frame it reads.

What it reads, the server's own writer has written.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from voxint.core.agent import Agent
from voxint.core.failure import Stage
from voxint.core.observer import NoObserver, Observer
from voxint.core.request import Request
from voxint.core.settings import SettingsChange
from voxint.logs import leaves
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_server, encode_client
from voxint.server.config import ServerConfig
from voxint.server.connection import Connection
from voxint.server.host import Host
from voxint.server.writer import Writer
from voxint.testing.invariants import Checker

__all__ = ["OPEN", "SPOKEN", "WRITTEN", "Book", "Talk", "open_talk", "talk_with"]

OPEN = m.Auth(type="API_KEY", api_key="any")
UNCHANGED = SettingsChange()
WRITTEN = SettingsChange(require_tts=False)
SPOKEN = SettingsChange(require_tts=True)


@define
class Book(NoObserver):
    """An observer that writes down what it is told."""

    accepted_ids: list[str] = field(factory=list)
    finished_requests: list[Request] = field(factory=list)
    reaped_ids: list[str] = field(factory=list)
    cleanup_failures: list[tuple[str, str | None, str]] = field(factory=list)

    def accepted(self, request: Request) -> None:
        """Write down the id."""
        self.accepted_ids.append(request.id)

    def finished(self, request: Request) -> None:
        """Write down the request."""
        self.finished_requests.append(request)

    def reaped(self, request: Request) -> None:
        """Write down the id."""
        self.reaped_ids.append(request.id)

    def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
        """Write down the id, the stage and what was raised."""
        self.cleanup_failures += [(request.id, stage, type(leaf).__name__) for leaf in leaves(error)]


class Talk:
    """One client: what it says goes in at once, what it reads is noted with its time.

    Attributes:
        frames: Every frame read, with the instant at which it was.
        book: What the observer heard.
    """

    def __init__(self, agent: Agent, home: trio.Nursery, readers: trio.Nursery, config: ServerConfig) -> None:
        self.book = Book()
        observer: Observer = self.book
        self.home = home
        self.host = Host(agent, config, home, observer)
        self.connection = Connection(self.host)
        self.checker = Checker(agent.limits.interrupt_s)
        self.frames: list[tuple[float, m.ServerMessage]] = []
        self.reading = trio.CancelScope()
        self._readers = readers

    # What it says.

    def say(self, message: m.ClientMessage) -> None:
        """Send a message."""
        session = self.connection.session
        self.checker.sent(message, trio.current_time())
        self.connection.receive(encode_client(message, session.id if session else None, 0))

    def register(self, patch: SettingsChange = WRITTEN, *, features: tuple[str, ...] = ()) -> None:
        """Open the session."""
        self.say(m.Register(auth=OPEN, features=features, patch=patch))

    def ask(self, request_id: str, text: str = "Hello?", patch: SettingsChange = UNCHANGED) -> None:
        """Ask in text."""
        self.say(m.RequestMessage(request_id=request_id, data_type="TEXT", content=m.Content(text=text), patch=patch))

    def begin(self, request_id: str) -> None:
        """Begin a voice upload."""
        content = m.Content(voice_mode="BINARY", audio_format="pcm")
        self.say(m.RequestMessage(request_id=request_id, data_type="VOICE", stream_flag=True, content=content))

    def speak(self, seconds: float) -> None:
        """Send microphone audio of so many seconds, at 16 kHz."""
        self.connection.receive(bytes(2 * int(seconds * 16_000)))

    def end(self, request_id: str) -> None:
        """End the voice upload."""
        self.say(m.RequestMessage(request_id=request_id, data_type="VOICE", stream_flag=True, stream_seq=-1))

    def interrupt(self, request_id: str | None = None, played_ms: float | None = None) -> None:
        """Interrupt one request, or all."""
        self.say(m.Interrupt(interrupt_request_id=request_id, reason="USER_STOP", played_ms=played_ms))

    # What it reads.

    def stop_reading(self) -> None:
        """Read nothing more, like a client whose network is gone."""
        self.connection.listener.send_now = None
        self.reading.cancel()

    def read_on(self) -> None:
        """Read from now on."""
        self.reading = trio.CancelScope()
        self._readers.start_soon(self._read, self.reading)

    async def _read(self, reading: trio.CancelScope) -> None:
        with reading:
            await Writer(self.connection, self).run()

    def send_now(self, *messages: str | bytes) -> bool:
        """Read what the server's writer sends."""
        for frame in messages:
            message = decode_server(frame)
            self.checker.received(message, trio.current_time())
            self.frames.append((trio.current_time(), message))
        return True

    async def send_message(self, message: str | bytes) -> None:
        """Read a message."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self.send_now(message)

    async def flush(self) -> None:
        """Do nothing: all was read."""
        await trio.lowlevel.checkpoint()

    def frames_of(self, request_id: str) -> list[m.Response]:
        """Return the RESPONSEs of a request."""
        return [frame for _, frame in self.frames if isinstance(frame, m.Response) and frame.request_id == request_id]

    def text_of(self, request_id: str) -> str:
        """Return the text of a request."""
        return "".join(frame.text or "" for frame in self.frames_of(request_id))

    def ended_at(self, request_id: str) -> float | None:
        """Return when a request's last frame was read: its final, or its ERROR."""
        for at, frame in self.frames:
            if isinstance(frame, m.Response) and frame.request_id == request_id and frame.text_stream_seq == -1:
                return at
            if isinstance(frame, m.Error) and frame.request_id == request_id:
                return at
        return None

    @property
    def acks(self) -> list[m.InterruptAck]:
        """The acknowledgements read."""
        return [frame for _, frame in self.frames if isinstance(frame, m.InterruptAck)]

    @property
    def errors(self) -> list[m.Error]:
        """The errors read."""
        return [frame for _, frame in self.frames if isinstance(frame, m.Error)]

    @property
    def history(self) -> list[tuple[str, str, str | None]]:
        """The conversation: the user's words, the reply, how it ended."""
        session = self.connection.session
        assert session is not None
        return [(exchange.user, exchange.reply, exchange.ending) for exchange in session.dialogue]


@asynccontextmanager
async def open_talk(agent: Agent, config: ServerConfig = ServerConfig()) -> AsyncGenerator[Talk]:
    """Connect a client; at the end no promise may be broken and no task be left."""
    async with trio.open_nursery() as readers, trio.open_nursery() as home:
        talk = Talk(agent, home, readers, config)
        talk.read_on()
        yield talk
        await wait_all_tasks_blocked()
        talk.stop_reading()
        talk.connection.lost()
        await wait_all_tasks_blocked()
        assert not home.child_tasks, "a request left a task behind"
        assert talk.checker.violations == []


@asynccontextmanager
async def talk_with(
    agent: Agent, patch: SettingsChange = WRITTEN, *, features: tuple[str, ...] = ()
) -> AsyncGenerator[Talk]:
    """Connect a client that has registered."""
    async with open_talk(agent) as talk:
        talk.register(patch, features=features)
        yield talk
