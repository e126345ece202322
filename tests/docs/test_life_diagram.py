"""The diagram of a request's life in the documentation is the table, and the table can be drawn."""

from __future__ import annotations

from typing import get_args

import pytest

from tests.docs.life_diagram import BEGIN, MARKER, PAGE, diagram, with_diagram
from tests.docs.pages import blocks
from voxint.core.life import LIFE, LifeEvent, State

STATES: tuple[State, ...] = get_args(State)


def reached(state: State) -> set[State]:
    """Return the states that events lead to from `state`, itself included."""
    found, new = set[State](), {state}
    while new:
        found |= new
        new = {after for (before, _), after in LIFE.items() if before in new} - found
    return found


def test_the_page_shows_the_table() -> None:
    """The diagram is what the table gives; ``python -m tests.docs.life_diagram`` makes it anew."""
    [shown] = [block.code for block in blocks(PAGE) if block.marker == MARKER]
    assert shown == diagram(LIFE)


def test_making_the_diagram_anew_changes_nothing_else() -> None:
    """The page around it stays as it is, whatever is drawn."""
    page = PAGE.read_text(encoding="utf-8")
    other = with_diagram(page, "stateDiagram-v2\n")
    assert other != page
    assert with_diagram(other, diagram(LIFE)) == page


def test_a_page_without_a_place_is_told() -> None:
    """A marker that was lost does not leave the page as it is without a word."""
    with pytest.raises(ValueError, match="0 diagrams"):
        with_diagram("# A page\n", diagram(LIFE))


def test_an_event_that_changes_nothing_has_no_arrow() -> None:
    """Events that lead the same way share an arrow, and what comes last leads out."""
    small: dict[tuple[State, LifeEvent], State] = {
        ("live", "interrupt"): "stopping",
        ("live", "fail"): "stopping",
        ("stopping", "fail"): "stopping",
    }
    assert diagram(small).splitlines()[2:] == [
        "    [*] --> live",
        "    live --> stopping: interrupt, fail",
        "    stopping --> [*]",
    ]


def test_every_state_is_reached_and_each_leads_to_the_end() -> None:
    """No state is there for nothing, and no request stays for ever."""
    assert reached(BEGIN) == set(STATES)
    assert all("ended" in reached(state) for state in STATES)


def test_nothing_leads_out_of_the_end_or_back_to_life() -> None:
    """What has ended stays ended, and what was asked to stop does not work on; what is held may."""
    assert reached("ended") == {"ended"}
    assert {before for (before, _), after in LIFE.items() if after in ("live", "held")} == {"live", "held"}


def test_an_overrun_comes_from_the_deadline_alone() -> None:
    """A request is called that when it was asked to stop and did not in time, and never otherwise."""
    ways = {(before, event) for (before, event), after in LIFE.items() if after == "overrun" and before != "overrun"}
    assert ways == {("stopping", "deadline")}
