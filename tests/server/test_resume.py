from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from tests.memory import Memory, NumberedVoice, come_back, numbered
from tests.talk import SPOKEN, WRITTEN, Place, Talk, open_place
from voxint.core.agent import Agent
from voxint.core.settings import OnDisconnect, SettingsChange
from voxint.core.stages import ToolCall
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.testing.stages import FOREVER, ScriptedEars, ScriptedModel

pytestmark = pytest.mark.virtual_time

WORDS = ("Once ", "upon ", "a time. ", "There ", "was ", "a voice. ")
TEXT = "".join(WORDS)


def answers_of(talk: Talk) -> list[m.ServerMessage]:
    """Return the frames that bear a request's id."""
    return [
        frame
        for _, frame in talk.frames
        if isinstance(frame, m.Response | m.TranscriptMessage) or (isinstance(frame, m.Error) and frame.request_id)
    ]


def ended(talk: Talk, request_id: str = "r1") -> Callable[[], bool]:
    """Return whether a request's end was read."""
    return lambda: talk.ended_at(request_id) is not None


async def begin(
    place: Place,
    patch: SettingsChange,
    *,
    features: tuple[str, ...] = (),
    on_disconnect: OnDisconnect = "keep",
    reads: int | None = None,
) -> Talk:
    """Open a session whose first client reads so many frames behind its REGISTER_ACK, and is then off the network."""
    talk = place.join()
    talk.register(patch, features=features, on_disconnect=on_disconnect)
    await talk.until(lambda: bool(talk.frames))
    talk.reads = reads
    return talk


async def until_quiet(talk: Talk) -> None:
    """Wait until the client has read all that it will, or its request has ended."""
    await talk.until(lambda: talk.reads == 0 or ended(talk)())


TALKATIVE = ScriptedModel(*[step for word in WORDS for step in (0.125, word)], ToolCall("c1", "wave"), "Bye.")


@pytest.mark.parametrize("noticed_after", [0.0, 0.25, 30.0], ids=["at_once", "soon", "when_all_is_said"])
@pytest.mark.parametrize("binary", [(), ("binary_audio",)], ids=["base64", "binary"])
@pytest.mark.parametrize("patch", [WRITTEN, SPOKEN], ids=["written", "spoken"])
async def test_nothing_is_twice_and_nothing_is_missing(
    patch: SettingsChange, binary: tuple[str, ...], noticed_after: float
) -> None:
    """Wherever the network breaks, and whenever the server notices, the frames of both connections are the whole.

    The other connection takes the other form of audio.
    """
    reads, whole = 0, False
    while not whole:
        voice = NumberedVoice(0.5)
        async with open_place(Agent(llm=TALKATIVE, tts=voice)) as place:
            first, memory = await begin(place, patch, features=binary, reads=reads), Memory()
            first.ask("r1")
            memory.asked("r1")
            await until_quiet(first)
            whole = ended(first)()
            memory.take(answers_of(first))
            await trio.sleep(noticed_after)
            first.stop_reading()
            first.connection.lost()
            await trio.sleep(0.5)
            second = await come_back(place, first.registered, memory.seen, features=() if binary else ("binary_audio",))
            if not whole:
                await second.until(ended(second))
                memory.take(answers_of(second))
            ack = second.registered
            assert ack.resumed is not None
            assert ack.resumed.lost == (), reads
            assert set(ack.resumed.live) | set(ack.resumed.outcomes) == (set() if whole else {"r1"})
            assert memory.text() == TEXT + "Bye.", reads
            assert memory.answers["r1"].calls == ["c1"]
            assert memory.voice() == (numbered(round(voice.written_s * 16_000)) if patch is SPOKEN else b""), reads
            assert place.book.finished_requests[0].ending == "complete"
        reads += 1
    assert reads > 8
