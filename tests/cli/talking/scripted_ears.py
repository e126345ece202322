"""A server that listens by itself, played by the test: what it says, and what it is told, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import trio
from attrs import define, field

from tests.cli.sound_card.fake_card import FakeCard
from tests.cli.talking.rig import HEARD, VOICE, Notebook, Rig, conversing
from voxint.cli.sound_card.loudspeaker import Loudspeaker
from voxint.cli.sound_card.microphone import CardMicrophone
from voxint.cli.sound_card.portaudio import agreed, find_device
from voxint.cli.talking.hands_free import HandsFree
from voxint.client import Client
from voxint.core.events import Event, Said
from voxint.protocol import messages as m
from voxint.protocol.receipt import FramedReceipt

__all__ = ["Scene", "open_scene"]


class _Ears:
    """What `listen_always` gives."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.tell, self._told = trio.open_memory_channel[Said](1_000)

    async def __aenter__(self) -> _Ears:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass

    async def send(self, audio: bytes) -> None:
        self.heard += audio

    def __aiter__(self) -> _Ears:
        return self

    async def __anext__(self) -> Said:
        return await self._told.receive()


@define(eq=False)
class ScriptedClient:
    """The part of a client that a conversation hands free uses.

    Attributes:
        interrupts: Each INTERRUPT: the id, the reason, and what was heard.
        reports: Each PLAYED: the instant, the id, and what was heard.
        receipts: What the next interrupts are answered with, by id.
        ears: What `listen_always` gives.
    """

    interrupts: list[tuple[str, str, float]] = field(factory=list)
    reports: list[tuple[float, str, float]] = field(factory=list)
    receipts: dict[str, FramedReceipt] = field(factory=dict)
    ears: _Ears = field(factory=_Ears)

    def listen_always(self) -> _Ears:
        """Open the microphone."""
        return self.ears

    def played(self, request_id: str, played_ms: float) -> None:
        """Note a report."""
        self.reports.append((trio.current_time(), request_id, played_ms))

    async def interrupt(self, request_id: str, *, reason: str, played_ms: float) -> m.InterruptAck:
        """Note an INTERRUPT; its acknowledgement comes a quarter of a second later."""
        self.interrupts.append((request_id, reason, played_ms))
        await trio.sleep(0.25)
        receipt = self.receipts.get(request_id)
        return m.InterruptAck(
            interrupt_request_id=request_id,
            interrupted_request_ids=(request_id,),
            status="SUCCESS",
            message="",
            outcomes={},
            receipts={} if receipt is None else {request_id: receipt},
        )

    async def wait_disconnected(self) -> None:
        """Wait for ever: this connection lasts."""
        await trio.sleep_forever()


@define(eq=False)
class Scene:
    """A conversation hands free with a server that the test plays."""

    rig: Rig
    client: ScriptedClient

    def say(self, request_id: str, *events: Event) -> None:
        """Have the server say something."""
        for event in events:
            self.client.ears.tell.send_nowait(Said(request_id, event, spoken=True))

    async def after(self, seconds: float) -> str:
        """Let time go by; return the state."""
        await trio.sleep(seconds)
        return self.rig.conversation.view.state

    @property
    def lines(self) -> list[str]:
        """What was written for good."""
        return self.rig.notebook.lines


@asynccontextmanager
async def open_scene() -> AsyncGenerator[Scene]:
    """Converse for the block, on the test's own clock."""
    card, client = FakeCard(), ScriptedClient()
    output, input = find_device(card, "output"), find_device(card, "input")
    speaker = Loudspeaker(output, agreed(card, output, VOICE.rate), VOICE, trio.current_time)
    microphone = CardMicrophone(input, agreed(card, input, HEARD.rate), HEARD)
    for opener, rate, callback in (
        (card.RawOutputStream, VOICE.rate, speaker.fill),
        (card.RawInputStream, HEARD.rate, microphone.take),
    ):
        opener(samplerate=rate, channels=1, callback=callback).start()
    conversation = HandsFree(cast("Client", client), microphone, speaker, Notebook(), "hands free")
    async with conversing(conversation, card, speaker) as rig:
        yield Scene(rig, client)
