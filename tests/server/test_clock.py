"""The machine's clock may jump: it is written on messages, and nothing is decided by it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import cycle

import msgspec
import pytest
import trio

from tests.memory import Memory, NumberedVoice, come_back, numbered
from tests.talk import SPOKEN, Talk, open_place
from voxint.core.agent import Agent
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.testing.stages import FOREVER, ScriptedModel

pytestmark = pytest.mark.virtual_time

DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def jumping_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Have the clock be a day early or late whenever anybody looks at it; return what it said."""
    jumps, said, now = cycle((0.0, DAY_S, -DAY_S, -1e9)), list[float](), time.time

    def jumping() -> float:
        said.append(now() + next(jumps))
        return said[-1]

    monkeypatch.setattr(time, "time", jumping)
    yield said
    assert said, "nobody looked at the clock"


def stamps(talk: Talk) -> list[int]:
    """Return the timestamps of the frames that a client read."""
    return [msgspec.json.decode(frame)["timestamp"] for frame in talk.raw if isinstance(frame, str)]


async def test_talk_interruption_and_resume(jumping_clock: list[float]) -> None:
    """An answer, its interruption and its way back over a second connection are as ever; only the stamps differ."""
    model = ScriptedModel.turns(ScriptedModel("Once upon a time. ", "There was. "), ScriptedModel("And ", FOREVER))
    async with open_place(Agent(llm=model, tts=NumberedVoice(0.5))) as place:
        talk = place.join()
        talk.register(SPOKEN, on_disconnect="keep")
        talk.ask("r1")
        memory = Memory()
        await talk.until(lambda: talk.ended_at("r1") is not None)
        memory.take(frame for _, frame in talk.frames)
        assert memory.text() == "Once upon a time. There was. "
        assert memory.voice() == numbered(len(memory.voice()) // 2)
        talk.ask("r2")
        await talk.until(lambda: bool(talk.frames_of("r2")))
        talk.stop_reading()
        talk.connection.lost()
        await trio.sleep(10)
        back = await come_back(place, talk.registered, memory.seen)
        asked = trio.current_time()
        back.interrupt("r2")
        await back.until(lambda: bool(back.acks))
        assert trio.current_time() - asked < 0.25
        assert back.acks[0].outcomes == {"r2": "stopped"}
        assert max(stamps(talk)) - min(stamps(talk)) > 86_000_000


async def test_a_session_is_kept_as_long_as_ever() -> None:
    """Its time is trio's: it is there after all of it but a second, and gone a second later."""
    async with open_place(Agent(llm=ScriptedModel("Yes. ")), ServerConfig(resume_s=60)) as place:
        for waits_s, there in ((59.0, True), (61.0, False)):
            talk = place.join()
            talk.register()
            await talk.until(lambda talk=talk: bool(talk.frames))  # type: ignore[misc]  # of this turn of the loop
            talk.stop_reading()
            talk.connection.lost()
            await trio.sleep(waits_s)
            back = await come_back(place, talk.registered)
            assert isinstance(back.frames[0][1], m.RegisterAck if there else m.Error)
            back.stop_reading()
            back.connection.lost()
