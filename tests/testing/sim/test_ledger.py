from __future__ import annotations

import pytest
import trio

from voxint.testing.sim import ledger as module
from voxint.testing.sim.ledger import Ledger, LedgerEntry


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old requests and old stamps are forgotten, while the counts stay whole."""
    monkeypatch.setattr(module, "STAMPS", 4)
    ledger = Ledger()
    entry = ledger.begin("/chat", 0.0, 1)
    for stamp in range(1000):
        entry.generated(float(stamp))
    assert entry.tokens_generated == 1000
    assert 4 <= len(entry.generated_at) < 8
    assert entry.generated_at[-1] == 999.0
    for _ in range(module.REQUESTS):
        ledger.begin("/chat", 0.0, 1)
    kept = ledger.report().requests
    assert (len(kept), kept[0].id) == (module.REQUESTS, 2)


def test_tokens_after_the_disconnect_are_counted() -> None:
    """What was generated after the client was seen to leave is waste, and is named."""
    entry = LedgerEntry(id=1, endpoint="/chat", t_received=0.0)
    for stamp in (1.0, 2.0, 3.0):
        entry.generated(stamp)
    entry.settle(1.5)
    assert (entry.tokens_after_disconnect, entry.outcome) == (2, "disconnected")


def test_request_under_way_at_the_end_is_stopped() -> None:
    """A request that the simulator's own end cut is neither complete nor disconnected; others keep their outcome."""
    cut, done = (LedgerEntry(id=n, endpoint="/chat", t_received=0.0) for n in (1, 2))
    done.outcome = "complete"
    cut.settle(None)
    done.settle(None)
    assert (cut.outcome, done.outcome) == ("stopped", "complete")


def test_report_may_begin_behind_an_id() -> None:
    """A reader that polls gets only what is new, and clearing leaves nothing old."""
    ledger = Ledger()
    for _ in range(3):
        ledger.begin("/chat", 0.0, 1)
    assert [entry.id for entry in ledger.report(after=1).requests] == [2, 3]
    ledger.clear()
    assert (ledger.report().requests, ledger.report().open_requests) == ([], 3)


async def test_settled_waits_for_the_last_request(autojump_clock: trio.abc.Clock) -> None:
    """It returns when none is under way, also when new ones began meanwhile."""
    ledger = Ledger()

    async def request(begin_s: float, last_s: float) -> None:
        await trio.sleep(begin_s)
        entry = ledger.begin("/chat", 0.0, 1)
        await trio.sleep(last_s)
        ledger.end(entry, None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(request, 0.0, 2.0)
        nursery.start_soon(request, 1.0, 3.0)
        await trio.sleep(0.5)
        await ledger.settled()
        assert trio.current_time() == 4.0
