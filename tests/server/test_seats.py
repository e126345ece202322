"""Seats over the wire: SERVER_BUSY at the door, and room again when somebody has ended."""

from __future__ import annotations

import pytest
import trio

from tests.server.refused import counted, refusals
from tests.talk import SPOKEN, WRITTEN, open_place
from voxint.client.connect import connect
from voxint.core.agent import Agent, Limits
from voxint.errors import ServerError
from voxint.server.config import ServerConfig
from voxint.server.quotas import Quotas
from voxint.server.serve import serve
from voxint.testing.stages import FOREVER, HEAR, ScriptedEars, ScriptedModel, ScriptedVoice


@pytest.mark.virtual_time
async def test_a_refused_request_changes_nothing() -> None:
    """It interrupts nothing, its settings are those of before, and its upload is swallowed; it is counted."""
    model = ScriptedModel("Once upon a time. ", 12.0, "The end.")
    agent = Agent(llm=model, stt=ScriptedEars(HEAR, "Hello?"), tts=ScriptedVoice(seats=1), limits=Limits(seat_kept_s=0))
    async with open_place(agent, quotas=Quotas()) as place:
        first, second = place.join(), place.join()
        first.register(SPOKEN)
        second.register(WRITTEN)
        first.ask("r1")
        second.ask("r2")
        await trio.sleep(1)
        second.ask("r3", patch=SPOKEN)
        second.ask("r4", patch=SPOKEN)
        await trio.sleep(1)
        assert refusals(second) == [("SERVER_BUSY", "quota seats", True, each) for each in ("r3", "r4")]
        assert counted(second, "seats") == 2
        session = second.connection.session
        assert session is not None
        assert not session.settings.require_tts
        assert [request.id for request in session.registry.live] == ["r2"]
        first.begin("r5")
        first.speak(0.5)
        await trio.sleep(1)
        first.interrupt()
        await trio.sleep(1)
        second.ask("r6", patch=SPOKEN)
        first.begin("r7")
        first.speak(0.5)
        first.end("r7")
        await trio.sleep(1)
        assert refusals(first) == [("SERVER_BUSY", "quota seats", True, "r7")]
        assert session.settings.require_tts
        await trio.sleep(20)
        assert second.text_of("r6") == "Once upon a time. The end."
    assert len(model.calls) == 3


async def test_a_refused_client_tries_again_and_is_answered() -> None:
    """Over a real server: SERVER_BUSY says that trying again may help, and it does."""
    agent = Agent(
        llm=ScriptedModel.turns(ScriptedModel(FOREVER), ScriptedModel("Yes.")),
        tts=ScriptedVoice(seats=1),
        limits=Limits(seat_kept_s=0),
    )
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve, agent, ServerConfig(port=0))
        async with connect(server.url, require_tts=True) as first, connect(server.url, require_tts=True) as second:
            speaking = await first.send_text("Hi")
            refused = await second.send_text("Hi")
            with pytest.raises(ServerError) as raised:
                await refused.text()
            assert (raised.value.code, raised.value.retryable) == ("SERVER_BUSY", True)
            assert raised.value.message == (
                "speech synthesis is serving as many callers as it can at once (1): try again in a moment"
            )
            await speaking.interrupt()
            assert await (await second.send_text("Hi")).text() == "Yes."
        server.shut_down()
