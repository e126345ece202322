"""The voice and the language of a session over the wire: chosen, told, and refused where there is no such thing."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from tests.server.refused import refusals
from tests.talk import SPOKEN, Talk, open_talk, talk_with
from voxint.client.connect import connect
from voxint.core.agent import Agent
from voxint.core.settings import SettingsChange
from voxint.core.stages import VoiceOption
from voxint.errors import ServerError
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.server.serve import serve
from voxint.testing.stages import HEAR, ScriptedEars, ScriptedModel, ScriptedVoice


def an_agent(tts: ScriptedVoice) -> Agent:
    """Return an agent with a choice."""
    return Agent(llm=ScriptedModel("Yes."), stt=ScriptedEars(HEAR, "Hello?", languages=("en", "zh")), tts=tts)


def a_voice() -> ScriptedVoice:
    """Return a synthesizer with two voices."""
    return ScriptedVoice(voices=(VoiceOption("anna", "en"), VoiceOption("tao", "zh")))


def told(talk: Talk) -> dict[str, Any]:
    """Return what the session was told of itself last."""
    return [frame for _, frame in talk.frames if isinstance(frame, m.SessionInfo)][-1].session_data


@pytest.mark.virtual_time
async def test_a_session_speaks_as_it_was_asked_to_until_it_is_asked_otherwise() -> None:
    """At REGISTER, and with any request, which is spoken so already; SESSION_INFO tells."""
    tts = a_voice()
    async with talk_with(an_agent(tts), SettingsChange(require_tts=True, voice="tao", language="zh")) as talk:
        talk.ask("r1")
        await trio.sleep(1)
        talk.ask("r2", patch=SettingsChange(voice="anna"))
        await trio.sleep(1)
        talk.ask("r3", patch=SettingsChange(voice=""))
        await trio.sleep(1)
        talk.say(m.SessionQuery(query_fields=("voice", "language")))
        await trio.sleep(1)
        assert told(talk) == {"voice": "", "language": "zh"}
    assert [call.chosen for call in tts.calls] == ["tao", "anna", ""]


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("patch", "detail"),
    [(SettingsChange(voice="bob"), "$.payload.voice"), (SettingsChange(language="fr"), "$.payload.language")],
)
async def test_a_choice_that_there_is_not_changes_nothing(patch: SettingsChange, detail: str) -> None:
    """The ERROR names what there is; no request begins, the live one goes on, and all else of the patch is undone."""
    async with talk_with(an_agent(a_voice()), SettingsChange(require_tts=True, voice="tao")) as talk:
        talk.ask("r1")
        talk.ask("r2", patch=SettingsChange(scene_context="the lobby", voice=patch.voice, language=patch.language))
        await trio.sleep(2)
        assert refusals(talk) == [("MALFORMED_PAYLOAD", detail, False, "r2")]
        assert "give one of" in talk.errors[0].error_msg
        assert talk.text_of("r1") == "Yes."
        session = talk.connection.session
        assert session is not None
        assert (session.settings.voice, session.settings.language, session.settings.scene_context) == ("tao", "", "")


@pytest.mark.virtual_time
async def test_a_register_that_chooses_wrongly_may_be_sent_again() -> None:
    """It opens no session."""
    async with open_talk(an_agent(a_voice())) as talk:
        talk.register(SettingsChange(voice="bob"))
        await trio.sleep(1)
        assert refusals(talk) == [("MALFORMED_PAYLOAD", "$.payload.voice", False, None)]
        talk.register(SPOKEN)
        await trio.sleep(1)
        assert talk.registered.session_id


async def test_a_client_chooses() -> None:
    """Over a real server: when it connects, when it updates, and where it is refused."""
    tts = a_voice()
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve, an_agent(tts), ServerConfig(port=0))
        async with connect(server.url, require_tts=True, voice="tao", language="zh") as client:
            assert await client.session_info("voice", "language") == {"voice": "tao", "language": "zh"}
            await (await client.send_text("Hi")).text()
            await client.update(voice="anna")
            await (await client.send_text("Hi")).text()
            with pytest.raises(ServerError, match="this agent has no such language: give one of en, zh"):
                await client.update(language="fr")
            await client.update(voice="", language="")
            assert await client.session_info("voice", "language") == {"voice": "", "language": ""}
        with pytest.raises(ServerError, match="this agent has no such voice: give one of anna, tao, or none"):
            async with connect(server.url, voice="bob"):
                raise AssertionError("it was registered")
        nursery.cancel_scope.cancel()
    assert [call.chosen for call in tts.calls] == ["tao", "anna"]
