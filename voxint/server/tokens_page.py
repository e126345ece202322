"""`POST /v1/tokens`: a short-lived token for who has a key, so that a browser never sees the key."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
import trio
from attrs import define, field, frozen
from msgspec import Meta

from voxint.net.http_request import HttpError, HttpRequest, RequestHead
from voxint.server.auth import check_origin, is_open
from voxint.server.client_tokens import LONGEST_S
from voxint.server.host import Host
from voxint.server.keyring import Principal
from voxint.server.keys import Scope
from voxint.server.metrics import Metrics
from voxint.server.page import Page, json_page

__all__ = ["CHALLENGE", "PATH", "TokensPage", "bearer_of"]

PATH = "/v1/tokens"

LARGEST_BODY = 4096
"""Bytes; chosen here: fifty times what is asked for."""

BODY_S = 5.0
"""Seconds for the whole body, which is one packet; chosen here."""

DEFAULT_S = 60.0

MOST_AT_ONCE = 0.1
"""Of what a key may have made in a minute; chosen here."""

CHALLENGE = (("www-authenticate", 'Bearer realm="voxint"'),)


class TokenWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token is to be.

    Args:
        expires_in: Seconds.
        scopes: What it is good for.
        single_use: Whether it is good once.
        one_session: Whether it is good for one session: to open it, and until it expires to resume and to join it.
    """

    expires_in: Annotated[float, Meta(gt=0, le=LONGEST_S)] = DEFAULT_S
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=3)] = ("talk",)
    single_use: bool = False
    one_session: bool = False


@frozen(str=False)
class TokenRefused(Exception):
    """No token is made; the answer says why."""

    status: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.status}: {self.message}"


def bearer_of(host: Host, head: RequestHead) -> Principal | None:
    """Return who asks, by the key in `Authorization: Bearer`; None where there is none, or none that is known."""
    given = head.values("authorization")
    if len(given) != 1:
        return None
    scheme, _, key = given[0].partition(" ")
    return host.keyring.find(key.strip()) if scheme.lower() == "bearer" else None


@define(eq=False)
class TokensPage:
    """Makes tokens over HTTP.

    Args:
        host: The server.
        metrics: Its numbers.
    """

    host: Host
    metrics: Metrics
    _made: dict[str, tuple[float, float]] = field(init=False, factory=dict)

    async def answer(self, request: HttpRequest) -> Page:
        """Return the answer, whatever the request; the body is read only where the key is good.

        Raises:
            HttpError: The body is none that HTTP/1.1 knows.
        """
        try:
            who = self._who(request.head)
            return self._token(who, await _body(request))
        except TokenRefused as refusal:
            return json_page(refusal.status, {"error": refusal.message}, refusal.headers)

    def _who(self, head: RequestHead) -> Principal:
        """Return whose key it is, if it may have tokens made."""
        try:
            check_origin(self.host.config, head)
        except HttpError as error:
            raise TokenRefused(error.status, error.message) from None
        if head.method != "POST":
            raise TokenRefused(405, "this page makes tokens: send a POST", (("allow", "POST"),))
        if is_open(self.host.config):
            raise TokenRefused(
                404, "this server asks for no key, so it makes no tokens: a client may register with any"
            )
        who = bearer_of(self.host, head)
        if who is None:
            raise TokenRefused(
                401,
                "the request must have the header `Authorization: Bearer KEY`, with a key that this server knows",
                CHALLENGE,
            )
        if who.by_token or not (who.may("talk") or who.may("admin")):
            raise TokenRefused(
                403, "this key may make no tokens: use a key, and no token, that has the scope talk or admin"
            )
        kind = head.header("content-type").partition(";")[0].strip().lower()
        if kind not in ("", "application/json"):
            raise TokenRefused(415, "the body must be JSON (content-type application/json), or be left out")
        return who

    def _token(self, who: Principal, body: bytes) -> Page:
        wish = _wish(body)
        if not all(who.may(scope) for scope in wish.scopes):
            raise TokenRefused(403, "a token can have no scope that its key lacks: ask for fewer `scopes`")
        if wish.one_session and wish.single_use:
            words = "a token has one use or one session: leave out `single_use` or `one_session`"
            raise TokenRefused(400, words)
        if wish.one_session and wish.scopes != ("talk",):
            raise TokenRefused(400, "a token for one session is good for nothing else: leave out `scopes`")
        if (wait_s := self._wait_s(who)) > 0:
            after = (("retry-after", str(math.ceil(wait_s))),)
            raise TokenRefused(
                429,
                "this key has had as many tokens made as it may for now: try again after `retry-after` seconds",
                after,
            )
        keyring = self.host.keyring
        expires = min(keyring.now() + wish.expires_in, who.expires or math.inf)
        once = {"single_use": wish.single_use, "one_session": wish.one_session}
        token = keyring.signer.mint(who.id, wish.scopes, expires, **once)
        self.metrics.tokens_made.inc()
        return json_page(200, {"token": token, "expires_at": round(expires, 3)})

    def _wait_s(self, who: Principal) -> float:
        """Count a token of that key, and return 0; where it has had too many, the seconds until there is one more."""
        now, each_s = trio.current_time(), 60 / self.host.config.tokens_per_minute
        full_s = max(1.0, self.host.config.tokens_per_minute * MOST_AT_ONCE) * each_s
        # A bucket as two numbers: when it was looked at, and how many seconds' worth of tokens were in it then.
        at, saved_s = self._made.get(who.id, (now, full_s))
        saved_s = min(full_s, saved_s + now - at)
        if saved_s < each_s:
            return each_s - saved_s
        if who.id not in self._made:
            known = self.host.keyring
            self._made = {key: made for key, made in self._made.items() if known.knows(key)}
        self._made[who.id] = (now, saved_s - each_s)
        return 0.0


async def _body(request: HttpRequest) -> bytes:
    try:
        with trio.fail_after(BODY_S):
            return await request.read(LARGEST_BODY)
    except trio.TooSlowError:
        raise TokenRefused(408, f"the body must come within {BODY_S:g} s") from None
    except HttpError as error:
        raise TokenRefused(error.status, error.message) from None


def _wish(body: bytes) -> TokenWish:
    if not body.strip():
        return TokenWish()
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields = "scopes (a list of talk, observe, admin), single_use, one_session"
        words = f"the body must be a JSON object with any of expires_in (seconds, up to {LONGEST_S}), {fields}"
        raise TokenRefused(400, words) from None


_DECODER = msgspec.json.Decoder(TokenWish)
