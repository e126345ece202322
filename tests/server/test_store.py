from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import structlog
import trio
from msgspec import structs
from trio.testing import wait_all_tasks_blocked

from tests.credentials import cheap_hash
from tests.memory import come_back
from tests.talk import WRITTEN, Place, Talk, open_place
from voxint.core.agent import Agent
from voxint.protocol import messages as m
from voxint.server import store
from voxint.server.config import ServerConfig
from voxint.testing.stages import FOREVER, ScriptedModel

pytestmark = pytest.mark.virtual_time

KEY = m.Auth(type="API_KEY", api_key="one")
OTHER_KEY = m.Auth(type="API_KEY", api_key="two")
ACCOUNT = m.Auth(type="ACCOUNT", account="one", password="secret")
CONFIG = ServerConfig(api_keys=("one", "two"), accounts={"one": cheap_hash("secret")}, resume_s=60, max_connections=3)


@asynccontextmanager
async def a_place(config: ServerConfig = CONFIG) -> AsyncGenerator[Place]:
    """Open a server that wants a key."""
    async with open_place(Agent(llm=ScriptedModel("Well, ", FOREVER)), config) as place:
        yield place


async def begin(place: Place, auth: m.Auth = KEY) -> Talk:
    """Open a session."""
    talk = place.join()
    talk.register(WRITTEN, auth=auth)
    await talk.until(lambda: bool(talk.frames))
    return talk


def told(talk: Talk) -> tuple[object, ...]:
    """Return all that a refused client can tell one refusal from another by."""
    [error] = talk.errors
    return (error, talk.connection.closing, talk.connection.session)


async def test_whatever_does_not_fit_is_refused_alike() -> None:
    """An unknown session, a wrong token, another's key, a used token, an expired session: one ERROR, one close."""
    async with a_place() as place:
        first = await begin(place)
        first.connection.lost()
        ack = first.registered
        wrong = [
            (structs.replace(ack, session_id="sess_unknown"), KEY),
            (structs.replace(ack, resume_token="wrong"), KEY),
            (structs.replace(ack, resume_token=""), KEY),
            (ack, OTHER_KEY),
            (ack, ACCOUNT),
        ]
        refusals = [told(await come_back(place, token, auth=auth)) for token, auth in wrong]
        second = await come_back(place, ack, auth=KEY)  # none of it has used up the token
        refusals.append(told(await come_back(place, ack, auth=KEY)))
        second.connection.lost()
        await trio.sleep(61)
        refusals.append(told(await come_back(place, second.registered, auth=KEY)))
        words = "there is no session to resume by this id and token: REGISTER without `resume`"
        error = m.Error(error_code="SESSION_INVALID", error_msg=words, error_detail="$.payload.resume", retryable=False)
        assert refusals == [(error, (4401, "there is no such session to resume"), None)] * 7


async def test_a_token_is_random() -> None:
    """256 bits of it, new in each REGISTER_ACK."""
    async with a_place() as place:
        tokens = {(await begin(place)).registered.resume_token or "" for _ in range(3)}
        assert len(tokens) == 3
        assert {len(token) for token in tokens} == {43}


async def test_a_token_is_never_logged() -> None:
    """Neither when it is issued, nor when it is used, fits or does not."""
    written = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.JSONRenderer(default=repr)],
        logger_factory=structlog.PrintLoggerFactory(written),
    )
    try:
        async with a_place() as place:
            first = await begin(place)
            first.ask("r1")
            await trio.sleep(1)
            first.connection.lost()
            second = await come_back(place, first.registered, {"r1": m.SeenFrames()}, auth=KEY)
            await come_back(place, first.registered, auth=KEY)
            await come_back(place, second.registered, auth=OTHER_KEY)
            second.connection.lost()
            await trio.sleep(100)
            tokens = [talk.registered.resume_token or "" for talk in (first, second)]
    finally:
        structlog.reset_defaults()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert {line["event"] for line in lines} >= {"registered", "session expired"}
    assert [line["resumed"] for line in lines if line["event"] == "registered"] == [False, True]
    assert not [token for token in (*tokens, "one", "two") if f'"{token}"' in written.getvalue()]
    assert not [token for token in tokens if token in written.getvalue()]
    assert not [token for token in tokens if token in repr(place.host.store)]


async def test_too_many_sessions_end_the_one_that_was_alone_for_the_longest() -> None:
    """Those with a connection stay."""
    async with a_place() as place:
        talks = [await begin(place) for _ in range(3)]
        for talk in (talks[1], talks[0]):
            talk.connection.lost()
            await trio.sleep(1)
        await begin(place)
        assert [session.id for session in place.host.store.sessions[:2]] == [
            talks[0].registered.session_id,
            talks[2].registered.session_id,
        ]
        await begin(place)
        assert talks[2].registered.session_id in [session.id for session in place.host.store.sessions]
        assert len(place.host.store) == 3


async def test_a_session_has_so_many_tokens() -> None:
    """One a connection, sixteen at most; beyond that the oldest is of no use any more."""
    async with a_place() as place:
        first = await begin(place)
        session = first.connection.session
        assert session is not None
        tokens = [place.host.store.new_token(session, first.connection.renderer) for _ in range(store.TOKENS)]
        assert (await come_back(place, first.registered, auth=KEY)).errors
        fitting = structs.replace(first.registered, resume_token=tokens[0])
        assert not (await come_back(place, fitting, auth=KEY)).errors


async def test_a_server_that_keeps_nothing() -> None:
    """With `resume_s` 0 a session ends with its last connection."""
    async with a_place(ServerConfig(resume_s=0)) as place:
        first = await begin(place)
        first.connection.lost()
        await wait_all_tasks_blocked()
        assert len(place.host.store) == 0
