from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from attrs import evolve
from click.testing import CliRunner

from bench.__main__ import main
from bench.report.standalone import write_pictures
from bench.schema import load, save
from tests.bench.make_results import make_results

RESULTS = make_results(("streaming-1", "steady-10"), rounds=1)
PUBLISHED = Path(__file__).parents[3] / "bench" / "results"


def test_a_picture_stands_by_itself(tmp_path: Path) -> None:
    """Whole XML, with a size, paper and colours of its own, and a title for those who can't see it."""
    for path in write_pictures(RESULTS, ("waterfall", "streaming-1"), tmp_path / "new"):
        text = path.read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert {"width", "height", "viewBox", "aria-label"} <= root.attrib.keys()
        assert "var(" not in text
        assert "<script" not in text
        assert "streaming-1" in str(root.findtext("{http://www.w3.org/2000/svg}title"))


def test_the_same_results_give_the_same_pictures(tmp_path: Path) -> None:
    """So that one under version control changes with its results only."""
    first, second = (write_pictures(RESULTS, ("streaming-1",), tmp_path / name)[0] for name in "ab")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ["streaming-50", "report"])
def test_a_picture_that_the_run_does_not_have_is_named(tmp_path: Path, name: str) -> None:
    """With those that it has; and none is written."""
    with pytest.raises(ValueError, match=rf"no picture {name} in this run; it has waterfall, streaming-1, steady-10"):
        write_pictures(RESULTS, ("waterfall", name), tmp_path)
    untraced = evolve(RESULTS, slots=tuple(evolve(slot, waterfall=None) for slot in RESULTS.slots))
    with pytest.raises(ValueError, match="no picture waterfall"):
        write_pictures(untraced, ("waterfall",), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_them_beside_the_page(tmp_path: Path) -> None:
    """A name that there is not is one line."""
    save(RESULTS, tmp_path / "results.json")
    done = CliRunner().invoke(main, ["report", str(tmp_path / "results.json"), "--pictures", "waterfall, streaming-1"])
    assert done.exit_code == 0
    assert {path.name for path in tmp_path.glob("*.*g")} == {"waterfall.svg", "streaming-1.svg"}
    assert (tmp_path / "report.html").exists()
    wrong = CliRunner().invoke(main, ["report", str(tmp_path / "results.json"), "--pictures", "x"])
    assert wrong.exit_code == 1
    assert "no picture x in this run" in wrong.output


@pytest.mark.parametrize("run", ["full", "voice"])
def test_published_results_are_compact_and_can_be_read(run: str) -> None:
    """One line of JSON, and no page, which a command makes of it."""
    assert (PUBLISHED / run / "results.json").read_bytes().count(b"\n") == 1
    assert load(PUBLISHED / run / "results.json").mode == "full"


def test_the_published_pictures_are_of_the_published_results(tmp_path: Path) -> None:
    """Their words and numbers; curves differ by a pixel from one release of matplotlib to another."""
    results = load(PUBLISHED / "full" / "results.json")
    for path in write_pictures(results, ("waterfall", "steady-90"), tmp_path):
        published = (PUBLISHED / "full" / path.name).read_text(encoding="utf-8")
        assert words_of(published) == words_of(path.read_text(encoding="utf-8"))


def words_of(svg: str) -> list[str]:
    """Return the texts of a picture, in their order."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)
