"""A session, its open microphone, and people who come and go: steps in any order, and what was promised of them."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

import trio
from attrs import define, evolve, field

from tests.core.ears.coded import FORMAT, WINDOW, WINDOW_MS, CodedEars, quiet, speech
from voxint.core.agent import Agent, Limits
from voxint.core.ears.ears import Ears
from voxint.core.ears.echo import EchoRules
from voxint.core.ears.rules import EarRules
from voxint.core.events import Endpoint, Said
from voxint.core.failure import Stage
from voxint.core.interrupt import InterruptOrder
from voxint.core.journal import Seen
from voxint.core.listener import Listener
from voxint.core.observer import NoObserver
from voxint.core.registry import Interruption
from voxint.core.request import Request
from voxint.core.resumption import resume
from voxint.core.session import Session
from voxint.core.settings import OnDisconnect, Settings
from voxint.core.stages import Delta, ModelOutput, Speech, Transcript, Turn
from voxint.errors import RequestRefused, UpstreamError
from voxint.testing.detector import ScriptedDetector

__all__ = ["HOLD_S", "SLACK_S", "Client", "Scene", "World", "a_scene"]

HOLD_S = 1.0
SLACK_S = 0.3
"""Of the wait for a reader and for an interrupt to be over."""

PLAIN = "A long answer, of many words, that goes on and on for a while. And a second sentence."
GUARDED = "This call is recorded. "

Step = tuple[str, int, int]


@define
class World:
    """What a scene is made of, chosen by the test.

    Args:
        ears: How each call of the recogniser behaves, in turn.
        model: How each call of the model behaves, in turn.
        rules: Of the ears.
        on_disconnect: Of the session.
    """

    ears: list[str]
    model: list[str]
    rules: EarRules = EarRules()
    on_disconnect: OnDisconnect = "interrupt"


class MoodyEars:
    """A recogniser that is of another mood each time."""

    audio_format = FORMAT

    def __init__(self, moods: list[str]) -> None:
        self._moods = itertools.cycle(moods)
        self.running = 0

    async def transcribe(self, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]) -> None:
        """Do as the mood is."""
        self.running += 1
        try:
            await self._transcribe(next(self._moods), audio, out)
        finally:
            self.running -= 1

    async def _transcribe(
        self, mood: str, audio: trio.abc.ReceiveChannel[bytes], out: trio.abc.SendChannel[Transcript]
    ) -> None:
        match mood:
            case "fails":
                await audio.receive()
                await trio.sleep(0.25)
                raise UpstreamError("it has failed", retryable=True)
            case "hangs":
                await trio.sleep_forever()
            case "is silent":
                async for _ in audio:
                    pass
            case "is empty":
                await CodedEars(early=True).transcribe(audio, _Emptied(out))
            case "ends early":
                with suppress(trio.EndOfChannel):
                    for _ in range(30):
                        await audio.receive()
                await out.send(Transcript("", is_final=True))
            case "late":
                await CodedEars(early=False, late_s=0.75).transcribe(audio, out)
            case "slow":
                await CodedEars(late_s=1.5).transcribe(audio, out)
            case "lingers":
                try:
                    await CodedEars(late_s=0.125).transcribe(audio, out)
                finally:
                    with trio.CancelScope(shield=True):  # bounded: longer than an interrupt waits
                        await trio.sleep(0.5)
            case _:
                await CodedEars(early=mood == "early", late_s=0.0).transcribe(audio, out)


class _Emptied(trio.abc.SendChannel[Transcript]):
    """Takes the words out of what is final."""

    def __init__(self, out: trio.abc.SendChannel[Transcript]) -> None:
        self._out = out

    async def send(self, value: Transcript) -> None:
        await self._out.send(Transcript("", is_final=True) if value.is_final else value)

    async def aclose(self) -> None:
        await self._out.aclose()


class MoodyModel:
    """A model that is of another mood each time.

    Attributes:
        asked: The last message of each call.
    """

    def __init__(self, moods: list[str]) -> None:
        self._moods = itertools.cycle(moods)
        self.running = 0
        self.asked: list[str] = []

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Write as the mood is."""
        self.running += 1
        self.asked.append(turn.messages[-1].content)
        try:
            mood = next(self._moods)
            if mood == "thinks":
                await trio.sleep(0.5)
            if mood == "guards":
                await out.send(Delta(GUARDED, protected=True))
            for word in PLAIN.split(" "):
                await trio.sleep(1 / 64)
                await out.send(Delta(word + " "))
                if mood == "fails" and word == "many":
                    raise UpstreamError("it has failed", retryable=True)
        finally:
            self.running -= 1
            if mood == "lingers":
                with trio.CancelScope(shield=True):  # bounded: longer than an interrupt waits
                    await trio.sleep(0.5)


class CountingVoice:
    """A synthesizer whose samples count from 1 within an answer, so that none can be lost or come twice unseen."""

    audio_format = FORMAT
    seats = 1

    def __init__(self) -> None:
        self.running = 0

    async def synthesize(self, text: trio.abc.ReceiveChannel[str], out: trio.abc.SendChannel[Speech]) -> None:
        """Say 1/16 s for each character."""
        self.running += 1
        said = 0
        try:
            async for piece in text:
                for index in range(len(piece)):
                    samples = array("h", [(said + at) % 30_000 + 1 for at in range(1000)])
                    said += 1000
                    await out.send(Speech(samples.tobytes(), None if index else piece))
        finally:
            self.running -= 1


@define
class Heard:
    """What one client was told, and when."""

    at: float
    connection: int
    said: Said


@define(eq=False)
class Client:
    """Who hears by a connection after the other.

    Attributes:
        heard: All that it was told.
        seen: What it has of each request.
        slow_s: What it takes to look at something.
    """

    listener: Listener | None = None
    connections: int = 0
    heard: list[Heard] = field(factory=list)
    seen: dict[str, Seen] = field(factory=dict)
    slow_s: float = 0.0

    async def read(self, listener: Listener) -> None:
        """Write down what is said to a connection, to its end."""
        connection = self.connections
        with suppress(trio.EndOfChannel):
            while True:
                said = await listener.next()
                assert isinstance(said, Said)
                self.heard.append(Heard(trio.current_time(), connection, said))
                has = self.seen.get(said.request_id, Seen())
                kind = type(said.event).__name__
                self.seen[said.request_id] = Seen(
                    has.texts + (said.pieces if kind in ("Text", "Called") else 0), has.voices + (kind == "Voice")
                )
                if self.slow_s:
                    await trio.sleep(self.slow_s)


@define(eq=False)
class Watcher(NoObserver):
    """Hears of every request from inside.

    Attributes:
        log: What happened, in its order: `accepted`, `over` or `finished`, and of which request.
        endpoints: Of whom, and which.
        broken: What broke of ours.
    """

    log: list[tuple[str, Request]] = field(factory=list)
    endpoints: list[tuple[Request, Endpoint]] = field(factory=list)
    broken: list[BaseException] = field(factory=list)

    def accepted(self, request: Request) -> None:
        """Note it."""
        self.log.append(("accepted", request))

    def finished(self, request: Request) -> None:
        """Note it."""
        self.log.append(("finished", request))

    def utterance_over(self, request: Request, endpoint: Endpoint) -> None:
        """Note it."""
        self.log.append(("over", request))
        self.endpoints.append((request, endpoint))

    def cleanup_failed(self, request: Request, stage: Stage | None, error: BaseException) -> None:
        """Nothing of ours may break."""
        if stage is None:
            self.broken.append(error)


@define(eq=False)
class Scene:
    """A session in which anything happens.

    Attributes:
        clients: Two, of which the first has the microphone.
        acks: Of each interrupt, hold or release: what it met, and how often that was told.
    """

    session: Session
    readers: trio.Nursery
    watcher: Watcher
    ears: Ears | None = None
    clients: list[Client] = field(factory=lambda: [Client(), Client()])
    acks: list[list[Interruption]] = field(factory=list)
    words: itertools.count[int] = field(factory=lambda: itertools.count(1))
    asked: int = 0

    async def do(self, what: str, who: int, count: int) -> None:
        """Take a step."""
        session, client = self.session, self.clients[who % 2]
        match what:
            case "speech":
                await self.say(speech(160 * count, *(f"w{next(self.words)}." for _ in range(who))))
            case "half":
                await self.say(speech(160 * count, f"w{next(self.words)} and"))
            case "backchannel":
                await self.say(speech(320, "Mm-hmm."))
            case "click":
                await self.say(speech(WINDOW_MS * count))
            case "quiet":
                await self.say(quiet(150 * count * (1 + who)))
            case "burst":
                sounds = [quiet(500), speech(400, f"w{next(self.words)}."), quiet(1000)]
                await trio.sleep(0.5)
                self.feed(b"".join(sounds[:count]))
            case "stall":
                await trio.sleep(0.6 * count)
            case "ask" if client.listener is not None:
                self.asked += 1
                with suppress(RequestRefused):
                    session.ask(f"t{self.asked}", f"w{next(self.words)}.", client.listener)
            case "interrupt":
                self.order(lambda: session.interrupt(self._id(count), InterruptOrder("USER_STOP")))
            case "hold":
                self.order(lambda: session.hold(self._id(count)))
            case "release":
                self.order(lambda: session.release(self._id(count), "client"))
            case "come or go":
                self.leave(client) if client.listener is not None else self.come(client)
            case "microphone":
                if self.ears is not None:
                    self.ears.close("MICROPHONE_MOVED")
                    self.ears = None
                elif (listener := self.clients[0].listener) is not None:
                    self.ears = Ears(session, listener)
            case "slow":
                client.slow_s = 0.0 if client.slow_s else 0.0625
            case "settings":
                session.settings = evolve(session.settings, require_tts=not session.settings.require_tts)

    def order(self, act: Callable[[], Interruption]) -> None:
        """Give an order, and note each time that it is answered."""
        told: list[Interruption] = []
        self.acks.append(told)
        act().when_stopped(told.append)

    def _id(self, which: int) -> str | None:
        made = [request.id for kind, request in self.watcher.log if kind == "accepted" and not request.speculative]
        return (None, made[-1] if made else "nobody", made[-2] if len(made) > 1 else "nobody")[which % 3]

    def feed(self, sound: bytes) -> None:
        """Give the microphone sound, where there is one."""
        if self.ears is not None:
            self.ears.feed(sound)

    async def say(self, sound: bytes) -> None:
        """Speak in real time."""
        for begin in range(0, len(sound), 2 * WINDOW):
            await trio.sleep(WINDOW_MS / 1000)
            self.feed(sound[begin : begin + 2 * WINDOW])

    def come(self, client: Client) -> None:
        """Connect a client."""
        client.listener = Listener()
        client.connections += 1
        self.readers.start_soon(client.read, client.listener)
        resume(self.session, client.listener, dict(client.seen) if client.connections > 1 else None)
        if client is self.clients[0]:
            self.ears = Ears(self.session, client.listener)

    def leave(self, client: Client) -> None:
        """Lose a client's connection."""
        listener, client.listener = client.listener, None
        assert listener is not None
        if client is self.clients[0] and self.ears is not None:
            self.ears.close("DISCONNECT")
            self.ears = None
        listener.close()
        self.session.detach(listener)


@asynccontextmanager
async def a_scene(world: World) -> AsyncGenerator[Scene]:
    """Open a session with its microphone; at the end nothing of it may be left."""
    stages = MoodyEars(world.ears), MoodyModel(world.model), CountingVoice()
    agent = Agent(
        stt=stages[0],
        llm=stages[1],
        tts=stages[2],
        vad=ScriptedDetector(),
        ears=evolve(world.rules, echo=EchoRules(guard=False)),
        limits=Limits(hold_s=HOLD_S, transcript_s=1.5, keep_ms=600_000),
    )
    async with trio.open_nursery() as readers:
        with trio.fail_after(60):
            async with trio.open_nursery() as home:
                watcher = Watcher()
                settings = Settings(require_tts=True)
                session = Session(
                    agent, home, session_id="s1", settings=settings, observer=watcher, on_disconnect=world.on_disconnect
                )
                scene = Scene(session, readers, watcher)
                scene.come(scene.clients[0])
                with trio.CancelScope(deadline=trio.current_time() + 1e9):
                    yield scene
                if scene.ears is not None:
                    scene.ears.close("the test has ended")
                session.close("the test has ended")
        assert [stage.running for stage in stages] == [0, 0, 0]
        assert session.registry.live == ()
        assert session.ears is None
        await trio.sleep(1)  # for readers that are slow
        readers.cancel_scope.cancel()
