"""One answer as it comes in, and the upload that asks for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing, nullcontext
from typing import Protocol

import trio

from voxint.arguments import Audio
from voxint.client.unread import Unread, event_bytes
from voxint.core.audio import check_audio
from voxint.core.events import Ended, Event, Text, Voice
from voxint.errors import ReplyOverflow
from voxint.inside_trio import Block, within_block, within_trio
from voxint.protocol.messages import InterruptAck, Pause
from voxint.protocol.receipt import FramedReceipt

__all__ = ["RemoteReply", "VoiceUpload"]


class Line(Protocol):
    """What a reply needs of its client."""

    _block: Block

    async def _interrupt(self, reply: RemoteReply, reason: str, played_ms: float | None) -> tuple[InterruptAck, float]:
        """Interrupt and silence the reply; return the acknowledgement with the instant it was read."""

    async def _pause(self, request_id: str | None, mode: Pause) -> InterruptAck:
        """Hold or release; return the acknowledgement."""

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
        self._unread: Unread[Event] = Unread(unread_limit_bytes)
        self._silenced: str | None = None
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
        return await self._unread.next()

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
    async def hold(self) -> bool:
        """Have the server hold this reply where it is, until `release`: nothing more of it comes.

        `Held` and `Released` are among its events, each where the reply stood then. The server releases it by itself
        after its limit (2 s unless configured). What was sent already is for the application's player to pause.
        Cancelled, it is held all the same.

        Returns:
            Whether it is held now; False where it had ended, and was played.

        Raises:
            RuntimeError: The server has not granted the feature ``hold``.
            ServerError: The server did not acknowledge in time.
            Disconnected: The connection was lost.
        """
        ack = await self._line._pause(self.request_id, "hold")
        return ack.outcomes.get(self.request_id) == "held"

    @within_block
    async def release(self) -> bool:
        """Have the server go on with this reply, from the very next sample.

        Returns:
            Whether it goes on by this; False where it was not held, or has ended.

        Raises:
            As `hold`.
        """
        ack = await self._line._pause(self.request_id, "release")
        return ack.outcomes.get(self.request_id) == "released"

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
        self._unread.put_last(self._cut(event))
        self._input.cancel(reason="the reply has ended")

    def _fail(self, error: Exception) -> None:
        """End with an error; the first end stands."""
        if not self.ended:
            self.t_ended = trio.current_time()
            self._unread.fail(error)
            self._input.cancel(reason="the reply has failed")

    def _silence(self, reason: str) -> None:
        """Throw away what is unread; nothing but `Ended` comes after."""
        self._silenced = reason
        self._input.cancel(reason="the reply was interrupted")
        last = self._unread.last
        self._unread.clear()
        if isinstance(last, Ended):
            self._unread.put_last(self._cut(last))

    def _cut(self, end: Ended) -> Ended:
        return end if self._silenced is None or end.interrupted else Ended(True, self._silenced)

    def _mark_first(self, event: Event, now: float) -> None:
        if isinstance(event, Text):
            if self.t_first_text is None:
                self.t_first_text = now
        elif isinstance(event, Voice) and self.t_first_voice is None:
            self.t_first_voice = now

    def _buffer(self, event: Event) -> None:
        try:
            self._unread.put(event, event_bytes(event), f"reply {self.request_id}")
        except ReplyOverflow as error:
            self._fail(error)
            raise


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
