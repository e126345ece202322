"""A microphone of the library that is always open: sound in, and all that the session says out."""

from __future__ import annotations

from typing import Self

import trio

from voxint.arguments import Audio, check_not_negative, check_type
from voxint.core.audio import check_audio
from voxint.core.ears.ears import Ears
from voxint.core.events import Said
from voxint.core.interrupt import InterruptOrder
from voxint.core.listener import Listener
from voxint.core.receipt import Receipt
from voxint.core.registry import Interruption
from voxint.core.session import Session
from voxint.inside_trio import Block, within_block, within_trio

__all__ = ["OpenMicrophone"]


class OpenMicrophone:
    """Who streams a microphone, and hears what comes of it; made by `Conversation.listen_always`.

    Iterate over it for what the session says, each a `Said` with the id of its request: `Onset`, `Understood`,
    `Committed` and `Endpoint` of what a person says, then under the same id `Text`, `Voice`, `Called` and `Ended` of
    the answer; and `Held` and `Released` of an answer that somebody speaks over. Whoever plays the speech pauses at
    `Held` where it is, goes on at `Released` with the next sample, and throws away what it has of each id that a
    `Committed` names, or at an `Ended` that is interrupted. What is not read holds the model back.
    """

    def __init__(self, session: Session, block: Block, listener: Listener, ears: Ears) -> None:
        self._session = session
        self._block = block
        self._listener = listener
        self._ears = ears
        self._reading = False

    @within_block
    def send(self, audio: Audio) -> None:
        """Pass on the microphone's sound: s16le mono at the settings' input rate, any size. Never waits.

        Silence too: what is not sent has not happened, and after a second without sound an utterance is over. A piece
        may end in the middle of a sample: the next one goes on there.

        Raises:
            TypeError: It is no audio.
            ValueError: It is the beginning of a WAV file.
            RequestRefused: It is more at once, or more in all, than a microphone hears.
            UpstreamError: The voice detector has failed; it is told once, and tried again after a while.
            trio.ClosedResourceError: The block of `listen_always` has ended.
        """
        self._ears.feed(check_audio(audio, "audio"))

    @within_block
    def played(self, request_id: str, played_ms: float) -> None:
        """Report how many milliseconds of an answer's speech were heard; without it, a clock estimates.

        Raises:
            TypeError: An argument is of another type.
            ValueError: It is negative.
            trio.ClosedResourceError: As `send`.
        """
        check_type(request_id, str, "request_id")
        self._session.played(request_id, check_not_negative(played_ms, "played_ms"), self._listener)

    @within_trio
    def interrupt_nowait(
        self, request_id: str, reason: str = "USER_STOP", *, played_ms: float | None = None
    ) -> Interruption:
        """Cancel an answer, or an utterance that is being heard, now; `stopped` of the result waits for the proof.

        Raises:
            TypeError: An argument is of another type.
            ValueError: `played_ms` is negative.
        """
        check_type(request_id, str, "request_id")
        check_type(reason, str, "reason")
        if played_ms is not None:
            played_ms = check_not_negative(played_ms, "played_ms")
        return self._session.interrupt(request_id, InterruptOrder(reason, played_ms, self._listener))

    @within_trio
    async def interrupt(
        self, request_id: str, reason: str = "USER_STOP", *, played_ms: float | None = None
    ) -> Receipt | None:
        """Cancel an answer, wait until it has stopped, and return its receipt; None where there was nothing to stop.

        Bounded by `Limits.interrupt_s`. Cancelled, the answer stops all the same.
        """
        interruption = self.interrupt_nowait(request_id, reason, played_ms=played_ms)
        await interruption.stopped()
        return interruption.receipts.get(request_id)

    def __aiter__(self) -> Self:
        """Return the microphone itself: what is said is read once, and a reader may stop and go on."""
        return self

    @within_trio
    async def __anext__(self) -> Said:
        """Wait for what is said next; without bound, for a person may be silent. Ends with the microphone's block.

        Raises:
            trio.BusyResourceError: Another task is reading.
        """
        if self._reading:
            raise trio.BusyResourceError("another task is reading this microphone")
        self._reading = True
        try:
            said = await self._listener.next()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None
        finally:
            self._reading = False
        assert isinstance(said, Said), "nothing else is sent to a microphone"
        return said
