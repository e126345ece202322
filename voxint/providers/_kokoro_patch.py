"""Kokoro's file of weights, told to give what it computes half-way: a change of its bytes in memory.

The model's first half reads phonemes and says for each how long it lasts, and for each moment its pitch and its energy;
it takes a twentieth of the time. Its second half makes the sound. As it is published it does both in one call, so that
nothing can be heard before a sentence is whole. Here the seam becomes visible: what the first half hands over is called
by another name there, and both names are made known, one as an output of the model, one as an input.

An ONNX file is a protocol buffer: fields that come again are merged into what is there, so what is added stands at the
end. And a name that keeps its length changes no other byte. The file's hash is pinned, so it fits or is refused.
"""

from __future__ import annotations

__all__ = ["DURATIONS", "SEAM", "Seam", "opened"]

from attrs import frozen


@frozen
class Seam:
    """A tensor of 32-bit floats that the first half hands to the second.

    Args:
        name: What it is called in the file, and from now on as the second half's input.
        shape: Names for its dimensions, which have any size.
    """

    name: str
    shape: tuple[str, ...]

    @property
    def made(self) -> str:
        """What it is called as the first half's output: a name of the same length that is not in the file."""
        return self.name[:-1] + "X"


SEAM = (
    Seam("/encoder/MatMul_1_output_0", ("one", "channels", "frames")),
    Seam("/encoder/Reshape_output_0", ("one", "half_frames")),
    Seam("/encoder/Reshape_1_output_0", ("one", "half_frames")),
)
"""What is to be said in each frame; the pitch in Hz, and the energy (a logarithm), both in each half of a frame."""

DURATIONS = "/encoder/Clip_output_0"
"""How many frames each token lasts, which the first half knows too."""

GRAPH, INPUT, OUTPUT, NODE_OUTPUT = 7, 11, 12, 2
"""Numbers of fields in ONNX: of the graph in a model, of its inputs and outputs, and of a node's output."""

FLOAT = 1
"""ONNX's number of the type of 32-bit floats."""


def opened(model: bytes) -> bytes:
    """Return the model with its seam open: `SEAM` and `DURATIONS` are outputs (by `Seam.made`), `SEAM` inputs too.

    Raises:
        ValueError: This is another model.
    """
    added = b""
    for seam in SEAM:
        here = _field(NODE_OUTPUT, seam.name.encode())
        if model.count(here) != 1:
            raise ValueError(f"this is not the Kokoro model that is known here: it has no single {seam.name}")
        model = model.replace(here, _field(NODE_OUTPUT, seam.made.encode()))
        added += _field(INPUT, _value(seam)) + _field(OUTPUT, _field(1, seam.made.encode()))
    added += _field(OUTPUT, _field(1, DURATIONS.encode()))
    return model + _field(GRAPH, added)


def _value(seam: Seam) -> bytes:
    """Return a tensor's description: its name, and its type, which is a kind of number and a shape."""
    shape = b"".join(_field(1, _field(2, size.encode())) for size in seam.shape)
    kind = b"\x08" + _varint(FLOAT)  # field 1, a number
    return _field(1, seam.name.encode()) + _field(2, _field(1, kind + _field(2, shape)))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))
