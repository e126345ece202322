"""What an application sees of an answer: the events that a server's frames amount to."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from voxint.protocol.messages import Response, ServerMessage, TranscriptMessage

__all__ = ["Called", "Ended", "Event", "Text", "Understood", "Voice", "events_of"]


@frozen
class Text:
    """A piece of the answer's text; the pieces joined are the text."""

    text: str


@frozen
class Voice:
    """A piece of the answer's speech: s16le mono PCM at the session's output rate, whole samples."""

    audio: bytes = field(repr=False)


@frozen
class Called:
    """A function that the model asks the application to call."""

    name: str
    parameters: Mapping[str, object] = field(hash=False)
    call_id: str


@frozen
class Understood:
    """What was understood of the user's voice; where it is not final, the next one replaces it."""

    text: str
    is_final: bool


@frozen
class Ended:
    """The last event of an answer.

    Args:
        interrupted: Whether it was cut off; False: it is complete.
        reason: Why it was cut off, such as ``USER_STOP``.
    """

    interrupted: bool
    reason: str | None = None


Event = Text | Voice | Called | Understood | Ended


def events_of(message: ServerMessage) -> tuple[Event, ...]:
    """Return the events of one answer that a frame amounts to, in order; `Ended` is the last where it is there.

    An answer's last frame ends all its streams at once, so that any -1 is the end. ERROR is no event: it is for the
    caller to raise. What belongs to no answer, such as HEARTBEAT, gives nothing.
    """
    if isinstance(message, Response):
        return _events_of_response(message)
    if isinstance(message, TranscriptMessage):
        return (Understood(message.text, message.is_final),)
    return ()


def _events_of_response(frame: Response) -> tuple[Event, ...]:
    if frame.interrupted:  # what else is in such a frame was never meant to be shown or played
        return (Ended(True, frame.interrupt_reason),)
    events: list[Event] = []
    if frame.text:
        events.append(Text(frame.text))
    if frame.function_call is not None:
        call = frame.function_call
        events.append(Called(call.name, call.parameters, call.call_id))
    if frame.voice:
        events.append(Voice(frame.voice))
    if frame.text_stream_seq == -1 or frame.voice_stream_seq == -1:
        events.append(Ended(False))
    return tuple(events)
