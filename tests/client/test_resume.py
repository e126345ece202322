from __future__ import annotations

import pytest
import trio

from tests.client.rig import Peer, answer_query, cable, scripted, serving, stay
from voxint.client import RemoteReply, ResumePoint, connect
from voxint.core.agent import Agent, Limits
from voxint.core.events import Ended, Event, Text, Voice
from voxint.errors import Disconnected, ServerError
from voxint.protocol import messages as m
from voxint.protocol.messages import SeenFrames
from voxint.server.config import ServerConfig
from voxint.testing.stages import FOREVER, ScriptedModel, ScriptedVoice

WORDS = [f"word {number}. " for number in range(20)]


async def until_lost(reply: RemoteReply) -> list[Event]:
    """Read a reply until its connection is lost."""
    events: list[Event] = []
    try:
        async for event in reply:
            events.append(event)
    except Disconnected:
        return events
    raise AssertionError("the reply has ended otherwise")


def text_of(events: list[Event]) -> str:
    """Return the text among events."""
    return "".join(event.text for event in events if isinstance(event, Text))


def voice_of(events: list[Event]) -> int:
    """Return the bytes of voice among events."""
    return sum(len(event.audio) for event in events if isinstance(event, Voice))


@pytest.mark.parametrize("spoken", [False, True])
async def test_a_reply_goes_on_in_the_next_client(spoken: bool) -> None:
    """What was unread when the connection broke stays with the old reply; the new one has all that follows."""
    agent = Agent(llm=ScriptedModel.says(*WORDS, every=0.02), tts=ScriptedVoice(seconds_per_char=0.005))
    async with serving(agent) as server, cable(server) as network:
        async with connect(network.url, require_tts=spoken, on_disconnect="keep") as client:
            reply = await client.send_text("Hi")
            for _ in range(3):
                await anext(reply)
            had = len("".join(WORDS[:3]))
            await trio.sleep(0.1)
            await network.cut()
            before = await until_lost(reply)
            point = client.resume_point
        assert point is not None
        async with connect(network.url, resume=point, features=("binary_audio",)) as client:
            assert list(client.resumed) == [reply.request_id]
            on = client.resumed.pop(reply.request_id)
            after = [event async for event in on]
            assert client.registered.resumed == m.Resumed(live=(reply.request_id,), lost=(), outcomes={})
            assert (on.incomplete, after[-1]) == (False, Ended(False))
            said = text_of(before) + text_of(after)
            assert "".join(WORDS).endswith(said)
            assert len(said) >= len("".join(WORDS)) - had
            assert bool(voice_of(after)) == spoken
            assert await (await client.send_text("Again")).text() == "".join(WORDS)


async def test_a_client_can_be_lost_many_times() -> None:
    """Each comes after the one before it, with a token of its own."""
    async with serving(Agent(llm=ScriptedModel.says(*WORDS, every=0.02))) as server, cable(server) as network:
        events, point, reply = list[Event](), None, None
        for _ in range(3):
            async with connect(network.url, resume=point, on_disconnect="keep") as client:
                reply = client.resumed[reply.request_id] if reply else await client.send_text("Hi")
                events.append(await anext(reply))
                await network.cut()
                events += await until_lost(reply)
                assert client.resume_point != point
                point = client.resume_point
        assert reply is not None
        async with connect(network.url, resume=point) as client:
            events += [event async for event in client.resumed[reply.request_id]]
        assert text_of(events) == "".join(WORDS)


async def test_the_end_that_came_meanwhile() -> None:
    """By default the loss of the connection interrupts: the reply ends so in the next client."""
    async with serving(Agent(llm=ScriptedModel("Well, ", FOREVER))) as server, cable(server) as network:
        async with connect(network.url) as client:
            reply = await client.send_text("Hi")
            assert await anext(reply) == Text("Well, ")
            await network.cut()
            await until_lost(reply)
            point = client.resume_point
        async with connect(network.url, resume=point) as client:
            rest = [event async for event in client.resumed[reply.request_id]]
            assert rest == [Ended(True, "DISCONNECT")]


async def test_a_reply_can_be_interrupted_after_its_return() -> None:
    """As any other."""
    async with serving(Agent(llm=ScriptedModel("Well, ", FOREVER))) as server, cable(server) as network:
        async with connect(network.url, on_disconnect="keep") as client:
            reply = await client.send_text("Hi")
            assert await anext(reply) == Text("Well, ")
            await network.cut()
            await client.wait_disconnected()
            point = client.resume_point
        async with connect(network.url, resume=point) as client:
            on = client.resumed[reply.request_id]
            receipt = await on.interrupt()
            assert receipt is not None
            assert receipt.text.heard == "Well, "
            assert [event async for event in on] == [Ended(True, "USER_STOP")]


async def test_what_is_lost_is_told() -> None:
    """Where the server keeps too little the reply is incomplete; where it knows nothing of it, it has failed."""
    agent = Agent(llm=ScriptedModel(*WORDS, 0.3, "The end."), limits=Limits(keep_ms=10))
    async with serving(agent) as server, cable(server) as network:
        async with connect(network.url, on_disconnect="keep") as client:
            reply = await client.send_text("Hi")
            while not text_of([await anext(reply)]).endswith(WORDS[-1]):
                pass
            point = client.resume_point
            assert point is not None
            await network.cut()
        nothing_seen = {reply.request_id: SeenFrames(), "req_unknown": SeenFrames()}
        point = ResumePoint(point.session_id, point.resume_token, nothing_seen)
        async with connect(network.url, resume=point) as client:
            on = client.resumed[reply.request_id]
            assert on.incomplete
            assert (await on.text()).endswith("The end.")
            with pytest.raises(Disconnected, match="ask again"):
                await anext(client.resumed["req_unknown"])
            assert client.resume_point is not None
            assert client.resume_point.seen == {}


async def test_a_session_that_is_gone() -> None:
    """The server refuses, and a new session begins without `resume`."""
    async with serving(Agent(llm=ScriptedModel("Hello.")), ServerConfig(port=0, resume_s=0)) as server:
        async with connect(server.url) as client:
            point = client.resume_point
        with pytest.raises(ServerError, match="no session to resume") as caught:
            async with connect(server.url, resume=point):
                pass
        assert caught.value.code == "SESSION_INVALID"
        async with connect(server.url) as client:
            assert client.resumed == {}


async def test_a_server_that_resumes_nothing() -> None:
    """One of the base protocol gives no token."""
    async with scripted(stay) as url, connect(url) as client:
        assert client.resume_point is None


async def test_a_point_shows_no_secret() -> None:
    """Its repr may be logged."""
    async with serving(Agent(llm=ScriptedModel("Hello."))) as server, connect(server.url) as client:
        point = client.resume_point
        assert point is not None
        assert point.resume_token not in repr(point)
        assert point.session_id in repr(point)


async def test_only_what_has_not_ended_is_gone_on_with() -> None:
    """An error and an interrupted end are ends; the latest sixty-four requests are told."""

    async def script(peer: Peer) -> None:
        for number in range(70):
            request = await peer.read(m.RequestMessage)
            if number == 0:
                await peer.say(m.Response(request_id=request.request_id, text_stream_seq=-1, interrupted=True))
            elif number == 1:
                await peer.say(
                    m.Error(
                        error_code="INTERNAL_ERROR",
                        error_msg="",
                        error_detail="",
                        retryable=False,
                        request_id=request.request_id,
                    )
                )
            elif number == 69:
                await peer.say_text(request.request_id, "a", "b")
        await stay(peer)

    async with scripted(script) as url, connect(url) as client:
        replies = [await client.send_text("Hi", request_id=f"r{number}") for number in range(70)]
        assert [await anext(replies[-1]) for _ in range(2)] == [Text("a"), Text("b")]
        client.registered = m.RegisterAck(
            status="SUCCESS",
            message="",
            session_id="s",
            session_timeout_seconds=60,
            features=(),
            audio=m.Audio(),
            resume_token="t",
        )
        point = client.resume_point
        assert point is not None
        assert list(point.seen) == [f"r{number}" for number in range(6, 70)]
        assert point.seen["r69"] == SeenFrames(text_stream_seq=1)
        assert point.seen["r6"] == SeenFrames()


async def test_another_client_joins() -> None:
    """It asks for itself and hears what the other has asked, and who let it in can still come back."""
    agent = Agent(llm=ScriptedModel("Yes."))
    heard: list[str] = []

    def listen(frame: m.ServerMessage, now: float) -> None:
        if isinstance(frame, m.Response) and frame.text:
            heard.append(frame.text)

    async with serving(agent) as server, connect(server.url) as first:
        point = await first.join_point()
        assert point.resume_token not in repr(point)
        async with connect(server.url, resume=point, on_frame=listen) as second:
            assert second.registered.session_id == first.registered.session_id
            assert (second.resumed, heard) == ({}, [])
            assert await (await first.send_text("Are you there?")).text() == "Yes."
            await second.session_info()  # behind what was said before
            assert heard == ["Yes."]
            assert await (await second.send_text("And now?")).text() == "Yes."
            with pytest.raises(ServerError, match="SESSION_INVALID"):
                async with connect(server.url, resume=point):
                    pass
            async with connect(server.url, resume=first.resume_point) as again:
                assert again.registered.session_id == first.registered.session_id


async def test_a_server_that_lets_nobody_join() -> None:
    """One that is older leaves the field out, and the client says so."""
    async with scripted(answer_query) as url, connect(url) as client:
        with pytest.raises(RuntimeError, match="it is older than this client"):
            await client.join_point()
