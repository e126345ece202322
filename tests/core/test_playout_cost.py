"""What the account of an answer costs, however its text comes."""

from __future__ import annotations

import pytest

from tests.core.test_playout import RATE, spoken_ledger
from voxint.core.tokens import count_letters


def test_text_that_comes_without_audio_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pieces begin at the same sample: not all of it again at each."""
    counted: list[int] = []

    def count(text: str) -> int:
        counted.append(len(text))
        return count_letters(text)

    monkeypatch.setattr("voxint.core.spans.count_letters", count)
    ledger = spoken_ledger()
    for _ in range(2_000):
        ledger.begin_span("word ")
    ledger.generated(RATE)
    ledger.end_spans()
    ledger.sent_until(RATE, 0.0)
    assert ledger.heard_text(0.5) == ("word " * 1_000).rstrip()
    assert ledger.heard_text(1.0) == "word " * 2_000
    assert sum(counted) == len("word " * 2_000)
