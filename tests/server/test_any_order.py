"""Whatever clients do, and whenever: no promise is broken, and what each has agrees with what the server holds."""

from __future__ import annotations

from functools import partial
from typing import Literal

import trio
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.memory import Memory, NumberedVoice, come_back, numbered
from tests.talk import SPOKEN, WRITTEN, Place, Talk, open_place
from voxint.core.agent import Agent
from voxint.core.settings import OnDisconnect
from voxint.core.stages import Delta, ModelOutput, Turn
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig

PIECES = 6

Step = (
    tuple[Literal["ask", "ask_aloud", "interrupt", "interrupt_all", "drop", "stall", "leave", "join", "resume"], int]
    | tuple[Literal["cut"], tuple[int, int]]
    | tuple[Literal["wait"], float]
)

clients = st.integers(0, 2)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["ask", "ask_aloud"]), clients),
        st.tuples(st.sampled_from(["interrupt", "interrupt_all", "drop", "stall", "leave", "join"]), clients),
        st.tuples(st.just("resume"), clients),
        st.tuples(st.just("cut"), st.tuples(clients, st.integers(0, 6))),
        st.tuples(st.just("wait"), st.sampled_from([0.125, 0.5, 2.0])),
    ),
    min_size=1,
    max_size=25,
)


def whole(request_id: str) -> str:
    """Return the text of a request's complete answer."""
    return "".join(f"{request_id} says {number}. " for number in range(PIECES))


class Parrot:
    """A model that answers with what it is asked, again and again."""

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Write the pieces of `whole`, an eighth of a second apart."""
        for number in range(PIECES):
            await trio.sleep(0.125)
            await out.send(Delta(f"{turn.messages[-1].content} says {number}. "))


@define(eq=False)
class Client:
    """One client over all its connections."""

    memory: Memory = field(factory=Memory)
    talk: Talk | None = None
    token: m.RegisterAck | None = None
    read: int = 0
    joined_late: bool = False
    ever_cut: bool = False

    def look(self) -> None:
        """Take what was read meanwhile."""
        if self.talk is not None:
            frames = [frame for _, frame in self.talk.frames]
            self.memory.take(frames[self.read :])
            self.read = len(frames)

    def connected(self, talk: Talk) -> None:
        """Be on that connection from now on; where it was refused, on none."""
        self.talk, self.read = (None, 0) if talk.errors else (talk, 0)
        self.token = None if talk.errors else talk.registered

    @property
    def open(self) -> bool:
        """Whether it can say something."""
        return self.talk is not None and self.talk.connection.closing is None and self.talk.reads is None


@define(eq=False)
class Play:
    """A session, its clients, and what has become of them."""

    place: Place
    clients: list[Client] = field(factory=lambda: [Client(), Client(), Client()])
    zombies: list[Talk] = field(factory=list)
    asked: int = 0
    spoken: set[str] = field(factory=set)

    async def begin(self, on_disconnect: OnDisconnect) -> None:
        """Let the first client open the session."""
        talk = self.place.join()
        talk.register(WRITTEN, on_disconnect=on_disconnect)
        await talk.until(lambda: bool(talk.frames))
        self.clients[0].connected(talk)

    async def do(self, step: Step) -> None:
        """Do one step; one that can't be done is none."""
        what, which = step
        if what == "wait":
            await trio.sleep(float(which))  # type: ignore[arg-type]  # a number of seconds
        elif what == "cut":
            await self._cut(*which)  # type: ignore[misc]  # whose, and after how many frames
        else:
            await self._act(what, self.clients[which])  # type: ignore[index]  # the client's number
        for client in self.clients:
            client.look()

    async def _cut(self, which: int, reads: int) -> None:
        client = self.clients[which]
        if client.open and client.talk is not None:
            client.talk.reads, client.ever_cut = reads, True

    async def _act(self, what: str, client: Client) -> None:
        talk = client.talk
        if what == "join":
            await self._join(client)
        elif what == "resume":
            await self._resume(client)
        elif talk is None:
            return
        elif what == "drop":
            self._drop(talk)
        elif not client.open:
            return
        elif what in ("ask", "ask_aloud"):
            self.asked += 1
            request_id = f"r{self.asked}"
            client.memory.asked(request_id)
            if what == "ask_aloud":
                self.spoken.add(request_id)
            talk.ask(request_id, request_id, SPOKEN if what == "ask_aloud" else WRITTEN)
        elif what == "stall":
            talk.stop_reading()
            talk.reads, client.ever_cut = 0, True
        elif what == "leave":
            talk.say(m.Shutdown(reason="bye"))
            client.token = None
        else:
            talk.interrupt(f"r{self.asked}" if what == "interrupt" else None)

    def _drop(self, talk: Talk) -> None:
        for each in (*self.zombies, talk):
            each.stop_reading()
            each.connection.lost()
        self.zombies.clear()

    async def _join(self, client: Client) -> None:
        lender = next((each for each in self.clients if each.open and each.token is not None), None)
        if client.talk is None and client.token is None and not client.memory.answers and lender is not None:
            token, lender.token = lender.token, None
            assert token is not None
            client.joined_late = True
            client.connected(await come_back(self.place, token))

    async def _resume(self, client: Client) -> None:
        if client.open or client.token is None:
            return
        if client.talk is not None:
            client.look()
            client.talk.reads = 0
            self.zombies.append(client.talk)
        client.connected(await come_back(self.place, client.token, client.memory.seen))

    async def end(self) -> None:
        """Let everybody who can come back, and every answer come to its end; then compare."""
        for client in self.clients:
            await self._resume(client)
        for talk in tuple(self.zombies):
            self._drop(talk)
        await trio.sleep(30)
        for client in self.clients:
            client.look()
        for client in self.clients:
            if client.open:
                self._compare(client)

    def _compare(self, client: Client) -> None:
        assert client.talk is not None
        session = client.talk.connection.session
        assert session is not None
        assert session.registry.live == ()
        replies = {exchange.user: exchange for exchange in session.dialogue}
        for request_id, answer in client.memory.answers.items():
            exchange = replies.get(request_id)
            if exchange is None:
                continue  # its REQUEST was refused, or never came
            text, voice = client.memory.text(request_id), client.memory.voice(request_id)
            assert answer.end is not None, request_id
            if client.joined_late:
                assert text in whole(request_id)
                continue
            assert whole(request_id).startswith(text)
            assert numbered(len(voice) // 2) == voice
            if exchange.ending == "complete":
                assert text == whole(request_id) == exchange.reply
                request = session.registry.find(request_id)
                assert request is not None
                assert request.ledger.audio_account(trio.current_time()).generated_ms == len(voice) / 32
                assert bool(voice) == (request_id in self.spoken)
            else:
                assert whole(request_id).startswith(exchange.reply)
                assert client.ever_cut or text.startswith(exchange.reply)


async def play(script: list[Step], on_disconnect: OnDisconnect) -> None:
    """Do a script."""
    agent = Agent(llm=Parrot(), tts=NumberedVoice(0.5))
    async with open_place(agent, ServerConfig(resume_s=60)) as place:
        those = Play(place)
        await those.begin(on_disconnect)
        for step in script:
            await those.do(step)
        await those.end()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps, st.sampled_from(["interrupt", "keep"]))
def test_any_order_of_things(script: list[Step], on_disconnect: OnDisconnect) -> None:
    """Questions, broken networks, returns, guests, farewells and interruptions, in any order."""
    trio.run(partial(play, script, on_disconnect), clock=MockClock(autojump_threshold=0))
