"""What is left of an attack: figures, and what they break."""

from __future__ import annotations

from pathlib import Path

import msgspec
from attrs import field, frozen

from bench.attacks.site import AttackReport
from bench.schema import Machine

__all__ = ["ATTACKS_FORMAT", "AttackRun", "Attacked", "Calm", "Seen", "save_attacks"]

ATTACKS_FORMAT = 1

MIB = 1024 * 1024


@frozen
class Calm:
    """How a span was for the bystanders, in milliseconds and counts.

    Args:
        turns: Questions.
        interrupts: How many acknowledgements were awaited.
        ack_p50: From INTERRUPT written to its acknowledgement read.
        ack_p99: The same; with less than 100 of them the greatest.
        ack_max: The same.
        frames: Of audio, but for the first of each answer.
        late: Frames that came when all audio before had been played, by more than `LATE_MS`.
        late_max: The most by which one came late.
        unanswered: Interrupts without an acknowledgement.
        failed: Answers of which the server said that they failed.
        unheard: Answers of which nothing was heard before they were interrupted.
        lost: Why bystanders were refused or cut off.
        floor_p99: How much later than planned the bystanders' own process wrote: no figure is better than this.
        floor_max: The same.
    """

    turns: int = 0
    interrupts: int = 0
    ack_p50: float = 0.0
    ack_p99: float = 0.0
    ack_max: float = 0.0
    frames: int = 0
    late: int = 0
    late_max: float = 0.0
    unanswered: int = 0
    failed: int = 0
    unheard: int = 0
    lost: tuple[str, ...] = ()
    floor_p99: float = 0.0
    floor_max: float = 0.0


@frozen
class Seen:
    """Everything that was seen of an attack.

    Args:
        seconds: How long it went on.
        quiet: The bystanders before it.
        under: The bystanders under it.
        attacker: What its clients saw.
        rss_before: The server's memory before it, in bytes.
        rss_peak: The most while it went on.
        rss_after: A second after it.
        cpu_share: Of a core that the server used meanwhile.
        waited_share: Of the time in which it could have run and something else had its core.
        stolen_share: Of a core that the machine's host kept from it.
        upstream_calls: Chat requests that reached the simulated upstream meanwhile, beside the bystanders'.
        serves: Whether a caller was answered afterwards.
        exit_s: From SIGTERM to the end of the process; None: it had to be killed.
        exit_bound_s: What that may take.
        exit_code: Of the process, negative after a signal; None: it had to be killed.
        ended_early: Whether the process was gone before it was told to.
        log_lines: Of the log, from the attack's begin to its end.
        log_bytes: The same.
        unreadable: Lines of the log that are no JSON.
        secrets: Which of the keys and words that no log may hold are in it, by their names.
    """

    seconds: float
    quiet: Calm = field(factory=Calm)
    under: Calm = field(factory=Calm)
    attacker: AttackReport = field(factory=AttackReport)
    rss_before: int = 0
    rss_peak: int = 0
    rss_after: int = 0
    cpu_share: float = 0.0
    waited_share: float = 0.0
    stolen_share: float = 0.0
    upstream_calls: int = 0
    serves: bool = True
    exit_s: float | None = 0.0
    exit_bound_s: float = 0.0
    exit_code: int | None = 0
    ended_early: bool = False
    log_lines: int = 0
    log_bytes: int = 0
    unreadable: int = 0
    secrets: tuple[str, ...] = ()

    @property
    def grew_mib(self) -> float:
        """By how much its memory grew at most."""
        return (max(self.rss_peak, self.rss_after) - self.rss_before) / MIB

    @property
    def kept_mib(self) -> float:
        """By how much more it held a second after."""
        return (self.rss_after - self.rss_before) / MIB

    def total(self, name: str) -> float:
        """Return a number of the attacker's; 0 where it has none of the name."""
        return self.attacker.totals.get(name, 0.0)


@frozen
class Attacked:
    """One attack of a run.

    Args:
        name: Which.
        item: Of which group.
        seen: What was seen; None where it could not be measured.
        broken: The bounds that it broke, in words.
        problem: Why it was not measured, or why its figures do not count.
    """

    name: str
    item: str
    seen: Seen | None
    broken: tuple[str, ...] = ()
    problem: str = ""


@frozen
class AttackRun:
    """A run of attacks, as its JSON file holds it."""

    began: str
    commit: str
    machine: Machine
    attacks: tuple[Attacked, ...]
    format: int = ATTACKS_FORMAT


def save_attacks(run: AttackRun, path: Path) -> None:
    """Write a run to a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(run) + b"\n")
