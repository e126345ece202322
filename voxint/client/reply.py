"""One answer as it comes in, and the upload that asks for it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing, nullcontext
from typing import Protocol

import trio
from attrs import evolve

from voxint.arguments import Audio
from voxint.core.audio import check_audio
from voxint.core.events import Ended, Event, Text, Voice
from voxint.errors import ReplyOverflow, ServerError
from voxint.inside_trio import Block, within_block, within_trio
from voxint.protocol.messages import InterruptAck
from voxint.protocol.receipt import FramedReceipt

__all__ = ["RemoteReply", "VoiceUpload"]

EVENT_BYTES = 128  # ours: what an event weighs beside its text or audio


class Line(Protocol):
    """What a reply needs of its client."""

    _block: Block

    async def _interrupt(self, reply: RemoteReply, reason: str, played_ms: float | None) -> tuple[InterruptAck, float]:
        """Interrupt and silence the reply; return the acknowledgement with the instant it was read."""

    def _report(self, request_id: str, played_ms: float) -> None:
        """Report the playback position."""

    async def _send_audio(self, upload: VoiceUpload, audio: bytes) -> None:
        """Send audio of an upload."""

    async def _end_upload(self, upload: VoiceUpload) -> None:
        """Send the end frame of an upload."""


class RemoteReply:
    """The answer to one request: iterate over it for its events, the last of which is `Ended`.

    It buffers what comes until it is read, so a slow reader holds up neither acknowledgements nor other replies.
    Replies are made by `Client`; one that the application lets go of is ignored from then on, not interrupted.

    Attributes:
        incomplete: Whether something is missing before its first event: it is that of a client that was resumed, and
            the server does not keep so much.
        request_id: The request's own id on the wire: what INTERRUPT, PLAYED and the receipts name. It is *not* the id
            that an application gives to a message in its user interface; an interrupt with such an id stops nothing.
        ack: The acknowledgement of the last `interrupt` of this reply; None before. `ack.outcomes[request_id]` says
            whether it was ``stopped``, had ``already_finished``, or was ``not_found``.
        t_sent: When the request was handed to the writer, like all instants here in seconds on trio's clock.
        t_input_end: When the last of the user's input was; None while an upload is open.
        t_first_text: When the first text was read from the socket; None before.
        t_first_voice: When the first audio was.
        t_ended: When the end was.
        t_interrupt: When the last `interrupt` was handed to the writer.
        t_ack: When its acknowledgement was read.
    """

    def __init__(self, line: Line, request_id: str, unread_limit_bytes: int) -> None:
        self.request_id = request_id
        self.incomplete = False
        self.ack: InterruptAck | None = None
        self.t_sent = trio.current_time()
        self.t_input_end: float | None = None
        self.t_first_text: float | None = None
        self.t_first_voice: float | None = None
        self.t_ended: float | None = None
        self.t_interrupt: float | None = None
        self.t_ack: float | None = None
        self._line = line
        self._block = line._block
        self._events: deque[Event] = deque()
        self._unread_bytes = 0
        self._limit_bytes = unread_limit_bytes
        self._failure: Exception | None = None
        self._silenced: str | None = None
        self._news = trio.lowlevel.ParkingLot()
        self._input = trio.CancelScope()  # around the task that sends the user's voice, if there is one

    def __aiter__(self) -> RemoteReply:
        return self

    @within_trio
    async def __anext__(self) -> Event:
        """Wait for the next event. Bounded by the server's request limit, and by the connection, whose loss ends it.

        Raises:
            ServerError: The request failed; raised once what came before it was read.
            Disconnected: The connection was lost, likewise.
            ReplyOverflow: More came than the client keeps unread.
        """
        await trio.lowlevel.checkpoint()
        while not self._events:
            if self._failure is not None:
                # A copy: several tasks may raise it, each with its own traceback.
                raise evolve(self._failure) if isinstance(self._failure, ServerError) else self._failure
            if self.ended:
                raise StopAsyncIteration
            await self._news.park()
        event = self._events.popleft()
        self._unread_bytes -= _size(event)
        return event

    @property
    def ended(self) -> bool:
        """Whether its end has come, read or not: by a final frame, an error or the loss of the connection."""
        return self.t_ended is not None

    async def text(self) -> str:
        """Read to the end and return the text that was not read yet; of an interrupted reply what came of it.

        Its audio is passed over, and counts as heard as time goes by, as if it were played: see `played`.

        Raises:
            ServerError: As iteration does; what was read is lost then.
        """
        return "".join([event.text async for event in self if isinstance(event, Text)])

    @within_block
    async def interrupt(self, reason: str = "USER_STOP", *, played_ms: float | None = None) -> FramedReceipt | None:
        """Stop this reply and wait for the proof: returns when the INTERRUPT_ACK is here.

        From the call on the reply is silent: what was not read yet is thrown away, whatever still comes too, and
        `Ended` is the next and last event, interrupted even where the server had finished just before. Cancelled,
        the INTERRUPT is sent all the same.

        Args:
            reason: ``USER_STOP``, ``USER_NEW_INPUT``, ``CLIENT_ERROR`` or your own words, 64 characters at most.
            played_ms: How many milliseconds of this reply's audio were heard so far, where the caller knows.

        Returns:
            What was stopped, saved and heard. For a reply that had finished: a receipt if it was still being played
            and the dialogue was cut to what was heard, else None. None too if the server does not know the id.

        Raises:
            ServerError: The server did not acknowledge in time.
            Disconnected: The connection was lost.
            ValueError: `played_ms` is negative.
        """
        self.t_interrupt = trio.current_time()
        self.ack, self.t_ack = await self._line._interrupt(self, reason, played_ms)
        return self.ack.receipts.get(self.request_id)

    @within_block
    def played(self, played_ms: float) -> None:
        """Tell the server how many milliseconds of this reply's audio were heard so far.

        A hint that is never waited for, and dropped where the connection is congested or lost.

        Raises:
            TypeError: It is no number.
            ValueError: It is negative.
            Disconnected: The block of `connect` has ended.
        """
        self._line._report(self.request_id, played_ms)

    # What follows is for the client, which reads the socket.

    def _take(self, events: tuple[Event, ...], now: float) -> None:
        """Buffer what was read at `now`.

        Raises:
            ReplyOverflow: More is unread than the limit; the reply has failed with it.
        """
        for event in events:
            if isinstance(event, Ended):  # the last, as `events_of` promises
                self._end(event, now)
                return
            self._mark_first(event, now)
            if self._silenced is None:
                self._buffer(event)

    def _end(self, event: Ended, now: float) -> None:
        self.t_ended = now
        self._events.append(self._cut(event))
        self._input.cancel(reason="the reply has ended")
        self._news.unpark_all()

    def _fail(self, error: Exception) -> None:
        """End with an error; the first end stands."""
        if not self.ended:
            self.t_ended = trio.current_time()
            self._failure = error
            self._input.cancel(reason="the reply has failed")
            self._news.unpark_all()

    def _silence(self, reason: str) -> None:
        """Throw away what is unread; nothing but `Ended` comes after."""
        self._silenced = reason
        self._input.cancel(reason="the reply was interrupted")
        last = self._events[-1] if self._events else None
        self._events.clear()
        self._unread_bytes = 0
        if isinstance(last, Ended):
            self._events.append(self._cut(last))

    def _cut(self, end: Ended) -> Ended:
        return end if self._silenced is None or end.interrupted else Ended(True, self._silenced)

    def _mark_first(self, event: Event, now: float) -> None:
        if isinstance(event, Text):
            if self.t_first_text is None:
                self.t_first_text = now
        elif isinstance(event, Voice) and self.t_first_voice is None:
            self.t_first_voice = now

    def _buffer(self, event: Event) -> None:
        self._unread_bytes += _size(event)
        if self._unread_bytes > self._limit_bytes:
            self._events.clear()
            error = ReplyOverflow(
                f"reply {self.request_id} was not read while {self._limit_bytes} bytes came: read it or interrupt it"
            )
            self._fail(error)
            raise error
        self._events.append(event)
        self._news.unpark()


class VoiceUpload:
    """A live voice on its way to the server; made by `Client.open_voice`.

    Attributes:
        reply: The answer; it can be read and interrupted from the start.
    """

    def __init__(self, line: Line, reply: RemoteReply) -> None:
        self.reply = reply
        self._line = line
        self._block = line._block

    @within_block
    async def send(self, audio: Audio) -> None:
        """Send a piece of PCM at the session's input rate; any size, 20 ms is a good one.

        Waits while the network is behind. Once the reply has ended, or another upload has begun, the audio is dropped
        without an error, so that a microphone's loop need not know. Cancelled, it has sent all of the piece or nothing.

        Raises:
            TypeError: It is no audio.
            ValueError: It is the beginning of a WAV file.
            Disconnected: The connection was lost.
        """
        await self._line._send_audio(self, check_audio(audio, "audio"))

    @within_block
    async def send_all(self, audio: AsyncIterable[bytes]) -> None:
        """Send what an iterable gives, as it comes, then end; an async generator is closed also where it is left early.

        Raises:
            Disconnected: The connection was lost.
        """
        async with aclosing(audio) if isinstance(audio, AsyncGenerator) else nullcontext():
            async for piece in audio:
                await self.send(piece)
        await self.end()

    @within_block
    async def end(self) -> None:
        """Say that the voice is complete; a second time it does nothing.

        Raises:
            Disconnected: The connection was lost.
        """
        await self._line._end_upload(self)


def _size(event: Event) -> int:
    if isinstance(event, Voice):
        return EVENT_BYTES + len(event.audio)
    return EVENT_BYTES + len(event.text) if isinstance(event, Text) else EVENT_BYTES
