"""What one caller may have of a server: the operator's bounds per session, per key and per address, and under load."""

from __future__ import annotations

from typing import Literal, get_args

from attrs import field, frozen

from voxint.arguments import bounded, check_fields
from voxint.core.agent import BOUNDS
from voxint.core.seats import SEATS
from voxint.server.buckets import MINUTE_S, Rate

__all__ = ["QUOTAS", "Bounds", "Quotas", "Scope"]

Scope = Literal["session", "key", "address"]
"""Whose bounds: one session's, those of all sessions of a key (or account), those of all from one address."""


def _count(default: int = 0) -> int:
    return field(default=default, validator=bounded(at_least=0))


def _share(default: float) -> float:
    return field(default=default, validator=bounded(more_than=0, at_most=1))


@frozen(kw_only=True)
class Bounds:
    """The bounds of one scope; 0: none.

    Args:
        sessions: At a time, those included that wait for their client to come back.
        live_requests: At a time, those included that are on their way out.
        requests: How many REQUESTs.
        upstream_calls: How many calls of a recogniser, a model, a synthesizer.
        tokens_per_day: Tokens that the model wrote.
        characters_per_day: Characters that were spoken.
    """

    sessions: int = 0
    live_requests: int = 0
    requests: Rate = Rate(0, 0)
    upstream_calls: Rate = Rate(0, 0)
    tokens_per_day: int = 0
    characters_per_day: int = 0


@frozen(kw_only=True, field_transformer=check_fields)
class Quotas:
    """What callers may have; 0: no bound. The defaults are chosen here: no person who talks meets one.

    Where no key and no account is configured the address stands for the key.

    Args:
        sessions: Of all callers, those included that wait for their client to come back; 0: as many as connections.
        key_sessions: Of one key; 0: `key_share` of all where several keys or accounts are known, else no bound.
        key_share: What one of several may have of all sessions, 0 to 1.
        address_sessions: From one address: half of the server's connections, as many people may be behind a proxy.
        session_live_requests: At a time, those that are on their way out included: a new one interrupts the last.
        key_live_requests: The same of one key.
        address_live_requests: The same from one address.
        session_requests_per_minute: Two a second: three times what a detector that cuts each sentence in two asks.
        key_requests_per_minute: The same of one key, however many sessions it opens one after the other: a hundred a
            second, more than a core answers.
        address_requests_per_minute: The same from one address.
        session_upstream_calls_per_minute: Calls of a recogniser, a model, a synthesizer, counted when their request
            has ended: three of each request.
        key_upstream_calls_per_minute: The same of one key.
        address_upstream_calls_per_minute: The same from one address.
        burst_s: So many seconds' worth of a rate may come at once: 40 requests of a session.
        key_tokens_per_day: Tokens that the model wrote for a key in the 24 hours from the first.
        key_characters_per_day: Characters that were spoken for it in that time.
        busy_share: While this share of the time goes by in passes of the loop that are too long (`LoopLag.busy`) only
            those are answered that were lately; 1: everybody is, however late. Measured: with twice what one core
            carries, nine tenths of that were served, and acknowledgements took 45 ms (p99).
        full_share: While it is so for this share nobody new may register, and who came last is refused until it is not.
        served_s: Who asked within so many seconds was answered lately; longer than most answers are to be thought over.
    """

    sessions: int = _count()
    key_sessions: int = _count()
    address_sessions: int = _count(500)
    session_live_requests: int = _count(32)
    key_live_requests: int = _count()
    address_live_requests: int = _count()
    session_requests_per_minute: int = _count(120)
    key_requests_per_minute: int = _count(6000)
    address_requests_per_minute: int = _count()
    session_upstream_calls_per_minute: int = _count(360)
    key_upstream_calls_per_minute: int = _count(18_000)
    address_upstream_calls_per_minute: int = _count()
    burst_s: float = field(default=20.0, validator=bounded(more_than=0))
    key_tokens_per_day: int = _count()
    key_characters_per_day: int = _count()
    key_share: float = _share(0.5)
    busy_share: float = _share(0.15)
    full_share: float = _share(0.3)
    served_s: float = field(default=30.0, validator=bounded(more_than=0))

    def bounds(self, scope: Scope) -> Bounds:
        """Return the bounds of one scope."""
        by_name = {
            "session": Bounds(
                live_requests=self.session_live_requests,
                requests=self._rate(self.session_requests_per_minute),
                upstream_calls=self._rate(self.session_upstream_calls_per_minute),
            ),
            "key": Bounds(
                sessions=self.key_sessions,
                live_requests=self.key_live_requests,
                requests=self._rate(self.key_requests_per_minute),
                upstream_calls=self._rate(self.key_upstream_calls_per_minute),
                tokens_per_day=self.key_tokens_per_day,
                characters_per_day=self.key_characters_per_day,
            ),
            "address": Bounds(
                sessions=self.address_sessions,
                live_requests=self.address_live_requests,
                requests=self._rate(self.address_requests_per_minute),
                upstream_calls=self._rate(self.address_upstream_calls_per_minute),
            ),
        }
        return by_name[scope]

    def _rate(self, per_minute: int) -> Rate:
        return Rate(per_minute, max(1.0, per_minute * self.burst_s / MINUTE_S))


QUOTAS: tuple[str, ...] = (
    "sessions",
    *(f"{scope}_sessions" for scope in ("key", "address")),
    *(
        f"{scope}_{what}"
        for scope in get_args(Scope)
        for what in ("live_requests", "requests_per_minute", "upstream_calls_per_minute")
    ),
    "key_tokens_per_day",
    "key_characters_per_day",
    "key_share",
    "busy_share",
    "full_share",
    *BOUNDS,
    SEATS,
)
"""What may refuse a caller: the settings of [quotas], those of [limits] that bound what one message brings, and the
seats of a provider."""
