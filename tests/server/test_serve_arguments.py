from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import trio

from voxint.client import connect
from voxint.core.agent import Agent
from voxint.core.observer import NoObserver
from voxint.core.request import Request
from voxint.server.config import ServerConfig
from voxint.server.serve import Server, serve
from voxint.testing.stages import ScriptedModel

nothing: Any = None
nested: Any = {}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"agent": nothing}, "agent must be an Agent, not None"),
        ({"agent": Agent}, "agent must be an Agent, not the class Agent: give an instance, Agent(...)"),
        ({"config": nested}, "config must be a ServerConfig, not a dict: write ServerConfig(...)"),
        ({"quotas": nested}, "quotas must be a Quotas, not a dict: write Quotas(...)"),
        (
            {"observer": nested},
            "observer is a dict without accepted, finished, reaped, cleanup_failed, utterance_over, released:",
        ),
    ],
)
async def test_a_server_does_not_listen_with_what_is_none(given: dict[str, Any], sentence: str) -> None:
    """It is told where it is called, in a sentence that names the argument."""
    arguments: dict[str, Any] = {"agent": Agent(llm=ScriptedModel()), "config": ServerConfig(port=0), **given}
    with trio.fail_after(5), pytest.raises(TypeError) as raised:
        await serve(**arguments)
    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize("field", ["api_keys", "allowed_origins", "trusted_proxies"])
def test_a_single_key_is_no_list_of_keys(field: str) -> None:
    """A string is a sequence of letters, and each of them would be a key; the key is not quoted."""
    given: dict[str, Any] = {field: "persimmon"}
    with pytest.raises(TypeError) as raised:
        ServerConfig(**given)
    told = f"ServerConfig.{field} must be a list or tuple of str, not a str: a single one is written (...,)"
    assert str(raised.value) == told


class Recorder(NoObserver, list[str]):
    """An observer that is as good as nobody to who asks whether it is true: it has recorded nothing yet."""

    def accepted(self, request: Request) -> None:
        """Record that one was."""
        self.append("accepted")

    def finished(self, request: Request) -> None:
        """Record the ending."""
        self.append(request.ending or "")


async def test_an_observer_that_is_an_empty_list_hears_of_a_servers_requests(nursery: trio.Nursery) -> None:
    """Its truth is its own affair."""
    recorder, agent = Recorder(), Agent(llm=ScriptedModel("Yes."))
    server: Server = await nursery.start(partial(serve, observer=recorder), agent, ServerConfig(port=0))
    with trio.fail_after(5):
        async with connect(server.url) as client:
            assert await (await client.send_text("Hi")).text() == "Yes."
    assert recorder == ["accepted", "complete"]
    server.shut_down()
