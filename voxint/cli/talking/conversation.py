"""A conversation by voice: answers are played, held and interrupted, and what goes on is shown.

How the person is heard is a subclass's: by the server's ears (`hands_free`), or by a key (`push_to_talk`).
"""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import trio
from attrs import define, evolve, field

from voxint.cli.failures import QUIT
from voxint.cli.receipts import receipt_lines
from voxint.cli.sound_card.loudspeaker import Loudspeaker
from voxint.cli.sound_card.microphone import CardMicrophone
from voxint.cli.sound_card.playback import FADE_S
from voxint.cli.sound_card.portaudio import BLOCK_MS
from voxint.cli.talking.screen import Screen
from voxint.cli.talking.states import Event, after
from voxint.cli.talking.view import Picture
from voxint.client import Client
from voxint.core import events
from voxint.core.level import level_db

__all__ = ["PlayedAnswer", "Talk"]

REPORT_S = 0.25
"""Seconds between two reports of what was heard; ours: an interruption carries the exact figure with it."""


@define(eq=False)
class PlayedAnswer:
    """An answer that is asked for, or already comes.

    Attributes:
        request_id: Whose.
        text: What was written so far.
        spoken: Whether it has a voice.
        stopping: Whether it is cut off: it is silent, and shown no more.
        over: Whether it was heard to its end.
    """

    request_id: str
    text: str = field(default="", repr=False)
    spoken: bool = False
    stopping: bool = False
    over: bool = False

    @property
    def going_on(self) -> bool:
        """Whether there may be more of it to hear."""
        return not (self.stopping or self.over)


class Talk(ABC):
    """Talks with a server until it is ended.

    Attributes:
        key_event: What the space bar means.
        view: What is to be shown of it.
        code: The exit code, once it has ended.
        ended: Set when a key or a signal has ended it.

    Everything that happens goes through one table (`states.TABLE`) in the step in which it happens.

    Args:
        client: The session.
        microphone: Where the person is heard.
        speaker: Where answers are heard.
        screen: Where it is shown.
        how: What can be done, as `view.HINTS` has it.
    """

    key_event: ClassVar[Event]

    def __init__(
        self, client: Client, microphone: CardMicrophone, speaker: Loudspeaker, screen: Screen, how: str
    ) -> None:
        self.view = Picture(how=how)
        self.code = 0
        self.ended = trio.Event()
        self._client = client
        self._speaker = speaker
        self._screen = screen
        self._microphone = microphone
        self._answer: PlayedAnswer | None = None

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Converse until a key or a signal ends it.

        Raises:
            PlayerGone: A device is gone.
            Disconnected: The connection was lost.
        """
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._lost)
            self._nursery.start_soon(self._hear)
            task_status.started()
        self.ended.set()

    def press(self, key: str) -> None:
        """Obey a key."""
        if key == " ":
            self._on(self.key_event)
        elif key in "qQ":
            self._on("quit")

    def obey(self, signum: signal.Signals) -> None:
        """Obey a signal: Ctrl-C interrupts or quits, any other quits."""
        if signum is signal.SIGINT:
            self._on("ctrl_c")
        else:
            self.code = 128 + signum
            self._nursery.cancel_scope.cancel(reason="a signal ended the program")

    def tell(self, words: str) -> None:
        """Show a note."""
        self._screen.say("note", words)

    @abstractmethod
    async def _hear(self) -> None:
        """Attend to the microphone, and to what the server says, to the end of the conversation."""

    @abstractmethod
    def _open(self, stopped: tuple[PlayedAnswer, float] | None) -> None:
        """Begin an utterance because a key says so.

        Args:
            stopped: What it interrupts, and how many milliseconds of that were heard.
        """

    @abstractmethod
    def _end(self) -> None:
        """End the utterance that a key began."""

    async def _next_sound(self) -> bytes:
        """Return what the microphone hears next, and show how loud it is."""
        pcm = await self._microphone.receive()
        self.view = evolve(self.view, level_db=level_db(pcm), dropped=self._microphone.dropped)
        return pcm

    async def _lost(self) -> None:
        await self._client.wait_disconnected()
        await self._client.session_info()  # raises why

    def _on(self, event: Event) -> None:
        """Do what an event asks for, without an await: a voice falls silent in the step in which it is interrupted."""
        state, actions = after(self.view.state, event)
        stopped: tuple[PlayedAnswer, float] | None = None
        self.view = evolve(self.view, state=state)
        for action in actions:
            match action:
                case "interrupt":
                    stopped = self._silence()
                case "flush":
                    self._flush()
                case "pause":
                    self._speaker.pause()
                    self._nursery.start_soon(self._report_pause)
                case "resume":
                    self._speaker.resume()
                case "open":
                    self._open(stopped)
                case "end":
                    self._end()
                case "quit":
                    self.code = 0 if event == "quit" else QUIT
                    self._nursery.cancel_scope.cancel(reason="the person has quit")
        if stopped is not None and "open" not in actions:
            self._nursery.start_soon(self._stop, *stopped, "USER_STOP")

    def _silence(self) -> tuple[PlayedAnswer, float]:
        """Silence the answer; return it, and how many milliseconds of it were heard."""
        answer = self._answer
        assert answer is not None
        answer.stopping = True
        played_ms = self._speaker.played_ms if answer.spoken else 0.0
        self._speaker.silence()
        return answer, played_ms

    def _flush(self) -> None:
        """Silence the answer, which the server has ended, and write down what came of it."""
        answer, _ = self._silence()
        self._write_down(answer)

    def _begin(self, request_id: str) -> PlayedAnswer:
        """Attend to another answer from now on."""
        self._answer = PlayedAnswer(request_id)
        self.view = evolve(self.view, transcript="", answer="")
        return self._answer

    def _take(self, answer: PlayedAnswer, event: events.Event) -> None:
        """Take what the server says of an answer."""
        match event:
            case events.Text(text):
                answer.text += text
                self._show(answer, answer=answer.text)
            case events.Voice(audio) if answer.going_on:
                if not answer.spoken:
                    answer.spoken = True
                    self._speaker.begin()
                    self._on("answer")
                    self._nursery.start_soon(self._report, answer)
                self._speaker.put(audio)
            case events.Called(name):
                self.tell(f"the model calls {name}")
            case events.Ended() if answer.going_on:
                self._ended(answer, event)

    def _ended(self, answer: PlayedAnswer, end: events.Ended) -> None:
        if end.failure is not None:
            self._fail(answer, end.failure.message)
        elif end.interrupted:
            self._on("cut")
            self.tell(f"the server ended the answer: {end.reason}")
        elif answer.spoken:
            self._nursery.start_soon(self._play_out, answer)
        else:
            self._complete(answer)

    def _fail(self, answer: PlayedAnswer, words: str) -> None:
        self.tell(words)
        if answer is self._answer:
            self._on("cut")

    async def _play_out(self, answer: PlayedAnswer) -> None:
        """Wait until an answer that was sent to its end has been heard to its end; as long as a hold may last, too."""
        await self._speaker.finish()
        if answer.going_on:
            self._complete(answer)

    def _complete(self, answer: PlayedAnswer) -> None:
        answer.over = True
        self._write_down(answer)
        self._on("over")

    def _show(self, of: PlayedAnswer, **changes: Any) -> None:
        if of is self._answer and not of.stopping:
            self.view = evolve(self.view, **changes)

    def _write_down(self, answer: PlayedAnswer) -> None:
        """Write an answer down for good."""
        if answer is self._answer:
            self.view = evolve(self.view, answer="", transcript="")
        if answer.text:
            self._screen.say("voxint", answer.text)

    async def _report(self, answer: PlayedAnswer) -> None:
        """Tell the server what was heard, as long as the answer is played; its end is the answer's, or cancelled."""
        while answer.going_on:
            self._client.played(answer.request_id, self._speaker.played_ms)
            await trio.sleep(REPORT_S)

    async def _report_pause(self) -> None:
        """Tell where a pause stands, before the server may decide to interrupt: as soon as all before it was heard."""
        answer = self._answer
        assert answer is not None
        await trio.sleep(self._speaker.handed_s + BLOCK_MS / 1000 + FADE_S)
        if answer.spoken and answer.going_on:
            self._client.played(answer.request_id, self._speaker.played_ms)

    async def _stop(
        self,
        answer: PlayedAnswer,
        played_ms: float,
        reason: str,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Interrupt a request that is silent already, and show the receipt."""
        # Whoever waits for it goes on in the next pass of the loop, and the INTERRUPT is on its way in this one.
        task_status.started()
        asked_at = trio.current_time()
        ack = await self._client.interrupt(answer.request_id, reason=reason, played_ms=played_ms)
        took_s = trio.current_time() - asked_at
        self._write_down(answer)
        for line in receipt_lines(ack.receipts.get(answer.request_id), took_s):
            self.tell(line)
        if answer is self._answer:
            self._on("stopped")
