"""A client that talks to a server's `Connection` without a socket, in virtual time, and checks every frame it reads.

What it reads, the server's own writer has written.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from voxint.core.agent import Agent
from voxint.core.failure import Stage
from voxint.core.observer import NoObserver, Observer
from voxint.core.request import Request
from voxint.core.settings import OnDisconnect, SettingsChange
from voxint.logs import leaves
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_server, encode_client
from voxint.server.config import ServerConfig
from voxint.server.connection import Connection
from voxint.server.endpoint import turn_away
from voxint.server.host import Host
from voxint.server.keyring import Keyring
from voxint.server.meter import Meter
from voxint.server.passwords import Passwords, matches_hash
from voxint.server.quotas import Quotas
from voxint.server.telemetry import Telemetry
from voxint.server.writer import Writer
from voxint.testing.invariants import Checker

__all__ = ["OPEN", "SPOKEN", "WRITTEN", "Book", "Place", "Talk", "open_place", "open_talk", "talk_with"]

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


class NowPasswords(Passwords):
    """Verifies in the step in which it is asked: threads know nothing of virtual time."""

    async def _verified(self, hashed: str, given: bytes) -> bool:
        await trio.lowlevel.checkpoint()
        return matches_hash(hashed, given)


class Talk:
    """One client: what it says goes in at once, what it reads is noted with its time.

    Attributes:
        host: The server.
        frames: Every frame read, with the instant at which it was.
        raw: The same frames as they came.
        reads: How many frames it still reads before its network is gone, and the server does not know; None: all.
        book: What the observer heard.
    """

    def __init__(self, host: Host, book: Book, readers: trio.Nursery, address: str = "") -> None:
        self.book = book
        self.host = host
        self.connection = Connection(host, address=address)
        self.checker = Checker(host.agent.limits.interrupt_s)
        self.frames: list[tuple[float, m.ServerMessage]] = []
        self.raw: list[str | bytes] = []
        self.reads: int | None = None
        self.reading = trio.CancelScope()
        self._more = trio.lowlevel.ParkingLot()
        self._readers = readers

    # What it says.

    def say(self, message: m.ClientMessage) -> None:
        """Send a message."""
        session = self.connection.session
        self.checker.sent(message, trio.current_time())
        was_verifying = self.connection.entrance.verifying
        self.connection.receive(encode_client(message, session.id if session else None, 0))
        if self.connection.entrance.verifying is not was_verifying:
            self._readers.start_soon(self._finish_register)
        self._expect_refusal()

    async def _finish_register(self) -> None:
        await self.connection.finish_register()
        self._expect_refusal()

    def _expect_refusal(self) -> None:
        """Have a wrong key answered in its time, as the endpoint does."""
        if self.connection.entrance.turned_away is not None and self.connection.closing is None:
            self._readers.start_soon(turn_away, self.connection)

    def register(
        self,
        patch: SettingsChange = WRITTEN,
        *,
        features: tuple[str, ...] = (),
        resume: m.Resume | None = None,
        on_disconnect: OnDisconnect = "interrupt",
        auth: m.Auth = OPEN,
    ) -> None:
        """Open a session, or go on with one."""
        self.say(m.Register(auth=auth, features=features, patch=patch, resume=resume, on_disconnect=on_disconnect))

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
            if self.reads == 0:
                continue  # on its way, and lost
            if self.reads is not None:
                self.reads -= 1
            message = decode_server(frame)
            self.checker.received(message, trio.current_time())
            self.frames.append((trio.current_time(), message))
            self.raw.append(frame)
        self._more.unpark_all()
        return True

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until what was read makes `condition` true."""
        with trio.fail_after(seconds):
            while not condition():
                await self._more.park()

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
    def registered(self) -> m.RegisterAck:
        """The REGISTER_ACK."""
        [ack] = [frame for _, frame in self.frames if isinstance(frame, m.RegisterAck)]
        return ack

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


@define
class Place:
    """A server that any number of clients can come to.

    Attributes:
        host: The server.
        book: What its observer heard.
        telemetry: What is counted, where there are quotas.
        talks: All who have come, in that order.
        busy: What share of the time its loop is taken to be at work, 0 to 1.
    """

    host: Host
    book: Book
    telemetry: Telemetry
    talks: list[Talk] = field(factory=list)
    busy: float = 0.0
    _readers: trio.Nursery = field(kw_only=True)

    def join(self, address: str = "") -> Talk:
        """Connect a client, from some address."""
        talk = Talk(self.host, self.book, self._readers, address)
        talk.read_on()
        self.talks.append(talk)
        return talk


@asynccontextmanager
async def open_place(
    agent: Agent, config: ServerConfig = ServerConfig(), quotas: Quotas | None = None
) -> AsyncGenerator[Place]:
    """Open a server; at the end no client may have met a broken promise, and no task be left.

    With `quotas` it counts what callers have; a test says how busy its loop is in `busy`.
    """
    async with trio.open_nursery() as readers, trio.open_nursery() as home, trio.open_nursery() as keeping:
        book = Book()
        keyring = Keyring(config, NowPasswords(config.accounts))
        telemetry = Telemetry(book)
        observer: Observer = book if quotas is None else telemetry
        meter = None
        if quotas is not None:
            meter = Meter(
                quotas,
                config.max_connections,
                several=lambda: keyring.several,
                busy=lambda: place.busy,
                refused=telemetry.refused,
            )
            telemetry.meter = meter
        place = Place(Host(agent, config, home, observer, keyring, meter=meter), book, telemetry, readers=readers)
        until = trio.CancelScope()
        keeping.start_soon(place.host.store.run, until)
        yield place
        await wait_all_tasks_blocked()
        for talk in place.talks:
            talk.stop_reading()
            talk.connection.lost()
        for session in place.host.store.sessions:
            session.close("the test has ended")
        await wait_all_tasks_blocked()
        until.cancel()
        assert not home.child_tasks, "a request left a task behind"
        broken = [str(violation) for talk in place.talks for violation in talk.checker.violations]
        assert not broken, broken


@asynccontextmanager
async def open_talk(agent: Agent, config: ServerConfig = ServerConfig()) -> AsyncGenerator[Talk]:
    """Connect a client; at the end no promise may be broken and no task be left."""
    async with open_place(agent, config) as place:
        yield place.join()


@asynccontextmanager
async def talk_with(
    agent: Agent, patch: SettingsChange = WRITTEN, *, features: tuple[str, ...] = ()
) -> AsyncGenerator[Talk]:
    """Connect a client that has registered."""
    async with open_talk(agent) as talk:
        talk.register(patch, features=features)
        yield talk
