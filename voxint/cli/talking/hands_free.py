"""Hands free: the microphone is always open, and the server's ears say what is to be done."""

from __future__ import annotations

from typing import ClassVar

import trio
from attrs import evolve

from voxint.cli.receipts import receipt_lines
from voxint.cli.talking import states
from voxint.cli.talking.conversation import PlayedAnswer, Talk
from voxint.client.microphone import RemoteMicrophone
from voxint.core.ears.ears import SPOKEN
from voxint.core.events import Called, Committed, Ended, Endpoint, Event, Held, Onset, Released, Text, Understood, Voice

__all__ = ["FEATURES", "HandsFree"]

FEATURES = ("server_vad", "hold")
"""What a server has to grant for it."""


class HandsFree(Talk):
    """A conversation in which the server hears when the person speaks, and whether that interrupts."""

    key_event: ClassVar[states.Event] = "space"
    _utterance: str | None = None
    """The id of what the person is saying; None: nothing."""
    _past: str | None = None
    """The id of the answer before this one, of which something may still come."""

    async def _hear(self) -> None:
        async with self._client.listen_always() as microphone, trio.open_nursery() as nursery:
            nursery.start_soon(self._stream, microphone)
            async for said in microphone:
                self._said(said.request_id, said.event)

    def _open(self, stopped: tuple[PlayedAnswer, float] | None) -> None:
        """Do nothing: no key begins what the person says."""

    def _end(self) -> None:
        """Do nothing: no key ends it."""

    async def _stream(self, microphone: RemoteMicrophone) -> None:
        while True:
            await microphone.send(await self._next_sound())

    def _on(self, event: states.Event) -> None:
        super()._on(event)
        if self.view.state == "listening" and self._utterance is not None:
            super()._on("onset")  # an answer has ended, and the person speaks on

    def _said(self, request_id: str, event: Event) -> None:
        answer = self._answer
        match event:
            case Onset():
                self._utterance = request_id
                self._on("onset")
            case Understood(text) if request_id == self._utterance:
                self.view = evolve(self.view, transcript=text)
            case Committed(interrupted=interrupted):
                if answer is not None and answer.going_on and answer.request_id in interrupted:
                    self._yield(answer, "cut")
            case Endpoint():
                self._endpoint(request_id, event)
            case Ended(failure=failure) if request_id == self._utterance:  # it could not be heard to its end
                self._utterance = None
                if failure is not None:
                    self.tell(failure.message)
                self._on("nothing")
            case Text() | Voice() | Called() if answer is None or answer.request_id != request_id:
                if request_id != self._past:
                    self._take(self._ask(request_id), event)
            case _ if answer is not None and answer.request_id == request_id:
                self._take(answer, event)

    def _take(self, answer: PlayedAnswer, event: Event) -> None:
        match event:
            case Held() if answer.going_on:
                self._on("held")
            case Released(reason) if self.view.state == "held":
                self._on("released")
                if answer.spoken:
                    self._on("answer")
                self.tell(f"went on: {reason}")
            case _:
                super()._take(answer, event)

    def _ask(self, request_id: str) -> PlayedAnswer:
        """Attend to the answer to a request that the server has made, instead of what was played before."""
        if (answer := self._answer) is not None and answer.going_on:
            self._yield(answer, "asked")  # it had been sent to its end, so nothing else says that it is cut off
        else:
            self._on("asked")
        self._past = None if answer is None else answer.request_id
        return self._begin(request_id)

    def _yield(self, answer: PlayedAnswer, event: states.Event) -> None:
        """Silence an answer that the person has interrupted, and show what was heard of it."""
        played_ms = self._speaker.played_ms if answer.spoken else 0.0
        self._on(event)
        self._nursery.start_soon(self._account, answer, played_ms)

    def _endpoint(self, request_id: str, end: Endpoint) -> None:
        if self._utterance == request_id:
            self._utterance = None
        answered = self.view.state != "hearing"
        self.view = evolve(self.view, transcript="")
        if end.text:
            self._screen.say("you", end.text)
        if end.outcome == "request":
            self._ask(request_id)
        else:
            self._on("nothing")
        if end.recovered is not None:
            self.tell("what interrupted the answer was no speech: ask again to hear the rest")
        elif end.outcome == "protected":
            self.tell("the answer can't be interrupted here: yours comes behind it")
        elif end.outcome == "noise" and not answered:
            self.tell("nothing was understood")
        if end.speculative:
            tokens = sum(each.usage.llm_tokens or 0 for each in end.speculative)
            self.tell(f"asked at a pause, and cancelled as you went on: {len(end.speculative)} times, {tokens} tokens")

    async def _account(self, answer: PlayedAnswer, played_ms: float) -> None:
        """Show the receipt of what the ears have interrupted: an INTERRUPT of what has stopped is answered with it."""
        ack = await self._client.interrupt(answer.request_id, reason=SPOKEN, played_ms=played_ms)
        if (receipt := ack.receipts.get(answer.request_id)) is not None:
            for line in receipt_lines(receipt):
                self.tell(line)
