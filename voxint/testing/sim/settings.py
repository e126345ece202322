"""How the simulated upstream behaves: its pace, what it says, and the ways it goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from attrs import asdict, evolve, fields, frozen

__all__ = ["Endpoint", "Fault", "SimSettings"]

Endpoint = Literal["chat", "speech", "transcription"]
Fault = Literal["stall", "reset", "garbage", "truncate"]


@frozen
class SimSettings:
    """The whole behaviour; each field is a flag of the process, and an override in one request's `X-Sim`.

    A position (`stall_after` and its like) counts what was sent of an answer: tokens of a chat, chunks of speech,
    deltas of a transcription; 0 means right after the response's head.

    Args:
        content: ``scripted``: words worth hearing. ``numbered``: every token and every sample carries its turn.
        first_token_s: Seconds from the request to the first token.
        token_interval_s: Seconds from token to token, on an absolute timetable. 50 ms is near a large model's pace.
        tokens: Tokens of an answer; by default the script's own length, or 2000 numbered ones.
        tokens_per_sentence: Numbered tokens up to a full stop.
        first_chunk_s: Seconds from the request to the first chunk of speech.
        chunk_ms: Audio in one chunk, in milliseconds.
        chunk_interval_s: Seconds from chunk to chunk; the default is four times as fast as playback.
        speech_rate: Characters spoken in a second; a Chinese one counts as three.
        speech_s: Seconds of audio for any text, instead of `speech_rate`.
        transcript: What every transcription says, instead of how long the audio was.
        transcript_delay_s: Seconds from the end of the upload to the transcription.
        delta_interval_s: Seconds between the deltas of a streamed transcription.
        faults_on: The one endpoint to which the fields below apply, or ``all``; an override in a request always does.
        status: Answer with this status and `error_body`, if it is not 200.
        error_body: The body of a refusal, instead of an OpenAI-like error.
        stall_headers: Read the request and never answer.
        stall_after: Go silent at this position, for `stall_s`, then go on.
        stall_s: Seconds of silence; None is for ever.
        reset_after: End the connection with a TCP reset at this position.
        garbage_after: Send what is not the protocol at this position, and end.
        truncate_after: End cleanly at this position, without the protocol's own end.
        flood: Send as fast as the client reads; without `tokens` or `speech_s`, practically without end.
        stall_connect: Open a second port too, where a connect never completes.
    """

    content: Literal["scripted", "numbered"] = "scripted"
    first_token_s: float = 0.2
    token_interval_s: float = 0.05
    tokens: int | None = None
    tokens_per_sentence: int = 8
    first_chunk_s: float = 0.05
    chunk_ms: float = 80.0
    chunk_interval_s: float = 0.02
    speech_rate: float = 15.0
    speech_s: float | None = None
    transcript: str | None = None
    transcript_delay_s: float = 0.1
    delta_interval_s: float = 0.02
    faults_on: Literal["all", "chat", "speech", "transcription"] = "all"
    status: int = 200
    error_body: str | None = None
    stall_headers: bool = False
    stall_after: int | None = None
    stall_s: float | None = None
    reset_after: int | None = None
    garbage_after: int | None = None
    truncate_after: int | None = None
    flood: bool = False
    stall_connect: bool = False

    def override(self, changes: Mapping[str, object], *, strict: bool = True) -> SimSettings:
        """Return the settings with some replaced.

        Args:
            changes: Values by field name.
            strict: Whether numbers must be numbers; command-line flags are strings.

        Raises:
            ValueError: A name is unknown or a value does not fit; the text says which.
        """
        if not changes:
            return self
        if unknown := changes.keys() - {field.name for field in fields(SimSettings)}:
            raise ValueError(f"the simulated upstream has no setting {', '.join(sorted(unknown))}")
        return msgspec.convert({**asdict(self), **changes}, SimSettings, strict=strict)

    def on(self, endpoint: Endpoint) -> SimSettings:
        """Return the settings as they hold for one endpoint: without the faults meant for another."""
        if self.faults_on in ("all", endpoint):
            return self
        calm = evolve(self, status=200, error_body=None, stall_headers=False, stall_after=None, flood=False)
        return evolve(calm, reset_after=None, garbage_after=None, truncate_after=None)

    def faults(self) -> list[tuple[int, Fault]]:
        """Return what goes wrong at which position, in order."""
        positions: list[tuple[int | None, Fault]] = [
            (self.stall_after, "stall"),
            (self.reset_after, "reset"),
            (self.garbage_after, "garbage"),
            (self.truncate_after, "truncate"),
        ]
        return sorted((at, fault) for at, fault in positions if at is not None)
