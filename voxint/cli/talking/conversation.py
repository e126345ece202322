"""A conversation by voice: the microphone is heard, utterances are asked, answers are played and interrupted."""

from __future__ import annotations

import signal
from typing import Any

import trio
from attrs import define, evolve, field

from voxint.cli.failures import QUIT
from voxint.cli.receipts import receipt_lines
from voxint.cli.sound_card.loudspeaker import Loudspeaker
from voxint.cli.sound_card.microphone import CardMicrophone
from voxint.cli.talking.hearing import Began, Hearing
from voxint.cli.talking.screen import Screen
from voxint.cli.talking.states import Event, after
from voxint.cli.talking.view import Picture
from voxint.client import Client, RemoteReply
from voxint.core.events import Called, Ended, Text, Understood, Voice
from voxint.core.level import level_db
from voxint.errors import Disconnected, ServerError

__all__ = ["Talk"]

REPORT_S = 0.25
"""Seconds between two reports of what was heard; ours: an interruption carries the exact figure with it."""

UNSENT = 500
"""Pieces of an utterance that wait for a slow network; ours: 10 s, after which the connection is no good for speech."""


@define(eq=False)
class _Turn:
    """An utterance and its answer."""

    voice: trio.MemorySendChannel[bytes]
    source: trio.MemoryReceiveChannel[bytes]
    asking: trio.CancelScope = field(factory=trio.CancelScope)
    reply: RemoteReply | None = None
    text: str = field(default="", repr=False)
    spoken: bool = False
    stopping: bool = False
    over: bool = False

    def say(self, audio: bytes) -> None:
        """Add what was heard; nobody is left to take it where the request has ended, or the network is far behind."""
        try:
            self.voice.send_nowait(audio)
        except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            return


def _turn() -> _Turn:
    return _Turn(*trio.open_memory_channel[bytes](UNSENT))


class Talk:
    """Talks with a server until it is ended.

    Attributes:
        view: What is to be shown of it.
        code: The exit code, once it has ended.
        ended: Set when a key or a signal has ended it.

    Everything that happens goes through one table (`states.TABLE`) in the step in which it happens.

    Args:
        client: The session.
        microphone: Where the person is heard.
        speaker: Where answers are heard.
        hearing: Cuts utterances out of what the microphone gives; None: a key does.
        screen: Where it is shown.
        how: What can be done, as `view.HINTS` has it.
    """

    def __init__(
        self,
        client: Client,
        microphone: CardMicrophone,
        speaker: Loudspeaker,
        hearing: Hearing | None,
        screen: Screen,
        how: str,
    ) -> None:
        self.view = Picture(how=how, probability=None if hearing is None else 0.0)
        self.code = 0
        self.ended = trio.Event()
        self._client = client
        self._microphone = microphone
        self._speaker = speaker
        self._hearing = hearing
        self._screen = screen
        self._turn: _Turn | None = None

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
            self._on("talk" if self._hearing is None else "space")
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

    def _on(self, event: Event, voice: bytes = b"") -> None:
        """Do what an event asks for, without an await: a voice falls silent in the step in which it is interrupted."""
        state, actions = after(self.view.state, event)
        stopped: tuple[_Turn, float] | None = None
        self.view = evolve(self.view, state=state)
        for action in actions:
            match action:
                case "interrupt":
                    stopped = self._silence()
                case "open":
                    self._open(voice, stopped)
                case "end":
                    assert self._turn is not None
                    self._turn.voice.close()
                case "quit":
                    self.code = 0 if event == "quit" else QUIT
                    self._nursery.cancel_scope.cancel(reason="the person has quit")
        if stopped is not None and "open" not in actions:
            self._nursery.start_soon(self._stop, *stopped, "USER_STOP")

    def _silence(self) -> tuple[_Turn, float]:
        """Silence the live answer; return it, and how many milliseconds of it were heard."""
        turn = self._turn
        assert turn is not None
        turn.stopping = True
        turn.asking.cancel(reason="the person goes on before it was asked")
        turn.voice.close()
        played_ms = self._speaker.played_ms if turn.spoken else 0.0
        self._speaker.silence()
        return turn, played_ms

    def _open(self, voice: bytes, stopped: tuple[_Turn, float] | None) -> None:
        self._turn = turn = _turn()
        if voice:
            turn.say(voice)
        self.view = evolve(self.view, transcript="", answer="")
        self._nursery.start_soon(self._converse, turn, stopped)

    async def _hear(self) -> None:
        """Attend to the microphone, to the end of the conversation."""
        while True:
            pcm = await self._microphone.receive()
            turn, hearing = self._turn, self._hearing
            if hearing is not None:
                for heard in hearing.feed(pcm, sounding=self._speaker.sounding):
                    if isinstance(heard, Began):
                        self._on("speech", heard.voice)
                    else:
                        self._on("silence")
            if self.view.state == "hearing" and turn is not None and turn is self._turn:  # else it has this piece
                turn.say(pcm)
            self.view = evolve(
                self.view,
                level_db=level_db(pcm),
                probability=None if hearing is None else hearing.probability,
                dropped=self._microphone.dropped,
            )

    async def _lost(self) -> None:
        await self._client.wait_disconnected()
        await self._client.session_info()  # raises why

    async def _converse(self, turn: _Turn, stopped: tuple[_Turn, float] | None) -> None:
        """Ask, and attend to the answer until it has been heard."""
        if stopped is not None:
            # Its INTERRUPT goes in front of the REQUEST, which would interrupt without saying what was heard.
            await self._nursery.start(self._stop, *stopped, "USER_NEW_INPUT")
        with turn.asking:
            turn.reply = await self._client.send_voice(turn.source, require_tts=True)
        if turn.reply is None:  # it was interrupted before it could be asked
            if turn is self._turn:
                self._on("stopped")
            return
        try:
            await self._attend(turn, turn.reply)
        except Disconnected:
            raise
        except ServerError as error:
            self._speaker.silence()
            self.tell(str(error))
        turn.over = True
        if turn is self._turn and not turn.stopping:
            self._end_answer(turn)
            self._on("over")

    async def _attend(self, turn: _Turn, reply: RemoteReply) -> None:
        async for event in reply:
            match event:
                case Text(text):
                    turn.text += text
                    self._show(turn, answer=turn.text)
                case Voice(audio) if not turn.stopping:
                    if not turn.spoken:
                        turn.spoken = True
                        self._speaker.begin()
                        self._on("answer")
                        self._nursery.start_soon(self._report, turn, reply)
                    await self._speaker.play(audio)
                case Understood(text, is_final):
                    self._understood(turn, text, is_final=is_final)
                case Called(name):
                    self.tell(f"the model calls {name}")
                case Ended(interrupted, reason):
                    if interrupted and not turn.stopping:
                        self._speaker.silence()
                        self.tell(f"the server ended the answer: {reason}")
        if turn.spoken and not turn.stopping:
            await self._speaker.finish()

    def _understood(self, turn: _Turn, text: str, *, is_final: bool) -> None:
        if not is_final:
            self._show(turn, transcript=text)
        elif text:
            self._show(turn, transcript="")
            self._screen.say("you", text)
        else:
            self.tell("nothing was understood")

    def _show(self, turn: _Turn, **changes: Any) -> None:
        if turn is self._turn and not turn.stopping:
            self.view = evolve(self.view, **changes)

    def _end_answer(self, turn: _Turn) -> None:
        """Write an answer down for good."""
        if turn is self._turn:
            self.view = evolve(self.view, answer="", transcript="")
        if turn.text:
            self._screen.say("voxint", turn.text)

    async def _report(self, turn: _Turn, reply: RemoteReply) -> None:
        """Tell the server what was heard, as long as the answer is played; its end is the answer's, or cancelled."""
        while not turn.over and not turn.stopping:
            reply.played(self._speaker.played_ms)
            await trio.sleep(REPORT_S)

    async def _stop(
        self,
        turn: _Turn,
        played_ms: float,
        reason: str,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Interrupt a request that is silent already, and show the receipt."""
        if (reply := turn.reply) is None:  # it is not sent any more
            task_status.started()
            return
        # Whoever waits for it goes on in the next pass of the loop, and the INTERRUPT is on its way in this one.
        task_status.started()
        receipt = await reply.interrupt(reason, played_ms=played_ms)
        took_s = (reply.t_ack or 0.0) - (reply.t_interrupt or 0.0)
        self._end_answer(turn)
        for line in receipt_lines(receipt, took_s):
            self.tell(line)
        if turn is self._turn:
            self._on("stopped")
