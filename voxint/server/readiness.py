"""Whether somebody new would be taken: what a load balancer and a page are told."""

from __future__ import annotations

from typing import Literal

import trio
from attrs import frozen

from voxint.server.host import Host

__all__ = ["Readiness", "readiness"]


@frozen
class Readiness:
    """Whether somebody new would be taken.

    Args:
        state: In a word.
        words: The same for a person, and why.
    """

    state: Literal["ready", "draining", "busy"]
    words: str


def readiness(host: Host) -> Readiness:
    """Return whether somebody new would be taken now."""
    if host.draining:
        return Readiness("draining", "draining")
    if host.places.full:
        return Readiness("busy", "busy: there are as many callers as there may be (max_connections)")
    busy = host.meter.refuse_anybody(trio.current_time())
    if busy is not None and not host.store.has_alone:
        return Readiness("busy", f"busy: {busy.message} (quota {busy.quota})")
    return Readiness("ready", "ready")
