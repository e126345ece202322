"""Who registers: by a key, a token or an account; and what becomes of one whose key is revoked."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.credentials import add_key, cheap_hashes, remove_key
from tests.memory import come_back
from tests.talk import WRITTEN, NowPasswords, Place, Talk, open_place
from voxint.core.agent import Agent, Limits
from voxint.core.settings import SettingsChange
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.server.keys_file import read_keys
from voxint.server.passwords import TooManyPasswords
from voxint.server.quotas import Quotas
from voxint.testing.stages import FOREVER, ScriptedModel

pytestmark = pytest.mark.virtual_time

ANN = m.Auth(type="ACCOUNT", account="ann", password="pass")
CONFIG = ServerConfig(api_keys=("one", "two"), accounts=cheap_hashes({"ann": "pass"}), resume_s=60)


def key(value: str | None) -> m.Auth:
    """Return what a client with an API key sends."""
    return m.Auth(type="API_KEY", api_key=value)


def account(name: str | None, password: str | None) -> m.Auth:
    """Return what a client with an account sends."""
    return m.Auth(type="ACCOUNT", account=name, password=password)


@asynccontextmanager
async def a_place(config: ServerConfig = CONFIG, limits: Limits = Limits()) -> AsyncGenerator[Place]:
    """Open a server that wants to know who calls."""
    async with open_place(Agent(llm=ScriptedModel("Well, ", FOREVER), limits=limits), config) as place:
        yield place


async def came(place: Place, auth: m.Auth) -> Talk:
    """Register, and wait for the answer."""
    talk = place.join()
    talk.register(WRITTEN, auth=auth)
    await talk.until(lambda: bool(talk.frames))
    return talk


async def test_whoever_is_known_gets_a_session() -> None:
    """By any key, or by an account with its password."""
    async with a_place() as place:
        for auth in (key("one"), key("two"), ANN):
            assert (await came(place, auth)).registered.status == "SUCCESS"


async def test_whoever_is_not_known_is_refused_alike() -> None:
    """One ERROR, one close, whatever does not fit: each kind of proof goes for its own kind of registration."""
    strangers = [
        key(None),
        key(""),
        key("on"),
        key("onee"),
        key("ö"),
        key("voxt_x"),
        key("pass"),
        account("ann", "wrong"),
        account("bob", "pass"),
        account("ann", None),
        account(None, None),
        account("ann", "x" * 2000),
        account("one", "one"),
        m.Auth(type="ACCOUNT", api_key="one"),
        m.Auth(type="API_KEY", account="ann", password="pass"),
    ]
    async with a_place() as place:
        told = []
        for auth in strangers:
            talk = await came(place, auth)
            told.append((*talk.errors, talk.connection.closing, talk.connection.session))
        words = "the key, token or account is not known here, has expired, or may not talk: ask the operator"
        error = m.Error(error_code="AUTH_FAILED", error_msg=words, error_detail="", retryable=False)
        assert told == [(error, (4401, words), None)] * len(strangers)


async def test_a_key_that_only_observes_does_not_talk(tmp_path: Path) -> None:
    """It is refused as one that is not known."""
    secret, _ = add_key(tmp_path / "keys", "observe")
    async with a_place(ServerConfig(keys_file=str(tmp_path / "keys"))) as place:
        assert (await came(place, key(secret))).errors[0].error_code == "AUTH_FAILED"


async def test_while_a_password_is_verified_nothing_else_is_done() -> None:
    """Frames meanwhile get SESSION_INVALID, a second REGISTER too, and the connection lives on."""
    async with a_place() as place:
        talk = place.join()
        talk.register(WRITTEN, auth=ANN)
        talk.ask("r1")
        talk.connection.receive(b"\0" * 64)
        talk.register(WRITTEN, auth=key("one"))
        assert talk.connection.session is None
        await wait_all_tasks_blocked()
        assert [error.error_code for error in talk.errors] == ["SESSION_INVALID"] * 3
        assert talk.registered.status == "SUCCESS"
        assert talk.connection.closing is None


async def test_who_leaves_while_its_password_is_verified_has_no_session() -> None:
    """Nothing is left of it."""
    async with a_place() as place:
        talk = place.join()
        talk.register(WRITTEN, auth=ANN)
        talk.connection.lost()
        await wait_all_tasks_blocked()
        assert len(place.host.store) == 0
        assert not talk.frames


async def test_an_account_whose_settings_are_too_large_can_register_again() -> None:
    """As with a key: the ERROR says why, and the connection stays."""
    async with a_place(limits=Limits(settings_bytes=100)) as place:
        talk = place.join()
        talk.register(SettingsChange(system_prompt="x" * 101), auth=ANN)
        await wait_all_tasks_blocked()
        assert [error.error_code for error in talk.errors] == ["PAYLOAD_TOO_LARGE"]
        assert talk.connection.closing is None
        talk.register(WRITTEN, auth=ANN)
        await talk.until(lambda: len(talk.frames) == 2)
        assert talk.registered.status == "SUCCESS"


async def test_a_revoked_key_leaves_room_for_others(tmp_path: Path) -> None:
    """Sessions that it had without a connection are counted no more."""
    path = tmp_path / "keys"
    first, record = add_key(path)
    config = ServerConfig(keys_file=str(path), resume_s=60)
    async with open_place(Agent(llm=ScriptedModel("x")), config, Quotas(sessions=2, key_share=1)) as place:
        for _ in range(2):
            talk = await came(place, key(first))
            talk.stop_reading()
            talk.connection.lost()
        assert len(place.host.store) == 2
        remove_key(path, record)
        second, _ = add_key(path)
        place.host.keyring.take(read_keys(path))
        place.host.close_unknown()
        assert len(place.host.store) == 0
        for _ in range(2):
            assert (await came(place, key(second))).registered.status == "SUCCESS"


async def test_an_account_that_was_not_looked_at_may_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """SERVER_BUSY, retryable, and a close that says so."""

    async def full(self: NowPasswords, hashed: str, given: bytes) -> bool:
        raise TooManyPasswords

    monkeypatch.setattr(NowPasswords, "_verified", full)
    async with a_place() as place:
        talk = await came(place, ANN)
        assert [(error.error_code, error.retryable) for error in talk.errors] == [("SERVER_BUSY", True)]
        assert talk.connection.closing == (1013, "too many are registering: try again in a moment")


async def test_an_account_meets_a_server_that_goes_down() -> None:
    """Also where it began to go while the password was verified."""
    async with a_place() as place:
        talk = place.join()
        talk.register(WRITTEN, auth=ANN)
        place.host.draining = True
        await wait_all_tasks_blocked()
        assert [error.error_code for error in talk.errors] == ["SERVER_BUSY"]
        assert talk.connection.closing == (1001, "the server is shutting down: connect again in a moment")


async def test_a_revoked_key_ends_its_sessions_and_no_others(tmp_path: Path) -> None:
    """Live answers end with their final frame, the connection with 4401; one that waits for a client is gone too."""
    path = tmp_path / "keys"
    (revoked, record), (stays, _) = add_key(path), add_key(path)
    async with a_place(ServerConfig(keys_file=str(path), api_keys=("one",))) as place:
        live, alone, other, plain = [await came(place, key(each)) for each in (revoked, revoked, stays, "one")]
        for talk in (live, other, plain):
            place.host.connections.add(talk.connection)
            talk.ask("r1")
        alone.connection.lost()
        await trio.sleep(1)
        keyring = place.host.keyring
        assert keyring.take(tuple(each for each in read_keys(path) if each != record))
        place.host.close_unknown()
        await trio.sleep(1)
        assert live.connection.closing == (4401, "the key or account was revoked: register with another")
        final = live.frames_of("r1")[-1]
        assert (final.interrupted, final.interrupt_reason) == (True, "KEY_REVOKED")
        assert len(place.host.store) == 2
        assert [other.connection.closing, plain.connection.closing] == [None, None]
        assert [talk.ended_at("r1") for talk in (other, plain)] == [None, None]
        assert (await come_back(place, alone.registered, auth=key(stays))).errors[0].error_code == "SESSION_INVALID"
        assert (await came(place, key(revoked))).errors[0].error_code == "AUTH_FAILED"


async def test_a_session_goes_on_by_another_token_of_its_key() -> None:
    """It is the key's: resumed by a later token, or by the key itself; by a token of another key it is not."""
    async with a_place() as place:
        keyring = place.host.keyring
        ids = [found.id for name in ("one", "two") if (found := keyring.find(name)) is not None]
        tokens = [keyring.signer.mint(ids[0], ("talk",), keyring.now() + 60) for _ in range(2)]
        strangers = keyring.signer.mint(ids[1], ("talk",), keyring.now() + 60)
        first = await came(place, key(tokens[0]))
        first.connection.lost()
        refused = await come_back(place, first.registered, auth=key(strangers))
        assert [error.error_code for error in refused.errors] == ["SESSION_INVALID"]
        second = await come_back(place, first.registered, auth=key(tokens[1]))
        assert second.registered.session_id == first.registered.session_id
        second.connection.lost()
        third = await come_back(place, second.registered, auth=key("one"))
        assert third.registered.session_id == first.registered.session_id
