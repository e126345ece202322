"""A server's frames as the events they amount to: what a client's user sees of an answer."""

from __future__ import annotations

from voxint.core.events import (
    Called,
    Committed,
    Ended,
    Endpoint,
    Event,
    Held,
    Marks,
    Onset,
    Released,
    Text,
    Understood,
    Voice,
)
from voxint.protocol.messages import (
    HoldMessage,
    MarksMessage,
    Response,
    ServerMessage,
    SpeechMessage,
    TranscriptMessage,
)

__all__ = ["events_of"]


def events_of(message: ServerMessage) -> tuple[Event, ...]:
    """Return the events of one answer that a frame amounts to, in order; `Ended` is the last where it is there.

    An answer's last frame ends all its streams at once, so that any -1 is the end. ERROR is no event: it is for the
    caller to raise. What belongs to no answer, such as HEARTBEAT, gives nothing.
    """
    if isinstance(message, Response):
        return _events_of_response(message)
    if isinstance(message, TranscriptMessage):
        return (Understood(message.text, message.is_final),)
    if isinstance(message, SpeechMessage):
        return (_event_of_speech(message),)
    if isinstance(message, HoldMessage):
        return (Held(),) if message.state == "held" else (Released(message.reason or "client"),)
    if isinstance(message, MarksMessage):
        return (Marks(message.marks),)
    return ()


def _event_of_speech(speech: SpeechMessage) -> Event:
    if speech.state == "committed":
        return Committed(speech.at_ms, speech.interrupted)
    if speech.text is None or speech.outcome is None:  # which one that says `stopped` has, as the message sees to
        return Onset(speech.at_ms)
    return Endpoint(
        speech.at_ms,
        speech.at_ms if speech.decided_ms is None else speech.decided_ms,
        speech.text,
        speech.outcome,
        speech.recovered,
        speech.speculative,
    )


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
