"""Messages in, messages out: what each message does, and what existing 1.0 clients rely on (wire.md)."""

from __future__ import annotations

import json

import pytest
import trio

from tests.talk import OPEN, SPOKEN, open_talk, talk_with
from voxint.core.agent import Agent
from voxint.core.settings import SettingsChange
from voxint.core.tools import Tool
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.server.guesses import FIRST_PAUSE_S
from voxint.testing.stages import FOREVER, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

ECHO = Agent(llm=ScriptedModel("Yes?"))


def agent(*script: str | float) -> Agent:
    """Return an agent that writes what its script says."""
    return Agent(llm=ScriptedModel(*script))


async def test_nothing_is_asked_before_register() -> None:
    """Anything but REGISTER and HEALTH_CHECK gets SESSION_INVALID."""
    async with open_talk(ECHO) as talk:
        talk.say(m.SessionQuery())
        talk.say(m.HealthCheck())
        talk.speak(0.125)
        talk.speak(0.125)
        await trio.sleep(1)
    assert [type(frame) for _, frame in talk.frames] == [m.Error, m.HealthCheckAck, m.Error]
    assert {error.error_code for error in talk.errors} == {"SESSION_INVALID"}


async def test_register_opens_a_session() -> None:
    """REGISTER_ACK names the session, what was granted, and the rates."""
    async with open_talk(ECHO, ServerConfig(session_timeout_s=60)) as talk:
        talk.register(features=("binary_audio", "telepathy"))
        await trio.sleep(1)
    _, acknowledged = talk.frames[0]
    assert isinstance(acknowledged, m.RegisterAck)
    assert acknowledged.session_id.startswith("sess_")
    assert acknowledged.session_timeout_seconds == 60
    assert acknowledged.features == ("binary_audio",)
    assert acknowledged.audio == m.Audio(input_rate=16_000, output_rate=16_000)


async def test_register_happens_once() -> None:
    """A second one is malformed and changes nothing."""
    async with talk_with(ECHO) as talk:
        talk.register(SPOKEN)
        talk.checker.sent(m.Register(auth=OPEN, patch=SettingsChange(require_tts=False)), 0)
        talk.ask("r1")
        await trio.sleep(1)
    assert [error.error_code for error in talk.errors] == ["MALFORMED_PAYLOAD"]


async def test_a_failed_register_ends_the_connection() -> None:
    """AUTH_FAILED is written when its time has come, then the close, by a code that clients do not take for success.

    What is said meanwhile is not read, not even the right key.
    """
    async with open_talk(ECHO, ServerConfig(api_keys=("secret",))) as talk:
        talk.register()
        talk.register(auth=m.Auth(type="API_KEY", api_key="secret"))
        assert talk.connection.entrance.turned_away is not None
        assert talk.connection.entrance.turned_away.at == trio.current_time() + FIRST_PAUSE_S
        await trio.sleep(FIRST_PAUSE_S / 2)
        assert talk.errors == []
        await trio.sleep(1)
        assert talk.connection.closing == (
            4401,
            "the key, token or account is not known here, has expired, or may not talk: ask the operator",
        )
        assert talk.connection.ending.is_set()
    assert [error.error_code for error in talk.errors] == ["AUTH_FAILED"]


async def test_a_server_that_goes_down_takes_nobody() -> None:
    """REGISTER and REQUEST get SERVER_BUSY; the registration ends its connection."""
    async with talk_with(ECHO) as talk, open_talk(ECHO) as late:
        talk.host.draining = late.host.draining = True
        talk.ask("r1")
        late.register()
        await trio.sleep(1)
        assert late.connection.closing == (1001, "the server is shutting down: connect again in a moment")
    assert [(error.error_code, error.request_id, error.retryable) for error in talk.errors] == [
        ("SERVER_BUSY", "r1", True)
    ]
    assert late.errors[0].error_code == "SERVER_BUSY"


async def test_a_foreign_session_id_is_refused() -> None:
    """A session belongs to its connection."""
    async with talk_with(ECHO) as talk:
        frame = {"version": "1.0", "msg_type": "SESSION_QUERY", "session_id": "sess_other", "payload": {}}
        talk.connection.receive(json.dumps(frame))
        await trio.sleep(1)
    assert talk.errors[0].error_code == "SESSION_INVALID"


async def test_a_bad_message_costs_that_message() -> None:
    """Its ERROR says what is wrong; what was asked before and after is answered."""
    async with talk_with(agent(0.5, "Yes?")) as talk:
        talk.ask("r1")
        for frame in ("{", '{"version": "2.0"}', '{"version": "1.0", "msg_type": "SING", "payload": {}}'):
            talk.connection.receive(frame)
        await trio.sleep(1)
    assert [error.error_code for error in talk.errors] == ["MALFORMED_PAYLOAD"] * 3
    assert talk.text_of("r1") == "Yes?"


async def test_a_live_id_is_refused_without_its_id() -> None:
    """With it in `request_id` clients would end the live request; the id stands in `error_detail`."""
    async with talk_with(agent("Well, ", 1.0, "yes.")) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.ask("r1")
        talk.ask("r1", "", SPOKEN)
        talk.say(m.RequestMessage(request_id="r1", data_type="TEXT", content=m.Content(text="")))
        await trio.sleep(1)
    assert [(error.error_code, error.request_id) for error in talk.errors] == [("MALFORMED_PAYLOAD", None)] * 3
    assert talk.errors[0].error_detail == "r1"
    assert talk.text_of("r1") == "Well, yes."


async def test_a_new_request_supersedes() -> None:
    """The live one ends with USER_NEW_INPUT, and the new one is answered in the same instant."""
    model = ScriptedModel.turns(ScriptedModel("Well, ", FOREVER), ScriptedModel("Yes?"))
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.ask("r2")
        await trio.sleep(0.5)
    assert talk.frames_of("r1")[-1].interrupt_reason == "USER_NEW_INPUT"
    assert talk.ended_at("r1") == talk.ended_at("r2") == 0.5


async def test_a_lost_connection_cancels() -> None:
    """Its requests end with DISCONNECT; nothing waits for their clean-up, not even one that hangs."""
    model = ScriptedModel("Well, ", FOREVER, lingers=10.0)
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.connection.lost()
        assert talk.connection.closing == (1001, "the connection was lost")
        await trio.sleep(11)
    [request] = talk.book.finished_requests
    assert (request.reason, request.overran, model.calls[0].cancelled) == ("DISCONNECT", True, 0.5)


async def test_a_client_can_say_goodbye() -> None:
    """SHUTDOWN cancels and closes with 1000."""
    model = ScriptedModel(FOREVER)
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.say(m.Shutdown(reason="done"))
        await trio.sleep(0.5)
        assert talk.connection.closing == (1000, "the client has sent SHUTDOWN")
        assert model.calls[0].cancelled == 0.5


@pytest.mark.parametrize("why", ["goodbye", "silence"])
async def test_a_close_waits_for_what_stops(why: str) -> None:
    """The last frame and the acknowledgement come before it, by the interrupt deadline; nothing is begun meanwhile."""
    model = ScriptedModel("Well, ", FOREVER, lingers=0.125)
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.interrupt("r1")
        if why == "goodbye":
            talk.say(m.Shutdown(reason="done"))
        else:
            talk.connection.close(4408, "nothing was heard for too long")
        talk.connection.receive('{"version": "1.0", "msg_type": "REQUEST"}')
        assert not talk.connection.ending.is_set()
        await talk.connection.ending.wait()
        assert trio.current_time() == 0.625
    assert talk.frames_of("r1")[-1].interrupt_reason == "USER_STOP"
    assert [ack.outcomes for ack in talk.acks] == [{"r1": "stopped"}]
    assert talk.errors == []


async def test_a_goodbye_ends_what_is_live() -> None:
    """Its last frame says why; what hangs is not waited for beyond the interrupt deadline."""
    model = ScriptedModel("Well, ", FOREVER, lingers=8.0)
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        await trio.sleep(0.5)
        talk.say(m.Shutdown())
        await talk.connection.ending.wait()
        assert trio.current_time() == 0.75
        await trio.sleep(8)
    assert talk.frames_of("r1")[-1].interrupt_reason == "CLIENT_SHUTDOWN"


async def test_empty_text_only_updates_the_session() -> None:
    """The request is answered as an empty one; nothing is asked of the model, and nothing interrupted."""
    model = ScriptedModel("Well, ", 1.0, "yes.")
    async with talk_with(Agent(llm=model)) as talk:
        talk.ask("r1")
        talk.ask("u1", " ", SettingsChange(system_prompt="You are a guide.", require_tts=True))
        await trio.sleep(2)
        talk.ask("r2")
        await trio.sleep(2)
    assert [(frame.text_stream_seq, frame.voice_stream_seq) for frame in talk.frames_of("u1")] == [(0, None), (-1, -1)]
    assert talk.text_of("r1") == "Well, yes."
    assert model.calls[1].given[0].messages[0].content == "You are a guide."


async def test_empty_text_that_changes_nothing_is_malformed() -> None:
    """It asks for nothing and says nothing."""
    async with talk_with(ECHO) as talk:
        talk.ask("r1", "")
        await trio.sleep(1)
    assert [(error.error_code, error.request_id) for error in talk.errors] == [("MALFORMED_PAYLOAD", "r1")]


async def test_a_request_updates_the_session_before_it_is_answered() -> None:
    """Prompts, functions and speech of its own `update_session` go for it and what follows."""
    model = ScriptedModel("Yes? ")
    tools = (Tool("look_up"), Tool("sing"))
    async with talk_with(Agent(llm=model, tts=ScriptedVoice(), prompt="Be brief.")) as talk:
        patch = SettingsChange(require_tts=True, scene_context="the lobby", function_calling=tools)
        talk.ask("r1", patch=patch)
        await trio.sleep(1)
        talk.ask("r2", patch=SettingsChange(function_calling=(Tool("sing"),), function_calling_op="DELETE"))
        await trio.sleep(1)
    assert [call.given[0].tools for call in model.calls] == [tools, tools[:1]]
    assert model.calls[0].given[0].messages[0].content == "Be brief.\n\nthe lobby"
    assert talk.frames_of("r2")[-1].voice_stream_seq == -1


async def test_session_query_tells_what_was_asked() -> None:
    """All fields, or those named; unknown names are left out."""
    async with talk_with(ECHO, SettingsChange(function_calling=(Tool("sing"),))) as talk:
        await trio.sleep(5)
        talk.say(m.SessionQuery())
        talk.say(m.SessionQuery(query_fields=("platform", "shoe_size")))
        await trio.sleep(1)
    everything, some = (frame.session_data for _, frame in talk.frames if isinstance(frame, m.SessionInfo))
    assert everything["remaining_seconds"] == 600
    assert everything["function_calling"] == [{"name": "sing", "description": "", "parameters": {}}]
    assert some == {"platform": "WEB"}


async def test_health_check_tells_what_was_asked() -> None:
    """Without a session too."""
    async with open_talk(ECHO) as talk:
        talk.say(m.HealthCheck(check_fields=("status",)))
        await trio.sleep(1)
    assert [frame for _, frame in talk.frames] == [m.HealthCheckAck(health_status=m.HealthStatus(status="HEALTHY"))]


async def test_a_heartbeat_reply_keeps_the_session() -> None:
    """Whatever is heard of a client does."""
    async with talk_with(ECHO) as talk:
        await trio.sleep(100)
        assert talk.connection.remaining_s() == 500
        talk.say(m.HeartbeatReply())
        assert talk.connection.remaining_s() == 600


@pytest.mark.parametrize(
    "message",
    [
        m.FunctionResult(request_id="r1", call_id="c1"),
        m.Interrupt(interrupt_request_id="r1", mode="hold"),
    ],
)
async def test_what_was_not_granted_is_refused(message: m.ClientMessage) -> None:
    """A verb of an ext feature that REGISTER_ACK did not list gets ERROR, and touches nothing."""
    async with talk_with(agent("Well, ", 1.0, "yes.")) as talk:
        talk.ask("r1")
        talk.say(message)
        await trio.sleep(2)
    assert {error.error_code for error in talk.errors} == {"MALFORMED_PAYLOAD"}
    assert talk.text_of("r1") == "Well, yes."


async def test_a_refused_request_changes_no_setting() -> None:
    """Neither one whose id is live, nor one that would make the session too large; that one is told by its id."""
    async with talk_with(agent("Well, ", 1.0, "yes.")) as talk:
        talk.ask("r1")
        talk.ask("r1", patch=SPOKEN)
        for tool in range(5):
            given = (Tool(f"tool_{tool}", parameters={"x": "y" * 65_536}),)
            talk.ask(f"u{tool}", "", SettingsChange(function_calling=given, function_calling_op="ADD"))
        await trio.sleep(2)
        assert talk.connection.session is not None
        settings = talk.connection.session.settings
    assert not settings.require_tts
    assert [tool.name for tool in settings.tools] == ["tool_0", "tool_1", "tool_2"]
    assert [(error.error_code, error.request_id) for error in talk.errors] == [
        ("MALFORMED_PAYLOAD", None),
        ("PAYLOAD_TOO_LARGE", "u3"),
        ("PAYLOAD_TOO_LARGE", "u4"),
    ]


async def test_a_stranger_sends_no_large_frame() -> None:
    """Until REGISTER has succeeded a frame is read only up to 256 KiB, and a larger one ends the connection."""
    long = SettingsChange(function_calling=(Tool("sing", "x" * 256 * 1024),))
    async with open_talk(ECHO) as talk:
        talk.say(m.Register(auth=OPEN, patch=long))
        assert talk.connection.closing is not None
        talk.register()
        assert talk.connection.session is None
        await trio.sleep(1)
    [error] = talk.errors
    assert (error.error_code, "the message" in error.error_msg) == ("PAYLOAD_TOO_LARGE", True)
    async with open_talk(ECHO) as talk:
        talk.register()
        talk.say(m.RequestMessage(request_id="r1", data_type="TEXT", content=m.Content(text="Hello?"), patch=long))
        await trio.sleep(1)
    [error] = talk.errors
    assert (error.error_code, error.request_id, "session" in error.error_msg) == ("PAYLOAD_TOO_LARGE", "r1", True)


@pytest.mark.parametrize("frame", ["", "{}", "[null]", "no JSON", '{"msg_type":"SING"}', "\x00"])
async def test_a_strangers_first_frame_that_is_none_ends_the_connection(frame: str) -> None:
    """With one ERROR, and 1008; of who has registered it costs that frame."""
    async with open_talk(ECHO) as talk:
        talk.connection.receive(frame)
        talk.connection.receive(frame)
        assert talk.connection.closing is not None
        assert talk.connection.closing[0] == 1008
        await trio.sleep(1)
    assert len(talk.errors) == 1
    async with open_talk(ECHO) as talk:
        talk.register()
        talk.connection.receive(frame)
        talk.connection.receive(frame)
        assert talk.connection.closing is None
        await trio.sleep(1)
    assert len(talk.errors) == 2


async def test_questions_that_nobody_reads_the_answers_of_cost_little() -> None:
    """SESSION_INFO is made when it is sent: a thousand that wait do not hold the functions a thousand times."""
    async with talk_with(ECHO, SettingsChange(function_calling=(Tool("sing"),))) as talk:
        await trio.sleep(1)
        talk.stop_reading()
        await trio.sleep(1)
        talk.say(m.SessionQuery(query_fields=("function_calling",)))
        talk.ask("u1", "", SettingsChange(function_calling=()))
        talk.read_on()
        await trio.sleep(1)
    [told] = [frame.session_data for _, frame in talk.frames if isinstance(frame, m.SessionInfo)]
    assert told == {"function_calling": []}
