"""Short-lived tokens, by which a browser registers and never sees a key: signed, not kept.

Signed and not stored, since a server may be many processes: what one has signed another reads, where both have the same
secret, and a million of them cost no memory. What is kept is which of those for one use have been used, and which
session each of those for one session has.

A token names its key by the keyed digest that this server calls it by, so it says nothing of the key to who holds it,
and is of no use once that key is not known any more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import secrets
import struct
from collections.abc import Iterable

from attrs import define, field, frozen

from voxint.server.keys import SCOPES, Scope

__all__ = ["LONGEST_S", "TOKEN_PREFIX", "ClientToken", "TokenSigner"]

TOKEN_PREFIX = "voxt_"

LONGEST_S = 3600
"""A token lives for an hour at most; chosen here: a page asks for another."""

USED_PER_KEY = 4096
"""Tokens for one use, or for one session, that are remembered of a key until they expire; chosen here. Beyond, no more
of that key's are taken: who could use one twice would be worse off, and other keys are not touched."""

VERSION = 1
SINGLE_USE = 0x80
ONE_SESSION = 0x40

_LAYOUT = struct.Struct(">BBd32s16s")
_MAC_BYTES = 32
_LENGTH = len(TOKEN_PREFIX) + math.ceil((_LAYOUT.size + _MAC_BYTES) * 8 / 6)


@frozen
class ClientToken:
    """What a token says.

    Args:
        key_id: Of the key that had it made, in hexadecimal.
        scopes: What it is good for.
        expires: Until when, in seconds since the epoch.
        nonce: Its own.
        single_use: Whether it is good once.
        one_session: Whether it is good for one session: to open it, and for whoever resumes or joins it.
    """

    key_id: str
    scopes: frozenset[Scope]
    expires: float
    nonce: bytes = field(repr=False)
    single_use: bool = False
    one_session: bool = False


@frozen
class _Used:
    """What is remembered of a token.

    Args:
        expires: Until when.
        session_id: The session that it is good for; empty: it is good for nothing more.
    """

    expires: float
    session_id: str = ""


@define(eq=False)
class TokenSigner:
    """Makes tokens and knows its own.

    Args:
        secret: Whoever has it can make them; the processes of one server share it.
    """

    _secret: bytes = field(repr=False)
    _used: dict[str, dict[bytes, _Used]] = field(init=False, factory=dict, repr=False)

    def mint(
        self,
        key_id: str,
        scopes: Iterable[Scope],
        expires: float,
        *,
        single_use: bool = False,
        one_session: bool = False,
    ) -> str:
        """Return a new token.

        Args:
            key_id: Of the key it is made for, 64 hexadecimal characters.
            scopes: What it is good for.
            expires: Until when, in seconds since the epoch.
            single_use: Whether it is good once; a server of several processes knows that of each process alone.
            one_session: Whether it is good for one session; as `single_use`.
        """
        wanted = set(scopes)
        flags = sum(1 << number for number, scope in enumerate(SCOPES) if scope in wanted)
        flags |= SINGLE_USE * single_use | ONE_SESSION * one_session
        said = _LAYOUT.pack(VERSION, flags, expires, bytes.fromhex(key_id), secrets.token_bytes(16))
        return TOKEN_PREFIX + base64.urlsafe_b64encode(said + self._mac(said)).decode().rstrip("=")

    def read(self, token: str, now: float) -> ClientToken | None:
        """Return what a token says; None where it is none of ours, or has expired by `now`."""
        if len(token) != _LENGTH or not token.startswith(TOKEN_PREFIX):
            return None
        try:
            raw = base64.b64decode(token.removeprefix(TOKEN_PREFIX) + "=" * (-(_LENGTH - len(TOKEN_PREFIX)) % 4), b"-_")
        except ValueError:
            return None
        said, mac = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
        if not hmac.compare_digest(mac, self._mac(said)):
            return None
        version, flags, expires, key_id, nonce = _LAYOUT.unpack(said)
        if version != VERSION or expires <= now:
            return None
        scopes = frozenset(scope for number, scope in enumerate(SCOPES) if flags & 1 << number)
        single_use, one_session = bool(flags & SINGLE_USE), bool(flags & ONE_SESSION)
        return ClientToken(key_id.hex(), scopes, expires, nonce, single_use, one_session)

    def use(self, token: ClientToken, now: float) -> bool:
        """Use a token; return whether it may be: one for a single use may once."""
        if not token.single_use:
            return True
        if token.nonce in self._used.get(token.key_id, ()) or not self._has_room(token, now):
            return False
        self._remember(token, "")
        return True

    def fits(self, token: ClientToken, session_id: str | None, now: float) -> bool:
        """Return whether a token for one session is good for this one.

        Args:
            token: The token.
            session_id: The session that is to go on; None: a new one.
            now: In seconds since the epoch.
        """
        used = self._used.get(token.key_id, {}).get(token.nonce)
        return self._has_room(token, now) if used is None else used.session_id == session_id

    def bind(self, token: ClientToken, session_id: str) -> None:
        """Have a token for one session be good for this one alone; `fits` has said that it is good for it."""
        self._remember(token, session_id)

    def _remember(self, token: ClientToken, session_id: str) -> None:
        self._used.setdefault(token.key_id, {})[token.nonce] = _Used(token.expires, session_id)

    def _has_room(self, token: ClientToken, now: float) -> bool:
        """Return whether one more of this key's tokens can be remembered; those that have expired need not be."""
        used = self._used.get(token.key_id, {})
        if len(used) >= USED_PER_KEY:
            for nonce in [nonce for nonce, each in used.items() if each.expires <= now]:
                del used[nonce]
        return len(used) < USED_PER_KEY

    def forget(self, known: Iterable[str]) -> None:
        """Remember nothing of keys other than these: their tokens are refused as they are."""
        kept = set(known)
        for key_id in [key_id for key_id in self._used if key_id not in kept]:
            del self._used[key_id]

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self._secret, b"voxint client token\0" + said, hashlib.sha256)
