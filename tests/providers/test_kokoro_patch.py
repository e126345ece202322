"""The model's seam is opened by a change of its bytes: checked on a small file of the same format."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from voxint.providers._kokoro_patch import DURATIONS, SEAM, opened


def varint(value: int) -> bytes:
    """Return a number as a protocol buffer has it; those here are below 2**14."""
    return bytes([value]) if value < 128 else bytes([value & 127 | 128, value >> 7])


def field(number: int, content: bytes) -> bytes:
    """Return a field that has a length."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the fields of a message, numbers as their varint."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            value |= (message[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if message[at - 1] < 128:
                return value

    while at < len(message):
        tag = number()
        size = number()
        if tag & 7 == 2:
            yield tag >> 3, message[at : at + size]
            at += size
        else:
            yield tag >> 3, varint(size)


def node(name: str, *inputs: str) -> bytes:
    """Return a node of a graph that makes the tensor `name`."""
    return field(1, b"".join(field(1, each.encode()) for each in inputs) + field(2, name.encode()))


SMALL = field(
    7,
    b"".join(node(seam.name, "tokens") for seam in SEAM)
    + node(DURATIONS, "tokens")
    + node("audio", *(seam.name for seam in SEAM))
    + field(11, field(1, b"tokens"))
    + field(12, field(1, b"audio")),
)


def names(graph: list[tuple[int, bytes]], number: int) -> list[str]:
    """Return the names of a graph's inputs (11) or outputs (12)."""
    return [dict(fields(content))[1].decode() for each, content in graph if each == number]


def test_the_seam_is_an_output_and_an_input() -> None:
    """What the first half makes has a new name and can be fetched; what the second half reads can be given."""
    graph = [part for number, content in fields(opened(SMALL)) if number == 7 for part in fields(content)]
    assert names(graph, 11) == ["tokens", *(seam.name for seam in SEAM)]
    assert names(graph, 12) == ["audio", *(seam.made for seam in SEAM), DURATIONS]
    nodes = [list(fields(content)) for number, content in graph if number == 1]
    made = [content.decode() for each in nodes for number, content in each if number == 2]
    assert made == [*(seam.made for seam in SEAM), DURATIONS, "audio"]
    read = [content.decode() for number, content in nodes[-1] if number == 1]
    assert read == [seam.name for seam in SEAM]


def test_nothing_else_changes() -> None:
    """Names keep their length: the file is what it was but for three letters, and what is added stands behind it."""
    after = opened(SMALL)
    assert sum(one != other for one, other in zip(SMALL, after, strict=False)) == len(SEAM)
    assert not {seam.made.encode() for seam in SEAM if seam.made.encode() in SMALL}


def test_an_input_says_what_it_is() -> None:
    """An input of the second half is of 32-bit floats and of any size in each of its dimensions."""
    added = [content for number, content in fields(opened(SMALL)) if number == 7][-1]
    first = dict(fields(next(content for number, content in fields(added) if number == 11)))
    tensor = dict(fields(dict(fields(first[2]))[1]))
    assert tensor[1] == b"\x01"
    sizes = [dict(fields(content))[2].decode() for _, content in fields(tensor[2])]
    assert sizes == list(SEAM[0].shape)


@pytest.mark.parametrize("model", [b"", SMALL.replace(b"Reshape_1", b"Reshape_2"), SMALL + SMALL])
def test_another_model_is_refused(model: bytes) -> None:
    """A file without the seam, or with two of it, is no Kokoro that is known here."""
    with pytest.raises(ValueError, match="not the Kokoro model"):
        opened(model)
