from __future__ import annotations

import typing
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NewType, TypedDict, TypeVar

import pytest

from voxint.core.agent import Agent
from voxint.core.stages import LanguageModel
from voxint.kinds import UNFIT, kind_of

Session = NewType("Session", str)
T = TypeVar("T")


class Options(TypedDict):
    """A dict, as a type checker knows it."""

    name: str


@pytest.mark.parametrize(
    ("annotation", "fits", "does_not"),
    [
        (str, "x", b"x"),
        (int, 3, True),
        (float, 3.5, "3.5"),
        (bool, True, 1),
        (None, None, 0),
        (str | None, None, 0),
        (typing.Optional[str], "x", 0),  # noqa: UP045 - the old form is one too
        (Literal["WEB", 1], 1, "TV"),
        (tuple[str, ...], ["x"], ("x", 1)),
        (tuple[str, ...], (), "x"),
        (Mapping[str, int], {"x": 1}, {"x": "y"}),
        (typing.Mapping[str, int], {}, []),
        (Iterable[str], ["x"], "x"),
        (Callable[[], None], print, "print"),
        (bytes, b"", bytearray()),
        (AsyncIterable[bytes], kind_of, []),
    ],
)
def test_each_form_tells_what_fits(annotation: object, fits: object, does_not: object) -> None:
    """A list fits where a tuple does, and a text is no list of texts."""
    if annotation == AsyncIterable[bytes]:

        async def fits() -> Any:
            yield b""

        fits = fits()
    kind = kind_of(annotation)
    assert kind.take(fits) is not UNFIT
    assert kind.take(does_not) is UNFIT


@pytest.mark.parametrize("annotation", [Any, object, LanguageModel])
def test_what_cannot_be_told_by_type_is_left_to_others(annotation: object) -> None:
    """Such as the shape of a stage, which has a judge of its own."""
    assert kind_of(annotation).take(Agent) is Agent


@pytest.mark.parametrize(
    "annotation",
    [
        tuple[int, str],
        tuple[()],
        list[str],
        dict[str, str],
        Sequence[str],
        typing.Mapping,
        typing.List,  # noqa: UP006 - the old form is refused as well
        tuple[list[str], ...],
        Mapping[str, list[str]],
        Iterable[dict[str, str]],
        list[str] | None,
        type[str],
        Session,
        Session | None,
        T,
        Options,
        "str",
    ],
    ids=str,
)
def test_every_other_form_is_refused_at_once(annotation: object) -> None:
    """Whoever annotates so learns the forms that there are; nothing is judged by half."""
    with pytest.raises(TypeError, match=r"^a value can't be judged by .*: annotate it with a class, object, None"):
        kind_of(annotation)
