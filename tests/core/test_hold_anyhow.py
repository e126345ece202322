"""An answer that is held at any time, whoever comes, goes and plays it: nothing is lost, said twice or out of order."""

from __future__ import annotations

import struct

import trio
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from voxint.core.answer import Answer
from voxint.core.audio import AudioFormat
from voxint.core.events import Called, Ended, Held, Released, Said, Text, Voice
from voxint.core.journal import Journal, Seen
from voxint.core.listener import Listener
from voxint.core.playout import PlayoutLedger

WORDS = ("text", "voice", "call")
DOES = (*WORDS, *WORDS, "take", "take", "take", "hold", "hold or release", "come or go", "play", "wait", "report")

STEPS = st.lists(st.tuples(st.sampled_from(DOES), st.integers(0, 2), st.integers(1, 3)), min_size=15, max_size=60)


@define(eq=False)
class Client:
    """One who hears by a connection after the other, and keeps what it has.

    Attributes:
        said: What it has: text, the ids of calls, and speech.
        held: Whether it knows that the answer is held.
    """

    pauses: bool
    listener: Listener | None = None
    texts: int = 0
    voices: int = 0
    said: str = ""
    calls: list[str] = field(factory=list)
    audio: bytes = b""
    held: bool = False
    ends: int = 0

    async def take(self, count: int, *, may_hear: bool) -> None:
        """Read so many of what waits."""
        assert self.listener is not None
        for _ in range(min(count, len(self.listener))):
            said = await self.listener.next()
            assert isinstance(said, Said)
            assert self.ends == 0
            match said.event:
                case Held():
                    assert not self.held
                    self.held = True
                    continue
                case Released():
                    assert self.held
                    self.held = False
                    continue
                case Ended():
                    self.ends += 1
                    continue
                case Text(text):
                    self.said += text
                    self.texts += said.pieces
                case Voice(audio):
                    self.audio += audio
                    self.voices += 1
                case Called() as call:
                    self.calls.append(call.call_id)
                    self.texts += 1
            assert may_hear
            assert not self.held


class Scene:
    """An answer, and three clients of which some listen; at first all, and the first plays it.

    Attributes:
        text: All that was written; `calls` and `samples` count the rest.
    """

    def __init__(self) -> None:
        self.text = ""
        self.calls = self.samples = 0
        self.reported_ms = 0.0
        self.clients = [Client(True), Client(False), Client(True)]
        self.listeners = [self.connect(client) for client in self.clients]
        self.ledger = PlayoutLedger(AudioFormat(8_000), spoken=True)
        self.answer = Answer(
            "r1",
            self.ledger,
            spoken=True,
            player=self.listeners[0],
            listeners=self.listeners,
            journal=Journal(1_000_000),
        )

    def connect(self, client: Client) -> Listener:
        """Give a client a connection."""
        client.listener = Listener(pauses=client.pauses)
        client.held = False
        return client.listener

    async def do(self, what: str, who: int, count: int) -> None:
        """Take a step."""
        client, answer = self.clients[who], self.answer
        held = answer.holding.held
        match what:
            case "text":
                self.text += (piece := "abc"[:count])
                answer.text(piece)
            case "voice":
                pieces = []
                for _ in range(count):
                    pieces.append(struct.pack("<100h", *range(self.samples + 1, self.samples + 101)))
                    self.samples += 100
                self.ledger.generated(100 * count)
                answer.voice(*pieces)
            case "call":
                answer.say(Called("look_up", {}, f"c{self.calls}"))
                self.calls += 1
            case "hold" | "hold or release" if not held:
                answer.hold(200)
            case "release" | "hold or release" if held:
                answer.release("noise")
            case "come or go" if client.listener is not None:
                self.leave(client)
            case "come" | "come or go" if client.listener is None:
                listener = self.connect(client)
                answer.catch_up(listener, Seen(client.texts, client.voices))
                self.listeners.append(listener)
                if answer.player is None:
                    answer.play_to(listener)
            case "play" if client.listener is not None:
                answer.play_to(client.listener)
            case "take" if client.listener is not None:
                await client.take(count, may_hear=not held)
            case "report":
                has = sum(len(each.audio) // 2 for each in self.clients if each.listener is answer.player is not None)
                played_ms = min(12.5 * count, has / 8)
                if has >= self.ledger.heard_samples(trio.current_time()) and played_ms >= self.reported_ms:
                    self.reported_ms = played_ms  # a report counts for whoever plays it next: it has to have that
                    self.ledger.reported(played_ms, trio.current_time())
            case "wait":
                await trio.sleep(count / 64)

    def leave(self, client: Client) -> None:
        """Let a client lose its connection."""
        gone = client.listener
        assert gone is not None
        client.listener = None
        gone.close()
        self.listeners.remove(gone)
        self.answer.forget(gone)
        if self.answer.player is gone:
            self.answer.play_to(self.listeners[0] if self.listeners else None)

    def check(self) -> None:
        """What was heard lies within what was sent, and that within what somebody has."""
        account = self.ledger.audio_account(trio.current_time())
        most = max(len(client.audio) for client in self.clients) / 16
        assert account.heard_ms <= account.sent_ms <= most


async def go_through(steps: list[tuple[str, int, int]]) -> None:
    """Take the steps, release what is held, and have everybody come back and read to the end."""
    scene = Scene()
    heard = 0
    for what, who, count in steps:
        await scene.do(what, who, count)
        scene.check()
        now_heard = scene.ledger.heard_samples(trio.current_time())
        if what in ("hold", "hold or release"):
            assert now_heard == heard
        heard = scene.ledger.heard_samples(trio.current_time())
        if scene.answer.holding.held and scene.answer.player is not None and scene.answer.player.pauses:
            await trio.sleep(1 / 64)
            assert scene.ledger.heard_samples(trio.current_time()) == heard
    await scene.do("release", 0, 1)
    for number, client in enumerate(scene.clients):
        await scene.do("come", number, 1)
        await client.take(10_000, may_hear=True)
    scene.answer.end(Ended(False))
    for client in scene.clients:
        await client.take(10_000, may_hear=True)
        assert (client.said, client.ends, client.held) == (scene.text, 1, False)
        assert client.calls == [f"c{number}" for number in range(scene.calls)]
        assert len(client.audio) == 2 * scene.samples
        # What follows a gap is faded in; all else is as it was spoken.
        pairs = zip(struct.unpack(f"<{scene.samples}h", client.audio), range(1, scene.samples + 1), strict=True)
        assert all(got == sample or got < sample for got, sample in pairs)
    account = scene.ledger.audio_account(trio.current_time())
    assert account.sent_ms == scene.samples / 8
    assert not scene.answer.full
    with trio.fail_after(1):
        await scene.answer.flushed()


@settings(max_examples=500, deadline=None)
@given(STEPS)
def test_nothing_is_lost_or_said_twice(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is said, taken, held and released, by whomever it is played, and whoever comes back meanwhile."""
    trio.run(go_through, steps, clock=MockClock(autojump_threshold=0))


@settings(max_examples=100, deadline=None)
@given(STEPS, st.integers(0, 60))
def test_an_interrupt_at_any_time_leaves_nothing(steps: list[tuple[str, int, int]], at: int) -> None:
    """Held or not, what waits is thrown away; what comes is the end, and only that."""

    async def interrupt() -> None:
        scene = Scene()
        for step in steps[:at]:
            await scene.do(*step)
        scene.answer.silence()
        scene.ledger.freeze(trio.current_time())
        scene.answer.end(Ended(True, "USER_STOP"))
        heard = scene.ledger.heard_samples(trio.current_time())
        for step in steps[at:]:
            if step[0] in ("text", "voice", "call"):
                scene.answer.text("late")
                scene.answer.voice(bytes(200))
        for client in scene.clients:
            if client.listener is not None:
                before = (client.said, client.audio, client.calls)
                await client.take(10_000, may_hear=False)
                assert (client.said, client.audio, client.calls) == before
                assert client.ends == 1
        assert scene.ledger.heard_samples(trio.current_time() + 60) == heard
        with trio.fail_after(1):
            await scene.answer.flushed()

    trio.run(interrupt, clock=MockClock(autojump_threshold=0))
