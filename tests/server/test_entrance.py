"""The way in of a stranger: who it is comes before what it says."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.talk import open_place
from voxint.core.agent import Agent
from voxint.net.places import Places
from voxint.protocol import codec
from voxint.protocol import messages as m
from voxint.protocol.codec import encode_client
from voxint.server import connection as connection_module
from voxint.server.config import ServerConfig
from voxint.server.connection import Connection
from voxint.testing.stages import ScriptedModel

CONFIG = ServerConfig(api_keys=("right",), max_connections=1)
AGENT = Agent(llm=ScriptedModel("Yes."))


def register(key: str) -> str:
    """Return a REGISTER."""
    return encode_client(m.Register(auth=m.Auth(type="API_KEY", api_key=key)), None, 0)


async def test_nothing_else_of_a_strangers_register_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a wrong key no settings are decoded, and whatever comes behind it is not even looked at."""
    decoded: list[str] = []

    def noted(frame: str, most: int) -> codec.Inbound:
        decoded.append(frame)
        return codec.decode_client(frame, most)

    monkeypatch.setattr(connection_module, "decode_client", noted)
    async with open_place(AGENT, CONFIG) as place:
        stranger = Connection(place.host)
        stranger.receive(register("wrong"))
        stranger.receive(register("right"))
        assert decoded == []
        assert stranger.session is None
        caller = Connection(place.host)
        caller.receive(register("right"))
        assert decoded == [register("right")]
        assert caller.session is not None
        caller.close(1000, "")


async def test_a_wrong_key_pays_with_its_place(autojump_clock: MockClock) -> None:
    """It is taken until the answer comes, which is later for each of an address, and is the same for all."""
    async with open_place(AGENT, CONFIG) as place:
        places = Places(10, 10, 10)
        waits = []
        for _ in range(4):
            async with places.taken("somewhere") as stranger:
                assert stranger is not None
                connection = Connection(place.host, stranger)
                began = trio.current_time()
                connection.receive(register("wrong"))
                turned_away = connection.entrance.turned_away
                assert turned_away is not None
                assert turned_away.at == stranger.kept_until
                assert turned_away.refusal.error.code == "AUTH_FAILED"
                waits.append(turned_away.at - began)
        assert waits == [0.25, 0.5, 1.0, 2.0]
        assert places.strangers == 4


async def test_a_caller_too_many_is_told_that_it_may_come_again() -> None:
    """SERVER_BUSY, retryable, and 1013; nothing of it is left."""
    async with open_place(AGENT, CONFIG) as place:
        places = Places(10, 10, 1)
        async with places.taken("a") as first, places.taken("b") as second:
            assert first is not None
            assert second is not None
            caller, late = Connection(place.host, first), Connection(place.host, second)
            caller.receive(register("right"))
            late.receive(register("right"))
            assert caller.session is not None
            assert late.session is None
            assert late.closing == (1013, "the server is full: try again later")
            assert len(place.host.store) == 1
            caller.close(1000, "")


async def test_who_asks_and_asks_and_does_not_register_is_closed() -> None:
    """Some dozens of HEALTH_CHECKs are read, and no more."""
    async with open_place(AGENT, CONFIG) as place:
        stranger = Connection(place.host)
        for _ in range(40):
            stranger.receive(encode_client(m.HealthCheck(), None, 0))
        assert stranger.closing == (1008, "this connection has not registered: send REGISTER first")
