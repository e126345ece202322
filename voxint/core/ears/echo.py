"""Whether what comes in is the answer's own sound."""

from __future__ import annotations

from attrs import frozen

from voxint.arguments import check_fields

__all__ = ["EchoRules"]


@frozen(kw_only=True, field_transformer=check_fields)
class EchoRules:
    """How the answer's own sound is told from a person's.

    Args:
        guard: Whether it is.
    """

    guard: bool = True
