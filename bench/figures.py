"""Percentiles, and how they are printed."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

__all__ = ["Percentiles"]


@frozen
class Percentiles:
    """The distribution of one figure: nearest-rank percentiles, so that each is a value that was measured."""

    count: int
    p50: float
    p95: float
    p99: float
    worst: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Percentiles:
        """Return the percentiles of `values`, which must not be empty."""
        ordered = sorted(values)

        def rank(percent: int) -> float:
            return ordered[-(-percent * len(ordered) // 100) - 1]

        return cls(len(ordered), rank(50), rank(95), rank(99), ordered[-1])

    def row(self, name: str) -> str:
        """Return one line of a table."""
        return f"{name:<18} {self.count:>6} {self.p50:>9.2f} {self.p95:>9.2f} {self.p99:>9.2f} {self.worst:>9.2f}"
