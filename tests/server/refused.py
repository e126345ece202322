"""What a client is told when a quota or a limit refuses it, and what the operator sees of that."""

from __future__ import annotations

from tests.talk import Talk
from voxint.server.telemetry import Telemetry

__all__ = ["counted", "refusals"]


def refusals(talk: Talk) -> list[tuple[str, str, bool, str | None]]:
    """Return what each ERROR says: code, detail, whether to try again, whose."""
    return [(error.error_code, error.error_detail, error.retryable, error.request_id) for error in talk.errors]


def counted(talk: Talk, quota: str) -> float:
    """Return how often the metric has a quota refuse."""
    telemetry = talk.host.observer
    assert isinstance(telemetry, Telemetry)
    value = telemetry.metrics.registry.get_sample_value("voxint_refusals_total", {"quota": quota})
    assert value is not None
    return float(value)
