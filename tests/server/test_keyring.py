from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.credentials import add_key, cheap_hash, cheap_hashes
from voxint.errors import ConfigError
from voxint.protocol.messages import Auth
from voxint.server.config import ServerConfig
from voxint.server.keyring import Keyring, Principal
from voxint.server.keys_file import read_keys

SECRET = "0123456789abcdef0123456789abcdef"


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A keys file that is not there yet."""
    return tmp_path / "keys.jsonl"


def ring(path: Path | None = None, clock: Clock | None = None, **settings: object) -> Keyring:
    """Return a keyring."""
    config = ServerConfig(keys_file=str(path or ""), **settings)  # type: ignore[arg-type]  # attrs checks them
    return Keyring(config, now=clock or Clock())


def known(found: Principal | None) -> Principal:
    """Return who was found."""
    assert found is not None
    return found


def test_plain_keys_talk_and_observe() -> None:
    """Each is somebody else, and the same each time; what is no key is nobody."""
    keyring = ring(api_keys=("one", "two"))
    one, two = known(keyring.find("one")), known(keyring.find("two"))
    assert one == keyring.find("one")
    assert one.id != two.id
    assert [one.may("talk"), one.may("observe"), one.may("admin")] == [True, True, False]
    assert [keyring.find(key) for key in ("", "on", "onee", "ö", "\ud800", "vox_", "voxt_")] == [None] * 7


def test_a_key_of_the_file_may_what_its_scopes_say(path: Path) -> None:
    """`admin` may all."""
    talk, _ = add_key(path, "talk")
    observe, _ = add_key(path, "observe")
    admin, record = add_key(path, "admin")
    keyring = ring(path)
    assert [known(keyring.find(talk)).may(scope) for scope in ("talk", "observe", "admin")] == [True, False, False]
    assert [known(keyring.find(observe)).may(scope) for scope in ("talk", "observe", "admin")] == [False, True, False]
    assert [known(keyring.find(admin)).may(scope) for scope in ("talk", "observe", "admin")] == [True] * 3
    assert known(keyring.find(admin)).key == record.id
    assert keyring.find(record.sha256) is None


def test_a_key_expires_and_who_came_by_it_is_known_no_more(path: Path) -> None:
    """At its second."""
    clock = Clock()
    key, _ = add_key(path, expires=datetime.fromtimestamp(clock.now + 10, UTC))
    keyring = ring(path, clock)
    principal = known(keyring.find(key))
    assert keyring.holds(principal)
    clock.now += 10
    assert keyring.find(key) is None
    assert not keyring.holds(principal)


def test_a_revoked_key_is_known_no_more(path: Path) -> None:
    """Nor a token of it; another key of the file is, and a plain one."""
    revoked, record = add_key(path)
    stays, _ = add_key(path)
    keyring = ring(path, api_keys=("plain",))
    principal = known(keyring.find(revoked))
    token = keyring.signer.mint(principal.id, ("talk",), keyring.now() + 60)
    assert keyring.find(token) is not None
    assert keyring.take(tuple(each for each in read_keys(path) if each != record))
    assert [keyring.find(revoked), keyring.find(token)] == [None, None]
    assert not keyring.holds(principal)
    assert known(keyring.find(stays)).may("talk")
    assert known(keyring.find("plain")).may("talk")
    assert not keyring.take(tuple(each for each in read_keys(path) if each != record))


def test_a_token_is_its_keys_caller(path: Path) -> None:
    """With no more than both may, until the token expires; the caller stays known beyond."""
    clock = Clock()
    key, _ = add_key(path, "talk")
    keyring = ring(path, clock)
    principal = known(keyring.find(key))
    token = keyring.signer.mint(principal.id, ("talk", "observe"), clock.now + 60)
    by_token = known(keyring.find(token))
    assert (by_token.id, by_token.key, by_token.by_token) == (principal.id, principal.key, True)
    assert [by_token.may(scope) for scope in ("talk", "observe", "admin")] == [True, False, False]
    clock.now += 60
    assert keyring.find(token) is None
    assert keyring.holds(by_token)


def test_a_token_for_one_use_is_found_once(path: Path) -> None:
    """Who has read it on its way comes too late."""
    key, _ = add_key(path)
    keyring = ring(path)
    token = keyring.signer.mint(known(keyring.find(key)).id, ("talk",), keyring.now() + 60, single_use=True)
    assert keyring.find(token) is not None
    assert keyring.find(token) is None


def test_processes_with_a_secret_know_each_others_tokens(path: Path) -> None:
    """Those without one do not."""
    key, _ = add_key(path)
    for secret, shared in ((SECRET, True), ("", False)):
        one, two = (ring(path, token_secret=secret) for _ in range(2))
        token = one.signer.mint(known(one.find(key)).id, ("talk",), one.now() + 60)
        assert (two.find(token) is not None) is shared


async def test_an_account_has_its_password() -> None:
    """Who says another, or names another account, is nobody; nor does a key open an account."""
    keyring = ring(accounts=cheap_hashes({"ann": "pass", "bob": ""}), api_keys=("pass",))
    ann = known(await keyring.verify("ann", "pass"))
    assert ann.scopes == {"talk"}
    assert keyring.holds(ann)
    wrong = (("ann", "wrong"), ("ann", ""), ("bob", "pass"), ("carl", "pass"), ("", ""), ("ann\0", "pass"))
    assert [await keyring.verify(*each) for each in wrong] == [None] * 6
    assert known(keyring.find("pass")).id != ann.id


async def test_without_accounts_there_is_none() -> None:
    """And nothing is computed for it."""
    assert await ring(api_keys=("one",)).verify("ann", "pass") is None


def test_accounts_alone_close_the_door_to_keys() -> None:
    """Where only accounts are configured no key is right."""
    assert ring(accounts={"ann": cheap_hash("pass")}).find("") is None


def test_a_keys_file_without_a_key_lets_nobody_in(path: Path) -> None:
    """It is not the open server that one without a file is."""
    path.touch()
    assert ring(path).find("any") is None


def test_a_keys_file_that_is_not_there_is_told() -> None:
    """A server does not start without what it was told to ask for."""
    with pytest.raises(ConfigError, match=r"nowhere\.jsonl: the file of keys can't be read"):
        ring(Path("nowhere.jsonl"))


def test_a_stranger_is_who_says_the_same_again() -> None:
    """Where nothing is asked; an account of a key's name is somebody else."""
    keyring = ring()
    key = Auth(type="API_KEY", api_key="x")
    assert keyring.stranger(key) == keyring.stranger(key)
    assert keyring.stranger(key) != keyring.stranger(Auth(type="ACCOUNT", account="x"))
    assert keyring.holds(keyring.stranger(key))


def test_nothing_secret_is_in_a_repr(path: Path) -> None:
    """Neither of the keyring, nor of who was found; a caller's id does not give its key away."""
    key, record = add_key(path)
    keyring = ring(path, api_keys=("persimmon",), token_secret=SECRET)
    shown = repr(keyring) + repr(keyring.find(key)) + repr(keyring.find("persimmon")) + repr(keyring.config)
    assert not [secret for secret in ("persimmon", SECRET, key, record.sha256) if secret in shown]
