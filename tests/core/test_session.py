"""A session and its listeners, without a protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.core.hearer import Hearer, House, a_house
from voxint.core.agent import Agent, Limits
from voxint.core.events import Ended, Text, Understood
from voxint.core.journal import Seen
from voxint.core.listener import Listener
from voxint.core.resumption import resume
from voxint.core.settings import OnDisconnect, Settings
from voxint.errors import RequestRefused
from voxint.testing.stages import FOREVER, ScriptedEars, ScriptedModel

pytestmark = pytest.mark.virtual_time

TALKS = ScriptedModel("One ", 1.0, "two ", 1.0, "three.")
WRITTEN = Settings(require_tts=False)


@asynccontextmanager
async def a_room(
    model: ScriptedModel = TALKS, on_disconnect: OnDisconnect = "interrupt", limits: Limits = Limits()
) -> AsyncGenerator[House]:
    """Open a session that writes and can be spoken to; at the end nothing of it may be left."""
    agent = Agent(llm=model, stt=ScriptedEars.hears("what time is it?"), limits=limits)
    async with a_house(agent, on_disconnect=on_disconnect) as house:
        yield house


@pytest.mark.parametrize("how", ["ask", "listen", "listen_to"])
async def test_a_request_that_is_read_late_interrupts_late(how: str) -> None:
    """What it supersedes is told so, as by an interrupt: its stop began when the request may have come."""
    async with a_room() as room:
        hearer = room.come()
        request = room.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        if how == "ask":
            room.session.ask("r2", "And?", hearer.listener, late_s=0.3)
        elif how == "listen":
            room.session.listen("r2", hearer.listener, late_s=0.3)
        else:
            room.session.listen_to("r2", hearer.listener, bytes(3200), late_s=0.3)
        await request.stopped.wait()
        assert request.receipt is not None
        assert (request.receipt.reason, request.receipt.read_late_ms) == ("USER_NEW_INPUT", 300)
        assert request.receipt.stop_ms == 300


async def test_who_leaves_lets_go_when_what_it_asked_has_stopped() -> None:
    """By then it still hears: the last frame of what its leaving interrupts."""
    async with a_room() as room:
        hearer = room.come()
        room.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        leaving = room.session.detach(hearer.listener)
        assert room.session.listeners == [hearer.listener]
        await leaving.stopped()
        assert room.session.listeners == []
        await trio.sleep(0.5)
        assert hearer.events == [Text("One "), Ended(True, "DISCONNECT")]


async def test_what_is_kept_goes_on_alone() -> None:
    """It has no player then, and who comes becomes it."""
    async with a_room(on_disconnect="keep") as room:
        hearer = room.come()
        request = room.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        room.session.detach(hearer.listener)
        assert room.session.listeners == []
        assert request.answer.player is None
        await trio.sleep(5)
        assert request.state == "live"
        back = room.come({"r1": Seen(texts=1)})
        assert request.answer.player is back.listener
        await request.stopped.wait()
        await trio.sleep(0.5)
        assert back.events == [Text("two three."), Ended(False)]
        assert [exchange.ending for exchange in room.session.dialogue] == ["complete"]


async def test_for_good_interrupts_what_would_be_kept() -> None:
    """Nobody will come back for it."""
    async with a_room(on_disconnect="keep") as room:
        hearer = room.come()
        request = room.session.ask("r1", "Hi", hearer.listener)
        room.session.detach(hearer.listener, "CLIENT_SHUTDOWN", for_good=True)
        await request.stopped.wait()
        assert request.reason == "CLIENT_SHUTDOWN"


async def test_one_that_comes_while_the_last_one_leaves_is_the_heir() -> None:
    """What is stopping stops; the session has its new listener, and its next request is heard."""
    async with a_room(ScriptedModel("One ", FOREVER, lingers=0.125)) as room:
        hearer = room.come()
        request = room.session.ask("r1", "Hi", hearer.listener)
        await trio.sleep(0.5)
        room.session.detach(hearer.listener)
        back = room.come({"r1": Seen(texts=1)})
        assert request.ending is None
        await request.stopped.wait()
        assert room.session.listeners == [back.listener]
        assert request.answer.player is back.listener
        await trio.sleep(0.5)
        assert back.events == [Ended(True, "DISCONNECT")]


async def test_an_upload_without_its_end_is_interrupted() -> None:
    """One that has it is understood, and answered, though nobody listens."""
    for finished in (True, False):
        async with a_room(on_disconnect="keep") as room:
            hearer = room.come()
            request = room.session.listen("r1", hearer.listener)
            room.session.microphone.feed(hearer.listener, bytes(3200))
            await trio.sleep(0.5)
            if finished:
                room.session.microphone.close(hearer.listener)
            room.session.detach(hearer.listener)
            await trio.sleep(5)
            assert request.state == ("live" if finished else "ended")
            assert [exchange.user for exchange in room.session.dialogue] == (["what time is it?"] if finished else [])
            back = room.come({})
            await request.stopped.wait()
            await trio.sleep(0.5)
            if finished:
                assert back.events[0] == Understood("what time is it?", is_final=True)
                assert back.events[-1] == Ended(False)


async def test_who_is_no_listener_of_the_session_is_not_kept_for() -> None:
    """The library's replies have a reader of their own, and nobody comes back for them."""
    async with a_room() as room:
        player = Hearer(Listener())
        room.readers.start_soon(player.read)
        request = room.session.ask("r1", "Hi", player.listener)
        await request.stopped.wait()
        assert len(request.answer.journal) == 0
        player.listener.close()


async def test_what_was_said_is_forgotten_by_its_age() -> None:
    """The oldest first, and what is younger stays."""
    async with a_room() as room:
        hearer = room.come()
        requests = []
        for number in range(3):
            requests.append(room.session.ask(f"r{number}", "Hi", hearer.listener))
            await trio.sleep(5)
        room.session.forget_said(8)  # they ended after 2, 7 and 12 seconds
        assert [len(request.answer.journal) for request in requests] == [0, 0, 3]
        found = resume(room.session, Listener(), {"r1": Seen(), "r2": Seen()})
        assert (found.lost, dict(found.outcomes)) == (("r1",), {"r1": "complete", "r2": "complete"})


async def test_a_report_of_who_is_not_the_player_is_not_believed() -> None:
    """The library, which names nobody, is."""
    async with a_room() as room:
        hearer, other = room.come(), room.come()
        request = room.session.ask("r1", "Hi", hearer.listener)
        room.session.played("r1", 100, other.listener)
        assert request.ledger.audio_account(0).source == "estimated"
        room.session.played("r1", 100)
        assert request.ledger.audio_account(0).source == "client"


async def test_what_is_asked_while_another_of_that_id_is_live_is_refused() -> None:
    """Whichever listener asks."""
    async with a_room() as room:
        hearer, other = room.come(), room.come()
        room.session.ask("r1", "Hi", hearer.listener)
        with pytest.raises(RequestRefused):
            room.session.ask("r1", "Hi", other.listener)


async def test_ears_are_not_blamed_for_nobody_listening() -> None:
    """Where nothing is kept, what they understood waits for a listener, and their clock stands."""
    async with a_room(on_disconnect="keep", limits=Limits(keep_ms=0, transcript_s=1)) as room:
        hearer = room.come()
        request = room.session.listen_to("r1", hearer.listener, bytes(3200))
        room.session.detach(hearer.listener)
        await trio.sleep(5)
        assert (request.state, request.failure) == ("live", None)
        back = room.come({})
        await request.stopped.wait()
        await trio.sleep(0.5)
        assert back.events[0] == Understood("what time is it?", is_final=True)
        assert back.events[-1] == Ended(False)
