from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from tests.client.rig import Peer, answer_query, scripted, stay
from voxint.client import Client, RemoteMicrophone, connect
from voxint.core.events import (
    Committed,
    Ended,
    Endpoint,
    Event,
    Held,
    Onset,
    Released,
    Said,
    Text,
    Understood,
    Voice,
)
from voxint.errors import Disconnected, ReplyOverflow
from voxint.protocol import messages as m

FEATURES = ("hold", "server_vad", "transcripts")
A_SECOND = bytes(32_000)
STARTED = m.SpeechMessage(state="started", at_ms=320.0, request_id="u1")
STOPPED = m.SpeechMessage(
    state="stopped", at_ms=900.0, request_id="u1", text="what time?", outcome="request", decided_ms=1300.0
)
ENDED = m.Response(request_id="u1", text_stream_seq=-1)


def committed(*interrupted: str) -> m.SpeechMessage:
    """Return the message that says which answers the utterance interrupts."""
    return m.SpeechMessage(state="committed", at_ms=700.0, request_id="u1", interrupted=interrupted)


def text(words: str, request_id: str = "u1", seq: int = 0) -> m.Response:
    """Return a frame of text."""
    return m.Response(request_id=request_id, text_stream_seq=seq, text=words)


def cut(request_id: str, reason: str = "USER_VOICE_INPUT") -> m.Response:
    """Return the last frame of an answer that was interrupted."""
    return m.Response(request_id=request_id, text_stream_seq=-1, interrupted=True, interrupt_reason=reason)


async def told(microphone: RemoteMicrophone, items: int) -> list[tuple[str, Event]]:
    """Return the next events, each with its id."""
    return [(said.request_id, said.event) for said in [await anext(microphone) for _ in range(items)]]


async def say_all(peer: Peer, *messages: m.ServerMessage) -> None:
    """Wait for a query, say these, and answer it: then the client has read them."""
    await peer.read(m.SessionQuery)
    for message in messages:
        await peer.say(message)
    await peer.say(m.SessionInfo(status="SUCCESS", message="", session_data={}))


@asynccontextmanager
async def listening(script: Callable[[Peer], Awaitable[None]]) -> AsyncGenerator[tuple[Client, RemoteMicrophone]]:
    """Open the microphone of a client whose server plays a script."""
    async with (
        scripted(script, features=FEATURES) as url,
        connect(url, features=FEATURES) as client,
        client.listen_always() as microphone,
    ):
        yield client, microphone


async def test_a_turn_by_voice() -> None:
    """The sound goes out as it is; who speaks, what was understood and the answer come in by one id, in order."""
    heard = bytearray()

    async def script(peer: Peer) -> None:
        await peer.read(m.SessionQuery)
        heard.extend(peer.audio)
        for message in (
            STARTED,
            m.TranscriptMessage(request_id="u1", text="what ti", is_final=False),
            committed("r0", "r1"),
            cut("r0"),
            STOPPED,
            text("Noon."),
            m.Response(request_id="u1", voice_stream_seq=0, voice=b"\1\0"),
            m.HoldMessage(request_id="u1", state="held", voice_stream_seq=0),
            m.HoldMessage(request_id="u1", state="released", voice_stream_seq=0, reason="noise"),
            m.Response(request_id="u1", text_stream_seq=-1, voice_stream_seq=-1),
        ):
            await peer.say(message)
        await peer.say(m.SessionInfo(status="SUCCESS", message="", session_data={}))
        await stay(peer)

    async with (
        scripted(script, features=FEATURES) as url,
        connect(url, features=FEATURES, require_tts=True) as client,
        client.listen_always() as microphone,
    ):
        await microphone.send(A_SECOND)
        await microphone.send(b"\0")
        await microphone.send(b"\0")
        await client.session_info()
        assert microphone.sent_ms == 1000.0625
        assert await anext(microphone) == Said("u1", Onset(320.0), spoken=True)
        assert await told(microphone, 9) == [
            ("u1", Understood("what ti", is_final=False)),
            ("u1", Committed(700.0, ("r0", "r1"))),
            ("r0", Ended(True, "USER_VOICE_INPUT")),
            ("u1", Endpoint(900.0, 1300.0, "what time?", "request")),
            ("u1", Text("Noon.")),
            ("u1", Voice(b"\1\0")),
            ("u1", Held()),
            ("u1", Released("noise")),
            ("u1", Ended(False)),
        ]
    assert heard == A_SECOND + b"\0\0"


async def test_a_reply_keeps_its_own_events() -> None:
    """What this client has asked is told to its reply alone; that speech interrupts it, to the microphone too."""

    async def script(peer: Peer) -> None:
        request = await peer.read(m.RequestMessage)
        held = m.HoldMessage(request_id=request.request_id, state="held", voice_stream_seq=None)
        cuts = committed(request.request_id)
        await say_all(peer, text("Well, ", request.request_id), STARTED, held, cuts, cut(request.request_id))
        await stay(peer)

    async with listening(script) as (client, microphone):
        reply = await client.send_text("Hi")
        await client.session_info()
        assert [event async for event in reply] == [Text("Well, "), Held(), Ended(True, "USER_VOICE_INPUT")]
        interrupted = (reply.request_id,)
        assert await told(microphone, 2) == [("u1", Onset(320.0)), ("u1", Committed(700.0, interrupted))]


async def test_an_answer_that_was_sent_to_its_end_is_interrupted_by_name() -> None:
    """It has ended, so its reply is told nothing more; the microphone is, for whoever still plays it."""

    async def script(peer: Peer) -> None:
        request = await peer.read(m.RequestMessage)
        last = m.Response(request_id=request.request_id, text_stream_seq=-1)
        held = m.HoldMessage(request_id=request.request_id, state="held", voice_stream_seq=None)
        await say_all(peer, text("Well.", "mine"), last, held, STARTED, committed("mine"), STOPPED)
        await stay(peer)

    async with listening(script) as (client, microphone):
        reply = await client.send_text("Hi", request_id="mine")
        await client.session_info()
        assert [event async for event in reply] == [Text("Well."), Ended(False)]
        assert await told(microphone, 3) == [
            ("mine", Held()),
            ("u1", Onset(320.0)),
            ("u1", Committed(700.0, ("mine",))),
        ]


async def test_a_reply_that_was_let_go_of_is_told_to_nobody() -> None:
    """It is still this client's; what is held of one that has ended and still plays is told to the microphone."""

    async def script(peer: Peer) -> None:
        request = await peer.read(m.RequestMessage)
        last = m.Response(request_id=request.request_id, text_stream_seq=-1)
        held = m.HoldMessage(request_id=request.request_id, state="held", voice_stream_seq=None)
        await say_all(peer, text("Well, ", request.request_id), last, held)
        await stay(peer)

    async with listening(script) as (client, microphone):
        await client.send_text("Hi", request_id="mine")
        await client.session_info()
        assert await told(microphone, 1) == [("mine", Held())]


@pytest.mark.parametrize("cuts", ["u1", None])
async def test_an_answer_by_voice_is_silent_once_it_is_interrupted(cuts: str | None) -> None:
    """What of it was not read is thrown away, and what still comes; who spoke is told, and the end, as cut off."""

    async def script(peer: Peer) -> None:
        await say_all(peer, STARTED, STOPPED, text("Noon. "))
        interrupt = await peer.read(m.Interrupt)
        await peer.say(text("Or so.", seq=1))
        await peer.say(ENDED)
        await peer.acknowledge(interrupt)
        await say_all(peer, text("Hello.", "u2"))
        await stay(peer)

    async with listening(script) as (client, microphone):
        await client.session_info()
        await client.interrupt(cuts)
        await client.session_info()
        _, (_, end), last, after = await told(microphone, 4)
        assert isinstance(end, Endpoint)
        assert last == ("u1", Ended(True, "USER_STOP"))
        assert after == ("u2", Text("Hello."))


async def test_an_utterance_that_fails_is_told() -> None:
    """With the words and the id of the ERROR; one that is this client's own is still its reply's, or a notice."""
    error = m.Error(
        error_code="UPSTREAM_ERROR",
        error_msg="the provider has failed",
        error_detail="stage stt",
        retryable=True,
        request_id="u1",
        stage="stt",
        error_id="0123456789ab",
    )

    async def script(peer: Peer) -> None:
        await say_all(peer, STARTED, error)
        await stay(peer)

    async with listening(script) as (client, microphone):
        await client.session_info()
        _, (failed, end) = await told(microphone, 2)
    assert failed == "u1"
    assert isinstance(end, Ended)
    assert end.failure is not None
    failure = end.failure
    assert (failure.kind, failure.message, failure.retryable, failure.stage, failure.error_id) == (
        "upstream",
        "the provider has failed",
        True,
        "stt",
        "0123456789ab",
    )


async def test_what_was_not_granted_is_said_at_once() -> None:
    """A server that can't, or that was not asked, would ignore the sound, or leave a hold unanswered."""
    told: dict[tuple[str, ...], tuple[str, str]] = {
        (): ("server_vad was not asked for: connect", "hold was not asked for: connect"),
        FEATURES: ("has not granted server_vad: its agent", "has not granted hold: it is older"),
    }
    for asked, (not_always, not_held) in told.items():
        async with scripted(stay) as url, connect(url, features=asked) as client:
            with pytest.raises(RuntimeError, match=not_always):
                async with client.listen_always():
                    pass
            for refused in (client.hold, client.release):
                with pytest.raises(RuntimeError, match=not_held):
                    await refused()


async def test_one_microphone_at_a_time() -> None:
    """A second is refused while the first is open; behind its block another can be opened."""
    async with scripted(stay, features=FEATURES) as url, connect(url, features=FEATURES) as client:
        async with client.listen_always():
            with pytest.raises(RuntimeError, match="open already"):
                async with client.listen_always():
                    pass
        async with client.listen_always() as microphone:
            assert microphone.sent_ms == 0.0


async def test_its_block_ends_it() -> None:
    """Behind the block nothing is sent, and who reads gets what had come, and the end."""

    async def script(peer: Peer) -> None:
        await say_all(peer, STARTED)
        await stay(peer)

    async with scripted(script, features=FEATURES) as url, connect(url, features=FEATURES) as client:
        async with client.listen_always() as microphone:
            await client.session_info()
        with pytest.raises(trio.ClosedResourceError, match="block of listen_always"):
            await microphone.send(A_SECOND)
        with trio.fail_after(1):
            assert [said.event async for said in microphone] == [Onset(320.0)]
        assert microphone.sent_ms == 0.0


async def test_who_does_not_read_is_told() -> None:
    """More than the client keeps is thrown away with an error, and what it was is interrupted."""
    interrupted: list[m.Interrupt] = []

    async def script(peer: Peer) -> None:
        await say_all(peer, STARTED, STOPPED, text("x" * 2000))
        interrupted.append(await peer.read(m.Interrupt))
        await stay(peer)

    async with (
        scripted(script, features=FEATURES) as url,
        connect(url, features=FEATURES, unread_limit_bytes=1000) as client,
        client.listen_always() as microphone,
    ):
        await client.session_info()
        with pytest.raises(ReplyOverflow, match="open microphone"):
            await anext(microphone)
        await trio.testing.wait_all_tasks_blocked(0.05)
    assert [(each.interrupt_request_id, each.reason) for each in interrupted] == [("u1", "CLIENT_ERROR")]


async def test_a_lost_connection_ends_the_microphone() -> None:
    """Behind what had come, reading and sending raise Disconnected."""

    async def script(peer: Peer) -> None:
        await say_all(peer, STARTED)
        await peer.ws.aclose(1011, "the server failed")

    async with listening(script) as (client, microphone):
        await client.session_info()
        assert await told(microphone, 1) == [("u1", Onset(320.0))]
        with pytest.raises(Disconnected):
            await anext(microphone)
        with pytest.raises(Disconnected):
            await microphone.send(A_SECOND)


async def test_a_client_that_comes_back_listens_on() -> None:
    """What went on is told to the next microphone, what the server has forgotten ends; neither is a reply."""
    resumed = m.Resumed(live=("u1",), lost=(), outcomes={})
    first = [True]

    async def script(peer: Peer) -> None:
        if first.pop():
            first.append(False)
            await say_all(peer, STARTED, STOPPED, text("It is "), text("Gone ", "u0"))
            await peer.ws.aclose(1011, "the server failed")
            return
        await peer.say(text("noon.", seq=1))
        await answer_query(peer)
        await stay(peer)

    async def lose(client: Client) -> None:
        async with client.listen_always() as microphone:
            await client.session_info()
            await told(microphone, 4)
            await anext(microphone)

    async with scripted(script, features=FEATURES, resumed=resumed) as url:
        async with connect(url, features=FEATURES) as client:
            with pytest.raises(Disconnected):
                await lose(client)
            point = client.resume_point
        assert point is not None
        assert set(point.by_voice or ()) == {"u0", "u1"}
        async with connect(url, features=FEATURES, resume=point) as client:
            await client.session_info()
            assert client.resumed == {}
            async with client.listen_always() as microphone:
                assert await told(microphone, 2) == [("u0", Ended(True, "DISCONNECT")), ("u1", Text("noon."))]


async def test_hold_and_release() -> None:
    """Each is acknowledged by its own, also where the acknowledgement of an earlier INTERRUPT is still to come."""

    def acknowledge(interrupt: m.Interrupt, outcome: m.Outcome) -> m.InterruptAck:
        asked = interrupt.interrupt_request_id
        return m.InterruptAck(
            interrupt_request_id=asked,
            interrupted_request_ids=("r1",) if outcome == "stopped" else (),
            status="SUCCESS",
            message="",
            outcomes={"r1": outcome},
            receipts={},
            mode=None if interrupt.mode == "commit" else interrupt.mode,
        )

    async def script(peer: Peer) -> None:
        await peer.read(m.RequestMessage)
        held = await peer.read(m.Interrupt)
        await peer.say(m.HoldMessage(request_id="r1", state="held", voice_stream_seq=None))
        await peer.say(acknowledge(held, "held"))
        released = await peer.read(m.Interrupt)
        await peer.say(m.HoldMessage(request_id="r1", state="released", voice_stream_seq=None, reason="client"))
        await peer.say(acknowledge(released, "released"))
        commits, late = await peer.read(m.Interrupt), await peer.read(m.Interrupt)
        await peer.say(acknowledge(late, "already_finished"))
        await peer.say(cut("r1", "USER_STOP"))
        await peer.say(acknowledge(commits, "stopped"))
        everything = await peer.read(m.Interrupt)
        assert (everything.interrupt_request_id, everything.mode) == (None, "release")
        await peer.say(acknowledge(everything, "not_found"))
        await stay(peer)

    async with scripted(script, features=("hold",)) as url, connect(url, features=("hold",)) as client:
        reply = await client.send_text("Hi", request_id="r1")
        assert await reply.hold()
        assert await reply.release()
        assert [await anext(reply), await anext(reply)] == [Held(), Released("client")]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reply.interrupt)
            await trio.testing.wait_all_tasks_blocked()
            late = await client.hold("r1")
        assert late.outcomes == {"r1": "already_finished"}
        assert reply.ack is not None
        assert reply.ack.outcomes == {"r1": "stopped"}
        assert (await client.release()).outcomes == {"r1": "not_found"}
