from __future__ import annotations

import pytest
import trio
from msgspec.structs import replace
from trio.testing import wait_all_tasks_blocked
from trio_websocket import WebSocketRequest, serve_websocket

from tests.client.rig import Peer, answer_query, scripted, stay
from voxint.client import Notice, connect
from voxint.core.events import Ended, Text, Voice
from voxint.errors import Disconnected, ReplyOverflow, ServerError
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_client, encode_server

LOST = m.Error(error_code="SESSION_INVALID", error_msg="gone", error_detail="", retryable=False)


async def test_an_error_comes_after_what_was_read_before_it() -> None:
    """Events that came before an ERROR are delivered, then it is raised, each time the reply is read."""

    async def script(peer: Peer) -> None:
        request = await peer.read(m.RequestMessage)
        await peer.say_text(request.request_id, "Half")
        await peer.say(
            m.Error(
                error_code="UPSTREAM_ERROR",
                error_msg="no answer",
                error_detail="d",
                retryable=True,
                request_id=request.request_id,
                stage="llm",
                error_id="0123456789ab",
            )
        )
        await stay(peer)

    async with scripted(script) as url, connect(url) as client:
        reply = await client.send_text("Hi")
        assert await anext(reply) == Text("Half")
        for _ in range(2):
            with pytest.raises(ServerError) as caught:
                await anext(reply)
            assert str(caught.value) == "UPSTREAM_ERROR in llm: no answer (d) [error 0123456789ab]"
            assert caught.value.retryable
            assert caught.value.error_id == "0123456789ab"


async def test_a_lost_connection_ends_everything_that_waits() -> None:
    """Replies, acknowledgements and queries raise Disconnected, and so does every later call."""

    async def script(peer: Peer) -> None:
        for kind in (m.RequestMessage, m.Interrupt, m.SessionQuery):
            await peer.read(kind)
        await peer.ws.aclose(1011, "the server failed")

    async with scripted(script) as url, connect(url) as client:
        reply = await client.send_text("Hi")
        async with trio.open_nursery() as nursery:

            async def fails(work: object) -> None:
                with pytest.raises(Disconnected, match=r"closed the connection \(1011\) and says: the server failed"):
                    await work  # type: ignore[misc]  # any awaitable of the client's

            nursery.start_soon(fails, anext(reply))
            await wait_all_tasks_blocked()
            nursery.start_soon(fails, client.interrupt("other"))
            await wait_all_tasks_blocked()
            nursery.start_soon(fails, client.session_info())
        await client.wait_disconnected()
        for call in (client.send_text("Hi"), client.open_voice(), client.interrupt(), client.health()):
            with pytest.raises(Disconnected):
                await call
        reply.played(20)  # a hint: dropped


async def test_a_connection_that_breaks() -> None:
    """A TCP connection that ends without a word is Disconnected too."""

    async def script(peer: Peer) -> None:
        await peer.read(m.RequestMessage)
        await trio.aclose_forcefully(peer.ws._stream)

    async with scripted(script) as url, connect(url) as client:
        with pytest.raises(Disconnected, match="the connection broke"):
            await anext(await client.send_text("Hi"))


async def test_an_interrupt_that_nobody_acknowledges() -> None:
    """It raises REQUEST_TIMEOUT, and its late acknowledgement is not taken for that of the next one."""

    async def script(peer: Peer) -> None:
        late = await peer.read(m.Interrupt)
        next_one = await peer.read(m.Interrupt)
        await peer.acknowledge(late, "late")
        await peer.acknowledge(next_one, "next")
        await stay(peer)

    async with scripted(script) as url, connect(url, answer_timeout_s=0.25) as client:
        with pytest.raises(ServerError) as caught:
            await client.interrupt("r")
        assert (await client.interrupt("r")).message == "next"
    assert caught.value.code == "REQUEST_TIMEOUT"


async def test_acknowledgements_find_who_asked() -> None:
    """They are paired by the echoed id, whatever their order, and first come first served among equal ids."""

    async def script(peer: Peer) -> None:
        asked = [await peer.read(m.Interrupt) for _ in range(3)]
        for n in (2, 0, 1):
            await peer.acknowledge(asked[n], str(n))
        await stay(peer)

    got: dict[int, str] = {}
    async with scripted(script) as url, connect(url) as client, trio.open_nursery() as nursery:

        async def interrupt(n: int, request_id: str | None) -> None:
            got[n] = (await client.interrupt(request_id)).message

        for n, request_id in enumerate(("r", "r", None)):
            nursery.start_soon(interrupt, n, request_id)
            await wait_all_tasks_blocked()
    assert got == {0: "0", 1: "1", 2: "2"}


async def test_a_heartbeat_is_answered() -> None:
    """The client says that it is alive, without the application."""
    answered = trio.Event()

    async def script(peer: Peer) -> None:
        await peer.say(m.Heartbeat(remaining_seconds=9))
        await peer.read(m.HeartbeatReply)
        answered.set()

    async with scripted(script) as url, connect(url):
        await answered.wait()


async def test_a_heartbeat_before_the_session_is_not_answered() -> None:
    """The answer could bear no session: such a server would refuse it, and what waits would fail with it."""

    async def early(request: WebSocketRequest) -> None:
        ws = await request.accept()
        await ws.send_message(encode_server(m.Heartbeat(remaining_seconds=9), None, 0))
        assert isinstance(decode_client(await ws.get_message()).message, m.Register)
        with trio.move_on_after(0.1):
            raise AssertionError(f"the client answered: {await ws.get_message()!r}")
        await ws.aclose(4408)

    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, early, "127.0.0.1", 0, None)
        with pytest.raises(Disconnected, match="4408"):
            async with connect(f"ws://127.0.0.1:{server.port}/"):
                pass
        nursery.cancel_scope.cancel()


async def test_notices() -> None:
    """SHUTDOWN, SESSION_WARN and an ERROR of no reply go to `on_notice`, in order, and end nothing."""
    said: list[Notice] = [
        m.SessionWarn(warn_type="EXPIRE_SOON", remaining_seconds=3, message="soon"),
        m.Error(error_code="MALFORMED_PAYLOAD", error_msg="what?", error_detail="", retryable=False, request_id="old"),
        m.Shutdown(reason="maintenance"),
    ]

    async def script(peer: Peer) -> None:
        for notice in said:
            await peer.say(notice)
        await answer_query(peer)
        await stay(peer)

    heard: list[Notice] = []
    async with scripted(script) as url:
        async with connect(url, on_notice=heard.append) as client:
            await client.session_info()
        async with connect(url) as client:  # and without the hook they are passed over
            await client.session_info()
    assert heard == said


async def test_a_session_that_is_gone_fails_what_waits() -> None:
    """SESSION_INVALID answers nothing by name, and everything: no reply of the session will go on."""

    async def script(peer: Peer) -> None:
        await peer.read(m.RequestMessage)
        await peer.read(m.SessionQuery)
        await peer.say(LOST)
        await stay(peer)

    async with scripted(script) as url, connect(url) as client:
        reply = await client.send_text("Hi")
        for wait in (client.session_info(), anext(reply)):
            with pytest.raises(ServerError, match="gone"):
                await wait


@pytest.mark.parametrize(
    "frame", ['{"version": "1.0"', b"\x01", '{"version":"1.0","msg_type":"RESPONSE","payload":{}}']
)
async def test_a_server_that_breaks_the_protocol(frame: str | bytes) -> None:
    """A frame that cannot be read ends the connection, and the error says that the server is at fault."""

    async def script(peer: Peer) -> None:
        await peer.read(m.RequestMessage)
        await peer.ws.send_message(frame)
        await stay(peer)

    async with scripted(script) as url, connect(url) as client:
        with pytest.raises(Disconnected, match="the server broke the protocol"):
            await anext(await client.send_text("Hi"))


async def test_what_a_newer_server_may_add() -> None:
    """Messages of unknown types, frames of unknown requests and answers that nobody asked for are passed over."""

    async def script(peer: Peer) -> None:
        await peer.ws.send_message('{"version":"1.1","msg_type": "WEATHER","payload":{}}')
        await peer.say_text("whose?", "hm")
        await peer.say(m.HealthCheckAck(health_status=m.HealthStatus()))
        await peer.acknowledge(m.Interrupt(interrupt_request_id="whose?"))
        await answer_query(peer)
        await stay(peer)

    async with scripted(script) as url, connect(url) as client:
        assert await client.session_info() == {}


async def test_frames_after_the_end_are_ignored() -> None:
    """Nothing follows `Ended`, whatever the server still says of the request."""

    async def script(peer: Peer) -> None:
        request_id = (await peer.read(m.RequestMessage)).request_id
        await peer.say(m.Response(request_id=request_id, text_stream_seq=-1, interrupted=True, interrupt_reason="X"))
        await peer.say_text(request_id, "late")
        await peer.say(replace(LOST, error_code="INTERNAL_ERROR", request_id=request_id))
        await answer_query(peer)
        await stay(peer)

    async with scripted(script) as url, connect(url) as client:
        reply = await client.send_text("Hi")
        await client.session_info()
        assert [event async for event in reply] == [Ended(True, "X")]


async def test_a_reply_that_nobody_reads() -> None:
    """It fails with ReplyOverflow beyond its limit, is interrupted, and holds up nothing else meanwhile."""
    interrupted: list[m.Interrupt] = []
    done = trio.Event()

    async def script(peer: Peer) -> None:
        request = await peer.read(m.RequestMessage)
        for seq in range(3):
            await peer.say(m.Response(request_id=request.request_id, voice_stream_seq=seq, voice=bytes(500)))
        await answer_query(peer)
        interrupted.append(await peer.read(m.Interrupt))
        done.set()

    async with scripted(script) as url, connect(url, unread_limit_bytes=1500) as client:
        reply = await client.send_text("Hi")
        await client.session_info()
        with pytest.raises(ReplyOverflow, match="1500 bytes"):
            await anext(reply)
        await done.wait()
    assert interrupted == [m.Interrupt(interrupt_request_id=reply.request_id, reason="CLIENT_ERROR")]


async def test_a_reply_that_is_read_may_be_long() -> None:
    """The limit is on what is unread: reading makes room."""

    async def script(peer: Peer) -> None:
        request = await peer.read(m.RequestMessage)
        for seq in range(8):
            await peer.say(m.Response(request_id=request.request_id, voice_stream_seq=seq, voice=bytes(500)))
            await answer_query(peer)
        await stay(peer)

    async with scripted(script) as url, connect(url, unread_limit_bytes=1500) as client:
        reply = await client.send_text("Hi")
        for _ in range(8):
            await client.session_info()
            assert await anext(reply) == Voice(bytes(500))


async def test_a_reply_that_was_let_go_is_passed_over() -> None:
    """Frames of a reply that the application has dropped are kept for nobody."""

    async def script(peer: Peer) -> None:
        request = await peer.read(m.RequestMessage)
        await peer.say(m.Response(request_id=request.request_id, voice_stream_seq=0, voice=bytes(500)))
        await answer_query(peer)
        await stay(peer)

    async with scripted(script) as url, connect(url, unread_limit_bytes=100) as client:
        await client.send_text("Hi")
        assert await client.session_info() == {}  # an overflow would have sent an INTERRUPT first


async def test_a_cancelled_upload_leaves_no_half_frame() -> None:
    """Where the server does not read, a cancelled `send` has sent all or nothing, and the stream stays readable."""
    go_on = trio.Event()
    heard = b""

    async def script(peer: Peer) -> None:
        nonlocal heard
        await peer.read(m.RequestMessage)
        await go_on.wait()
        await peer.read(m.RequestMessage)
        heard = peer.audio
        await peer.say(m.Response(request_id="r", text_stream_seq=-1))
        await stay(peer)

    async with scripted(script) as url, connect(url) as client:
        upload = await client.open_voice(request_id="r")
        sent = 0
        while True:
            with trio.move_on_after(0.25) as stalled:  # there is no event for "the kernel takes no more"
                await upload.send(bytes(65_536))
                sent += 65_536
            if stalled.cancelled_caught:
                break
        go_on.set()
        await upload.end()
        assert await upload.reply.text() == ""
    assert len(heard) == sent > 0


async def test_an_upload_stops_at_its_interrupt() -> None:
    """Once the INTERRUPT is posted no audio and no end frame follow, even before the server has answered it."""

    async def script(peer: Peer) -> None:
        await peer.read(m.RequestMessage)
        interrupt = await peer.read(m.Interrupt)
        await answer_query(peer)
        assert peer.audio == b""
        await peer.acknowledge(interrupt)
        await stay(peer)

    async with scripted(script) as url, connect(url) as client, trio.open_nursery() as nursery:
        upload = await client.open_voice()
        nursery.start_soon(upload.reply.interrupt)
        await wait_all_tasks_blocked()
        await upload.send(bytes(100))
        await upload.end()
        assert await client.session_info() == {}
