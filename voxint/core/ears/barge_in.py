"""What may interrupt an answer."""

from __future__ import annotations

from attrs import field, frozen

from voxint.arguments import bounded, check_fields

__all__ = ["BargeIn"]


@frozen(kw_only=True, field_transformer=check_fields)
class BargeIn:
    """What may interrupt an answer."""

    onset_ms: float = field(default=64.0, validator=bounded(at_least=0, at_most=2_000))
