"""What a session says as frames of protocol 1.0, for one connection: numbers, base64 or binary, codes.

An event is rendered when the connection's writer takes it, so that numbers have no gaps. Nothing reaches back into a
request: what can't be rendered is this connection's trouble.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Literal, assert_never

from attrs import define, evolve, field
from msgspec import structs

from voxint.core.events import (
    Called,
    Committed,
    Ended,
    Endpoint,
    Held,
    Marks,
    Onset,
    Released,
    Said,
    Text,
    Understood,
    Voice,
)
from voxint.core.journal import Seen
from voxint.core.receipt import Receipt
from voxint.core.registry import REMEMBERED, Interruption
from voxint.protocol import messages as m
from voxint.protocol.codec import binary_voice, encode_server, write_response
from voxint.protocol.codes import error_of
from voxint.protocol.payloads import ResponseContent, ResponsePayload
from voxint.protocol.receipt import FramedReceipt, LastFrames

__all__ = ["FEATURES", "Renderer", "granted", "pause_ack"]

FEATURES = frozenset({"binary_audio", "transcripts", "hold", "server_vad", "marks"})
"""The ext features that change what a client receives; any other asked for in REGISTER is left out of the answer."""

_Aside = Understood | Onset | Committed | Endpoint | Held | Released | Marks
"""What is said of an answer, or of who speaks, and takes no number of a stream."""


def granted(asked: Iterable[str], *, listens: bool) -> frozenset[str]:
    """Return the features that a connection gets.

    Args:
        asked: Those that its REGISTER names.
        listens: Whether the agent can keep a microphone open. Who opens one may be held, so that `server_vad` brings
            `hold` along.
    """
    known = FEATURES.intersection(asked)
    if not listens:
        return known - {"server_vad"}
    return known | {"hold"} if "server_vad" in known else known


@define
class _Numbers:
    """How far a request has come on this connection.

    Args:
        next_text: The number of the next text frame.
        next_voice: Of the next voice frame.
        texts: Pieces of text said up to here, those before this connection included.
        voices: Pieces of speech likewise.
        ended: Whether the end was written: who uses the id again begins anew.
        texts_before: Of each text frame, the pieces said before it.
    """

    next_text: int = 0
    next_voice: int = 0
    texts: int = 0
    voices: int = 0
    ended: bool = False
    texts_before: array[int] = field(factory=lambda: array("I"))

    def text_frame(self, pieces: int) -> int:
        """Return the number of a text frame that says so many pieces."""
        number = self.next_text
        self.texts_before.append(self.texts)
        self.next_text += 1
        self.texts += pieces
        return number

    def voice_frame(self) -> int:
        """Return the number of a voice frame."""
        number = self.next_voice
        self.next_voice += 1
        self.voices += 1
        return number

    def up_to(self, text: int | None, voice: int | None) -> _Numbers:
        """Return where a client stands whose last frames had these numbers; at the most where it was sent to."""
        next_text = min(self.next_text, 0 if text is None or text < 0 else text + 1)
        next_voice = min(self.next_voice, 0 if voice is None or voice < 0 else voice + 1)
        texts = self.texts if next_text == self.next_text else self.texts_before[next_text]
        voices = max(0, self.voices - (self.next_voice - next_voice))
        return _Numbers(next_text, next_voice, texts, voices, texts_before=self.texts_before[:next_text])


class Renderer:
    """Writes frames for one connection.

    Attributes:
        session_id: The connection's session; None before REGISTER.
        features: What REGISTER was granted.
    """

    def __init__(self) -> None:
        self.session_id: str | None = None
        self.features: frozenset[str] = frozenset()
        self._numbers: dict[str, _Numbers] = {}

    def render(self, item: object, now_ms: int) -> Iterator[str | bytes]:
        """Yield the frames that say `item`.

        Args:
            item: An event of a request, an interruption that is over, or a message of the protocol.
            now_ms: Milliseconds since the epoch, for the envelope.

        Raises:
            Exception: Of any kind, where it can't be written.
        """
        match item:
            case Said():
                yield from self._said(item, now_ms)
            case Interruption():
                yield encode_server(self._acknowledgement(item), self.session_id, now_ms)
            case _:
                yield encode_server(item, self.session_id, now_ms)  # type: ignore[arg-type]  # the codec refuses others

    def begin(self, request_id: str, seen: m.SeenFrames | None, before: Seen, of: Renderer) -> None:
        """Number a request of a connection that has come back: on from what its client has.

        Args:
            request_id: Which.
            seen: What the client has; None: it counts anew, from what comes.
            before: What was said before the first piece that comes.
            of: Who wrote the frames that the client has.
        """
        at = _Numbers() if seen is None else of._position(request_id, seen)
        self._numbers[request_id] = evolve(at, texts=before.texts, voices=before.voices)

    def seen(self, request_id: str, frames: m.SeenFrames) -> Seen | None:
        """Return how much of a request a client has that was sent these frames from here; None: not from here."""
        if request_id not in self._numbers and frames != m.SeenFrames():
            return None
        position = self._position(request_id, frames)
        return Seen(position.texts, position.voices)

    def _position(self, request_id: str, frames: m.SeenFrames) -> _Numbers:
        known = self._numbers.get(request_id, _Numbers())
        return known.up_to(frames.text_stream_seq, frames.voice_stream_seq)

    def _numbers_of(self, request_id: str) -> _Numbers:
        numbers = self._numbers.get(request_id)
        if numbers is None or numbers.ended:
            self._numbers.pop(request_id, None)
            if len(self._numbers) >= REMEMBERED:
                self._forget_oldest()
            numbers = self._numbers[request_id] = _Numbers()
        return numbers

    def _forget_oldest(self) -> None:
        """Forget the oldest request that has ended; those that have not are few, as they are in the session."""
        oldest = next((request_id for request_id, numbers in self._numbers.items() if numbers.ended), None)
        if oldest is not None:
            del self._numbers[oldest]

    def _said(self, said: Said, now_ms: int) -> Iterator[str | bytes]:
        request_id, event = said.request_id, said.event
        if isinstance(event, _Aside):
            # Before any number: of an utterance that becomes no request no end comes, and it would be kept for ever.
            if (message := self._aside(request_id, event)) is not None:
                yield encode_server(message, self.session_id, now_ms)
            return
        numbers = self._numbers_of(request_id)
        match event:
            case Text():
                number = numbers.text_frame(said.pieces)
                payload = ResponsePayload(request_id, ResponseContent(event.text), number)
                yield write_response(payload, self.session_id, now_ms)
            case Voice():
                if numbers.next_text == 0:
                    yield self._first(request_id, numbers, now_ms)
                number = numbers.voice_frame()
                frame = binary_voice(request_id, number, event.audio) if "binary_audio" in self.features else None
                if frame is None:
                    payload = ResponsePayload(request_id, ResponseContent(None, event.audio), None, number)
                    yield write_response(payload, self.session_id, now_ms)
                else:
                    yield frame
            case Called():
                number = numbers.text_frame(said.pieces)
                call = m.FunctionCall(name=event.name, parameters=dict(event.parameters), call_id=event.call_id)
                payload = ResponsePayload(request_id, ResponseContent(), number, None, call)
                yield write_response(payload, self.session_id, now_ms)
            case Ended():
                yield from self._ended(said, event, numbers, now_ms)
            case _:
                assert_never(event)

    def _aside(self, request_id: str, event: _Aside) -> m.ServerMessage | None:
        """Return the message that says `event`; None where this client has not asked for such."""
        features = self.features
        match event:
            case Understood() if "transcripts" in features:
                return m.TranscriptMessage(request_id=request_id, text=event.text, is_final=event.is_final)
            case Onset() if "server_vad" in features:
                return m.SpeechMessage(state="started", at_ms=event.at_ms, request_id=request_id)
            case Committed() if "server_vad" in features:
                return m.SpeechMessage(
                    state="committed", at_ms=event.at_ms, request_id=request_id, interrupted=event.interrupted
                )
            case Endpoint() if "server_vad" in features:
                return self._stopped(request_id, event)
            case Marks() if "marks" in features:
                return m.MarksMessage(request_id=request_id, marks=event.marks)
            case Held() | Released() if "hold" in features:
                last = self._last_frames(request_id).voice_stream_seq
                released = event.reason if isinstance(event, Released) else None
                return m.HoldMessage(
                    request_id=request_id,
                    state="held" if released is None else "released",
                    voice_stream_seq=last,
                    reason=released,
                )
        return None

    def _stopped(self, request_id: str, endpoint: Endpoint) -> m.SpeechMessage:
        return m.SpeechMessage(
            state="stopped",
            at_ms=endpoint.at_ms,
            request_id=request_id,
            text=endpoint.text,
            outcome=endpoint.outcome,
            decided_ms=endpoint.decided_ms,
            recovered=endpoint.recovered,
            speculative=tuple(map(self._framed, endpoint.speculative)),
        )

    def _ended(self, said: Said, ended: Ended, numbers: _Numbers, now_ms: int) -> Iterator[str]:
        request_id = said.request_id
        numbers.ended = True
        if ended.failure is not None:
            yield encode_server(error_of(ended.failure, request_id), self.session_id, now_ms)
            return
        if not ended.interrupted and numbers.next_text == 0:
            yield self._first(request_id, numbers, now_ms)
        last = ResponsePayload(
            request_id, ResponseContent(), -1, -1 if said.spoken else None, None, ended.interrupted, ended.reason
        )
        yield write_response(last, self.session_id, now_ms)

    def _first(self, request_id: str, numbers: _Numbers, now_ms: int) -> str:
        """Return a first frame without text: clients decide from the first which streams there are."""
        payload = ResponsePayload(request_id, ResponseContent(""), numbers.text_frame(0))
        return write_response(payload, self.session_id, now_ms)

    def _acknowledgement(self, interruption: Interruption) -> m.InterruptAck:
        status, message = _verdict(interruption)
        return m.InterruptAck(
            interrupt_request_id=interruption.asked,
            interrupted_request_ids=tuple(request.id for request in interruption.stopping),
            status=status,
            message=message,
            outcomes=dict(interruption.outcomes),
            receipts={name: self._framed(receipt) for name, receipt in interruption.receipts.items()},
            read_late_ms=interruption.read_late_ms,
        )

    def _framed(self, receipt: Receipt) -> FramedReceipt:
        return FramedReceipt(**structs.asdict(receipt), last=self._last_frames(receipt.request_id))

    def _last_frames(self, request_id: str) -> LastFrames:
        numbers = self._numbers.get(request_id, _Numbers())
        return LastFrames(
            text_stream_seq=numbers.next_text - 1 if numbers.next_text else None,
            voice_stream_seq=numbers.next_voice - 1 if numbers.next_voice else None,
        )


def pause_ack(interruption: Interruption, mode: m.Pause) -> m.InterruptAck:
    """Return the acknowledgement of an INTERRUPT that holds or releases: nothing has stopped, and there is no account.

    Args:
        interruption: What became of what was asked.
        mode: What was asked.
    """
    done: m.Outcome = "held" if mode == "hold" else "released"
    outcomes: dict[str, m.Outcome] = dict(interruption.outcomes)
    some = done in outcomes.values()
    return m.InterruptAck(
        interrupt_request_id=interruption.asked,
        interrupted_request_ids=(),
        status="SUCCESS" if some else "FAILED",
        message=done if some else f"nothing to {mode}",
        outcomes=outcomes,
        receipts={},
        read_late_ms=interruption.read_late_ms,
        mode=mode,
    )


def _verdict(interruption: Interruption) -> tuple[Literal["SUCCESS", "PARTIAL", "FAILED"], str]:
    if not interruption.stopping:
        return "FAILED", "nothing to interrupt"
    if any(request.overran for request in interruption.stopping):
        return "PARTIAL", "a stage did not stop in time; nothing more of it will be sent"
    return "SUCCESS", "stopped"
