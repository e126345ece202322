"""What each session, key and address has of a server, and whether it may have more."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from attrs import define, field, frozen

from voxint.errors import WireError
from voxint.logs import get_logger
from voxint.server.admission import Admission
from voxint.server.buckets import DAY_S, Bucket, DayUse
from voxint.server.quotas import QUOTAS, Bounds, Quotas, Scope

__all__ = ["Meter", "Refusal", "Use"]

TOLD_EVERY_S = 60.0
"""How often the log tells that the same quota refuses the same session: ours; the metric counts them all."""

SWEEP_AT = 1024
"""Accounts from which on those are dropped that nobody has any more and that owe nothing. Chosen here: half a MB."""

SWEEP_EVERY_S = 10.0
"""Between two such looks at all accounts; ours: a thousand take a millisecond."""

log = get_logger()


@frozen
class Refusal:
    """Why a caller does not get something now.

    Args:
        quota: The setting that refuses it.
        message: What is wrong, for the person who reads the caller's log.
        wait_s: In how many seconds to try again; None: when something else has ended.
        retryable: Whether trying again soon may help.
    """

    quota: str
    message: str
    wait_s: float | None = None
    retryable: bool = True

    def error(self, request_id: str | None = None) -> WireError:
        """Return what the client is told."""
        later = "" if self.wait_s is None else f"; retry after {max(1, math.ceil(self.wait_s))} s"
        return WireError("SERVER_BUSY", self.message, f"quota {self.quota}{later}", request_id, self.retryable)


@frozen
class Use:
    """What a request has used.

    Args:
        calls: Of a recogniser, a model, a synthesizer.
        tokens: That the model wrote.
        characters: That were handed to the synthesizer.
    """

    calls: int
    tokens: int
    characters: int


@define(eq=False)
class _Account:
    """What one session, key or address has.

    Args:
        scope: Which of them it is.
        bounds: What it may have.
    """

    scope: Scope
    bounds: Bounds
    sessions: int = 0
    live: int = 0
    requests: Bucket = field(init=False)
    calls: Bucket = field(init=False)
    tokens: DayUse = field(init=False, default=DayUse())
    characters: DayUse = field(init=False, default=DayUse())

    def __attrs_post_init__(self) -> None:
        self.requests = Bucket.full(self.bounds.requests)
        self.calls = Bucket.full(self.bounds.upstream_calls)

    def refuse_session(self) -> Refusal | None:
        bound = self.bounds.sessions
        if not bound or self.sessions < bound:
            return None
        return Refusal(
            f"{self.scope}_sessions",
            f"this {self.scope} has {bound} sessions already: end one first",
        )

    def refuse_request(self, now: float) -> Refusal | None:
        bounds, name = self.bounds, self.scope
        if bounds.live_requests and self.live >= bounds.live_requests:
            message = f"this {name} has {bounds.live_requests} live requests already: wait for one to end"
            return Refusal(f"{name}_live_requests", message)
        for quota, bucket, what in (
            ("requests_per_minute", self.requests, "requests"),
            ("upstream_calls_per_minute", self.calls, "calls of models"),
        ):
            if (wait_s := bucket.wait_s(now)) > 0:
                message = f"this {name} has had its {bucket.rate.per_minute:g} {what} a minute: wait before the next"
                return Refusal(f"{name}_{quota}", message, wait_s)
        for quota, use, budget in (
            ("tokens_per_day", self.tokens, bounds.tokens_per_day),
            ("characters_per_day", self.characters, bounds.characters_per_day),
        ):
            if (wait_s := use.wait_s(now, budget)) > 0:
                what = quota.partition("_")[0]
                message = f"this {name} has used up its {what} of a day: wait, or ask the operator for more"
                return Refusal(f"{name}_{quota}", message, wait_s, retryable=False)
        return None

    def charge(self, now: float, use: Use) -> None:
        self.calls = self.calls.take(now, use.calls)
        if self.bounds.tokens_per_day:
            self.tokens = self.tokens.add(now, use.tokens)
        if self.bounds.characters_per_day:
            self.characters = self.characters.add(now, use.characters)

    def is_blank(self, now: float) -> bool:
        """Return whether a new account would be the same."""
        owes = not self.requests.is_full(now) or not self.calls.is_full(now)
        spent = any(now < use.begin + DAY_S for use in (self.tokens, self.characters))
        return not (self.sessions or self.live or owes or spent)


@define(eq=False)
class _Member:
    """A session: the accounts that it is charged to, and what it still has out.

    Args:
        accounts: Its own, its key's, its address's.
        live: Requests that have begun and not ended.
        uncharged: Requests that have begun and not been charged.
        closed: Whether the session is gone.
        told: When the log was told that a quota refuses it.
    """

    accounts: tuple[_Account, ...]
    live: int = 0
    uncharged: int = 0
    closed: bool = False
    told: dict[str, float] = field(factory=dict)


class Meter:
    """Counts what callers have, and says whether one may have more. It knows keys as opaque names.

    Args:
        quotas: The bounds.
        most_sessions: Of all callers.
        several: Returns whether several keys or accounts are known.
        busy: Returns for what share of the time the event loop is busy.
        refused: Told of each refusal, by its quota.
    """

    def __init__(
        self,
        quotas: Quotas,
        most_sessions: int,
        *,
        several: Callable[[], bool] = lambda: False,
        busy: Callable[[], float] = lambda: 0.0,
        refused: Callable[[str], None] = lambda quota: None,
    ) -> None:
        self.quotas = quotas
        self.most_sessions = quotas.sessions or most_sessions
        self._several = several
        self._busy = busy
        self._refused = refused
        self._admission = Admission(quotas.busy_share, quotas.full_share, quotas.served_s)
        self._accounts: dict[tuple[Scope, str], _Account] = {}
        self._members: dict[str, _Member] = {}
        self._open = 0
        self._swept_at = -SWEEP_EVERY_S

    # Sessions.

    def refuse_session(self, caller: str, address: str, now: float) -> Refusal | None:
        """Return why there may be no new session of that caller from that address; None: there may."""
        for account in (self._account("key", caller), self._account("address", address)):
            if (refusal := account.refuse_session()) is not None:
                return refusal
        share = max(1, int(self.most_sessions * self.quotas.key_share))
        shared = not self.quotas.key_sessions and self._several()
        if shared and self._account("key", caller).sessions >= share:
            return Refusal(
                "key_share", f"this key has {share} sessions already, its share of the server: end one first"
            )
        return self.refuse_anybody(now)

    def refuse_anybody(self, now: float) -> Refusal | None:
        """Return why there may be no new session, whoever comes; None: there may."""
        if self._open >= self.most_sessions:
            return Refusal("sessions", "the server has as many sessions as it may have: try again later")
        if not self._admission.admits_newcomer(now, self._busy()):
            return Refusal("full_share", "the server is as busy as it may be: try again later", self.quotas.served_s)
        return None

    def in_the_way(self, quota: str, caller: str, address: str) -> Callable[[str], bool]:
        """Return what tells of a session, by its id, whether its end would make room for one more.

        Args:
            quota: What refuses the new one.
            caller: Whose the new one would be.
            address: Where that one is.
        """
        if quota == "sessions":
            return lambda session: True
        names: dict[str, tuple[Scope, str]] = {
            "key_sessions": ("key", caller),
            "key_share": ("key", caller),
            "address_sessions": ("address", address),
        }
        account = self._accounts.get(names[quota]) if quota in names else None
        return lambda session: account is not None and account in self._accounts_of(session)

    def opened(self, session: str, caller: str, address: str) -> None:
        """Note a new session."""
        shared = (self._account("key", caller), self._account("address", address))
        for account in shared:
            account.sessions += 1
        self._members[session] = _Member((_Account("session", self.quotas.bounds("session")), *shared))
        self._open += 1

    def closed(self, session: str) -> None:
        """Note that a session is gone."""
        member = self._members.get(session)
        if member is None or member.closed:
            return
        member.closed = True
        self._open -= 1
        self._admission.forget(session)
        for account in member.accounts[1:]:
            account.sessions -= 1
        self._let_go(session, member)

    # Requests.

    def refuse_request(self, session: str, now: float) -> Refusal | None:
        """Return why a session may not ask now; None: it may."""
        member = self._members.get(session)
        for account in member.accounts if member is not None else ():
            if (refusal := account.refuse_request(now)) is not None:
                return refusal
        if not self._admission.admits(session, now, self._busy()):
            return Refusal(
                "busy_share", "the server is busy with the requests of others: try again later", self.quotas.served_s
            )
        return None

    def asked(self, session: str, now: float) -> None:
        """Note a REQUEST that was not refused."""
        for account in self._accounts_of(session):
            account.requests = account.requests.take(now)

    def began(self, session: str, now: float) -> None:
        """Note that a request has begun; `ended` and `charge` must follow."""
        if (member := self._members.get(session)) is not None:
            member.live += 1
            member.uncharged += 1
            for account in member.accounts:
                account.live += 1
            if not member.closed:
                self._admission.began(session, now)

    def ended(self, session: str, now: float) -> None:
        """Note that a request has ended."""
        if (member := self._members.get(session)) is not None:
            member.live -= 1
            for account in member.accounts:
                account.live -= 1
            if not member.live:
                self._admission.ended(session, now)

    def charge(self, session: str, now: float, use: Use) -> None:
        """Charge a request that has ended with what it has used."""
        if (member := self._members.get(session)) is not None:
            member.uncharged -= 1
            for account in member.accounts:
                account.charge(now, use)
            self._let_go(session, member)

    # Refusals.

    def tell(self, quota: str, session: str, now: float) -> None:
        """Count a refusal, and log it where the log has not been told of the same lately.

        Args:
            quota: The setting that refuses; one that is none of `QUOTAS` is not counted.
            session: Whom; empty: somebody who has no session.
            now: The time.
        """
        if quota not in QUOTAS:
            return
        self._refused(quota)
        member = self._members.get(session)
        if member is not None and now >= member.told.get(quota, -math.inf) + TOLD_EVERY_S:
            member.told[quota] = now
            log.info("a quota refuses a session", session_id=session, quota=quota)

    def _accounts_of(self, session: str) -> tuple[_Account, ...]:
        member = self._members.get(session)
        return () if member is None else member.accounts

    def _account(self, scope: Scope, name: str) -> _Account:
        account = self._accounts.get((scope, name))
        if account is None:
            account = self._accounts[scope, name] = _Account(scope, self.quotas.bounds(scope))
        return account

    def sweep(self, now: float) -> None:
        """Drop the accounts that nobody has any more and that owe nothing, where there are many."""
        if len(self._accounts) > SWEEP_AT and now >= self._swept_at + SWEEP_EVERY_S:
            self._swept_at = now
            for name in tuple(self._blank(now)):
                del self._accounts[name]

    def _blank(self, now: float) -> Iterator[tuple[Scope, str]]:
        return (name for name, account in self._accounts.items() if account.is_blank(now))

    def _let_go(self, session: str, member: _Member) -> None:
        if member.closed and not member.uncharged:
            del self._members[session]
