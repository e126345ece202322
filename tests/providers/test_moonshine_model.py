"""The model Moonshine in this process: its drafts change nothing, its table of tokens, and where it stops."""

from __future__ import annotations

from collections.abc import Sequence

import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.wer import score
from tests.needs import needs_moonshine
from tests.providers.recordings import readings
from voxint.assets import find
from voxint.providers._moonshine_model import MoonshineModel, Stopped, read_tokens
from voxint.providers.moonshine import FILES

pytestmark = needs_moonshine


@pytest.fixture(scope="module", name="model")
def _model() -> MoonshineModel:
    encoder, decoder, tokens = (find(name).read() for name in FILES)
    return MoonshineModel(encoder, decoder, tokens, threads=1)


def hear(model: MoonshineModel, pcm: bytes, draft: Sequence[int] = ()) -> tuple[str, list[int]]:
    """Return the words and tokens of a sound."""
    return model.hear(pcm, draft, onnxruntime.RunOptions(), lambda: False)


def test_a_draft_changes_next_to_nothing(model: MoonshineModel) -> None:
    """Right, cut short, wrong from the middle on, of half the sound, too long or nonsense: one word differs at most."""
    for pcm, _ in readings()[1:3]:
        text, tokens = hear(model, pcm)
        middle = len(tokens) // 2
        drafts = [
            tokens,
            tokens[:middle],
            [*tokens[:middle], 500, *tokens[middle + 1 :]],
            hear(model, pcm[: len(pcm) // 2 & ~1])[1],
            [*tokens, *tokens, *tokens],
            [500] * 400,
            [2, 2],
        ]
        for draft in drafts:
            assert score(text, hear(model, pcm, draft)[0]).wrong <= 1, draft


def test_it_writes_no_more_than_can_be_said(model: MoonshineModel) -> None:
    """Of a second of sound at most seven tokens; of next to none, and of half a second, at most four."""
    pcm, _ = readings()[0]
    assert len(hear(model, pcm[:32_000])[1]) <= 7
    assert len(hear(model, pcm[:2])[1]) <= 4
    assert len(hear(model, b"")[1]) <= 4


def test_it_stops_between_steps(model: MoonshineModel) -> None:
    """It asks before each step; told to stop at the nth, it makes no further one."""
    pcm, _ = readings()[1]
    for nth in range(4):
        asked = 0

        def stopped(nth: int = nth) -> bool:
            nonlocal asked
            asked += 1
            return asked > nth

        with pytest.raises(Stopped):
            model.hear(pcm, (), onnxruntime.RunOptions(), stopped)
        assert asked == nth + 1


def test_it_stops_within_a_step(model: MoonshineModel) -> None:
    """A step that is terminated raises, and counts as stopped where that was wanted; else the error comes out."""
    options = onnxruntime.RunOptions()
    options.terminate = True
    pcm, _ = readings()[1]
    answers = iter([False, True])
    with pytest.raises(Stopped):
        model.hear(pcm, (), options, lambda: next(answers))
    with pytest.raises(Exception, match="terminate"):
        model.hear(pcm, (), options, lambda: False)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=40))
def test_the_table_of_tokens(pieces: list[bytes]) -> None:
    """Each piece stands behind its length, of one byte or two."""
    table = b"".join(
        (bytes([len(piece)]) if len(piece) < 128 else bytes([len(piece) % 128 + 128, len(piece) // 128])) + piece
        for piece in pieces
    )
    assert read_tokens(table) == pieces


@pytest.mark.parametrize("table", [b"", b"\x05abc", b"\x01a\x05", b"\x85"])
def test_a_table_that_is_none(table: bytes) -> None:
    """One that is empty, or cut off, is refused."""
    with pytest.raises(ValueError, match="the table of tokens is"):
        read_tokens(table)
