"""What single attacks must not achieve, beside the bounds of all: pure, over what was seen."""

from __future__ import annotations

from collections.abc import Callable

from bench.attacks.results import Seen

__all__ = [
    "all_admitted",
    "answers_stand",
    "calls_bounded",
    "guesses_slowed",
    "honest_served",
    "memory_bounded",
    "nothing_told",
    "pages_refused",
    "still_there",
    "together",
]

Judge = Callable[[Seen], list[str]]

GUESSES_A_SECOND = 10.0
"""Of one address, over the whole attack: ours. A person who mistypes a key tries once in seconds."""

CALLS_A_SECOND = 20.0
"""Upstream calls of one session, over the whole attack: ours, ten times what a person who interrupts makes."""


def together(*judges: Judge) -> Judge:
    """Return what holds everything against several bounds."""
    return lambda seen: [broken for judge in judges for broken in judge(seen)]


def memory_bounded(peak_mib: float, kept_mib: float | None = None) -> Judge:
    """Return what judges the server's memory: its growth at most, and what is left of it a second after."""

    def judge(seen: Seen) -> list[str]:
        broken = [f"memory grew by {seen.grew_mib:.0f} MiB > {peak_mib:.0f}"] * (seen.grew_mib > peak_mib)
        if kept_mib is not None and seen.kept_mib > kept_mib:
            broken.append(f"{seen.kept_mib:.0f} MiB kept > {kept_mib:.0f}")
        return broken

    return judge


def all_admitted(seen: Seen) -> list[str]:
    """Return how many tries with the right key failed, if any did."""
    tries, admitted = seen.total("tries"), seen.total("admitted")
    if not tries:
        return ["nobody tried the right key"]
    return [f"right key admitted {admitted:.0f} of {tries:.0f}"] if admitted < tries else []


def guesses_slowed(addresses: int) -> Judge:
    """Return what judges how many guesses a second are answered to so many addresses."""

    def judge(seen: Seen) -> list[str]:
        rate, bound = seen.total("answered") / seen.seconds, GUESSES_A_SECOND * addresses
        broken = [f"{rate:.0f} guesses a second answered > {bound:.0f}"] * (rate > bound)
        return broken + ["a guess was let in"] * bool(seen.total("let in"))

    return judge


def calls_bounded(seen: Seen) -> list[str]:
    """Return how often one session called the upstream, where that was too often."""
    rate = seen.upstream_calls / seen.seconds
    return [f"{rate:.0f} upstream calls a second > {CALLS_A_SECOND:.0f}"] if rate > CALLS_A_SECOND else []


def honest_served(seen: Seen) -> list[str]:
    """Return how many tries of the other caller failed, if more than one in ten did."""
    tries, answers = seen.total("honest tries"), seen.total("honest answers")
    if not tries:
        return ["the other caller had not even one answer or refusal"]
    return [f"the other caller served {answers:.0f} of {tries:.0f}"] if answers < 0.9 * tries else []


def nothing_told(seen: Seen) -> list[str]:
    """Return what was told to a wrong name, or to a foreign page."""
    return [f"{name.removeprefix('told ')} is told to anybody" for name in seen.attacker.totals if name[:5] == "told "]


def pages_refused(seen: Seen) -> list[str]:
    """Return what foreign pages were told but that they are refused; they have to have been told that."""
    return nothing_told(seen) + ["no page was refused"] * (not seen.total("refused"))


def answers_stand(seen: Seen) -> list[str]:
    """Return how many answers failed whose end had been said."""
    failed = sum(by for name, by in seen.attacker.totals.items() if name[:7] == "ended: " and name != "ended: well")
    return [f"{failed:.0f} answers failed that had ended"] if failed or not seen.total("ended: well") else []


def still_there(seen: Seen) -> list[str]:
    """Return whether a signal ended the process otherwise than in order."""
    return [f"the signal ended it with {seen.exit_code}"] if seen.exit_code not in (0, None) else []
