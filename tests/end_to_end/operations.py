"""Operations of a client, made up by hypothesis, and a model of what the protocol promises about each."""

from __future__ import annotations

from typing import Literal, Protocol

import trio
from attrs import define, field, frozen
from hypothesis import strategies as st

from voxint.core.agent import Agent
from voxint.core.settings import SettingsChange
from voxint.errors import UpstreamError
from voxint.protocol import messages as m
from voxint.testing.invariants import Checker
from voxint.testing.stages import FOREVER, HEAR, REPEAT, ScriptedEars, ScriptedModel, ScriptedVoice

__all__ = ["AGENTS", "ANSWER", "LONGEST_S", "OPERATIONS", "Op", "Party", "Promises", "Temper", "make_agent"]

ANSWER = ("The sea ", "is wide and very deep. ", "It is ", "also cold and salty.")
LONGEST_S = 140.0
"""By then everything has ended: the limit of a request is 110 s, and what overruns here lets go 2 s later."""

EARLY_S = 5.0
IDS = 4

Verb = Literal["ask", "begin", "speak", "end", "interrupt", "interrupt all", "played", "wait"]


@frozen
class Op:
    """What the client does.

    Args:
        verb: The kind.
        name: Of which of the few ids, so that many meet a live request, an ended one or none.
        amount: Eighths of a second to wait or to speak, or to say that were played.
        spoken: For ``ask``: what `require_tts` it brings, if any.
        at_once: Whether it follows in the same instant, before anything was read.
    """

    verb: Verb
    name: int = 0
    amount: int = 1
    spoken: bool | None = None
    at_once: bool = False


VERBS: list[Verb] = ["ask", "ask", "begin", "speak", "end", "interrupt", "interrupt all", "played", "wait", "wait"]

OPERATIONS = st.lists(
    st.builds(
        Op,
        verb=st.sampled_from(VERBS),
        name=st.integers(0, IDS - 1),
        amount=st.integers(0, 24),
        spoken=st.sampled_from([None, None, True, False]),
        at_once=st.booleans(),
    ),
    min_size=8,
    max_size=40,
)


@frozen
class Temper:
    """How a stage behaves in one call."""

    kind: Literal["good", "silent", "broken", "fast", "endless"]
    lingers: float
    breaks: bool

    def model(self, tempo: float) -> ScriptedModel:
        """Return a model that behaves so; its waits are `tempo` times as long."""
        breaks = ValueError("a clean-up that fails") if self.breaks else None
        match self.kind:
            case "good":
                script: tuple[object, ...] = tuple(step for text in ANSWER for step in (tempo * 0.125, text))
            case "fast":
                script = ANSWER
            case "silent":
                script = (tempo * 0.125, ANSWER[0], FOREVER)
            case "endless":
                script = (tempo * 0.0625, "on and on ", REPEAT)
            case "broken":
                script = (tempo * 0.125, ANSWER[0], tempo * 0.25, UpstreamError("out of order"))
        return ScriptedModel(*script, lingers=tempo * self.lingers, breaks=breaks)  # type: ignore[arg-type]  # as listed above


TEMPERS = st.builds(
    Temper,
    kind=st.sampled_from(["good", "good", "good", "fast", "silent", "broken", "endless"]),
    lingers=st.sampled_from([0.0, 0.0, 0.0, 0.125, 2.0]),
    breaks=st.sampled_from([False, False, False, True]),
)

AGENTS = st.lists(TEMPERS, min_size=1, max_size=6)


def make_agent(tempers: list[Temper], tempo: float = 1.0) -> Agent:
    """Return an agent whose model takes a temper for each call, whose ears hear and whose voice speaks."""
    return Agent(
        stt=ScriptedEars(HEAR, tempo * 0.125, "tell me about the sea"),
        llm=ScriptedModel.turns(*(temper.model(tempo) for temper in tempers)),
        tts=ScriptedVoice(every=tempo * 0.03125, seconds_per_char=tempo / 16, chunk_s=tempo / 8),
    )


class Party(Protocol):
    """A client, over a socket or without one."""

    checker: Checker
    frames: list[tuple[float, m.ServerMessage]]

    def say(self, message: m.ClientMessage) -> None:
        """Send a message."""

    def speak(self, seconds: float) -> None:
        """Send audio."""


@define(eq=False)
class Instance:
    """One REQUEST: its id may be used again after its end."""

    request_id: str
    words: str | None
    early: bool = False
    """Whether it was interrupted before it came."""
    superseded_by: Instance | None = None
    """The next request, if this one was live then."""
    interrupted: bool = False
    """Whether an INTERRUPT surely met it live."""
    frames: list[m.Response | m.Error] = field(factory=list)

    @property
    def ended(self) -> bool:
        """Whether its last frame was read."""
        last = self.frames[-1] if self.frames else None
        return isinstance(last, m.Error) or (last is not None and last.text_stream_seq == -1)

    @property
    def text(self) -> str:
        """The text that was read."""
        return "".join(frame.text or "" for frame in self.frames if isinstance(frame, m.Response))

    @property
    def ending(self) -> str:
        """How it ended for the client, in the dialogue's words."""
        last = self.frames[-1]
        if isinstance(last, m.Error):
            return "failed"
        return "interrupted" if last.interrupted else "complete"


@define(eq=False)
class Promises:
    """Says each operation, and what has to come of it.

    Args:
        party: The client.
        exact: Whether an operation that is not `at_once` comes after all that the server has to say was read. Without
            that, nobody can know whether an id is still live for the server: each request gets a new one.
    """

    party: Party
    exact: bool
    instances: list[Instance] = field(factory=list)
    _early: dict[str, float] = field(factory=dict)
    _due: list[tuple[str | None, frozenset[str]]] = field(factory=list)
    _seen: int = 0
    _refused: int = 0
    _told: list[m.Error] = field(factory=list)

    def do(self, op: Op) -> None:
        """Say it."""
        self.read()
        request_id = self.request_id(op)
        certain = self.exact and not op.at_once
        match op.verb:
            case "ask":
                words = f"question {len(self.instances)}"
                patch = SettingsChange(require_tts=op.spoken)
                content = m.Content(text=words)
                self._request(
                    m.RequestMessage(request_id=request_id, data_type="TEXT", content=content, patch=patch),
                    words,
                    certain,
                )
            case "begin":
                content = m.Content(voice_mode="BINARY", audio_format="pcm")
                start = m.RequestMessage(request_id=request_id, data_type="VOICE", stream_flag=True, content=content)
                self._request(start, None, certain)
            case "speak":
                self.party.speak(op.amount / 8)
            case "end":
                if self._live(request_id) is not None:  # else an ERROR would bear an id that may be asked later
                    end = m.RequestMessage(request_id=request_id, data_type="VOICE", stream_flag=True, stream_seq=-1)
                    self.party.say(end)
            case "interrupt":
                self._interrupt(request_id, certain)
            case "interrupt all":
                self._interrupt(None, False)
            case "played":
                self.party.say(m.Played(request_id=request_id, played_ms=op.amount * 125.0))

    def request_id(self, op: Op) -> str:
        """Return the id that an operation names."""
        if self.exact:
            return f"r{op.name}"
        new = len(self.instances) if op.verb in ("ask", "begin") else len(self.instances) - 1 - op.name
        return f"r{new}"

    def knows(self, request_id: str) -> bool:
        """Return whether the id was used already."""
        return any(each.request_id == request_id for each in self.instances)

    def read(self) -> None:
        """Look at what was read since."""
        for _, frame in self.party.frames[self._seen :]:
            match frame:
                case m.Response() | m.Error(request_id=str()):
                    of = [each for each in self.instances if each.request_id == frame.request_id]
                    assert of, f"nobody asked for {frame}"
                    of[-1].frames.append(frame)
                case m.Error():
                    self._told.append(frame)
                case m.InterruptAck():
                    self._acknowledged(frame)
        self._seen = len(self.party.frames)

    def _live(self, request_id: str) -> Instance | None:
        return next((each for each in self.instances if each.request_id == request_id and not each.ended), None)

    def _request(self, message: m.RequestMessage, words: str | None, certain: bool) -> None:
        live = self._live(message.request_id)
        if live is None and self._due and self.knows(message.request_id):
            return  # an acknowledgement under way may name the id's former request: nobody could tell which is meant
        self.party.say(message)
        if live is not None:
            self._refused += 1
            return
        early = self._early.pop(message.request_id, -1.0) > trio.current_time()
        new = Instance(message.request_id, words, early)
        for each in self.instances:
            if certain and not each.ended and each.superseded_by is None:
                each.superseded_by = new
        self.instances.append(new)

    def _interrupt(self, request_id: str | None, certain: bool) -> None:
        self.party.say(m.Interrupt(interrupt_request_id=request_id, reason="USER_STOP"))
        if request_id is None:
            self._due.append((None, frozenset()))
            return
        if (live := self._live(request_id)) is not None:
            live.interrupted |= certain
            allowed = {"stopped", "overrun"} if certain else {"stopped", "overrun", "already_finished"}
        elif self.knows(request_id):
            allowed = {"already_finished"}
        else:
            allowed = {"not_found"}
            self._early[request_id] = trio.current_time() + EARLY_S
        self._due.append((request_id, frozenset(allowed)))

    def _acknowledged(self, ack: m.InterruptAck) -> None:
        due = next(each for each in self._due if each[0] == ack.interrupt_request_id)
        self._due.remove(due)
        request_id, allowed = due
        if request_id is not None:
            assert set(ack.outcomes) == {request_id}
            assert ack.outcomes[request_id] in allowed

    def settled(self) -> bool:
        """Return whether every request has ended and every INTERRUPT has its answer."""
        self.read()
        return not self._due and all(each.ended for each in self.instances)

    def ended(self) -> None:
        """Assert what has to be true when everything has had its time."""
        self.read()
        self.party.checker.settled()
        assert self.party.checker.violations == []
        assert self._due == []
        assert all(each.ended for each in self.instances)
        refused = [error for error in self._told if error.error_code == "MALFORMED_PAYLOAD"]
        assert len(refused) == self._refused
        for each in self.instances:
            if each.early and not busy(each):
                assert [type(frame) for frame in each.frames] == [m.Response]
                assert each.ending == "interrupted"
            if each.interrupted or (each.superseded_by is not None and not busy(each.superseded_by)):
                assert each.ending == "interrupted"

    def remembered(self, history: list[tuple[str, str, str | None]]) -> None:
        """Assert that the dialogue holds the words of each request and what was read, or heard, of its reply."""
        asked = [each for each in self.instances if each.words is not None and not busy(each)]
        kept = [exchange for exchange in history if exchange[0].startswith("question")]
        assert [words for words, _, _ in kept] == [each.words for each in asked]
        for (_, reply, ending), each in zip(kept, asked, strict=True):
            assert each.text.startswith(reply)
            voiced = any(isinstance(frame, m.Response) and frame.voice_stream_seq is not None for frame in each.frames)
            if voiced and ending == "interrupted":
                assert each.ending in ("interrupted", "complete")  # a complete one was cut while it was still played
            else:
                assert (reply, ending) == (each.text, each.ending)


def busy(each: Instance) -> bool:
    """Return whether the server refused it, because too many before it have not let go."""
    last = each.frames[-1]
    return isinstance(last, m.Error) and last.error_code == "SERVER_BUSY"
