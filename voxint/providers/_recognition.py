"""Streaming by a recogniser that hears a sound as a whole: it hears the speech so far, again and again as it grows.

One task reads the audio and cuts the speech out of it; another has it recognised. Whoever settles a stretch goes before
all who only look at one that goes on, so partial transcripts become rarer under load, and finals hardly later.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing

import trio
import trio.abc

from voxint.background import open_background
from voxint.core.audio import BYTES_PER_SAMPLE
from voxint.core.stages import Transcript
from voxint.core.turns import Shared
from voxint.core.voice_activity import VoiceDetector, VoiceStream
from voxint.errors import UpstreamError
from voxint.providers._recognition_speech import Cuts, Recognised, SpeechCutter, Stretch

__all__ = ["Desk", "recognise"]

LOOK_S = 0.2
"""Seconds between two looks at the speech so far. Ours: about a syllable."""

FIRST_S = 0.1
"""Seconds from when speech is known to be some to the first look. Ours: of less a model makes words of nothing."""

REST = 0.5
"""After a look, so much of the time that it took passes before the next: one caller leaves a third of a core to others,
and a word is still shown within 0.4 s in a stretch of 10 s."""

AHEAD_S = 1.0
"""Audio so far ahead of the clock comes from a file, and nobody looks on. Ours: a microphone's buffers hold less."""

STEP_MS = 100.0
"""Audio that the detector hears at once, which takes it 0.4 ms: all other tasks wait for so long."""

WAITING_MS = 60_000.0
"""Speech that may wait to be recognised, until no more audio is read. Ours: 2 MB."""


class Desk:
    """Where recognisers are asked: each has one question at a time, in fair turns.

    Args:
        ask: Has a sound recognised, with a hint of what was made of its beginning.
        count: How many are asked at once.
        wait_s: Seconds that a final waits for its turn.
        lets_go: Whether a recogniser lets go at once of a question that nobody wants answered any more; else the answer
            is waited for, rather than lose the process.
    """

    def __init__(
        self, ask: Callable[[bytes, bytes], Awaitable[Recognised]], count: int, wait_s: float, *, lets_go: bool = True
    ) -> None:
        self.ask = ask
        self.lets_go = lets_go
        self._turns = Shared(*range(count))
        self._count = count
        self._wait_s = wait_s

    @asynccontextmanager
    async def turn_to_settle(self) -> AsyncGenerator[None]:
        """Have a turn for the block.

        Raises:
            UpstreamError: None came in time.
        """
        turn = None
        with trio.move_on_after(self._wait_s):
            turn = await self._turns.take()
        if turn is None:
            detail = f"all {self._count} for {self._wait_s:g} s: raise workers, or set fewer seats"
            raise UpstreamError("every recogniser is busy; try again later", operator_detail=detail)
        try:
            yield
        finally:
            self._turns.put(turn)

    @asynccontextmanager
    async def turn_to_look(self) -> AsyncGenerator[None]:
        """Have a turn for the block when nobody waits to settle; without bound, for whoever looks may be called off."""
        async with self._turns.turn(patient=True):
            yield


async def recognise(
    audio: trio.abc.ReceiveChannel[bytes],
    out: trio.abc.SendChannel[Transcript],
    detector: VoiceDetector,
    desk: Desk,
    cuts: Cuts,
    hint: bytes = b"",
) -> None:
    """Write transcripts of the speech in `audio`: partials as it grows, a final for each stretch, at least one in all.

    Args:
        audio: In the detector's format.
        out: Where the transcripts go.
        detector: Tells what is speech.
        desk: Where it is recognised.
        cuts: Where it is cut.
        hint: What the recogniser is told of each stretch before it has heard anything of it, in its own code.

    Raises:
        UpstreamError: A recogniser failed, or none had time.
    """
    with closing(detector.open()) as voice:
        speech = SpeechCutter(detector.audio_format, detector.window_samples, cuts)
        recognition = _Recognition(voice, speech, desk, out, hint)
        async with open_background() as nursery:
            nursery.start_soon(recognition.read, audio, detector)
            await recognition.write()


class _Recognition:
    """One utterance: what its two tasks share.

    Args:
        voice: The detector's stream.
        speech: The speech that was cut out of the audio.
        desk: Where it is recognised.
        out: Where the transcripts go.
        hint: What is known of all of it.
    """

    def __init__(
        self, voice: VoiceStream, speech: SpeechCutter, desk: Desk, out: trio.abc.SendChannel[Transcript], hint: bytes
    ) -> None:
        self._voice = voice
        self._speech = speech
        self._desk = desk
        self._out = out
        self._hint = hint
        self._all_read = False
        self._news = trio.Event()  # for the task that writes: audio has come
        self._room = trio.Event()  # for the task that reads: a stretch has gone
        self._began_at = trio.current_time()
        self._settled_any = False
        # Of the look that goes on, or was the last: how it is called off, what it covers, when it began, what it took.
        self._look: trio.CancelScope | None = None
        self._look_covers = 0
        self._looked_at = -math.inf
        self._look_took_s = 0.0

    async def read(self, audio: trio.abc.ReceiveChannel[bytes], detector: VoiceDetector) -> None:
        """Read the audio to its end, and cut the speech out of it."""
        step = detector.audio_format.bytes(STEP_MS)
        async for pcm in audio:
            for start in range(0, len(pcm), step):
                self._feed(pcm[start : start + step])
                await trio.lowlevel.checkpoint()
            while self._speech.waiting_ms > WAITING_MS:
                self._room = trio.Event()
                await self._room.wait()  # a stretch goes within the bounds of the desk and of a recogniser
        silence = bytes((detector.window_samples - 1) * BYTES_PER_SAMPLE)
        self._speech.hear(self._voice.feed(silence), trio.current_time())  # so that the last window is heard too
        self._speech.finish()
        self._all_read = True
        self._tell()

    async def write(self) -> None:
        """Have the speech recognised and write what was understood, until all was read."""
        while not self._all_read or self._speech.ended:
            news = self._news = trio.Event()
            stretch = self._speech.open
            if self._speech.ended:
                await self._settle(self._speech.ended[0])
                self._speech.ended.popleft()
                self._room.set()
            elif stretch is not None and trio.current_time() >= self._look_at(stretch):
                await self._look_at_once(stretch)
            else:
                with trio.move_on_at(math.inf if stretch is None else self._look_at(stretch)):
                    await news.wait()  # else for as long as whoever feeds the audio says nothing: its bound
        if not self._settled_any:
            await self._out.send(Transcript("", is_final=True))

    def _feed(self, pcm: bytes) -> None:
        self._speech.feed(pcm, self._voice.feed(pcm), trio.current_time())
        self._tell()

    def _tell(self) -> None:
        """Tell the task that writes that audio has come, and call off a look that is overtaken by it."""
        self._news.set()
        ended = self._speech.ended
        if self._look is None or not ended or self._look_covers == ended[0].end:
            return
        if self._desk.lets_go or not self._look_covers:
            self._look.cancel(reason="the stretch has ended, and is settled instead")

    def _look_at(self, stretch: Stretch) -> float:
        """Return when to look at a stretch that goes on: `math.inf` for not before more of it has come."""
        now = trio.current_time()
        is_live = self._speech.position_s <= now - self._began_at + AHEAD_S
        if not is_live or self._speech.end_of(stretch) <= stretch.covered:
            return math.inf
        if stretch.paused:  # who has paused may have ended: then all is known already
            return now
        return max(stretch.since + FIRST_S, self._looked_at + max(LOOK_S, (1 + REST) * self._look_took_s))

    async def _look_at_once(self, stretch: Stretch) -> None:
        """Show what is understood of a stretch so far; called off where the stretch has ended."""
        self._look_covers = 0
        with trio.CancelScope() as self._look:
            async with self._desk.turn_to_look():
                self._looked_at = trio.current_time()
                self._look_covers = self._speech.end_of(stretch)
                stretch.heard = await self._ask(stretch)
                stretch.covered = self._look_covers
                self._look_took_s = trio.current_time() - self._looked_at
        self._look = None
        if stretch.end is None and stretch.heard.text not in ("", stretch.shown):
            stretch.shown = stretch.heard.text
            await self._out.send(Transcript(stretch.shown, is_final=False))

    async def _ask(self, stretch: Stretch) -> Recognised:
        return await self._desk.ask(self._speech.sound_of(stretch), stretch.heard.hint or self._hint)

    async def _settle(self, stretch: Stretch) -> None:
        """Write the final of a stretch: what was made of it last, where that was neither less of it nor more."""
        if stretch.covered != stretch.end:
            async with self._desk.turn_to_settle():
                stretch.heard = await self._ask(stretch)
        if stretch.heard.text or stretch.shown:
            self._settled_any = True
            await self._out.send(Transcript(stretch.heard.text, is_final=True))
