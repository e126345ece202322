"""What callers do when is decided before anything is sent."""

from __future__ import annotations

from itertools import pairwise

import pytest

from voxint.measure import PlannedTurn, Workload, plan

EVERY = [Workload(), Workload(together=True), Workload(share=0.5), Workload(spoken=True), Workload(deaf_s=1.0)]


def every_turn(workload: Workload, sessions: int = 20, seconds: float = 20.0) -> list[PlannedTurn]:
    """Return the turns of all callers."""
    return [turn for turns in plan(workload, sessions, seconds) for turn in turns]


@pytest.mark.parametrize("workload", EVERY)
def test_the_same_seed_gives_the_same_plan(workload: Workload) -> None:
    """And another seed another one: every target of a round gets the same load, no two rounds do."""
    assert plan(workload, 5, 10.0, seed=3) == plan(workload, 5, 10.0, seed=3)
    assert plan(workload, 5, 10.0, seed=3) != plan(workload, 5, 10.0, seed=4)


@pytest.mark.parametrize("workload", EVERY)
def test_turns_are_numbered_in_the_order_in_which_they_are_asked(workload: Workload) -> None:
    """Without holes, from the first number on."""
    plans = plan(workload, 7, 10.0, first=100)
    turns = sorted((turn for turns in plans for turn in turns), key=lambda turn: turn.ask_s)
    assert [turn.number for turn in turns] == list(range(100, 100 + len(turns)))


def test_a_caller_more_changes_nothing_for_the_others() -> None:
    """Each has chances of its own, so that loads of different sizes can be compared."""
    few, many = plan(Workload(), 3, 10.0), plan(Workload(), 4, 10.0)
    assert [[turn.ask_s for turn in turns] for turns in few] == [[turn.ask_s for turn in turns] for turns in many[:3]]


def test_callers_arrive_within_a_moment_and_not_in_step() -> None:
    """All of them before a warm-up of 2 s ends."""
    arrivals = [turns[0].ask_s for turns in plan(Workload(begin_s=1.0), 50, 10.0)]
    assert 1.0 <= min(arrivals) < 1.2
    assert 2.3 < max(arrivals) <= 2.5


def test_interrupts_come_while_an_answer_is_heard() -> None:
    """0.1 to 0.5 s after the first audio is expected, evenly."""
    waits = [turn.interrupt_s - turn.ask_s for turn in every_turn(Workload()) if turn.interrupt_s is not None]
    assert 0.35 <= min(waits) < 0.36
    assert 0.74 < max(waits) <= 0.75
    assert sum(waits) / len(waits) == pytest.approx(0.55, abs=0.02)


def test_three_of_four_questions_come_right_behind_an_interrupt() -> None:
    """In the very instant; the others half a second after it, as much as anybody's first."""
    behind = 0
    for turns in plan(Workload(), 20, 20.0):
        assert not turns[0].behind
        for turn, following in pairwise(turns):
            assert turn.interrupt_s is not None
            assert following.ask_s == pytest.approx(turn.interrupt_s + (0.0 if following.behind else 0.5))
            behind += following.behind
    assert behind / len(every_turn(Workload())) == pytest.approx(0.75, abs=0.05)


def test_a_share_of_answers_is_heard_to_the_end() -> None:
    """The next question comes when they are over, and right behind nothing."""
    workload = Workload(share=0.5, answer_s=2.0)
    turns = every_turn(workload)
    assert sum(turn.interrupt_s is not None for turn in turns) / len(turns) == pytest.approx(0.5, abs=0.06)
    for plans in plan(workload, 20, 20.0):
        for turn, following in pairwise(plans):
            if turn.interrupt_s is None:
                assert following.ask_s == turn.ask_s + 2.0
                assert not following.behind


def test_nothing_is_asked_after_the_end() -> None:
    """An interrupt may come a little later: it is of a question that was asked before."""
    turns = every_turn(Workload(), seconds=5.0)
    assert 4.9 < max(turn.ask_s for turn in turns) < 5.0
    assert max(turn.interrupt_s or 0.0 for turn in turns) < 5.75


def test_together_all_interrupt_in_one_instant() -> None:
    """Once in 1.2 s; by then everybody's answer is heard."""
    plans = plan(Workload(together=True), 10, 6.0)
    assert {turn.interrupt_s for turns in plans for turn in turns} == {n * 1.2 + 0.9 for n in range(5)}
    for turn in every_turn(Workload(together=True)):
        assert turn.interrupt_s is not None
        assert turn.interrupt_s - turn.ask_s >= 0.35


def test_a_deaf_caller_stops_reading_before_it_interrupts() -> None:
    """After the first audio: what it does not read is an answer."""
    for turn in every_turn(Workload(deaf_s=1.0)):
        assert turn.interrupt_s is not None
        assert turn.deaf_s == 1.0
        assert turn.interrupt_s - 1.0 >= turn.ask_s + 0.35


def test_a_spoken_workload_speaks_every_question() -> None:
    """Others write theirs."""
    assert all(turn.spoken for turn in every_turn(Workload(spoken=True)))
    assert not any(turn.spoken for turn in every_turn(Workload()))


def test_a_spoken_question_that_ends_is_answered_before_it_is_interrupted() -> None:
    """After its end, the answer's first audio, and some of that."""
    workload = Workload(spoken=True, speaks_s=1.0)
    for turn in every_turn(workload):
        assert turn.interrupt_s is not None
        assert (turn.spoken, turn.speaks_s) == (True, 1.0)
        assert turn.ask_s + 1.35 <= turn.interrupt_s <= turn.ask_s + workload.longest_s


def test_idle_callers_ask_nothing() -> None:
    """They begin after the load's end; each is there all the same."""
    assert plan(Workload(begin_s=1e6), 3, 10.0) == [(), (), ()]
