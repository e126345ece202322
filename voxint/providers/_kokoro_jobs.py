"""What goes between the server and Kokoro's process: which part of a text to say, and its sound with its words."""

from __future__ import annotations

import json
import struct
from typing import Any

from attrs import asdict, field, frozen

from voxint.core.discreet import size_of
from voxint.providers._model_files import ModelFile

__all__ = ["SAY", "Facts", "Place", "SpokenWindow", "Start", "Wish"]

SAY = 1
"""The one kind of job."""

Place = tuple[int, int]
"""A part of a text: which utterance of it, and which window of that."""

_HEAD = struct.Struct(">I")


@frozen
class Start:
    """What the process is started with.

    Args:
        model, vocabulary: Where these files lie.
        voices: The same for each voice that is to be spoken; all Japanese ones lie in one file.
        own: Those without which it can't begin.
        threads: How many work on one inference.
        british: The folder of the British dictionaries; empty for none.
        mandarin: Whether Chinese is to be spoken.
        measured: Whether its speed is to be measured, which takes two seconds.
    """

    model: ModelFile
    vocabulary: ModelFile
    voices: dict[str, ModelFile]
    own: tuple[str, ...]
    threads: int
    british: str
    mandarin: bool
    measured: bool

    def packed(self) -> str:
        """Return it as an argument of a command."""
        return json.dumps(asdict(self))

    @classmethod
    def unpacked(cls, argument: str) -> Start:
        """Return what `packed` made an argument of."""
        return cls(**json.loads(argument))


@frozen
class Facts:
    """What the process tells once it is loaded.

    Args:
        real_time_factor: Seconds that a second of speech takes to make, while nothing else is done; None: not measured.
        left_out: The voices that it can't speak with, and what is wrong with the file of each.
    """

    real_time_factor: float | None = None
    left_out: dict[str, str] = field(factory=dict)

    def packed(self) -> bytes:
        """Return it as what an engine says of itself."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpacked(cls, ready: bytes) -> Facts:
        """Return what `packed` made."""
        return cls(**json.loads(ready))


@frozen
class Wish:
    """A part of a text to say.

    Args:
        text: The whole text; what is worked out for one part of it is kept for the next.
        language: In which its numbers are read: ``en`` or ``zh``.
        voice: Who says it.
        speed: 1 is the voice's own.
        place: The part.
        level: The loudness of what was said before it in dB; None at the begin.
        first: Whether somebody waits for the first sound of the text, which is then a short one.
    """

    text: str = field(repr=size_of)
    language: str
    voice: str
    speed: float
    place: Place = (0, 0)
    level: float | None = None
    first: bool = False

    def packed(self) -> bytes:
        """Return it as a job's payload."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpacked(cls, payload: bytes) -> Wish:
        """Return what `packed` made a payload of."""
        fields = json.loads(payload)
        utterance, window = fields.pop("place")
        return cls(**fields, place=(utterance, window))


@frozen
class SpokenWindow:
    """A part of a text, said.

    Args:
        words: What is written, in order, each with the sample at which it begins to sound.
        overlap: Samples at the begin and at the end that are to be added to what stands before and behind; they fade.
        following: The next part; None after the last.
        level: The loudness so far, for the next part.
        audio: The samples.
    """

    words: tuple[tuple[int, str], ...] = field(repr=size_of)
    overlap: tuple[int, int]
    following: Place | None
    level: float | None
    audio: bytes = field(repr=size_of)

    def packed(self) -> bytes:
        """Return it as the answer to a job."""
        facts = [self.words, self.overlap, self.following, self.level]
        head = json.dumps(facts).encode()
        return _HEAD.pack(len(head)) + head + self.audio

    @classmethod
    def unpacked(cls, answer: bytes) -> SpokenWindow:
        """Return what `packed` made an answer of."""
        (size,) = _HEAD.unpack_from(answer)
        facts: list[Any] = json.loads(answer[_HEAD.size : _HEAD.size + size])
        words, overlap, following, level = facts
        return cls(
            tuple((at, written) for at, written in words),
            (overlap[0], overlap[1]),
            None if following is None else (following[0], following[1]),
            level,
            answer[_HEAD.size + size :],
        )
