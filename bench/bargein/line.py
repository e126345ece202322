"""What a system under test must give: a server in processes of its own, and a line that a caller speaks over."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from attrs import frozen

__all__ = [
    "PIECE_MS",
    "RATE",
    "Audio",
    "Ended",
    "Flushed",
    "Heard",
    "Language",
    "Line",
    "LineEvent",
    "Paused",
    "Resumed",
    "System",
    "Transcribed",
]

RATE = 16_000
"""Samples a second of all sound, s16le mono, both ways: the answer's samples are told from one another by their values,
so nobody resamples."""

PIECE_MS = 20
"""Of microphone that is sent at once."""

Language = Literal["en", "zh"]


@frozen
class Audio:
    """Sound of an answer, in its order, for the player's queue.

    Args:
        pcm: Whole samples.
        answer: Which answer, where the system says so; a new answer has another one. Empty: it doesn't say.
    """

    pcm: bytes
    answer: str = ""


@frozen
class Paused:
    """The player must stop where it is and keep what it has: a hold."""

    answer: str = ""


@frozen
class Resumed:
    """The player goes on where it stopped."""

    answer: str = ""
    reason: str = ""


@frozen
class Flushed:
    """The answer is over for good: the player throws away what it has of it.

    Args:
        answer: Which; empty: all that the player has.
    """

    answer: str = ""
    reason: str = ""


@frozen
class Ended:
    """The answer was sent to its end; what the player has of it is still played."""

    answer: str = ""


@frozen
class Heard:
    """What the system says of the caller's speech, as it says it. All of it is for the record only.

    Args:
        what: ``onset``: speech begins; ``committed``: it is meant; ``endpoint``: the utterance is over.
        at_ms: Where that is in the microphone's sound, in milliseconds; None: the system doesn't say.
        outcome: Of an endpoint: what became of the utterance.
    """

    what: Literal["onset", "committed", "endpoint"]
    at_ms: float | None = None
    outcome: str = ""


@frozen
class Transcribed:
    """Words that the system understood."""

    text: str
    is_final: bool = False


LineEvent = Audio | Paused | Resumed | Flushed | Ended | Heard | Transcribed


class Line(Protocol):
    """One call with a system. A caller sends from one task and receives in another."""

    async def send(self, pcm: bytes) -> None:
        """Send the next `PIECE_MS` of the microphone; it comes in real time, from the call's first moment to its end.

        Raises:
            trio.BrokenResourceError: The connection is lost.
        """
        ...

    async def receive(self) -> LineEvent:
        """Return the next event, as soon as it can be known at the client. A call's end bounds the wait.

        Raises:
            trio.EndOfChannel: The connection is closed, or lost.
        """
        ...


class System(Protocol):
    """A system under test.

    Its model, its voice and, where it has none of its own, its recogniser are `base_url`, an OpenAI-compatible
    server (upstream.py says what it understands):

    - ``POST {base_url}/chat/completions`` with ``stream``: the answer, the same to everything;
    - ``POST {base_url}/audio/speech`` ``{"input": …, "response_format": "pcm", "sample_rate": 16000}``: raw s16le mono.
      `input` is any stretch of the answer's text: stretches joined give the sound without a seam;
    - ``POST {base_url}/audio/transcriptions?sample_rate=16000`` with raw s16le mono as its body, in one piece or as it
      is spoken: ``{"text": …}`` by the recogniser of the machine that voxint has too (Moonshine in English, Whisper
      in Chinese).

    Attributes:
        name: As it stands in tables and in ``--systems``.
        notes: How it is used, with what detector and which settings, and that those are its defaults; for the report.
    """

    @property
    def name(self) -> str:
        """As in tables."""
        ...

    @property
    def notes(self) -> str:
        """How it is used."""
        ...

    def versions(self) -> dict[str, str]:
        """Return the versions of its packages; of one that is not installed, none."""
        ...

    def serve(self, base_url: str, language: Language, core: int | None = None) -> AbstractAsyncContextManager[str]:
        """Run the server in processes of its own for the block, and give its URL.

        Args:
            base_url: As above.
            language: What callers speak.
            core: The one that it is kept to; None: any.

        Raises:
            TargetFailed: It did not start (bench/processes.py), or its packages are not installed; the text says what
                to do.
        """
        ...

    def connect(self, url: str, language: Language) -> AbstractAsyncContextManager[Line]:
        """Open a call for the block, in the caller's process: a session of its own."""
        ...
