"""One answer of `say` on its way to the terminal and the loudspeaker."""

from __future__ import annotations

from math import inf

import trio
from attrs import frozen

from voxint.cli.failures import FAILED, tell
from voxint.cli.receipts import receipt_lines
from voxint.cli.speakers import Mute, PlayerGone, Speaker
from voxint.cli.terminal import RunningLine, echo, note
from voxint.client import RemoteReply
from voxint.core.audio import AudioFormat
from voxint.core.events import Called, Ended, Text, Understood, Voice
from voxint.core.playout import LETTERS_PER_S
from voxint.core.tokens import count_letters

__all__ = ["ShownAnswer", "Sound", "time_left"]

TEXT_PAUSE_S = 1.0
"""Seconds without text from which the time is shown: a model that writes has the terminal to itself. Ours."""

TEXT_OVER_S = 5.0
"""Seconds without text after which an answer that nobody hears is taken for complete: no frame says so before its
speech has ended. Ours: longer than models pause between two words."""


@frozen
class Sound:
    """What becomes of an answer's speech.

    Args:
        doing: As the running line has it: ``playing``, or ``writing answer.wav``.
        audio_format: The speech's.
        missing: What to tell where none came at all; empty: that is no failure.
    """

    doing: str = "playing"
    audio_format: AudioFormat = AudioFormat()
    missing: str = ""


class ShownAnswer:
    """Prints and plays an answer.

    Args:
        reply: The answer.
        speaker: Takes its speech.
        sound: What that is.
    """

    def __init__(self, reply: RemoteReply, speaker: Speaker, sound: Sound = Sound()) -> None:
        self._reply = reply
        self._speaker = speaker
        self._sound = sound
        self._line = RunningLine(below_text=True)
        self._text = ""
        self._spoken_ms = 0.0
        self._t_text = inf
        self._unheard = trio.CancelScope()
        self._stopping = False
        self._told = trio.Event()

    async def attend(self) -> int:
        """Print and play until the end; where it was interrupted, until the receipt has been shown.

        Returns:
            The exit code: an answer that we interrupted is a success, one that the server did not end is none, and one
            without the speech that was asked for.
        """
        try:
            with self._unheard:
                if not await self._show_all():
                    return FAILED
            if self._unheard.cancelled_caught:
                return await self._end_with_text()
            if not self._stopping:
                await self._speaker.finish()  # an interruption comes in time until the last sound
        finally:
            self._line.clear()
        if self._stopping:
            await self._told.wait()  # bounded by the client's own limit for an acknowledgement
            return 0
        self._tell_times()
        if self._sound.missing and not self._spoken_ms:
            tell(self._sound.missing)
            return FAILED
        return 0

    @property
    def begun(self) -> bool:
        """Whether any of it was shown or played."""
        return bool(self._text or self._spoken_ms)

    def go_on_without_sound(self, gone: PlayerGone) -> None:
        """Play nothing more, and end when the text is complete; tells a person so."""
        self._speaker = Mute()
        self._unheard.deadline = trio.current_time() + TEXT_OVER_S
        self._line.clear()
        note("", f"{gone}: the rest is text, and it ends when that is here (--out FILE writes the speech down)")

    async def tell_time(self) -> None:
        """Show once a second, on a terminal, how long the speech still lasts. Ends with the answer, cancelled."""
        while self._line.works:
            await trio.sleep(1)
            if self._spoken_ms and trio.current_time() - self._t_text >= TEXT_PAUSE_S:
                self._line.show(f"{self._sound.doing}: {time_left(self._text, self._spoken_ms)} (Ctrl-C ends it)")

    async def interrupt(self) -> None:
        """Fall silent at once, stop the answer, and show the receipt; the first call does."""
        if self._stopping:
            return
        self._stopping = True
        played_ms = self._speaker.played_ms
        self._speaker.silence()
        receipt = await self._reply.interrupt("USER_STOP", played_ms=played_ms)
        took_s = (self._reply.t_ack or 0.0) - (self._reply.t_interrupt or 0.0)
        self._line.clear()
        note("", *receipt_lines(receipt, took_s))
        self._told.set()

    async def _show_all(self) -> bool:
        """Show every event; return whether the answer was ended by itself, or from here."""
        async for event in self._reply:
            match event:
                case Text(text):
                    self._show_text(text)
                case Voice(audio):
                    await self._play(audio)
                case Understood(text, is_final):
                    if is_final:
                        self._note(f"understood: {text}" if text else "understood: nothing")
                case Called(name):
                    self._note(f"the model calls {name}")
                case Ended(interrupted, reason):
                    self._end_text()
                    if interrupted and not self._stopping:
                        self._speaker.silence()
                        note(f"the server ended the answer: {reason}")
                        return False
        return True

    def _show_text(self, text: str) -> None:
        self._line.clear()
        echo(text, nl=False)
        self._text += text
        self._t_text = trio.current_time()
        if self._unheard.deadline < inf:
            self._unheard.deadline = self._t_text + TEXT_OVER_S

    def _end_text(self) -> None:
        if not self._line.clear():  # else it has a line of its own already
            echo()

    def _note(self, words: str) -> None:
        self._line.clear()
        note(words)

    async def _play(self, audio: bytes) -> None:
        self._spoken_ms += self._sound.audio_format.bytes_ms(len(audio))
        self._t_text = min(self._t_text, trio.current_time())
        try:
            await self._speaker.play(audio)
        except PlayerGone as gone:
            self.go_on_without_sound(gone)

    async def _end_with_text(self) -> int:
        """End an answer of which nobody hears what is left; return the exit code: was its text complete?"""
        self._end_text()
        if self._stopping:
            await self._told.wait()
            return 0
        receipt = await self._reply.interrupt("USER_STOP")
        if receipt is not None and receipt.stages.get("llm") != "finished":
            tell(f"nothing came for {TEXT_OVER_S:g} s, so it was ended before its end: ask again with --no-voice")
            return FAILED
        self._tell_times()
        return 0

    def _tell_times(self) -> None:
        reply = self._reply
        began = reply.t_input_end
        marks = (("first text", reply.t_first_text), ("first speech", reply.t_first_voice))
        if began is not None:
            note(", ".join(f"{name} after {(at - began) * 1000:.0f} ms" for name, at in marks if at is not None))


def time_left(text: str, spoken_ms: float) -> str:
    """Return how long a text has been spoken and about how long it still will be, as far as that can be reckoned."""
    left_s = count_letters(text) / LETTERS_PER_S - spoken_ms / 1000
    so_far = f"{spoken_ms / 1000:.0f} s"
    return f"{so_far}, about {left_s:.0f} s left" if left_s >= 1 else so_far
