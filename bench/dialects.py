"""How the benchmark's own targets are spoken to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle

import msgspec
from attrs import frozen

from bench.attacks.keys import BYSTANDER_KEYS
from bench.targets.plain import RATE
from voxint.core.audio import AudioFormat
from voxint.errors import WireError
from voxint.measure import Dialect, Frame, Heard, MakeDialect, VoxintDialect, turn_in_pcm, turn_in_text

__all__ = ["DIALECTS", "Echo", "Plain"]

AUDIO = AudioFormat(RATE)
INTERRUPT_BYTES = 160
"""Bytes of an INTERRUPT of voxint's, envelope and all: what is sent to an echo has as many."""


@frozen
class _Said:
    """A text frame of the plain protocol."""

    text: str | None = None
    stopped: int | None = None
    done: int | None = None
    failed: int | None = None
    why: str = ""


_decode = msgspec.json.Decoder(_Said).decode


class Plain(Dialect):
    """The plain protocol (bench/targets/plain.py)."""

    def open(self) -> Sequence[Frame]:
        """Return nothing: a connection is a session."""
        return ()

    def ask(self, turn: int) -> Frame:
        """Return the question."""
        return json.dumps({"ask": turn, "text": f"turn {turn}"})

    def listen(self, turn: int) -> Frame:
        """Return the announcement of the microphone's audio."""
        return json.dumps({"hear": turn})

    def finish(self, turn: int) -> Frame:
        """Return the end of the microphone's audio."""
        return json.dumps({"heard": turn})

    def interrupt(self, turn: int, played_ms: float) -> Frame:
        """Return the interrupt."""
        return json.dumps({"stop": turn})

    def read(self, text: bool, payload: bytes) -> Heard:
        """Return what a frame means; words and samples say whose they are."""
        if not text:
            return Heard("audio", turn_in_pcm(payload), AUDIO.bytes_ms(len(payload)))
        try:
            said = _decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise WireError("MALFORMED_PAYLOAD", f"the target sent what is not the plain protocol: {error}") from error
        if said.text is not None:
            return Heard("text", turn_in_text(payload))
        if said.stopped is not None:
            return Heard("stopped", said.stopped)
        if said.failed is not None:
            return Heard("over", said.failed, failed=said.why or "failed")
        return Heard("over", said.done)


class Echo(Dialect):
    """A server that sends back what it gets: an interrupt's echo is its acknowledgement, nothing else is sent."""

    def open(self) -> Sequence[Frame]:
        """Return nothing."""
        return ()

    def ask(self, turn: int) -> Frame:
        """Return an empty frame."""
        return ""

    def listen(self, turn: int) -> Frame:
        """Return an empty frame."""
        return ""

    def finish(self, turn: int) -> Frame:
        """Return an empty frame."""
        return ""

    def interrupt(self, turn: int, played_ms: float) -> Frame:
        """Return as many bytes as an INTERRUPT has."""
        return f"{turn:<{INTERRUPT_BYTES}}"

    def read(self, text: bool, payload: bytes) -> Heard:
        """Return the acknowledgement of the turn that the echo names."""
        return Heard("stopped", int(payload)) if text and payload else Heard("other")


_keys = cycle(BYSTANDER_KEYS)


def _keyed() -> Dialect:
    """Return the dialect of a caller with the next key, whose answers may be anybody's words."""
    return VoxintDialect(api_key=next(_keys), rate=RATE)


DIALECTS: Mapping[str, MakeDialect] = {
    "voxint": partial(VoxintDialect, numbered=True, rate=RATE),
    "voxint_keyed": _keyed,
    "plain": Plain,
    "echo": Echo,
}
