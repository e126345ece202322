"""How long a silence ends an utterance."""

from __future__ import annotations

from attrs import field, frozen

from voxint.arguments import bounded, check_fields

__all__ = ["Endpointing"]


@frozen(kw_only=True, field_transformer=check_fields)
class Endpointing:
    """When an utterance is over."""

    least_ms: float = field(default=300.0, validator=bounded(at_least=0, at_most=10_000))
