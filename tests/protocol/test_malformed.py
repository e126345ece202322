"""What is wrong with a frame is told in a sentence of ours: the field, what it takes, the type of what came."""

from __future__ import annotations

import pytest
from attrs import frozen

from tests.protocol.malformed_frames import MALFORMED, SAID, Malformed
from voxint.errors import WireError
from voxint.protocol.codec import decode_client
from voxint.protocol.malformed import malformed, one_of


@pytest.mark.parametrize("wrong", MALFORMED, ids=lambda wrong: wrong.message[:60])
def test_each_fault_is_told_in_a_sentence(wrong: Malformed) -> None:
    """With the choices where there are some, in the words of JSON, and nothing of what was sent."""
    with pytest.raises(WireError) as caught:
        decode_client(wrong.frame)

    error = caught.value
    assert (error.code, error.message, error.detail) == ("MALFORMED_PAYLOAD", wrong.message, wrong.place)
    assert SAID not in str(error)


@pytest.mark.parametrize("foreign", ["Expected", "`str`", "`int", "Invalid", "Object", "enum"])
def test_no_word_of_the_decoders_own_is_let_through(foreign: str) -> None:
    """A client is written in any language, and its author knows no type of Python."""
    assert [wrong.message for wrong in MALFORMED if foreign in wrong.message] == []


def test_a_fault_that_is_not_known_is_told_all_the_same() -> None:
    """A newer decoder may word one anew: its words may quote what was sent, and stay out."""
    error = malformed(ValueError(f"{SAID} is not allowed - at `$.auth.{SAID}`"), "$.payload", dict[str, int])

    assert error.message == f"`{SAID}` has a value that is not taken here: look it up in the protocol"
    assert error.detail == f"$.payload.auth.{SAID}"


@frozen
class _Choices:
    """How many choices there are, and how a sentence has them."""

    choices: tuple[str, ...]
    said: str


@pytest.mark.parametrize(
    "case", [_Choices(("a",), "a"), _Choices(("a", "b"), "a or b"), _Choices(("a", "b", "c"), "a, b or c")]
)
def test_choices_are_listed_as_a_sentence_has_them(case: _Choices) -> None:
    """Commas between, and an `or` before the last."""
    assert one_of(case.choices) == case.said
