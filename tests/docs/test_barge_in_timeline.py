"""The timeline of barge-in by voice is what the ears do, and is the same drawing in both languages."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.docs.barge_in_scenes import Scene, backchannel, interruption
from tests.docs.barge_in_timeline import FOLDER, PICTURES, picture

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def scenes() -> tuple[Scene, Scene]:
    """Both scenes, played once."""
    return interruption(), backchannel()


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_what_happens(name: str, scenes: tuple[Scene, Scene]) -> None:
    """Both scenes, played anew with today's defaults; ``python -m tests.docs.barge_in_timeline`` draws them anew."""
    assert (FOLDER / name).read_text(encoding="utf-8") == picture(PICTURES[name], *scenes)


def test_both_languages_show_the_same_drawing(scenes: tuple[Scene, Scene]) -> None:
    """Every element and its place, without the words; and the same times."""
    drawn, figures = [], []
    for words in PICTURES.values():
        root = ElementTree.fromstring(picture(words, *scenes))
        drawn.append([(element.tag, dict(element.attrib)) for element in root.iter()])
        said = [element.text or "" for element in root.iter(f"{SVG}text")]
        figures.append([re.findall(r"\d[\d.]*", text) for text in said])
    assert drawn[0] == drawn[1]
    assert figures[0] == figures[1]


def test_it_is_drawn_to_scale(scenes: tuple[Scene, Scene]) -> None:
    """A hold is as long on paper as it lasts, by the same measure in both scenes."""
    root = ElementTree.fromstring(picture(PICTURES["barge-in.svg"], *scenes))
    holds = [float(element.attrib["width"]) for element in root.iter(f"{SVG}rect") if element.get("class") == "hold"]
    meant, not_meant = scenes
    assert meant.committed is not None
    assert not_meant.released is not None
    lasted = [meant.committed - meant.held, not_meant.released - not_meant.held]
    assert holds[0] / lasted[0] == pytest.approx(holds[1] / lasted[1], rel=0.01)


def test_the_scenes_show_what_the_page_says(scenes: tuple[Scene, Scene]) -> None:
    """Who means it ends the model and the voice in the step of the decision; who doesn't costs nothing but a pause."""
    meant, not_meant = scenes
    assert (meant.outcome, meant.released) == ("request", None)
    assert [spans[0][1] for spans in (meant.model, meant.voice)] == [meant.committed, meant.committed]
    assert len(meant.model) == 2
    assert meant.asked is not None
    assert meant.next_sounds is not None
    assert meant.held < meant.onset < meant.decided < meant.asked < meant.next_sounds
    assert (not_meant.outcome, not_meant.reason, not_meant.committed) == ("backchannel", "backchannel", None)
    assert len(not_meant.model) == len(not_meant.voice) == 1
    assert not_meant.released is not None
    assert not_meant.model[0][1] > not_meant.released
