from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from bench.report.headline import Headline, headline_of
from bench.report.summary import summarize
from bench.schema import Results
from tests.bench.make_results import encoded, make_results, make_slot, only


def head_of(results: Results) -> Headline:
    """Return what stands on top of a run's page."""
    return headline_of(summarize(results), results)


def test_who_is_faster_is_named_as_well() -> None:
    """The comparison has everybody whose acknowledgement counts, and says of the others that theirs does not."""
    head = head_of(make_results(("streaming-1",)))
    assert head.title.startswith("voxint stops everything and confirms it in 2.")
    compared, unproven = head.sentences
    assert compared.startswith("Beside it, asyncio aiohttp takes 0.5")
    assert "livekit" in compared
    assert "flag" not in compared
    assert unproven == "asyncio httpx and flag acknowledge before their work has stopped, which does not count."


def test_many_sessions_have_their_own_sentence() -> None:
    """The most that were measured in the same scenario."""
    head = head_of(make_results(("streaming-1", "streaming-10", "streaming-50"), rounds=1))
    assert head.sentences[-1].startswith("With 50 sessions voxint needs ")


def test_a_figure_that_does_not_count_is_no_boast() -> None:
    """When voxint itself acknowledges early, the title says so and nothing is compared."""
    early = evolve(
        make_slot("streaming-1", "voxint"), figures={"ack_ms": encoded([1.0]), "closed_after_ack_ms": encoded([9.0])}
    )
    head = head_of(evolve(make_results((), rounds=0), slots=(early, make_slot("streaming-1", "pipecat"))))
    assert "do not count" in head.title
    assert head.sentences == ()


@pytest.mark.parametrize(("wrong", "said"), [
    ({"totals": {"leak_after_ack": 1.0}}, "goes on after it has confirmed an interrupt"),
    ({"problems": ("generator saturated",)}, "was measured with a problem"),
])  # fmt: skip
def test_many_sessions_are_no_boast_either(wrong: dict[str, Any], said: str) -> None:
    """What is wrong with voxint's own figures is said in their place, with few sessions and with many."""
    made = make_results(("streaming-1", "streaming-50"), rounds=1)
    for case in ("streaming-1", "streaming-50"):
        slots = tuple(
            evolve(slot, **wrong) if (slot.target, slot.case) == ("voxint", case) else slot for slot in made.slots
        )
        head = head_of(evolve(made, slots=slots))
        few, many = head.title, next(line for line in head.sentences if line.startswith("With 50 sessions"))
        doubtful, sound = (few, many) if case == "streaming-1" else (many, few)
        assert said in doubtful
        assert said not in sound
        assert "Beside it" not in doubtful
        assert sum("Beside it" in line for line in head.sentences) == 1


def test_each_has_its_own_reason_to_be_left_out() -> None:
    """Who leaks has not acknowledged early, and a problem of the measurement is nobody's fault."""
    wrong: dict[str, dict[str, Any]] = {
        "pipecat": {"totals": {"leak_after_ack": 2.0}},
        "livekit": {"problems": ("generator saturated",)},
    }
    made = make_results(("streaming-1",), rounds=1)
    head = head_of(evolve(made, slots=tuple(evolve(slot, **wrong.get(slot.target, {})) for slot in made.slots)))
    compared, *left_out = head.sentences
    assert "pipecat" not in compared
    assert "livekit" not in compared
    assert left_out == [
        "asyncio httpx and flag acknowledge before their work has stopped, which does not count.",
        "pipecat sends more of a turn after its acknowledgement, which does not count.",
        "livekit was measured with a problem, and left out.",
    ]


def test_a_run_without_voxint_says_whose_it_is() -> None:
    """No number is made up."""
    assert head_of(only(make_results(("streaming-1",), rounds=1), "pipecat", "livekit")) == Headline(
        "A run of pipecat and livekit"
    )
    assert head_of(make_results((), rounds=0)) == Headline("A run that measured nothing")
