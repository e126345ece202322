from __future__ import annotations

from attrs import evolve

from bench.attacks import judges
from bench.attacks.results import Seen
from bench.attacks.site import AttackReport

MIB = 1024 * 1024
PLAIN = Seen(8.0, rss_before=50 * MIB, rss_peak=60 * MIB, rss_after=52 * MIB)


def told(**totals: float) -> Seen:
    """Return what was seen, where the attacker counted this."""
    return evolve(PLAIN, attacker=AttackReport({name.replace("_", " "): by for name, by in totals.items()}))


def test_memory_is_judged_at_its_most_and_at_its_end() -> None:
    """Ten MiB at most and two in the end are within 20 and 5, and beyond 9 and 1."""
    assert judges.memory_bounded(20.0, 5.0)(PLAIN) == []
    assert len(judges.memory_bounded(9.0, 1.0)(PLAIN)) == 2


def test_memory_that_grows_after_the_attack_counts() -> None:
    """What an upstream has poured in goes on being taken when its client has left."""
    assert judges.memory_bounded(20.0)(evolve(PLAIN, rss_after=99 * MIB))


def test_every_try_with_the_right_key_has_to_succeed() -> None:
    """One that is not admitted is too many, and none at all is no proof."""
    assert judges.all_admitted(told(tries=20, admitted=20)) == []
    assert judges.all_admitted(told(tries=20, admitted=19)) == ["right key admitted 19 of 20"]
    assert judges.all_admitted(told())


def test_guesses_are_judged_by_address() -> None:
    """So many a second are fine from many addresses and too many from one; one that is let in never is."""
    assert judges.guesses_slowed(20)(told(answered=800)) == []
    assert judges.guesses_slowed(1)(told(answered=800))
    assert judges.guesses_slowed(20)(told(let_in=1)) == ["a guess was let in"]


def test_calls_of_one_session_are_bounded() -> None:
    """What reached the upstream counts, not what was asked."""
    assert judges.calls_bounded(evolve(PLAIN, upstream_calls=160)) == []
    assert judges.calls_bounded(evolve(PLAIN, upstream_calls=168))


def test_the_other_caller_is_served_nine_times_in_ten() -> None:
    """One refusal in twenty may be; nothing tried is no proof."""
    assert judges.honest_served(told(honest_tries=20, honest_answers=19)) == []
    assert judges.honest_served(told(honest_tries=20, honest_answers=17))
    assert judges.honest_served(told())


def test_a_page_that_was_told_to_a_wrong_name_is_named() -> None:
    """Each by its path."""
    seen = evolve(PLAIN, attacker=AttackReport({"asked": 90, "told /metrics": 30}))
    assert judges.nothing_told(seen) == ["/metrics is told to anybody"]


def test_a_foreign_page_is_refused_and_told_nothing() -> None:
    """A session that one was told of breaks it; where none was refused, nothing is known."""
    assert judges.pages_refused(told(refused=9)) == []
    assert judges.pages_refused(PLAIN) == ["no page was refused"]
    seen = evolve(PLAIN, attacker=AttackReport({"refused": 9, "told a session": 1}))
    assert judges.pages_refused(seen) == ["a session is told to anybody"]


def test_answers_whose_end_was_said_stand() -> None:
    """An error behind it breaks that, and so does an answer that never came."""
    assert judges.answers_stand(evolve(PLAIN, attacker=AttackReport({"asked": 3, "ended: well": 3}))) == []
    assert judges.answers_stand(evolve(PLAIN, attacker=AttackReport({"ended: well": 2, "ended: UPSTREAM_ERROR": 1})))
    assert judges.answers_stand(PLAIN)


def test_a_signal_must_not_kill() -> None:
    """A process that went in order ended with 0."""
    assert judges.still_there(PLAIN) == []
    assert judges.still_there(evolve(PLAIN, exit_code=-1)) == ["the signal ended it with -1"]


def test_several_bounds_are_one() -> None:
    """What breaks any of them is told."""
    assert judges.together(judges.memory_bounded(1.0), judges.all_admitted)(told(tries=1)) == [
        "memory grew by 10 MiB > 1",
        "right key admitted 0 of 1",
    ]
