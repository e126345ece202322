"""What one message and one utterance may bring: each bound on the wire, and in the metric."""

from __future__ import annotations

import pytest
import trio

from tests.server.refused import counted, refusals
from tests.talk import WRITTEN, open_place
from voxint.core.agent import Agent, Limits
from voxint.core.settings import SettingsChange
from voxint.core.tools import Tool
from voxint.protocol import messages as m
from voxint.server.quotas import Quotas
from voxint.testing.stages import FOREVER, ScriptedEars, ScriptedModel

pytestmark = pytest.mark.virtual_time

LIMITED = Limits(text_chars=5, functions=1, settings_bytes=200, upload_s=1)


@pytest.mark.parametrize(
    ("patch", "quota"),
    [
        (SettingsChange(function_calling=(Tool("a"), Tool("b"))), "functions"),
        (SettingsChange(system_prompt="x" * 200), "settings_bytes"),
    ],
)
async def test_settings_are_bounded(patch: SettingsChange, quota: str) -> None:
    """In REGISTER and in REQUEST: PAYLOAD_TOO_LARGE, counted, and nothing changes."""
    async with open_place(Agent(llm=ScriptedModel("Yes?"), limits=LIMITED), quotas=Quotas()) as place:
        talk = place.join()
        talk.register(patch)
        talk.register(WRITTEN)
        talk.ask("r1", "Hi", patch)
        await trio.sleep(1)
        assert refusals(talk) == [
            ("PAYLOAD_TOO_LARGE", "$.payload", False, None),
            ("PAYLOAD_TOO_LARGE", "$.payload", False, "r1"),
        ]
        assert counted(talk, quota) == 2


async def test_a_text_is_bounded() -> None:
    """One character more is PAYLOAD_TOO_LARGE with its place; what is live goes on."""
    agent = Agent(llm=ScriptedModel("Well, ", FOREVER), limits=LIMITED)
    async with open_place(agent, quotas=Quotas()) as place:
        talk = place.join()
        talk.register()
        talk.ask("r1", "Hello")
        talk.ask("r2", "Hello!")
        await trio.sleep(1)
        assert refusals(talk) == [("PAYLOAD_TOO_LARGE", "$.payload.content.text", False, "r2")]
        assert talk.ended_at("r1") is None
        assert counted(talk, "text_chars") == 1


async def test_an_utterance_is_bounded_in_one_piece_and_as_it_comes() -> None:
    """A second is taken, more is not: refused before it begins, or ended where it goes on."""
    agent = Agent(llm=ScriptedModel("Yes?"), stt=ScriptedEars.hears("hello"), limits=LIMITED)
    async with open_place(agent, quotas=Quotas()) as place:
        talk = place.join()
        talk.register()
        for request_id, size in (("r1", 32_000), ("r2", 32_002)):
            content = m.Content(voice_mode="BASE64", voice=bytes(size))
            talk.say(m.RequestMessage(request_id=request_id, data_type="VOICE", content=content))
            await trio.sleep(1)
        talk.begin("r3")
        talk.speak(1)
        talk.speak(0.25)
        await trio.sleep(1)
        assert talk.text_of("r1") == "Yes?"
        assert refusals(talk) == [
            ("PAYLOAD_TOO_LARGE", "$.payload.content.voice", False, "r2"),
            ("PAYLOAD_TOO_LARGE", "", False, "r3"),
        ]
        assert counted(talk, "upload_s") == 2


async def test_an_upload_far_slower_than_real_time_is_dropped() -> None:
    """64 bytes a second are 2 ms of audio: after 2 s it ends with REQUEST_TIMEOUT, and is counted."""
    agent = Agent(llm=ScriptedModel("Yes?"), stt=ScriptedEars.hears("hello"))
    async with open_place(agent, quotas=Quotas()) as place:
        talk = place.join()
        talk.register()
        await trio.sleep(1)
        talk.begin("r1")
        for _ in range(5):
            talk.connection.receive(bytes(64))
            await trio.sleep(1)
        assert [(error.error_code, error.retryable) for error in talk.errors] == [("REQUEST_TIMEOUT", True)]
        assert talk.ended_at("r1") == pytest.approx(1 + 2 + 0.06)
        assert counted(talk, "upload_share") == 1


@pytest.mark.parametrize("share", [0.25, 1.0])
async def test_a_slow_network_is_no_slow_upload(share: float) -> None:
    """A quarter of real time, and pauses of some seconds in what comes at real time, are let through."""
    agent = Agent(llm=ScriptedModel("Yes?"), stt=ScriptedEars.hears("hello"))
    async with open_place(agent, quotas=Quotas()) as place:
        talk = place.join()
        talk.register()
        talk.begin("r1")
        for second in range(20):
            talk.speak(share)
            await trio.sleep(6 if second == 10 else 1)
        talk.end("r1")
        await trio.sleep(1)
        assert not talk.errors
        assert talk.text_of("r1") == "Yes?"
