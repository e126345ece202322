"""What the espeak provider and its process say to each other, in the standard library alone."""

from __future__ import annotations

import json
import struct
from typing import NamedTuple

__all__ = ["SPEAK", "Manner", "Mark", "Utterance", "job_bytes", "job_of", "utterance_bytes", "utterance_of"]

SPEAK = 1
"""The one kind of job: `job_bytes` in, `utterance_bytes` out."""

COUNT = struct.Struct(">I")
"""How many marks there are, before them and the samples."""

MARK = struct.Struct(">II")


class Manner(NamedTuple):
    """How to speak: espeak's voice name, words a minute, pitch 0 to 100, volume 0 to 200 (100 is normal)."""

    voice: str
    rate_wpm: int
    pitch: int
    volume: int


class Mark(NamedTuple):
    """Where a word begins: its character in the text, from 0, and its time in the speech, in ms."""

    char: int
    ms: int


class Utterance(NamedTuple):
    """One short text, spoken: its samples, and its words in order. espeak marks no word that it joins to another."""

    audio: bytes
    marks: tuple[Mark, ...]


def job_bytes(text: str, manner: Manner) -> bytes:
    """Return a text to be spoken as it goes to the process."""
    return json.dumps([text, *manner]).encode()


def job_of(payload: bytes) -> tuple[str, Manner]:
    """Return the text and the manner that `job_bytes` was given."""
    text, *manner = json.loads(payload)
    return text, Manner(*manner)


def utterance_bytes(utterance: Utterance) -> bytes:
    """Return speech as it comes from the process."""
    marks = b"".join(MARK.pack(*mark) for mark in utterance.marks)
    return COUNT.pack(len(utterance.marks)) + marks + utterance.audio


def utterance_of(answer: bytes) -> Utterance:
    """Return the speech that `utterance_bytes` was given."""
    (count,) = COUNT.unpack_from(answer)
    begin = COUNT.size + count * MARK.size
    marks = tuple(Mark(*mark) for mark in MARK.iter_unpack(answer[COUNT.size : begin]))
    return Utterance(answer[begin:], marks)
