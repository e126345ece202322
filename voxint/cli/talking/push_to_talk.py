"""Push to talk: a key says when the person speaks, and what was said is an upload."""

from __future__ import annotations

import uuid
from typing import ClassVar

import trio
from attrs import define, field

from voxint.cli.talking.conversation import PlayedAnswer, Talk
from voxint.cli.talking.states import Event
from voxint.core.events import Event as Said
from voxint.core.events import Understood, Voice
from voxint.errors import Disconnected, ServerError

__all__ = ["PushToTalk"]

UNSENT = 500
"""Pieces of an utterance that wait for a slow network; ours: 10 s, after which the connection is no good for speech."""


@define(eq=False)
class _Upload:
    """What the person is saying, on its way."""

    voice: trio.MemorySendChannel[bytes]
    source: trio.MemoryReceiveChannel[bytes]
    asking: trio.CancelScope = field(factory=trio.CancelScope)
    asked: bool = False

    def say(self, audio: bytes) -> None:
        """Add what was heard; nobody is left to take it where the request has ended, or the network is far behind."""
        try:
            self.voice.send_nowait(audio)
        except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            return


class PushToTalk(Talk):
    """A conversation in which a key begins and ends what the person says."""

    key_event: ClassVar[Event] = "talk"
    _upload: _Upload | None = None

    async def _hear(self) -> None:
        while True:
            pcm = await self._next_sound()
            if self.view.state == "hearing" and self._upload is not None:
                self._upload.say(pcm)

    def _open(self, stopped: tuple[PlayedAnswer, float] | None) -> None:
        self._upload = upload = _Upload(*trio.open_memory_channel[bytes](UNSENT))
        self._nursery.start_soon(self._converse, upload, self._begin(f"req_{uuid.uuid4().hex}"), stopped)

    def _end(self) -> None:
        assert self._upload is not None
        self._upload.voice.close()

    def _silence(self) -> tuple[PlayedAnswer, float]:
        assert self._upload is not None
        self._upload.asking.cancel(reason="the person goes on before it was asked")
        self._upload.voice.close()
        return super()._silence()

    async def _converse(
        self, upload: _Upload, answer: PlayedAnswer, stopped: tuple[PlayedAnswer, float] | None
    ) -> None:
        """Ask, and attend to the answer."""
        if stopped is not None:
            # Its INTERRUPT goes in front of the REQUEST, which would interrupt without saying what was heard.
            await self._nursery.start(self._stop, *stopped, "USER_NEW_INPUT")
        try:
            with upload.asking:
                reply = await self._client.send_voice(upload.source, request_id=answer.request_id, require_tts=True)
                upload.asked = True
            if not upload.asked:
                return  # the INTERRUPT that goes out for it is kept in mind by the server, and answered
            async for event in reply:
                self._take(answer, event)
                if isinstance(event, Voice):
                    await self._speaker.room()
        except Disconnected:
            raise
        except ServerError as error:
            self._fail(answer, str(error))

    def _take(self, answer: PlayedAnswer, event: Said) -> None:
        match event:
            case Understood(text, is_final=False):
                self._show(answer, transcript=text)
            case Understood(text):
                self._show(answer, transcript="")
                if text:
                    self._screen.say("you", text)
                else:
                    self.tell("nothing was understood")
            case _:
                super()._take(answer, event)
