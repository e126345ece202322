from __future__ import annotations

from attrs import evolve

from bench.report.headline import Headline, headline_of
from bench.report.summary import summarize
from bench.results import Results
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


def test_a_run_without_voxint_says_whose_it_is() -> None:
    """No number is made up."""
    assert head_of(only(make_results(("streaming-1",), rounds=1), "pipecat", "livekit")) == Headline(
        "A run of pipecat and livekit"
    )
    assert head_of(make_results((), rounds=0)) == Headline("A run that measured nothing")
