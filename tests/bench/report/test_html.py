from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from attrs import evolve

from bench.report.html import page, write_report
from bench.schema import Results, TargetInfo
from tests.bench.make_results import STEADY, make_results, make_slot, only

VOID = {"meta", "br", "use", "path", "rect", "circle", "image", "link"}


class Outline(HTMLParser):
    """What a page is made of: its tags with their attributes, and whether they close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember a tag."""
        self.tags[tag] += 1
        self.attributes.extend((name, value or "") for name, value in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember a tag that closes itself."""
        self.tags[tag] += 1
        self.attributes.extend((name, value or "") for name, value in attrs)

    def handle_endtag(self, tag: str) -> None:
        """Check that it is the innermost that closes."""
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def whole() -> str:
    """The page of a whole run."""
    return page(make_results())


def test_it_needs_nothing_but_itself(whole: str) -> None:
    """No script, no address of anything outside, and small enough to send."""
    outline = Outline(whole)
    assert outline.open == []
    assert not {"script", "link", "iframe", "img", "object"} & set(outline.tags)
    assert "http:" not in whole
    assert "https:" not in whole
    assert "@import" not in whole
    links = [value for name, value in outline.attributes if name in ("href", "src", "xlink:href")]
    assert all(link.startswith("#") for link in links)
    assert all(found.startswith("#") for found in re.findall(r"url\(([^)]*)\)", whole))
    assert len(whole.encode()) < 1_500_000


def test_identifiers_are_unique_and_found(whole: str) -> None:
    """What a picture refers to is in the page, once, though the page holds many pictures."""
    outline = Outline(whole)
    ids = Counter(value for name, value in outline.attributes if name == "id")
    assert max(ids.values()) == 1
    assert set(re.findall(r"url\(#([^)]*)\)", whole)) <= set(ids)
    assert {value[1:] for name, value in outline.attributes if name == "href"} <= set(ids)


def test_colours_all_have_a_dark_side(whole: str) -> None:
    """Every colour is a property of the page, so that the pictures follow a dark one."""
    used = set(re.findall(r"var\((--x[0-9a-f]{6})\)", whole))
    dark = whole[whole.index("prefers-color-scheme: dark") :]
    assert all(f"{name}:#" in dark for name in used)
    assert re.search(r"(?:fill|stroke): #", whole) is None


def test_all_parts_are_there(whole: str) -> None:
    """Headline, pictures of each kind, tables, who is missing, method, systems, machine, commit."""
    for part in (
        "voxint stops everything",
        "One interrupt, to scale",
        'aria-label="streaming-50: share of interrupts acknowledged',
        "What is generated for nobody",
        "CPU against sessions speaking",
        "Sessions speaking at once on one core",
        "95 % bootstrap intervals",
        "its STT is not streamed",
        "A pipeline per session, FastAPI transport.",
        "pipecat-ai&nbsp;1.14.0",
        "Example CPU @ 2.60GHz, 2 cores",
        "commit 540e17d+",
    ):
        assert part in whole


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    """There is no date of the drawing and no random identifier."""
    results = make_results(("streaming-1", "steady-10", "steady-50"), rounds=1)
    first, second = (write_report(results, tmp_path / name) for name in "ab")
    assert first == tmp_path / "a" / "report.html"
    assert first.read_bytes() == second.read_bytes()


def test_what_a_run_says_is_text() -> None:
    """Names, notes, problems and machines can't bring markup of their own."""
    evil = '<script>alert("x")</script>&amp;'
    made = make_results(("streaming-1",), rounds=1)
    targets = {**made.targets, evil: TargetInfo({evil: evil}, evil), "gone": TargetInfo(absent=evil)}
    flag = next(slot for slot in made.slots if slot.target == "flag")
    slots = (*made.slots, evolve(flag, target=evil, problems=(evil,), totals={**flag.totals, evil: 1.0}))
    capacity = {evil: {"voxint": 1.0}}
    machine = evolve(made.machine, cpu=evil, system=evil)
    text = page(evolve(made, targets=targets, slots=slots, machine=machine, commit=evil, mode=evil, capacity=capacity))
    assert "<script" not in text
    outline = Outline(text)
    assert outline.open == []
    assert text.count("&lt;script&gt;") > 10


def test_speech_is_priced_with_many_sessions() -> None:
    """The most that most targets have; a case is named, and one session is one."""
    made = make_results(STEADY, rounds=1)
    assert "CPU per minute of speech, steady-200: 200 sessions" in page(made)
    few = tuple(slot for slot in made.slots if slot.case != "steady-200" or slot.target == "voxint")
    assert "CPU per minute of speech, steady-50: 50 sessions" in page(evolve(made, slots=few))
    assert "CPU per minute of speech, steady-1: 1 session<" in page(make_results(("steady-1",), rounds=1))


def test_a_ramp_is_one_table() -> None:
    """Its steps are rows of it, with what was wrong with them, and no cases with pictures."""
    made = make_results(("steady-10",), rounds=1)
    step = evolve(make_slot("steady-15", "voxint"), case="capacity-15", scenario="capacity", problems=("saturated",))
    text = page(evolve(made, slots=(*made.slots, step)))
    assert text.count("capacity-15") == 1
    assert "Steps to the capacities" in text
    assert "saturated</td>" in text
    assert Outline(text).open == []


PARTS: dict[str, Results] = {
    "floor alone": only(make_results(("streaming-1",), rounds=1), "echo"),
    "voxint alone": only(make_results(("streaming-1",), rounds=1), "voxint"),
    "without a floor": only(make_results(("streaming-1",), rounds=1), "voxint", "pipecat"),
    "no interrupts": make_results(("streaming-1", "steady-10"), rounds=1, count=0),
    "one value": make_results(("streaming-1",), rounds=1, count=1),
    "nothing": evolve(make_results((), rounds=0), capacity={}),
    "steady alone": make_results(("steady-10",), rounds=1),
}


@pytest.mark.parametrize("results", PARTS.values(), ids=PARTS)
def test_part_of_a_run_is_a_page_without_holes(results: Results) -> None:
    """What was not measured has no heading and no empty picture."""
    text = page(results)
    outline = Outline(text)
    assert outline.open == []
    assert '<div class="grid"></div>' not in text
    assert "nan" not in re.sub(r"<[^>]*>", "", text).split()
    pictures = re.findall(r'<svg viewBox="[^"]*" role="img".*?</svg>', text, re.DOTALL)
    assert all(picture.count("<path") > 1 for picture in pictures)


def test_without_a_traced_interrupt_there_is_no_waterfall() -> None:
    """Its heading goes too."""
    made = make_results(("streaming-1",), rounds=1)
    text = page(evolve(made, slots=tuple(evolve(slot, waterfall=None) for slot in made.slots)))
    assert "to scale" not in text
