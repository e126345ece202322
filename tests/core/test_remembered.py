"""What a session remembers of the requests that have ended: so many words, and the outcome of the rest."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
import trio

from tests.talk import SPOKEN, WRITTEN, open_place
from voxint.core.agent import Agent, Limits
from voxint.testing.invariants import Checker
from voxint.testing.stages import SPEAK, ScriptedModel, ScriptedVoice

pytestmark = pytest.mark.virtual_time

EMOJI = "🙂 well. "


def model(chars: int) -> ScriptedModel:
    """Return a model that writes so many characters with emoji in them, a thousand at a time."""
    text = EMOJI * (chars // len(EMOJI))
    return ScriptedModel(*(text[at : at + 1000] for at in range(0, len(text), 1000)))


@pytest.mark.parametrize(("chars", "spoken"), [(50_000, False), (20_000, True)])
async def test_a_session_remembers_no_more_than_a_megabyte(chars: int, spoken: bool) -> None:
    """After 66 long answers with emoji, four bytes a character, those that were spoken interrupted in the middle."""
    voice = ScriptedVoice(SPEAK, seconds_per_char=0.001)
    llm = model(chars)
    agent = Agent(llm=llm, tts=voice if spoken else None, limits=Limits(keep_ms=0))
    async with open_place(agent) as place:
        talk = place.join()
        talk.register(SPOKEN if spoken else WRITTEN)
        await trio.sleep(1)
        gc.collect()
        tracemalloc.start()
        try:
            for number in range(66):
                talk.ask(f"r{number}")
                await trio.sleep(5)
                talk.interrupt()
                await trio.sleep(1)
                for told in (talk.frames, talk.raw, place.book.finished_requests):
                    told.clear()
                llm.calls.clear()
                voice.calls.clear()
                talk.checker = Checker(agent.limits.interrupt_s)
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        session = talk.connection.session
        assert session is not None
        assert len(session.registry.ended) == 64
    assert held < 1_000_000


async def test_old_words_go_and_outcomes_stay() -> None:
    """Of an old request an INTERRUPT still finds that it had ended; its receipt is gone, the latest one's is there."""
    agent = Agent(llm=ScriptedModel("y" * 600, 60.0), limits=Limits(remembered_bytes=2000))
    async with open_place(agent) as place:
        talk = place.join()
        talk.register()
        for number in range(4):
            talk.ask(f"r{number}")
            await trio.sleep(1)
            talk.interrupt()
            await trio.sleep(1)
        for request_id in ("r0", "r3"):
            talk.interrupt(request_id)
        await trio.sleep(1)
        old, latest = talk.acks[-2:]
        assert (old.outcomes, old.receipts) == ({"r0": "already_finished"}, {})
        assert latest.outcomes == {"r3": "already_finished"}
        assert latest.receipts["r3"].text.heard == "y" * 600
        assert talk.history[0] == ("Hello?", "y" * 600, "interrupted")


async def test_the_latest_words_are_kept_however_many() -> None:
    """And those of an answer that is still being played: an interruption cuts it to what was heard."""
    agent = Agent(llm=ScriptedModel("One two three four. "), tts=ScriptedVoice(), limits=Limits(remembered_bytes=0))
    async with open_place(agent) as place:
        talk = place.join()
        talk.register(SPOKEN)
        talk.ask("r1")
        await talk.until(lambda: talk.ended_at("r1") is not None)
        session = talk.connection.session
        assert session is not None
        talk.interrupt("r1", played_ms=500)
        await trio.sleep(1)
        [(_, heard, ending)] = talk.history
        assert (heard.strip(), ending) == ("One two", "interrupted")
