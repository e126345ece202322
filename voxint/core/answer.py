"""The frames of one request, in order: what a listener gets, and nothing after its end."""

from __future__ import annotations

from contextlib import AbstractContextManager

import trio

from voxint.core.audio import BYTES_PER_SAMPLE
from voxint.core.outbox import Outbox
from voxint.core.playout import PlayoutLedger
from voxint.core.stages import ToolCall
from voxint.protocol.messages import Error, FunctionCall, Response, ServerMessage, TranscriptMessage

__all__ = ["Answer"]

ROOM = 32_768
"""What one request may have waiting for the writer, in bytes of audio and characters of text: a second of 16 kHz
audio. Chosen so that a reader that stalls for a moment costs nothing and one that stalls for good holds little."""

FRAME_SIZE = 256
"""What every frame counts for in `ROOM` beside its text or audio, so that none that waits counts for nothing. Ours:
roughly its JSON; of a function call the true size matters to nobody."""


class Answer:
    """The output of one request.

    Text that waits is joined into one frame; voice goes frame by frame. Every frame is refused after `silence`, so a
    stage that takes its time to stop cannot reach the connection.

    Args:
        request_id: The client's id of the request.
        outbox: Where the frames go.
        ledger: Accounts for what was sent.
        spoken: Whether the answer has a voice stream.
    """

    __slots__ = (
        "_draft",
        "_outbox",
        "_room",
        "_waiting",
        "ended",
        "ledger",
        "request_id",
        "silent",
        "spoken",
        "text_frames",
        "voice_frames",
    )

    def __init__(self, request_id: str, outbox: Outbox, ledger: PlayoutLedger, *, spoken: bool) -> None:
        self.request_id = request_id
        self.ledger = ledger
        self.spoken = spoken
        self.text_frames = 0
        self.voice_frames = 0
        self.silent = False
        self.ended = False
        self._outbox = outbox
        self._draft: _TextDraft | None = None
        self._waiting = 0
        self._room = trio.lowlevel.ParkingLot()

    @property
    def full(self) -> bool:
        """Whether the next frame would have to wait for the writer."""
        return self._waiting >= ROOM

    async def room(self) -> None:
        """Wait until there is room. Bounded by the request's own deadline: a reader may stall for so long."""
        while self._waiting >= ROOM:
            await self._room.park()

    def text(self, text: str) -> None:
        """Queue text, joined to what still waits."""
        if self.silent:
            return
        self._waiting += len(text)
        if self._draft is not None:
            self._draft.parts.append(text)
            return
        self._waiting += FRAME_SIZE
        self._draft = _TextDraft(self, text)
        self._outbox.queue(self._draft)

    def voice(self, *frames: bytes) -> None:
        """Queue frames of audio, whole samples each, which may leave together."""
        if not self.silent:
            self._waiting += sum(FRAME_SIZE + len(audio) for audio in frames)
            self._outbox.queue(*[_VoiceDraft(self, audio) for audio in frames])

    def call(self, call: ToolCall) -> None:
        """Queue a function call; text after it comes in a frame of its own."""
        if not self.silent:
            self._draft = None
            self._waiting += FRAME_SIZE
            self._outbox.queue(_CallDraft(self, call))

    def understood(self, text: str, *, is_final: bool) -> None:
        """Queue what was understood of the user's voice."""
        if not self.silent:
            self._waiting += FRAME_SIZE + len(text)
            self._outbox.queue(_TranscriptDraft(self, text, is_final))

    async def flushed(self) -> None:
        """Wait until the writer has taken everything. Bounded by the request's own deadline."""
        while self._waiting:
            await self._room.park()

    def together(self) -> AbstractContextManager[None]:
        """Let all that is queued in the block leave at its end, in one write: the end, and who tells of it."""
        return self._outbox.together()

    def silence(self) -> None:
        """Throw away what waits and refuse everything but the end."""
        if not self.silent:
            self.silent = True
            self._outbox.discard(self)
            self._waiting = 0
            self._room.unpark_all()

    def end(self, *, interrupt_reason: str | None = None, error: Error | None = None) -> None:
        """Queue the one final frame behind what was sent; nothing comes after it."""
        if self.ended:
            return
        self.silence()
        self.ended = True
        if error is not None:
            self._outbox.post(error)
            return
        if interrupt_reason is None and not self.text_frames:
            self._outbox.post(Response(request_id=self.request_id, text_stream_seq=0, text=""))
        self._outbox.post(
            Response(
                request_id=self.request_id,
                text_stream_seq=-1,
                voice_stream_seq=-1 if self.spoken else None,
                interrupted=interrupt_reason is not None,
                interrupt_reason=interrupt_reason,
            )
        )

    def _took(self, size: int) -> None:
        self._waiting -= size
        if self._waiting < ROOM:
            self._room.unpark_all()


class _TextDraft:
    """Text that may still grow until the writer takes it."""

    __slots__ = ("owner", "parts")

    def __init__(self, owner: Answer, text: str) -> None:
        self.owner = owner
        self.parts = [text]

    def take(self, now: float) -> ServerMessage:
        answer = self.owner
        text = self.parts[0] if len(self.parts) == 1 else "".join(self.parts)
        if answer._draft is self:
            answer._draft = None
        answer._took(FRAME_SIZE + len(text))
        answer.ledger.sent_text(text)
        frame = Response(request_id=answer.request_id, text_stream_seq=answer.text_frames, text=text)
        answer.text_frames += 1
        return frame


class _VoiceDraft:
    """One frame of audio."""

    __slots__ = ("_audio", "owner")

    def __init__(self, owner: Answer, audio: bytes) -> None:
        self.owner = owner
        self._audio = audio

    def take(self, now: float) -> ServerMessage:
        answer = self.owner
        answer._took(FRAME_SIZE + len(self._audio))
        answer.ledger.sent(len(self._audio) // BYTES_PER_SAMPLE, now)
        frame = Response(request_id=answer.request_id, voice_stream_seq=answer.voice_frames, voice=self._audio)
        answer.voice_frames += 1
        return frame


class _TranscriptDraft:
    """What was understood; it belongs to no stream."""

    __slots__ = ("_is_final", "_text", "owner")

    def __init__(self, owner: Answer, text: str, is_final: bool) -> None:
        self.owner = owner
        self._text = text
        self._is_final = is_final

    def take(self, now: float) -> ServerMessage:
        self.owner._took(FRAME_SIZE + len(self._text))
        return TranscriptMessage(request_id=self.owner.request_id, text=self._text, is_final=self._is_final)


class _CallDraft:
    """A function call; it counts as a frame of the text stream."""

    __slots__ = ("_call", "owner")

    def __init__(self, owner: Answer, call: ToolCall) -> None:
        self.owner = owner
        self._call = call

    def take(self, now: float) -> ServerMessage:
        answer, call = self.owner, self._call
        answer._took(FRAME_SIZE)
        called = FunctionCall(name=call.name, parameters=dict(call.arguments), call_id=call.call_id)
        frame = Response(request_id=answer.request_id, text_stream_seq=answer.text_frames, function_call=called)
        answer.text_frames += 1
        return frame
