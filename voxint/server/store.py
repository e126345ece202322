"""The sessions of a server, which outlive their connections: found again by id and token, and ended in time."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import time
from collections.abc import Callable

import trio
from attrs import Factory, define, field

from voxint.core.session import Session
from voxint.logs import get_logger
from voxint.protocol.renderer import Renderer
from voxint.server.keyring import Principal

__all__ = ["REVOKED", "SessionStore"]

EXPIRED = "SESSION_EXPIRED"
"""The reason of a request that went on without a connection for as long as a session lives so."""

REVOKED = "KEY_REVOKED"
"""The reason of a request whose caller's key was revoked or has expired."""

GOODBYE = "CLIENT_SHUTDOWN"
"""The reason of a request whose caller has said goodbye."""

TOKEN_BYTES = 32
"""256 random bits: the protocol's number."""

TOKENS = 16
"""Tokens of a session by which those come back who were there; ours: one for each connection that it may have. Beyond,
those go first whose connection is gone, the longest first."""

JOIN_TOKENS = 16
"""Tokens of a session by which others join; ours: for as many as may be there. Beyond, the oldest goes."""

FORGET_EVERY_S = 15.0
"""How often speech that nobody will ask for is let go of; ours: a quarter of what a session lives alone, and a thousand
sessions are looked through in a millisecond."""

log = get_logger()


@define(eq=False)
class _Ticket:
    """What a token is good for.

    Args:
        writer: Who wrote the frames that its client has.
        joins: Whether it is for somebody who has not been there.
        left: Whether the connection that it was given to is gone.
    """

    writer: Renderer
    joins: bool = False
    left: bool = False


@define(eq=False)
class _Entry:
    """A session that is kept.

    Args:
        session: The session.
        principal: Who made it.
        created: When, in seconds since the epoch.
        tickets: By the digest of each valid token; the oldest first.
        alone_since: Since when it has had no connection; None: it has one.
    """

    session: Session
    principal: Principal
    created: float
    tickets: dict[str, _Ticket] = field(factory=dict, repr=False)
    alone_since: float | None = None

    def add(self, ticket: _Ticket, most: int) -> str:
        """Return a new token that is good for this; where there are as many of its kind, one of them goes."""
        same = [digest for digest, each in self.tickets.items() if each.joins is ticket.joins]
        if len(same) >= most:
            del self.tickets[next((digest for digest in same if self.tickets[digest].left), same[0])]
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self.tickets[_digest(token)] = ticket
        return token

    def leave(self, writer: Renderer, *, for_good: bool) -> None:
        """Note that the connection of `writer` is gone, and whether nobody will come back in its place."""
        for digest, ticket in list(self.tickets.items()):
            if ticket.writer is writer:
                ticket.left = True
                del self.tickets[digest]
                if not for_good:
                    self.tickets[digest] = ticket  # behind those that left before


@define(eq=False)
class SessionStore:
    """Keeps sessions while they have a connection, and `keep_s` longer.

    Args:
        keep_s: How long a session lives without a connection, in seconds.
        most: Sessions at once; the one that has been alone for the longest makes room.
        gone: Told of each session that is kept no more, by its id.
    """

    keep_s: float
    most: int
    gone: Callable[[str], None] = lambda session: None
    _entries: dict[str, _Entry] = field(init=False, factory=dict)
    _news: trio.lowlevel.ParkingLot = field(init=False, default=Factory(trio.lowlevel.ParkingLot))

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def has_alone(self) -> bool:
        """Whether there is one without a connection, which would make room for another."""
        return any(entry.alone_since is not None for entry in self._entries.values())

    @property
    def sessions(self) -> list[Session]:
        """All of them, the oldest first."""
        return [entry.session for entry in self._entries.values()]

    def add(self, session: Session, principal: Principal) -> None:
        """Keep a new session; where there are too many, one without a connection ends."""
        if len(self._entries) >= self.most:
            self.end_one_alone(lambda _: True)
        self._entries[session.id] = _Entry(session, principal, time.time())
        if len(self._entries) == 1:
            self._news.unpark_all()

    def end_one_alone(self, wanted: Callable[[str], bool]) -> bool:
        """End the session that has been without a connection for the longest; return whether there was one.

        Args:
            wanted: Says of a session, by its id, whether it may be that one.
        """
        alone = [each for each in self._entries.values() if each.alone_since is not None and wanted(each.session.id)]
        if alone:
            self._expire(min(alone, key=lambda entry: entry.alone_since or 0.0))
        return bool(alone)

    def listeners_of(self, session_id: str) -> int:
        """Return how many connections a session has; 0 where it is not kept."""
        entry = self._entries.get(session_id)
        return 0 if entry is None else len(entry.session.listeners)

    def created(self, session: Session) -> float:
        """Return when a session began, in seconds since the epoch; 0 where it is not kept any more."""
        entry = self._entries.get(session.id)
        return 0.0 if entry is None else entry.created

    def new_token(self, session: Session, writer: Renderer) -> str:
        """Return a token by which the client of `writer` may come back, once."""
        return self._entries[session.id].add(_Ticket(writer), TOKENS)

    def join_token(self, session: Session) -> str | None:
        """Return a token by which somebody who has not been there may join, once; None where it is kept no more.

        Nobody has written frames for who comes by it: all is counted anew.
        """
        entry = self._entries.get(session.id)
        return None if entry is None else entry.add(_Ticket(Renderer(), joins=True), JOIN_TOKENS)

    def redeem(self, session_id: str, token: str, principal: Principal) -> tuple[Session, Renderer] | None:
        """Return the session, and who wrote the frames that the client has; None where anything does not fit.

        A token is bound to who made the session: whoever comes with another key is somebody else.

        The token is of no use any more then. Which of it did not fit is not told, and takes no longer to find.
        """
        entry = self._entries.get(session_id)
        given, found = _digest(token), None
        for digest in entry.tickets if entry is not None else ():
            if hmac.compare_digest(digest, given):
                found = digest
        if entry is None or found is None or not hmac.compare_digest(entry.principal.id, principal.id):
            return None
        entry.alone_since = None
        return entry.session, entry.tickets.pop(found).writer

    def left(self, session: Session, writer: Renderer, *, for_good: bool = False) -> None:
        """Note that a connection of `session` is gone; without another it lives `keep_s` more.

        Args:
            session: Which.
            writer: Who wrote the frames of that connection.
            for_good: Whether its caller has said goodbye: without another connection it ends.
        """
        entry = self._entries.get(session.id)
        if entry is None:
            return
        entry.leave(writer, for_good=for_good)
        if session.listeners:
            return
        if for_good:
            self._drop(session, GOODBYE)
        else:
            entry.alone_since = trio.current_time()
            if self.keep_s < FORGET_EVERY_S:  # else `run` looks before then
                self._news.unpark_all()

    def close_unless(self, known: Callable[[Principal], bool]) -> list[Session]:
        """End the sessions without a connection of those who are not known; return which."""
        alone = [entry for entry in self._entries.values() if entry.alone_since is not None]
        gone = [entry.session for entry in alone if not known(entry.principal)]
        for session in gone:
            self._drop(session, REVOKED)
        return gone

    async def run(self, until: trio.CancelScope) -> None:
        """End the sessions that have been alone for too long, until `until` is cancelled, and let go of old speech.

        What was said is let go of as long after its end as a session lives alone: who lacks it has not come back.
        """
        with until:
            while True:
                now = trio.current_time()
                self._sweep(now)  # a function, so that nothing of it is held while this sleeps
                next_at = min(map(self._expires_at, self._entries.values()), default=math.inf)
                with trio.move_on_at(min(next_at, now + FORGET_EVERY_S) if self._entries else math.inf):
                    await self._news.park()

    def _sweep(self, now: float) -> None:
        for entry in tuple(self._entries.values()):
            if self._expires_at(entry) <= now:
                self._expire(entry)
            else:
                entry.session.forget_said(now - self.keep_s)

    def _expires_at(self, entry: _Entry) -> float:
        return math.inf if entry.alone_since is None else entry.alone_since + self.keep_s

    def _expire(self, entry: _Entry) -> None:
        self._drop(entry.session, EXPIRED)
        log.info("session expired", session_id=entry.session.id)

    def _drop(self, session: Session, reason: str) -> None:
        """End a session, and tell whoever counts them."""
        del self._entries[session.id]
        session.dissolve(reason)
        self.gone(session.id)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
