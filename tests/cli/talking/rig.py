"""A conversation with the real server, by a sound card of the test's own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from bench.recordings import LIBRIVOX, read_aloud
from tests.cli.sound_card.fake_card import FakeCard
from tests.needs import missing, skip_for
from voxint.cli.sound_card.loudspeaker import Loudspeaker, open_loudspeaker
from voxint.cli.sound_card.microphone import open_microphone
from voxint.cli.sound_card.portaudio import find_device
from voxint.cli.talking.conversation import Talk
from voxint.cli.talking.push_to_talk import PushToTalk
from voxint.cli.talking.screen import Who, draw
from voxint.cli.talking.view import Picture
from voxint.client import connect
from voxint.core.agent import Agent
from voxint.core.audio import AudioFormat
from voxint.server.config import ServerConfig
from voxint.server.serve import serve

__all__ = ["HEARD", "LIMIT_S", "TONE", "VOICE", "Notebook", "Rig", "conversing", "recording", "rigged"]

HEARD = AudioFormat(16_000)

VOICE = AudioFormat(24_000)

LIMIT_S = 30.0
"""For anything that is waited for; a machine that is busy is far below it."""

TONE = b"\0\x20\0\xe0" * 8_000
"""A second of something loud, at 16 kHz."""


def recording(number: str) -> bytes:
    """Return a sentence that a person has read, at 16 kHz; skips where the recordings are not installed."""
    skip_for(missing(files=[LIBRIVOX], debian="pocketsphinx-testdata"))
    found = {each.name: each.audio for each in read_aloud()}
    return found[f"sense_and_sensibility_01_austen_64kb-{number}"]


@define(eq=False)
class Notebook:
    """A screen that notes what is written, and the states that were shown."""

    lines: list[str] = field(factory=list)
    states: list[str] = field(factory=list)
    transcripts: list[str] = field(factory=list)
    view: Picture = field(factory=Picture)
    _news: trio.Event = field(factory=trio.Event)

    def say(self, who: Who, words: str) -> None:
        """Note a line."""
        self.lines.append(f"{who}: {words}")
        self._tell()

    def show(self, view: Picture) -> None:
        """Note a state that is new."""
        self.view = view
        if view.state not in self.states[-1:]:
            self.states.append(view.state)
        if view.transcript not in ("", *self.transcripts[-1:]):
            self.transcripts.append(view.transcript)
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, trio.Event()
        news.set()

    async def until(self, good: Callable[[], object]) -> None:
        """Wait until it is so."""
        with trio.fail_after(LIMIT_S):
            while not good():
                await self._news.wait()

    async def line(self, words: str) -> str:
        """Wait for a line with these words, and return it."""
        await self.until(lambda: any(words in line for line in self.lines))
        return next(line for line in self.lines if words in line)


@define(eq=False)
class Rig:
    """A conversation under way."""

    card: FakeCard
    notebook: Notebook
    conversation: Talk
    speaker: Loudspeaker

    async def state(self, state: str) -> None:
        """Wait until it stands so."""
        await self.notebook.until(lambda: self.conversation.view.state == state)

    async def played(self, ms: float) -> None:
        """Wait until so much of an answer has been heard."""
        await self.notebook.until(lambda: self.speaker.played_ms >= ms)


@asynccontextmanager
async def rigged(agent: Agent) -> AsyncGenerator[Rig]:
    """Converse by a key with the real server for the block."""
    card, notebook = FakeCard(), Notebook()
    async with trio.open_nursery() as host:
        server = await host.start(serve, agent, ServerConfig(port=0))
        async with (
            connect(
                server.url, require_tts=True, features=("transcripts", "binary_audio"), output_rate=VOICE.rate
            ) as client,
            open_loudspeaker(card, find_device(card, "output"), VOICE) as speaker,
            open_microphone(card, find_device(card, "input"), HEARD) as microphone,
            conversing(PushToTalk(client, microphone, speaker, notebook, "push to talk"), card, speaker) as rig,
        ):
            yield rig
        host.cancel_scope.cancel()


@asynccontextmanager
async def conversing(conversation: Talk, card: FakeCard, speaker: Loudspeaker) -> AsyncGenerator[Rig]:
    """Have the card call back, and the conversation go on, for the block."""
    notebook = conversation._screen
    assert isinstance(notebook, Notebook)
    async with trio.open_nursery() as nursery:
        await nursery.start(conversation.run)
        nursery.start_soon(card.run)
        nursery.start_soon(draw, notebook, lambda: conversation.view)
        yield Rig(card, notebook, conversation, speaker)
        nursery.cancel_scope.cancel()
