"""How far in its text a reply's voice is, as the client of a real server has it."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from tests.client.rig import Peer, answer_query, cable, scripted, serving, stay
from voxint.client import connect
from voxint.client.unread import event_bytes
from voxint.core.agent import Agent
from voxint.core.events import Ended, Event, Marks, Text, Voice
from voxint.errors import Disconnected
from voxint.protocol import messages as m
from voxint.testing.stages import FOREVER, ScriptedModel, ScriptedVoice

FIRST, SECOND = "Good morning to you all. ", "The museum opens at ten. "
MS_PER_CHAR = 10
FEATURES = ("hold", "server_vad", "marks")
STOPPED = m.InterruptAck(
    interrupt_request_id="u1",
    interrupted_request_ids=("u1",),
    status="SUCCESS",
    message="stopped",
    outcomes={"u1": "stopped"},
    receipts={},
)
WHOLE = [(0.0, len(FIRST)), (len(FIRST) * MS_PER_CHAR, len(FIRST + SECOND))]


def an_agent(*script: str | float) -> Agent:
    """Return an agent that says both sentences, the second at once."""
    return Agent(llm=ScriptedModel(*script or (FIRST, SECOND)), tts=ScriptedVoice(seconds_per_char=MS_PER_CHAR / 1000))


def marks_in(events: list[Event]) -> list[tuple[float, int]]:
    """Return all marks among events, in order."""
    return [mark for event in events if isinstance(event, Marks) for mark in event.marks]


@pytest.mark.parametrize("binary", [(), ("binary_audio",)])
async def test_marks_are_events_of_a_reply(binary: tuple[str, ...]) -> None:
    """Behind their text and before their voice, however that comes."""
    async with (
        serving(an_agent()) as server,
        connect(server.url, require_tts=True, features=("marks", *binary)) as client,
    ):
        events = [event async for event in await client.send_text("Hi")]
        assert set(client.registered.features) == {"marks", *binary}
    assert marks_in(events) == WHOLE
    kinds = [type(event) for event in events]
    assert kinds.index(Text) < kinds.index(Marks) < kinds.index(Voice)


async def test_who_does_not_ask_gets_none() -> None:
    """A client of before is told what it was told."""
    async with serving(an_agent()) as server, connect(server.url, require_tts=True) as client:
        assert not marks_in([event async for event in await client.send_text("Hi")])


async def test_they_go_on_in_the_next_client() -> None:
    """The first that it gets says where its sound begins."""
    async with serving(an_agent(FIRST, SECOND, FOREVER)) as server, cable(server) as network:
        before, after = list[Event](), list[Event]()
        async with connect(network.url, require_tts=True, on_disconnect="keep", features=["marks"]) as client:
            reply = await client.send_text("Hi")
            while not isinstance(event := await anext(reply), Voice):
                before.append(event)
            before.append(event)
            await network.cut()
            with suppress(Disconnected):  # behind what had come by then
                while True:
                    before.append(await anext(reply))
            point = client.resume_point
        async with connect(network.url, resume=point, features=["marks"]) as client:
            on = client.resumed[reply.request_id]
            with trio.move_on_after(5):
                while not (marks_in(after) and marks_in(after)[-1] == WHOLE[-1]):
                    after.append(await anext(on))
    had_ms = sum(len(event.audio) for event in before if isinstance(event, Voice)) / 32
    assert marks_in(after)[0] == (had_ms, max(chars for at_ms, chars in WHOLE if at_ms <= had_ms))
    assert marks_in(after)[-1] == WHOLE[-1]


@pytest.mark.parametrize("read", [False, True])
async def test_an_open_microphone_is_told_too(read: bool) -> None:
    """By the id of the answer; those that were not read are thrown away with it when it is interrupted."""

    async def script(peer: Peer) -> None:
        for message in (
            m.Response(request_id="u1", text_stream_seq=0, text="Noon."),
            m.MarksMessage(request_id="u1", marks=((0.0, 5),)),
            m.Response(request_id="u1", voice_stream_seq=0, voice=b"\1\0"),
        ):
            await peer.say(message)
        await answer_query(peer)
        await peer.read(m.Interrupt)
        await peer.say(m.MarksMessage(request_id="u1", marks=((500.0, 5),)))
        await peer.say(m.Response(request_id="u1", text_stream_seq=-1, interrupted=True, interrupt_reason="USER_STOP"))
        await peer.say(STOPPED)
        await stay(peer)

    async with (
        scripted(script, features=FEATURES) as url,
        connect(url, features=FEATURES, require_tts=True) as client,
        client.listen_always() as microphone,
    ):
        await client.session_info()
        told = [(await anext(microphone)).event for _ in range(3)] if read else []
        await client.interrupt("u1")
        assert told == [Text("Noon."), Marks(((0.0, 5),)), Voice(b"\1\0")][: len(told)]
        assert (await anext(microphone)).event == Ended(True, "USER_STOP")


def test_unread_marks_have_their_weight() -> None:
    """Who reads nothing is told so in time, however small each mark is."""
    many = Marks(tuple((float(number), number) for number in range(1000)))
    assert event_bytes(many) > 100 * 1000
