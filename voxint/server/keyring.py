"""Who a caller is: the keys, tokens and accounts that a server knows, and what each may do."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import Factory, define, field, frozen

from voxint.protocol.messages import Auth
from voxint.server.auth import is_open
from voxint.server.client_tokens import TOKEN_PREFIX, ClientToken, TokenSigner
from voxint.server.config import ServerConfig
from voxint.server.keys import KeyRecord, Scope, digest_of
from voxint.server.keys_file import read_keys
from voxint.server.passwords import Passwords

__all__ = ["Keyring", "Principal"]

TALK: frozenset[Scope] = frozenset(("talk",))
OF_A_PLAIN_KEY: frozenset[Scope] = frozenset(("talk", "observe"))


@frozen
class Principal:
    """Who somebody is who has shown a key, a token or a password.

    Args:
        id: What the same caller has each time: sessions and quotas are bound to it. It is a digest under a secret of
            the server's, so it may be logged and says nothing of the key.
        scopes: What it may do.
        expires: Until when, in seconds since the epoch; None: as long as the server knows it.
        key: What a person calls the key by, where it is one of the keys file; the session's line in the log has it.
        by_token: Whether it was a token, which makes no tokens.
        for_one: The token, where it is good for one session.
    """

    id: str
    scopes: frozenset[Scope]
    expires: float | None = None
    key: str = ""
    by_token: bool = False
    for_one: ClientToken | None = field(default=None, repr=False)

    @property
    def shown(self) -> dict[str, str]:
        """What a line of the log says of it: a key's id, where it is one of the keys file."""
        return {"key": self.key} if self.key else {}

    def may(self, scope: Scope) -> bool:
        """Return whether it may do what `scope` names."""
        return scope in self.scopes or "admin" in self.scopes


@define(eq=False)
class Keyring:
    """All who are known to a server.

    A key is looked up by its digest in a dictionary, and not compared with each: what the time of a look-up might tell
    is of the digest, from which no way leads back to a key of 256 bits. A plain `api_keys` entry of the operator's own
    making is as safe as it is long.

    Args:
        config: The operator's settings.
        passwords: Who verifies accounts; by default in a thread.
        now: The time, in seconds since the epoch.

    Raises:
        ConfigError: The keys file can't be read. Made in a thread, then: it reads the file.
    """

    config: ServerConfig
    passwords: Passwords = Factory(lambda self: Passwords(self.config.accounts), takes_self=True)
    now: Callable[[], float] = time.time
    signer: TokenSigner = field(init=False, repr=False)
    _secret: bytes = field(init=False, repr=False)
    _plain: Mapping[str, Principal] = field(init=False, repr=False)
    _known: Mapping[str, Principal] = field(init=False, repr=False)
    _by_id: Mapping[str, Principal] = field(init=False, repr=False)
    _records: tuple[KeyRecord, ...] = field(init=False, default=(), repr=False)

    def __attrs_post_init__(self) -> None:
        given = self.config.token_secret.encode()
        self._secret = hashlib.sha256(given).digest() if given else secrets.token_bytes(32)
        self.signer = TokenSigner(self._secret)
        self._plain = {
            digest_of(key): Principal(self._id("key", digest_of(key)), OF_A_PLAIN_KEY) for key in self.config.api_keys
        }
        self.take(() if self.keys_file is None else read_keys(self.keys_file))

    @property
    def keys_file(self) -> Path | None:
        """Where the keys stand that can change while the server runs."""
        return Path(self.config.keys_file) if self.config.keys_file else None

    def take(self, records: tuple[KeyRecord, ...]) -> bool:
        """Know these keys of the keys file, and those before no more; return whether anything has changed."""
        changed = records != self._records
        self._records = records
        of_file = {record.sha256: self._principal(record) for record in records}
        self._known = {**of_file, **self._plain}
        accounts = map(self._of_account, self.config.accounts)
        self._by_id = {principal.id: principal for principal in (*self._known.values(), *accounts)}
        self.signer.forget(self._by_id)
        return changed

    def find(self, api_key: str) -> Principal | None:
        """Return who brings this key or token; None where nobody is known by it. A token for one use is used then."""
        if api_key.startswith(TOKEN_PREFIX):
            return self._of_token(api_key)
        principal = self._known.get(digest_of(api_key))
        return principal if principal is not None and self.holds(principal) else None

    async def verify(self, account: str, password: str) -> Principal | None:
        """Return whose account that is, if the password is right. It takes a thread's time; None takes as much.

        Raises:
            TooManyPasswords: It was not looked at.
        """
        if not self.config.accounts or not await self.passwords.match(account, password):
            return None
        return self._of_account(account)

    def stranger(self, auth: Auth) -> Principal:
        """Return who registers where nothing is asked: the same for who says the same again."""
        who = ("key", auth.api_key or "") if auth.type == "API_KEY" else ("account", auth.account or "")
        return Principal(self._id("open", *who), TALK)

    @property
    def several(self) -> bool:
        """Whether more than one key or account is known."""
        return len(self._by_id) > 1

    def knows(self, principal_id: str) -> bool:
        """Return whether a key or account of this id is known."""
        return principal_id in self._by_id

    def holds(self, principal: Principal) -> bool:
        """Return whether somebody who was known still is: the key is not revoked and has not expired."""
        if is_open(self.config):
            return True
        known = self._by_id.get(principal.id)
        return known is not None and (known.expires is None or known.expires > self.now())

    def fits(self, principal: Principal, session_id: str | None) -> bool:
        """Return whether what somebody has shown is good for this session; a token may be good for one alone.

        Args:
            principal: Who has shown it.
            session_id: The session that is to go on; None: a new one.
        """
        token = principal.for_one
        return token is None or self.signer.fits(token, session_id, self.now())

    def bind(self, principal: Principal, session_id: str) -> None:
        """Note which session somebody has now: a token for one session is good for no other any more."""
        if principal.for_one is not None:
            self.signer.bind(principal.for_one, session_id)

    def _of_token(self, text: str) -> Principal | None:
        now = self.now()
        token = self.signer.read(text, now)
        key = None if token is None else self._by_id.get(token.key_id)
        if token is None or key is None or not self.holds(key) or not self.signer.use(token, now):
            return None
        scopes = token.scopes if "admin" in key.scopes else token.scopes & key.scopes
        for_one = token if token.one_session else None
        return Principal(key.id, scopes, token.expires, key.key, by_token=True, for_one=for_one)

    def _principal(self, record: KeyRecord) -> Principal:
        expires = None if record.expires is None else record.expires.timestamp()
        return Principal(self._id("key", record.sha256), frozenset(record.scopes), expires, record.id)

    def _of_account(self, name: str) -> Principal:
        return Principal(self._id("account", name), TALK)

    def _id(self, *who: str) -> str:
        said = "\0".join(("voxint principal", *who))
        return hmac.digest(self._secret, said.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
