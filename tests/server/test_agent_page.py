"""`GET /v1/agent`: what anybody may know of a server."""

from __future__ import annotations

import httpx
import pytest
import trio

from tests.credentials import cheap_hash
from voxint import __version__
from voxint.core.agent import Agent
from voxint.core.offers import Offers
from voxint.server.agent_page import agent_facts
from voxint.server.config import ServerConfig
from voxint.server.host import Host
from voxint.server.serve import Server, serve
from voxint.testing.detector import ScriptedDetector
from voxint.testing.stages import ScriptedEars, ScriptedModel, ScriptedVoice

PATH = "/ws/agent/stream"


def a_host(nursery: trio.Nursery, agent: Agent, config: ServerConfig = ServerConfig()) -> Host:
    """Return a server without a socket."""
    return Host(agent, config, nursery, observer=None)  # type: ignore[arg-type]  # no request is made


async def test_it_tells_what_a_client_has_to_know(nursery: trio.Nursery) -> None:
    """As JSON, to whoever asks, a key or none; nobody keeps it."""
    config = ServerConfig(port=0, api_keys=("k-123",))
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), config)
    async with httpx.AsyncClient(trust_env=False) as http:
        url = f"http://127.0.0.1:{server.port}/v1/agent"
        answer = await http.get(url, headers={"origin": "https://museum.example"})
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.json() == {
            "version": __version__,
            "ws_path": PATH,
            "state": "ready",
            "asks": "key",
            "hears": False,
            "speaks": False,
            "listens": False,
            "voices": [],
            "languages": [],
            "features": ["binary_audio", "hold", "marks", "transcripts"],
        }
        assert "k-123" not in answer.text
    server.shut_down()


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 200),
    ({"origin": "https://evil.example"}, 200),
    ({"host": "localhost:1"}, 200),
    ({"host": "evil.example"}, 403),
    ({"host": "evil.example", "origin": "http://evil.example"}, 403),
])  # fmt: skip
async def test_an_open_server_says_nothing_by_a_strangers_name(
    nursery: trio.Nursery, headers: dict[str, str], status: int
) -> None:
    """Any page may ask by the right one, and reads in either case what is answered."""
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), ServerConfig(port=0))
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}/v1/agent", headers=headers)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == "*"
        assert ("by the name evil.example only with a key" in answer.text) is (status == 403)
    server.shut_down()


@pytest.mark.parametrize(("config", "asks"), [
    (ServerConfig(), "nothing"),
    (ServerConfig(api_keys=("one",)), "key"),
    (ServerConfig(api_keys=("one",), accounts={"ann": cheap_hash("pass")}), "key_or_account"),
    (ServerConfig(accounts={"ann": cheap_hash("pass")}), "key_or_account"),
])  # fmt: skip
async def test_it_tells_what_has_to_be_shown(nursery: trio.Nursery, config: ServerConfig, asks: str) -> None:
    """So that a page can ask for it before it connects."""
    assert agent_facts(a_host(nursery, Agent(llm=ScriptedModel("Yes.")), config), PATH, Offers()).asks == asks


async def test_it_tells_what_the_agent_can(nursery: trio.Nursery) -> None:
    """A microphone may be always open where a detector and a recogniser are."""
    ears, voice, detector = ScriptedEars.hears("yes"), ScriptedVoice(), ScriptedDetector()
    for stt, tts, vad in ((ears, None, None), (None, voice, None), (None, None, detector), (ears, voice, detector)):
        agent = Agent(llm=ScriptedModel("Yes."), stt=stt, tts=tts, vad=vad)
        facts = agent_facts(a_host(nursery, agent), PATH, Offers())
        assert (facts.hears, facts.speaks) == (stt is not None, tts is not None)
        assert facts.listens is ("server_vad" in facts.features) is (stt is not None and vad is not None)


async def test_it_tells_of_a_drain(nursery: trio.Nursery) -> None:
    """As /readyz does."""
    host = a_host(nursery, Agent(llm=ScriptedModel("Yes.")))
    assert agent_facts(host, PATH, Offers()).state == "ready"
    host.draining = True
    assert agent_facts(host, PATH, Offers()).state == "draining"
