"""What `voxint bench` makes of what callers saw."""

from __future__ import annotations

import io
import json

from rich.console import Console

from voxint.cli.measured import Measured, as_json, table_of, verdict_of
from voxint.measure import Load, MeasuredTurn, Pace, Recording


def measured(*turns: MeasuredTurn, speaks: bool = True, lost: tuple[str, ...] = (), lag_ms: float = 0.1) -> Measured:
    """Return the statistics of a load that counted from 10 to 20."""
    recording = Recording(10.0, 20.0, 21.0, list(turns), lag_ms=[lag_ms], lost=list(lost))
    return Measured.of(Load(3, [0.5] * 100, recording), speaks=speaks)


def turn(number: int = 1, *, ack_ms: float | None = 2.0, **seen: object) -> MeasuredTurn:
    """Return a turn that was interrupted while it was heard, with what was seen of it."""
    acknowledged = None if ack_ms is None else 12.5 + ack_ms / 1000
    made = MeasuredTurn(number, 0, 12.0, first_text=12.1, first_audio=12.2, interrupted=12.5, acknowledged=acknowledged)
    for name, value in seen.items():
        setattr(made, name, value)
    return made


def shown(load: Measured) -> str:
    """Return the table as it is printed."""
    out = io.StringIO()
    Console(file=out, width=120).print(table_of(load))
    return out.getvalue()


def test_kept_promises_are_said_in_one_line() -> None:
    """With how many interrupts it rests on, all loads together."""
    verdict = verdict_of([measured(turn()), measured(turn(1), turn(2))])
    assert verdict == "promises kept: 3 interrupts, each acknowledged, and nothing came after"


def test_broken_promises_are_counted() -> None:
    """Each with the load it was broken in; turns that failed stand behind."""
    first, second = measured(turn(ack_ms=None), turn(2)), measured(turn(leaked=1), turn(2, leaked=2, failed="X: no"))
    assert verdict_of([first, second]) == (
        "promises broken: 1 of 2 interrupts got no acknowledgement (3 sessions); "
        "3 frames came after the acknowledgement (3 sessions); 1 turn failed"
    )
    assert (len(first.broken), len(second.broken)) == (1, 1)


def test_callers_who_were_not_served_are_no_kept_promise() -> None:
    """A load whose callers were refused, or had nothing to interrupt, is told as unknown and not as kept."""
    lost, silent = measured(turn(), lost=("refused", "refused")), measured()
    assert verdict_of([measured(turn()), lost, silent]) == (
        "not all was measured: 2 of 3 callers lost (3 sessions); no caller could interrupt an answer (3 sessions)"
    )
    assert measured(turn()).unmeasured == ""


def test_what_makes_figures_worth_less_is_said() -> None:
    """Failures and losses with their most frequent reason, and a generator that could not keep up."""
    failed = [turn(1, failed="A: once"), turn(2, failed="B: twice"), turn(3, failed="B: twice"), turn(4)]
    assert measured(*failed).problems == ["3 of 4 turns failed: B: twice"]
    assert measured(turn(), lost=("gone", "gone")).problems == ["2 of 3 callers lost: gone"]
    assert measured(turn(), lag_ms=9.0).problems == [
        "the machine held the generator up: it wrote 9.0 ms late (p95) and used 0% of a core"
    ]
    assert measured(turn()).problems == []


def test_interrupts_that_met_no_answer_are_told() -> None:
    """Those too early, where the server answers slower under the load, and those too late."""
    [early] = measured(turn(first_audio=12.6), turn(first_audio=None), turn(2)).problems
    assert early.startswith("2 interrupts met an answer that had not begun")
    assert measured(turn(first_audio=None), speaks=False).problems == []
    [late] = measured(turn(ended=12.4), turn(2)).problems
    assert late == "1 interrupt met an answer that had ended: give it a --question with a longer answer"


def test_the_table_puts_the_acknowledgement_beside_the_round_trip() -> None:
    """Figures of which there was nothing are left out; percentiles that few values can't bear are marked."""
    table = shown(measured(turn(ack_ms=2.0), turn(2, ack_ms=2.0)))
    lines = {line.split()[0]: line.split() for line in table.splitlines() if line.strip()}
    assert lines["ack_ms"][1:7] == ["2", "2.00", "2.00–2.00", "~2.00", "~2.00", "2.00"]
    assert lines["×"][3:6] == ["4.0", "4.0", "4.0"]
    assert "next_audio_ms" not in table
    assert "take more --seconds" in table


def test_json_holds_everything() -> None:
    """Also what was not seen at all, so that a reader finds every name."""
    text = as_json(
        [measured(turn(ack_ms=None))], url="ws://h/", question="Q?", pace=Pace(0.2, True), seconds=10, warmup_s=2
    )
    read = json.loads(text)
    assert (read["format"], read["kept"], read["question"]) == (1, False, "Q?")
    [load] = read["loads"]
    assert load["broken"] == ["1 of 1 interrupt got no acknowledgement"]
    assert load["figures"]["next_audio_ms"] == {"count": 0}
    assert load["figures"]["ack_ms"]["p50"]["value"] == load["figures"]["ack_ms"]["max"]


def test_a_narrow_terminal_shows_every_number() -> None:
    """And leaves the words out."""
    out = io.StringIO()
    Console(file=out, width=80).print(table_of(measured(turn(ack_ms=2.0), turn(2, ack_ms=2.0)), width=80))
    assert "2.00–2.00" in out.getvalue()
    assert "INTERRUPT acknowledged" not in out.getvalue()
    assert "…" not in out.getvalue()
