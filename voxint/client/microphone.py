"""A microphone that is always open, as a client has it: sound out, and what the session says."""

from __future__ import annotations

from typing import Protocol

import trio

from voxint.arguments import Audio
from voxint.client.unread import Unread, event_bytes
from voxint.core.audio import AudioFormat, check_audio
from voxint.core.events import (
    Called,
    Ended,
    Endpoint,
    Event,
    Held,
    Marks,
    Released,
    Said,
    Text,
    UtteranceOutcome,
    Voice,
)
from voxint.inside_trio import Block, within_block, within_trio

__all__ = ["RemoteMicrophone"]

ASKED: frozenset[UtteranceOutcome] = frozenset({"request", "protected"})
"""What becomes of an utterance that is answered, now or later."""


class SoundOut(Protocol):
    """What a microphone needs of its client."""

    _block: Block

    @property
    def _sound(self) -> AudioFormat:
        """The format of what the microphone sends."""

    async def _send_sound(self, audio: bytes) -> None:
        """Send audio of the open microphone."""


class RemoteMicrophone:
    """An open microphone: `send` it sound, and iterate over it for what the session says; `Client.listen_always`.

    Each item is a `Said`: an event, and the id of the utterance or the request whose it is. An utterance that is asked
    goes on as the request of the same id. There are the events of every request of the session that has no reply of
    this client's. `Committed` names what an utterance interrupts, replies of this client's too: whoever plays throws
    away what it still has of those. One that was sent to its end and still played has no other end than that.

    What comes is buffered until it is read, so a slow reader holds up nothing but itself.
    """

    def __init__(self, out: SoundOut, unread_limit_bytes: int) -> None:
        self._out = out
        self._block = out._block
        self._sent_bytes = 0
        self._closed = False
        self._unread: Unread[Said] = Unread(unread_limit_bytes)
        self._live: set[str] = set()
        self._silenced: dict[str, str] = {}

    @within_block
    async def send(self, audio: Audio) -> None:
        """Send a piece of PCM at the session's input rate, speech or not; any size, 20 ms is a good one.

        Waits while the network is behind. Cancelled, it has sent all of the piece or nothing.

        Raises:
            TypeError: It is no audio.
            ValueError: It is the beginning of a WAV file.
            Disconnected: The connection was lost.
            trio.ClosedResourceError: The block of `listen_always` has ended.
        """
        if self._closed:
            raise trio.ClosedResourceError("the block of listen_always() has ended: use a microphone within it")
        if piece := check_audio(audio, "audio"):
            await self._out._send_sound(piece)
            self._sent_bytes += len(piece)

    @property
    def sent_ms(self) -> float:
        """How much was sent, in milliseconds of sound: the clock of `Onset`, `Committed` and `Endpoint`."""
        return self._out._sound.bytes_ms(self._sent_bytes)

    def __aiter__(self) -> RemoteMicrophone:
        return self

    @within_trio
    async def __anext__(self) -> Said:
        """Wait for what is said next: without bound, nobody may speak. The end of the block or the connection ends it.

        Raises:
            Disconnected: The connection was lost; raised once what came before it was read.
            ReplyOverflow: More came than the client keeps.
        """
        return await self._unread.next()

    # What follows is for the client, which reads the socket.

    def _end_block(self) -> None:
        """Note that the block has ended: nothing is sent any more, and who reads comes to the end behind the rest."""
        self._closed = True
        self._unread.end()

    def _take(self, request_id: str, events: tuple[Event, ...], *, spoken: bool) -> None:
        """Buffer what has come of a request.

        Raises:
            ReplyOverflow: More is unread than the limit.
        """
        for event in events:
            self._note(request_id, event)
            if request_id in self._silenced:
                if isinstance(event, Text | Voice | Marks | Called):
                    continue
                if isinstance(event, Ended):
                    event = _cut(event, self._silenced.pop(request_id))
            self._put(Said(request_id, event, spoken))

    def _note(self, request_id: str, event: Event) -> None:
        """Know what has not ended."""
        if isinstance(event, Ended) or (isinstance(event, Endpoint) and event.outcome not in ASKED):
            self._live.discard(request_id)
        elif not isinstance(event, Held | Released):  # which may also come while an answer plays that has ended
            self._live.add(request_id)

    def _put(self, said: Said) -> None:
        size = event_bytes(said.event)
        if isinstance(said.event, Ended):
            size = 0  # their number is bounded by the requests
        self._unread.put(said, size, "what an open microphone is told")

    def _silence(self, request_id: str | None, reason: str) -> None:
        """Throw away what is unread of an answer, or with None of all, but what is said of it and its end."""
        for live in self._live if request_id is None else self._live & {request_id}:
            self._silenced.setdefault(live, reason)
        kept = list[tuple[Said, int]]()
        for said in self._unread.items:
            asked, event = request_id in (None, said.request_id), said.event
            if asked and isinstance(event, Text | Voice | Marks | Called):
                continue
            if asked and isinstance(event, Ended):
                said = Said(said.request_id, _cut(event, reason), said.spoken)
            kept.append((said, event_bytes(event)))
        self._unread.replace(tuple(kept))

    def _fail(self, error: Exception) -> None:
        """End with an error; the first stands."""
        self._unread.fail(error)


def _cut(end: Ended, reason: str) -> Ended:
    return end if end.interrupted else Ended(True, reason)
