from __future__ import annotations

import base64
import hmac
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxint.server import client_tokens
from voxint.server.client_tokens import TOKEN_PREFIX, ClientToken, TokenSigner

KEY = "ab" * 32
OTHER = "cd" * 32

signer = TokenSigner(b"s" * 32)


def test_a_token_says_what_it_was_made_for() -> None:
    """Whose, for what, until when, and whether once."""
    token = signer.read(signer.mint(KEY, ("talk", "admin"), 1000.5, single_use=True), 1000.0)
    assert token is not None
    assert (token.key_id, sorted(token.scopes), token.expires) == (KEY, ["admin", "talk"], 1000.5)
    assert token.single_use
    plain = signer.read(signer.mint(KEY, ("observe",), 1000.5), 0.0)
    assert plain is not None
    assert (list(plain.scopes), plain.single_use) == (["observe"], False)


def test_a_token_is_good_until_it_expires() -> None:
    """And not in that instant."""
    text = signer.mint(KEY, ("talk",), 1000.0)
    assert signer.read(text, 999.9) is not None
    assert signer.read(text, 1000.0) is None


def test_processes_that_share_a_secret_share_tokens() -> None:
    """Others do not."""
    text = signer.mint(KEY, ("talk",), 1000.0)
    assert TokenSigner(b"s" * 32).read(text, 0.0) == signer.read(text, 0.0) is not None
    assert TokenSigner(b"t" * 32).read(text, 0.0) is None


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_token_that_was_changed_anywhere_is_none(at: int, change: int) -> None:
    """Whichever bits: a later end, another key, more scopes."""
    text = signer.mint(KEY, ("talk",), 1000.0)
    raw = bytearray(base64.urlsafe_b64decode(text.removeprefix(TOKEN_PREFIX) + "="))
    raw[at % len(raw)] ^= change
    assert signer.read(TOKEN_PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("="), 0.0) is None


@given(st.text(max_size=200))
def test_what_is_no_token_is_none(text: str) -> None:
    """Of any form and length, in front of a real one or behind, and nothing raises."""
    assert signer.read(TOKEN_PREFIX + text, 0.0) is None
    assert signer.read(text, 0.0) is None
    real = signer.mint(KEY, ("talk",), 1000.0)
    assert not text or signer.read(real + text, 0.0) is None
    changed = real[: len(real) - len(text)] + text
    assert changed == real or signer.read(changed, 0.0) is None


def test_a_token_for_one_use_is_good_once() -> None:
    """Another of the same key is its own; one that is for many is good always."""
    once, other = (signer.read(signer.mint(KEY, ("talk",), 1000.0, single_use=True), 0.0) for _ in range(2))
    many = signer.read(signer.mint(KEY, ("talk",), 1000.0), 0.0)
    assert once is not None
    assert other is not None
    assert many is not None
    assert [signer.use(token, 0.0) for token in (once, once, other, many, many)] == [True, False, True, True, True]


def test_a_token_for_one_session_is_good_for_that_alone() -> None:
    """The first that it is bound to, opened by it or resumed; a new one it opens no more."""
    token = signer.read(signer.mint(KEY, ("talk",), 1000.0, one_session=True), 0.0)
    assert token is not None
    assert (token.one_session, token.single_use) == (True, False)
    assert [signer.fits(token, session, 0.0) for session in (None, "one", "other")] == [True] * 3
    signer.bind(token, "one")
    assert [signer.fits(token, session, 0.0) for session in (None, "one", "other")] == [False, True, False]
    assert signer.use(token, 0.0)


def test_a_token_of_before_is_read_as_ever() -> None:
    """The mark of a token for one session is a bit that others have not set: no version has changed."""
    old = struct.pack(">BBd32s16s", 1, 0x81, 1000.0, bytes.fromhex(KEY), b"n" * 16)
    mac = hmac.digest(b"s" * 32, b"voxint client token\0" + old, "sha256")
    token = signer.read(TOKEN_PREFIX + base64.urlsafe_b64encode(old + mac).decode().rstrip("="), 0.0)
    assert token == ClientToken(KEY, frozenset(("talk",)), 1000.0, b"n" * 16, single_use=True)


def test_sessions_of_tokens_have_the_same_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Together with those for one use; who has a session goes on with it, and room is made by what expires."""
    monkeypatch.setattr(client_tokens, "USED_PER_KEY", 2)
    own = TokenSigner(b"s" * 32)
    tokens = [own.read(own.mint(KEY, ("talk",), end, one_session=True), 0.0) for end in (1000.0, 2000.0, 3000.0)]
    first, second, third = (token for token in tokens if token is not None)
    for token in (first, second):
        own.bind(token, "its own")
    assert [own.fits(token, "its own", 0.0) for token in (first, second, third)] == [True, True, False]
    assert own.fits(third, None, 1000.0)
    own.bind(third, "its own")
    assert not own.fits(third, None, 1000.0)
    own.forget(())
    assert own.fits(third, None, 1000.0)


def test_what_is_remembered_has_a_bound_for_each_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it no more of that key's are taken until some have expired; other keys' are."""
    monkeypatch.setattr(client_tokens, "USED_PER_KEY", 2)
    own = TokenSigner(b"s" * 32)

    def once(key: str, expires: float, now: float) -> bool:
        token = own.read(own.mint(key, ("talk",), expires, single_use=True), now)
        assert token is not None
        return own.use(token, now)

    assert [once(KEY, 1000.0, 0.0) for _ in range(3)] == [True, True, False]
    assert once(OTHER, 1000.0, 0.0)
    assert once(KEY, 2000.0, 1000.0)
    own.forget((OTHER,))
    assert [once(KEY, 2000.0, 1000.0) for _ in range(3)] == [True, True, False]


def test_a_token_says_nothing_of_its_secret() -> None:
    """Neither is in a repr."""
    text = signer.mint(KEY, ("talk",), 1000.0)
    assert "ssss" not in repr(signer)
    assert len(text) == len(TOKEN_PREFIX) + 120
    token = signer.read(text, 0.0)
    assert token is not None
    assert "nonce" not in repr(token)
