"""Whatever the callers of one server do to each other: nothing of one session reaches another, or acts on it."""

from __future__ import annotations

import re
from functools import partial
from typing import Literal

import trio
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.credentials import cheap_hashes
from tests.talk import WRITTEN, Place, Talk, open_place
from voxint.core.agent import Agent
from voxint.core.stages import Delta, ModelOutput, Turn
from voxint.protocol import messages as m
from voxint.protocol.codec import encode_client
from voxint.server.config import ServerConfig

CONFIG = ServerConfig(api_keys=("one", "two"), accounts=cheap_hashes({"one": "pass"}), resume_s=1000)

TOKEN_OF_TWO = "a token of two"

WHO: tuple[m.Auth | str, ...] = (
    m.Auth(type="API_KEY", api_key="one"),
    m.Auth(type="API_KEY", api_key="one"),
    m.Auth(type="API_KEY", api_key="two"),
    TOKEN_OF_TWO,
    m.Auth(type="ACCOUNT", account="one", password="pass"),
)
"""Two of one key, one of another, one by a token of that, and an account that is called as a key is."""

SAME = ((0, 1), (2, 3))
"""Who are the same caller to the server: a stolen resume token of theirs is one of their own."""

PIECES = 5

Attack = Literal[
    "interrupt", "claim_session", "ask_its_id", "played", "end_upload", "resume_stolen", "resume_own_token"
]

Own = Literal["ask", "interrupt_own", "interrupt_all", "drop", "return", "leave"]

callers = st.integers(0, len(WHO) - 1)
attacks: tuple[Attack, ...] = (
    "interrupt", "claim_session", "ask_its_id", "played", "end_upload", "resume_stolen", "resume_own_token",
)  # fmt: skip
own: tuple[Own, ...] = ("ask", "ask", "interrupt_own", "interrupt_all", "drop", "return", "leave")
Step = tuple[Own, int] | tuple[Attack, tuple[int, int]] | tuple[Literal["wait"], float]
scripts = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(own), callers),
        st.tuples(st.sampled_from(attacks), st.tuples(callers, callers)),
        st.tuples(st.just("wait"), st.sampled_from([0.125, 0.5, 2.0])),
    ),
    min_size=5,
    max_size=40,
)


class Parrot:
    """A model that answers with all that it was shown: a leak of another's history would be heard."""

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Write everything, again and again, a quarter of a second apart."""
        shown = " ".join(str(message.content) for message in turn.messages)
        for _ in range(PIECES):
            await trio.sleep(0.25)
            await out.send(Delta(f"{shown}. "))


@define(eq=False)
class Caller:
    """One caller over all its connections and sessions."""

    number: int
    auth: m.Auth
    talk: Talk | None = None
    talks: list[Talk] = field(factory=list)
    acks: list[m.RegisterAck] = field(factory=list)
    asked: int = 0
    stopped: set[tuple[str, str]] = field(factory=set)
    """Requests that it stopped itself, by session and id."""

    refused: set[tuple[str, Talk]] = field(factory=set)
    """Ids under which it has ended what it never began, and the connection that told it so."""

    @property
    def mark(self) -> str:
        """What it says, and nobody else."""
        return f"persimmon-{self.number}-"

    @property
    def open(self) -> bool:
        """Whether it can say something."""
        return self.talk is not None and self.talk.connection.closing is None

    @property
    def request_id(self) -> str:
        """The latest request: all callers use the same ids."""
        return f"r{self.asked}"

    def stops_all(self) -> None:
        """Note that it stops all that it has asked."""
        if self.acks:
            self.stopped |= {(self.acks[-1].session_id, f"r{number}") for number in range(1, self.asked + 1)}


@define(eq=False)
class Play:
    """All callers of a server."""

    place: Place
    callers: list[Caller] = field(factory=list)

    async def begin(self) -> None:
        """Let all of them open a session."""
        keyring = self.place.host.keyring
        two = keyring.find("two")
        assert two is not None
        for number, who in enumerate(WHO):
            token = keyring.signer.mint(two.id, ("talk",), keyring.now() + 3600)
            auth = who if isinstance(who, m.Auth) else m.Auth(type="API_KEY", api_key=token)
            self.callers.append(Caller(number, auth))
            await self._open(self.callers[-1])

    async def _open(self, caller: Caller, resume: m.Resume | None = None) -> None:
        talk = self.place.join()
        talk.register(WRITTEN, auth=caller.auth, resume=resume, on_disconnect="keep")
        await talk.until(lambda: any(isinstance(frame, m.RegisterAck | m.Error) for _, frame in talk.frames))
        caller.talks.append(talk)
        assert not talk.errors
        caller.talk = talk
        caller.acks.append(talk.registered)

    async def do(self, step: Step) -> None:
        """Do one step; one that can't be done is none."""
        what, which = step
        if isinstance(which, float):
            await trio.sleep(which)
        elif isinstance(which, tuple):
            attacker, victim = (self.callers[number] for number in which)
            if attacker is not victim:
                await self._attack(what, attacker, victim)  # type: ignore[arg-type]  # the other kind of step
        else:
            await self._act(what, self.callers[which])  # type: ignore[arg-type]  # the other kind of step

    async def _act(self, what: Own, caller: Caller) -> None:
        talk = caller.talk
        if what == "return":
            if not caller.open:
                await self._return(caller)
        elif talk is None or not caller.open:
            return
        elif what == "ask":
            caller.stops_all()  # a new question ends the answer before it
            caller.asked += 1
            talk.ask(caller.request_id, f"{caller.mark}{caller.asked}")
        elif what == "drop":
            talk.stop_reading()
            talk.connection.lost()
        else:
            caller.stops_all()
            if what == "leave":
                talk.say(m.Shutdown())
                caller.talk = None
                caller.acks.append(caller.acks[-1])
            else:
                talk.interrupt(caller.request_id if what == "interrupt_own" else None)

    async def _return(self, caller: Caller) -> None:
        ack = caller.acks[-1]
        if caller.talk is None:
            caller.asked = 0
            await self._open(caller)
        else:
            assert ack.resume_token is not None
            await self._open(caller, m.Resume(session_id=ack.session_id, resume_token=ack.resume_token))

    async def _attack(self, what: Attack, attacker: Caller, victim: Caller) -> None:
        ack = victim.acks[-1]
        if what in ("resume_stolen", "resume_own_token"):
            await self._steal(what, attacker, ack, victim)
            return
        talk = attacker.talk
        if talk is None or not attacker.open:
            return
        if what == "interrupt":  # by an id that is the victim's, and may be one of its own, or become one
            attacker.stops_all()
            attacker.stopped.add((attacker.acks[-1].session_id, victim.request_id))
            talk.interrupt(victim.request_id)
        elif what == "ask_its_id":
            if victim.asked > attacker.asked:  # an id of its own that is about to end would be another matter
                attacker.stops_all()
                attacker.asked = victim.asked
                talk.ask(victim.request_id, f"{attacker.mark}x")
        elif what == "claim_session":
            before = len(talk.errors)
            for message in (m.Interrupt(), m.SessionQuery(), m.Shutdown(), m.Played(victim.request_id, 1.0)):
                talk.connection.receive(encode_client(message, ack.session_id, 0))
            await talk.until(lambda: len(talk.errors) >= before + 4)
            assert {error.error_code for error in talk.errors[-4:]} == {"SESSION_INVALID"}
        elif what == "played":
            talk.say(m.Played(request_id=victim.request_id, played_ms=1e6))
        elif victim.asked > attacker.asked and (victim.request_id, talk) not in attacker.refused:
            attacker.refused.add((victim.request_id, talk))  # a second ERROR of the same id is no news
            talk.end(victim.request_id)

    async def _steal(self, what: Attack, attacker: Caller, ack: m.RegisterAck, victim: Caller) -> None:
        """Resume the victim's session, by its token or by one's own; who is the same caller has only its own."""
        if what == "resume_stolen" and any({attacker.number, victim.number} <= set(pair) for pair in SAME):
            return
        token = ack.resume_token if what == "resume_stolen" else attacker.acks[-1].resume_token
        assert token is not None
        talk = self.place.join()
        talk.register(auth=attacker.auth, resume=m.Resume(session_id=ack.session_id, resume_token=token, seen={}))
        attacker.talks.append(talk)
        await talk.until(lambda: bool(talk.frames))
        assert [error.error_code for error in talk.errors] == ["SESSION_INVALID"]
        assert talk.connection.closing == (4401, "there is no such session to resume")

    async def end(self) -> None:
        """Let every answer come to its end, then look at all that was read, and at how each ended."""
        await trio.sleep(60)
        for caller in self.callers:
            heard = " ".join(str(frame) for talk in caller.talks for frame in talk.raw)
            others = [each for each in self.callers if each is not caller]
            secrets = [each.mark for each in others]
            secrets += [ack.session_id for each in others for ack in each.acks]
            secrets += [ack.resume_token or "" for each in others for ack in each.acks]
            assert not [secret for secret in secrets if secret in heard]
        self._compare()

    def _compare(self) -> None:
        whose = {ack.session_id: caller for caller in self.callers for ack in caller.acks}
        for session in self.place.host.store.sessions:
            for exchange in session.dialogue:
                assert whose[session.id].mark in exchange.user
                assert set(re.findall(r"persimmon-\d-", exchange.reply)) <= {whose[session.id].mark}
        for request in self.place.book.finished_requests:
            stopped = (request.session_id, request.id) in whose[request.session_id].stopped
            assert request.ending == "complete" or stopped, (request.id, request.reason)


async def play(script: list[Step]) -> None:
    """Do a script."""
    async with open_place(Agent(llm=Parrot()), CONFIG) as place:
        those = Play(place)
        await those.begin()
        for step in script:
            await those.do(step)
        await those.end()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scripts)
def test_nothing_of_a_session_reaches_another(script: list[Step]) -> None:
    """No frame, and no act by another's ids or tokens: each answer ends as its own caller has it."""
    trio.run(partial(play, script), clock=MockClock(autojump_threshold=0))
