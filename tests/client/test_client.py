from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from tests.client.rig import serving
from tests.credentials import cheap_hash
from voxint.client import Client, RemoteReply, connect
from voxint.core.agent import Agent
from voxint.core.events import Called, Ended, Event, Text, Understood, Voice
from voxint.core.stages import ToolCall
from voxint.core.tools import Tool
from voxint.errors import ServerError
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.testing.stages import FOREVER, HEAR, ScriptedEars, ScriptedModel, ScriptedVoice

HALF_A_SECOND = bytes(16_000)


async def first(reply: RemoteReply) -> Event:
    """Return the next event of a reply."""
    return await anext(reply)


async def rest(reply: RemoteReply) -> list[Event]:
    """Read a reply to its end."""
    return [event async for event in reply]


class Frames:
    """Counts what a client reads, for tests that wait until something is buffered but not read."""

    def __init__(self) -> None:
        self.read: list[m.ServerMessage] = []
        self._news = trio.lowlevel.ParkingLot()

    def __call__(self, message: m.ServerMessage, now: float) -> None:
        """Note a frame."""
        self.read.append(message)
        self._news.unpark_all()

    async def until_ended(self) -> None:
        """Wait until a reply has been read from the socket to its end."""
        while not any(isinstance(frame, m.Response) and frame.text_stream_seq == -1 for frame in self.read):
            await self._news.park()

    async def until_text(self) -> None:
        """Wait until some text has been read from the socket."""
        while not any(isinstance(frame, m.Response) and frame.text for frame in self.read):
            await self._news.park()


async def test_a_written_reply() -> None:
    """A reply's events are its text in order and one end; `text` joins them."""
    async with serving(Agent(llm=ScriptedModel("Hello. ", "Bye."))) as server, connect(server.url) as client:
        events = await rest(await client.send_text("Hi"))
        text = await (await client.send_text("Hi")).text()

    assert events[-1] == Ended(False)
    assert "".join(event.text for event in events if isinstance(event, Text)) == "Hello. Bye."
    assert text == "Hello. Bye."


@pytest.mark.parametrize("features", [(), ("binary_audio",)])
async def test_a_spoken_reply(features: tuple[str, ...]) -> None:
    """With `require_tts` the reply has voice, in text frames or binary ones, and its instants are in order."""
    agent = Agent(llm=ScriptedModel("Hello. "), tts=ScriptedVoice())
    async with (
        serving(agent) as server,
        connect(server.url, require_tts=True, features=features) as client,
    ):
        reply = await client.send_text("Hi")
        events = await rest(reply)

    assert client.registered.features == features
    assert sum(len(event.audio) for event in events if isinstance(event, Voice)) >= 2 * 16_000 * len("Hello.") / 16
    assert reply.t_first_text is not None
    assert reply.t_first_voice is not None
    assert reply.t_ended is not None
    assert reply.t_input_end == reply.t_sent < reply.t_first_text <= reply.t_first_voice <= reply.t_ended


async def test_a_function_call() -> None:
    """A call of the model's is an event with its name, parameters and id."""
    model = ScriptedModel(ToolCall("c1", "open", {"door": 1}))
    tool = Tool("open", "Open a door", {"type": "object"})
    async with serving(Agent(llm=model)) as server, connect(server.url, tools=[tool]) as client:
        assert Called("open", {"door": 1}, "c1") in await rest(await client.send_text("Open up"))

    assert model.calls[0].given[0].tools == (tool,)


async def test_an_interrupt_proves_that_the_work_has_stopped() -> None:
    """When `interrupt` returns, the model's stream is closed, and the receipt and the acknowledgement say so."""
    model = ScriptedModel("Once upon a time", FOREVER)
    async with serving(Agent(llm=model)) as server, connect(server.url) as client:
        reply = await client.send_text("A story")
        assert await first(reply) == Text("Once upon a time")

        receipt = await reply.interrupt("CLIENT_ERROR")

        assert model.running == 0
        assert await rest(reply) == [Ended(True, "CLIENT_ERROR")]
    assert receipt is not None
    assert receipt.stages["llm"] == "closed"
    assert reply.ack is not None
    assert reply.ack.outcomes == {reply.request_id: "stopped"}
    assert reply.t_interrupt is not None
    assert reply.t_ended is not None
    assert reply.t_ack is not None
    assert reply.t_interrupt < reply.t_ended <= reply.t_ack


async def test_a_reply_can_be_interrupted_before_anything_came() -> None:
    """The handle and its id are there at once, so an interrupt can follow right behind the request."""
    async with serving(Agent(llm=ScriptedModel(FOREVER))) as server, connect(server.url) as client:
        reply = await client.send_text("Hm", request_id="req_mine")
        await reply.interrupt()

        assert reply.request_id == "req_mine"
        assert await rest(reply) == [Ended(True, "USER_STOP")]


async def test_an_interrupt_silences_what_is_unread() -> None:
    """What sits in the buffer when `interrupt` is called is thrown away: the end is all that comes."""
    frames = Frames()
    async with (
        serving(Agent(llm=ScriptedModel("Hello. ", FOREVER))) as server,
        connect(server.url, on_frame=frames) as client,
    ):
        reply = await client.send_text("Hi")
        await frames.until_text()
        await reply.interrupt()

        assert await rest(reply) == [Ended(True, "USER_STOP")]


@pytest.mark.parametrize("all_of_them", [False, True])
async def test_an_interrupt_silences_a_finished_reply_that_is_unread(all_of_them: bool) -> None:
    """A reply that was finished but not read yet is cut off for its reader too, by its own interrupt or one of all."""
    frames = Frames()
    async with (
        serving(Agent(llm=ScriptedModel("Hello."))) as server,
        connect(server.url, on_frame=frames) as client,
    ):
        reply = await client.send_text("Hi")
        await frames.until_ended()
        if all_of_them:
            assert (await client.interrupt(reason="HUSH")).status == "FAILED"
        else:
            assert await reply.interrupt("HUSH") is None
            assert reply.ack is not None
            assert reply.ack.outcomes == {reply.request_id: "already_finished"}

        assert await rest(reply) == [Ended(True, "HUSH")]


async def test_interrupting_what_was_never_asked() -> None:
    """An unknown id, such as a user interface's own, stops nothing: FAILED and `not_found`, without an error."""
    async with serving(Agent(llm=ScriptedModel("Hello. ", FOREVER))) as server, connect(server.url) as client:
        reply = await client.send_text("Hi")
        ack = await client.interrupt("msg_7")

        assert (ack.status, ack.outcomes) == ("FAILED", {"msg_7": "not_found"})
        assert await first(reply) == Text("Hello. ")


async def test_a_new_request_interrupts_the_one_before() -> None:
    """The old reply ends with the reason USER_NEW_INPUT."""
    model = ScriptedModel.turns(ScriptedModel(FOREVER), ScriptedModel("New"))
    async with serving(Agent(llm=model)) as server, connect(server.url) as client:
        old = await client.send_text("Old")
        new = await client.send_text("New")

        assert await rest(old) == [Ended(True, "USER_NEW_INPUT")]
        assert await new.text() == "New"


@pytest.mark.parametrize("with_the_interrupt", [False, True])
async def test_what_was_heard_reaches_the_receipt(with_the_interrupt: bool) -> None:
    """`played` and `played_ms` tell the server what was heard, and the receipt says that the client said it."""
    agent = Agent(llm=ScriptedModel("Hello there, my friend. ", "How are you?", FOREVER), tts=ScriptedVoice())
    async with serving(agent) as server, connect(server.url, require_tts=True) as client:
        reply = await client.send_text("Hi")
        while not isinstance(await first(reply), Voice):
            pass
        if with_the_interrupt:
            receipt = await reply.interrupt(played_ms=20)
        else:
            reply.played(20)
            receipt = await reply.interrupt()

    assert receipt is not None
    assert receipt.audio.source == "client"
    assert receipt.audio.heard_ms >= 20


async def pieces(*audio: bytes) -> AsyncIterator[bytes]:
    """Give audio as it comes."""
    for piece in audio:
        await trio.lowlevel.checkpoint()
        yield piece


@pytest.mark.parametrize("way", ["whole", "generator", "channel", "live"])
async def test_a_voice_is_understood_and_answered(way: str) -> None:
    """Voice arrives complete, sent whole, from a generator, a channel or piece by piece, and is answered."""
    ears = ScriptedEars.hears("what time is it?")
    agent = Agent(llm=ScriptedModel("Noon."), stt=ears)
    async with serving(agent) as server, connect(server.url, features=["transcripts"]) as client:
        if way == "whole":
            reply = await client.send_voice(HALF_A_SECOND)
        elif way == "generator":
            reply = await client.send_voice(pieces(HALF_A_SECOND[:1001], HALF_A_SECOND[1001:]))
        elif way == "channel":
            microphone, audio = trio.open_memory_channel[bytes](1)
            reply = await client.send_voice(audio)
            async with microphone:
                await microphone.send(HALF_A_SECOND)
        else:
            upload = await client.open_voice()
            assert upload.reply.t_input_end is None
            await upload.send(HALF_A_SECOND[:999])
            await upload.send(b"")
            await upload.send(HALF_A_SECOND[999:])
            await upload.end()
            await upload.end()
            reply = upload.reply
        events = await rest(reply)

    assert b"".join(ears.calls[0].given) == HALF_A_SECOND
    assert events == [Understood("what time is it?", True), Text("Noon."), Ended(False)]
    assert reply.t_input_end is not None


async def test_an_iterable_that_fails_ends_its_request() -> None:
    """The reply raises the iterable's own error, and the server stops listening."""
    ears = ScriptedEars(HEAR)

    async def broken() -> AsyncIterator[bytes]:
        yield HALF_A_SECOND
        raise RuntimeError("unplugged")

    async with serving(Agent(llm=ScriptedModel(), stt=ears)) as server, connect(server.url) as client:
        reply = await client.send_voice(broken())
        with pytest.raises(RuntimeError, match="unplugged"):
            await first(reply)
        ack = await client.interrupt(reply.request_id)  # answered after the first one, which the client sent itself

        assert ack.receipts[reply.request_id].reason == "CLIENT_ERROR"
        assert ears.running == 0


async def test_an_interrupt_ends_the_upload_too() -> None:
    """The task that reads the iterable stops and closes it, and late audio of a live upload is dropped silently."""
    closed = trio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            yield HALF_A_SECOND
            await trio.sleep_forever()
        finally:
            closed.set()

    async with serving(Agent(llm=ScriptedModel(), stt=ScriptedEars(HEAR))) as server, connect(server.url) as client:
        reply = await client.send_voice(endless())
        await reply.interrupt()
        await closed.wait()

        upload = await client.open_voice()
        await upload.reply.interrupt()
        await upload.send(HALF_A_SECOND)
        await upload.end()
        assert (await client.session_info("platform")) == {"platform": "WEB"}


async def test_an_upload_gets_no_audio_of_the_one_before() -> None:
    """The microphone of an upload that another has replaced sends into the void."""
    ears = ScriptedEars.hears("yes")
    async with serving(Agent(llm=ScriptedModel("Ok"), stt=ears)) as server, connect(server.url) as client:
        old = await client.open_voice()
        new = await client.open_voice()
        await old.send(b"\1\1" * 8000)
        await new.send(HALF_A_SECOND)
        await old.end()
        await new.end()

        assert await new.reply.text() == "Ok"
    assert b"".join(ears.calls[-1].given) == HALF_A_SECOND


async def test_the_session_is_asked_and_changed() -> None:
    """`update` has changed the session when it returns; queries give what was asked for."""
    model = ScriptedModel("Ok")
    async with serving(Agent(llm=model)) as server, connect(server.url, platform="TV", system_prompt="A") as client:
        await client.update(system_prompt="You are a cat.", require_tts=True)

        assert (await client.session_info("platform", "require_tts")) == {"platform": "TV", "require_tts": True}
        assert "create_time" in await client.session_info()
        assert (await client.health("conn_count")) == m.HealthStatus(conn_count=1)
        await (await client.send_text("Who are you?")).text()
    assert "You are a cat." in model.calls[0].given[0].messages[0].content


async def test_what_cannot_be_sent_is_refused_at_the_call() -> None:
    """A bad argument is a ValueError where it stands, and costs nothing on the wire."""
    async with serving(Agent(llm=ScriptedModel(FOREVER))) as server, connect(server.url) as client:
        live = await client.send_text("Hi", request_id="r")
        with pytest.raises(ValueError, match="empty"):
            await client.send_text(" ")
        with pytest.raises(ValueError, match="live reply"):
            await client.send_text("Hi", request_id="r")
        with pytest.raises(ValueError, match="129 characters"):
            await client.send_text("Hi", request_id="r" * 129)
        with pytest.raises(ValueError, match="whole 16-bit samples"):
            await client.send_voice(b"\0")
        with pytest.raises(ValueError, match="played_ms"):
            await live.interrupt(played_ms=-1)
        with pytest.raises(ValueError, match="nothing to update"):
            await client.update()

        assert not live.ended
        assert await live.interrupt() is not None


async def test_a_reply_that_fails() -> None:
    """An ERROR of the request is raised where the reply is read, with the stage at fault; the next one works."""
    model = ScriptedModel.turns(ScriptedModel("Half", RuntimeError("boom")), ScriptedModel("Whole"))
    async with serving(Agent(llm=model)) as server, connect(server.url) as client:
        with pytest.raises(ServerError) as caught:
            await (await client.send_text("Hi")).text()
        again = await (await client.send_text("Hi")).text()

    assert caught.value.stage == "llm"
    assert again == "Whole"


async def test_a_cancelled_call_leaves_the_connection_whole() -> None:
    """A reader and an interrupt that are cancelled while they wait cost nothing: the stream goes on."""
    async with serving(Agent(llm=ScriptedModel(FOREVER))) as server, connect(server.url) as client:
        reply = await client.send_text("Hi")
        with trio.move_on_after(0):
            await first(reply)
        with trio.CancelScope() as scope:
            scope.cancel()
            await reply.interrupt("FIRST")
        ack = await client.interrupt(reply.request_id, reason="SECOND")

        assert scope.cancelled_caught
        assert ack.receipts[reply.request_id].reason == "FIRST"
        assert await rest(reply) == [Ended(True, "FIRST")]


async def test_leaving_the_block_ends_what_is_live() -> None:
    """The server cancels the request, and what is read of the reply afterwards says that the client has closed."""
    model = ScriptedModel("Well, ", FOREVER)
    async with serving(Agent(llm=model)) as server:
        async with connect(server.url) as client:
            reply = await client.send_text("Hi")
            await first(reply)
        with pytest.raises(ServerError, match=r"the block of connect\(\) has ended"):
            await first(reply)
        with pytest.raises(ServerError, match=r"the block of connect\(\) has ended"):
            await client.send_text("Hi")
    assert model.calls[0].cancelled is not None


async def test_keys_and_accounts() -> None:
    """A key or an account of the server's opens a session; a wrong one is AUTH_FAILED."""
    config = ServerConfig(port=0, api_keys=("k",), accounts={"ann": cheap_hash("pw")})
    async with serving(Agent(llm=ScriptedModel("Ok")), config) as server:
        async with connect(server.url, api_key="k") as client:
            assert await answered(client)
        async with connect(server.url, account="ann", password="pw") as client:
            assert await answered(client)
        with pytest.raises(ServerError) as caught:
            async with connect(server.url, api_key="wrong"):
                pass
    assert caught.value.code == "AUTH_FAILED"


async def answered(client: Client) -> bool:
    """Ask something and tell whether an answer came."""
    return await (await client.send_text("Hi")).text() == "Ok"
