"""A client's open microphone and a real server, over a socket, at a microphone's pace."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from tests.client.rig import cable, serving
from tests.core.ears.coded import CodedEars, quiet, speech
from voxint.client import Client, RemoteMicrophone, connect
from voxint.core.agent import Agent
from voxint.core.events import Committed, Ended, Endpoint, Held, Onset, Released, Said, Text, Understood, Voice
from voxint.testing.detector import ScriptedDetector
from voxint.testing.stages import ScriptedModel, ScriptedVoice

FEATURES = ("server_vad", "transcripts", "binary_audio")
STORY = "Once upon a time there was a keeper of a lighthouse, who lived alone with his dog for many years."
ASKS = (quiet(200), speech(800, "what", "time", "is", "it?"), quiet(1500))
PIECE = 640
PIECE_S = 0.02


def an_agent(*models: ScriptedModel) -> Agent:
    """Return an agent that listens always; each of its answers is another model's."""
    model = ScriptedModel.turns(*models or (ScriptedModel("Noon."),))
    return Agent(llm=model, stt=CodedEars(), tts=ScriptedVoice(), vad=ScriptedDetector())


async def stream(microphone: RemoteMicrophone, *sounds: bytes) -> None:
    """Send sound as a microphone does, at its pace."""
    pcm, begins_at = b"".join(sounds), trio.current_time()
    for piece, at in enumerate(range(0, len(pcm), PIECE)):
        await trio.sleep_until(begins_at + piece * PIECE_S)
        await microphone.send(pcm[at : at + PIECE])


async def until_ended(microphone: RemoteMicrophone, request_id: str | None = None) -> list[Said]:
    """Return what is said until an answer has ended."""
    told = list[Said]()
    async for said in microphone:
        told.append(said)
        if isinstance(said.event, Ended) and request_id in (None, said.request_id):
            return told
    raise AssertionError("an open microphone has no end")


@asynccontextmanager
async def listening(agent: Agent) -> AsyncGenerator[tuple[Client, RemoteMicrophone, trio.Nursery]]:
    """Serve an agent, and open a client's microphone; the nursery is for whoever streams it."""
    async with (
        serving(agent) as server,
        connect(server.url, features=FEATURES, require_tts=True) as client,
        client.listen_always() as microphone,
        trio.open_nursery() as nursery,
    ):
        yield client, microphone, nursery


async def test_somebody_speaks_and_is_answered() -> None:
    """All of it by one id: the onset, the words as they come, the endpoint, and the answer in text and voice."""
    async with listening(an_agent()) as (client, microphone, nursery):
        nursery.start_soon(stream, microphone, *ASKS)
        told = await until_ended(microphone)
    assert "hold" in client.registered.features
    assert len({said.request_id for said in told}) == 1
    kinds = [type(said.event) for said in told]
    assert kinds[0] is Onset
    assert kinds.index(Understood) < kinds.index(Endpoint) < kinds.index(Text) < kinds.index(Voice)
    [endpoint] = [said.event for said in told if isinstance(said.event, Endpoint)]
    assert (endpoint.text, endpoint.outcome) == ("what time is it?", "request")
    assert told[-1].event == Ended(False)
    assert microphone.sent_ms >= endpoint.decided_ms - 1


async def test_somebody_speaks_over_an_answer() -> None:
    """It is held, then cut off by the utterance, which is answered; the model of the first was really stopped."""
    story = ScriptedModel(STORY, 30.0)
    agent = an_agent(story, ScriptedModel("Noon."))
    async with listening(agent) as (client, microphone, nursery):
        reply = await client.send_text("A story", request_id="story")
        nursery.start_soon(stream, microphone, quiet(800), *ASKS)
        told = await until_ended(microphone)
        heard = [event async for event in reply]
    assert Held() in heard
    assert heard[-1] == Ended(True, "USER_VOICE_INPUT")
    [committed] = [said for said in told if isinstance(said.event, Committed)]
    assert isinstance(committed.event, Committed)
    assert committed.event.interrupted == ("story",)
    assert committed.request_id == told[-1].request_id
    assert "".join(said.event.text for said in told if isinstance(said.event, Text)) == "Noon."


async def test_a_cough_lets_the_answer_go_on() -> None:
    """The answer is held and goes on where it was: all of its text and all of its voice come."""
    agent = an_agent(ScriptedModel(STORY[:48]))
    async with listening(agent) as (client, microphone, nursery):
        reply = await client.send_text("A story")
        nursery.start_soon(stream, microphone, quiet(600), speech(128), quiet(2500))
        heard = [event async for event in reply]
    kinds = [type(event) for event in heard]
    assert kinds.index(Held) < kinds.index(Released)
    assert heard[-1] == Ended(False)
    assert "".join(event.text for event in heard if isinstance(event, Text)) == STORY[:48]
    assert sum(len(event.audio) for event in heard if isinstance(event, Voice)) == 2 * 1000 * 48


async def test_a_client_comes_back_and_listens_on() -> None:
    """The answer that was under way goes on at the next microphone, and the next utterance is heard."""
    agent = an_agent(ScriptedModel(STORY[:48]), ScriptedModel("Noon."))
    async with serving(agent) as server, cable(server) as network:
        async with connect(network.url, features=FEATURES, require_tts=True, on_disconnect="keep") as client:
            async with client.listen_always() as microphone, trio.open_nursery() as nursery:
                nursery.start_soon(stream, microphone, *ASKS)
                async for said in microphone:
                    if isinstance(said.event, Voice):
                        break
                nursery.cancel_scope.cancel()
            answered = said.request_id
            await network.cut()
            await client.wait_disconnected()
            point = client.resume_point
        assert point is not None
        assert point.by_voice == (answered,)
        async with (
            connect(network.url, features=FEATURES, resume=point) as client,
            client.listen_always() as microphone,
            trio.open_nursery() as nursery,
        ):
            assert client.resumed == {}
            rest = await until_ended(microphone, answered)
            assert rest[-1].event == Ended(False)
            assert any(isinstance(said.event, Voice) for said in rest)
            nursery.start_soon(stream, microphone, *ASKS)
            again = await until_ended(microphone)
            [asked] = [said.request_id for said in again if isinstance(said.event, Onset)]
            assert asked != answered


async def test_an_answer_by_voice_is_held_and_released_by_its_id() -> None:
    """Also one that this client has not asked: it is the session's."""
    agent = an_agent(ScriptedModel(STORY[:48]))
    async with listening(agent) as (client, microphone, nursery):
        nursery.start_soon(stream, microphone, *ASKS)
        async for said in microphone:
            if isinstance(said.event, Voice):
                break
        client.played(said.request_id, 20)
        assert (await client.hold(said.request_id)).outcomes == {said.request_id: "held"}
        assert (await client.release()).outcomes == {said.request_id: "released"}
        told = await until_ended(microphone, said.request_id)
    assert Held() in [each.event for each in told]
    assert Released("client") in [each.event for each in told]
    assert told[-1].event == Ended(False)
