"""`voxint say`: talk to any voxint server from a terminal."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import click
import trio
from attrs import frozen

from voxint.cli.failures import FAILED, run
from voxint.cli.receipts import receipt_lines
from voxint.cli.sound import names_sound, read_sound
from voxint.cli.speakers import PLAYERS, Mute, PlayerGone, Speaker, find_player, open_speaker
from voxint.cli.terminal import echo, note
from voxint.client import Client, RemoteReply, connect
from voxint.core.audio import AudioFormat
from voxint.core.events import Called, Ended, Text, Understood, Voice
from voxint.errors import ServerError

__all__ = ["DEFAULT_URL", "say"]

DEFAULT_URL = "ws://127.0.0.1:8765/ws/agent/stream"

MICROPHONE = AudioFormat(16_000)
VOICE_RATE = 24_000  # in Hz, most synthesizers' own rate; what is made at a lower one loses nothing by it
PIECE_MS = 20.0

ANSWER_IN = {"en": "Answer in English.", "zh": "请用中文回答。"}


@frozen
class SayOptions:
    """What the command line asked for.

    Args:
        text: The words to say, or None where `voice` is sent.
        voice: PCM in the format of `MICROPHONE`.
        spoken: Whether the answer is to be spoken.
        out: The WAV file for the answer's speech.
        player: The program that plays it.
        interrupt_after_s: Seconds from the end of the question to an interruption.
    """

    text: str | None
    voice: bytes
    spoken: bool
    out: Path | None
    player: str | None
    interrupt_after_s: float | None


@click.command()
@click.argument("what", metavar="TEXT|FILE")
@click.option("--url", default=DEFAULT_URL, envvar="VOXINT_URL", show_default=True, help="The server's WebSocket.")
@click.option("--voice/--no-voice", default=None, help="Have the answer spoken. [default: where it can be played]")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the answer's speech to a WAV file.")
@click.option(
    "--interrupt-after", type=click.FloatRange(min=0), metavar="SECONDS", help="Interrupt so long after the question."
)
@click.option("--api-key", envvar="VOXINT_API_KEY", show_envvar=True, help="The key, where the server wants one.")
@click.option("--lang", metavar="CODE", help="Ask for answers in a language: en, zh or another code.")
def say(
    what: str,
    url: str,
    voice: bool | None,
    out: Path | None,
    interrupt_after: float | None,
    api_key: str | None,
    lang: str | None,
) -> None:
    """Say TEXT, or what a sound FILE holds, to a server, and print and play the answer.

    The answer's text goes to standard output, all else to standard error. Ctrl-C interrupts the answer and shows the
    receipt of what was stopped; a second Ctrl-C quits. FILE is WAV, FLAC, OGG, MP3 and the like, of any rate and
    channels, and needs the extra `speech`; it is sent as fast as it was spoken.
    """
    player = None if out or voice is False else find_player()
    if voice and out is None and player is None:
        raise click.UsageError(f"there is no player here ({', '.join(PLAYERS)}): add --out FILE, or --no-voice")

    async def main() -> int:
        is_sound = names_sound(what)
        options = SayOptions(
            text=None if is_sound else what,
            voice=read_sound(Path(what), MICROPHONE.rate) if is_sound else b"",
            spoken=out is not None or player is not None,
            out=out,
            player=player,
            interrupt_after_s=interrupt_after,
        )
        prompt = None if lang is None else ANSWER_IN.get(lang, f"Answer in the language with the code {lang}.")
        try:
            async with connect(
                url,
                api_key=api_key,
                require_tts=options.spoken,
                features=("transcripts", "binary_audio"),
                input_rate=MICROPHONE.rate,
                output_rate=VOICE_RATE,
                system_prompt=prompt,
            ) as client:
                return await _converse(client, options)
        except ServerError as error:
            if error.code == "AUTH_FAILED":
                raise click.UsageError("the server wants a key that it knows: --api-key, or VOXINT_API_KEY") from error
            raise

    if what.strip():
        run(main)
    raise click.UsageError("there is nothing to say")


async def _converse(client: Client, options: SayOptions) -> int:
    """Ask, and attend to the answer until its end or its interruption; return the exit code."""
    async with (
        open_speaker(
            client.registered.audio.output_rate or VOICE_RATE, out=options.out, player=options.player
        ) as speaker,
        trio.open_nursery() as nursery,
    ):
        asked = trio.Event()
        if options.text is not None:
            reply = await client.send_text(options.text)
            asked.set()
        else:
            reply = await client.send_voice(_spoken(options.voice, asked))
        answer = ShownAnswer(reply, speaker)
        nursery.start_soon(_obey_ctrl_c, answer, nursery)
        if options.interrupt_after_s is not None:
            nursery.start_soon(_interrupt_later, answer, asked, options.interrupt_after_s)
        code = await answer.attend()
        nursery.cancel_scope.cancel(reason="the answer is over")
    return code


class ShownAnswer:
    """One answer on its way to the terminal and the loudspeaker.

    Args:
        reply: The answer.
        speaker: Takes its speech.
    """

    def __init__(self, reply: RemoteReply, speaker: Speaker) -> None:
        self._reply = reply
        self._speaker = speaker
        self._stopping = False
        self._told = trio.Event()

    async def attend(self) -> int:
        """Print and play until the end; where it was interrupted, until the receipt has been shown.

        Returns:
            The exit code: an answer that we interrupted is a success, one that the server did not end is none.
        """
        async for event in self._reply:
            match event:
                case Text(text):
                    echo(text, nl=False)
                case Voice(audio):
                    await self._play(audio)
                case Understood(text, is_final):
                    if is_final:
                        note(f"understood: {text}" if text else "understood: nothing")
                case Called(name):
                    note(f"the model calls {name}")
                case Ended(interrupted, reason):
                    echo()
                    if interrupted and not self._stopping:
                        self._speaker.silence()
                        note(f"the server ended the answer: {reason}")
                        return FAILED
        if not self._stopping:
            await self._speaker.finish()  # an interruption comes in time until the last sound
        if self._stopping:
            await self._told.wait()  # bounded by the client's own limit for an acknowledgement
        else:
            self._tell_times()
        return 0

    async def interrupt(self) -> None:
        """Fall silent at once, stop the answer, and show the receipt; the first call does."""
        if self._stopping:
            return
        self._stopping = True
        self._speaker.silence()
        receipt = await self._reply.interrupt("USER_STOP")
        took_s = (self._reply.t_ack or 0.0) - (self._reply.t_interrupt or 0.0)
        note("", *receipt_lines(receipt, took_s))
        self._told.set()

    async def _play(self, audio: bytes) -> None:
        try:
            await self._speaker.play(audio)
        except PlayerGone as gone:
            self._speaker = Mute()
            note("", f"{gone}; the answer goes on without sound (--out FILE writes it down)")

    def _tell_times(self) -> None:
        reply = self._reply
        began = reply.t_input_end
        marks = (("first text", reply.t_first_text), ("first speech", reply.t_first_voice))
        if began is not None:
            note(", ".join(f"{name} after {(at - began) * 1000:.0f} ms" for name, at in marks if at is not None))


async def _obey_ctrl_c(answer: ShownAnswer, nursery: trio.Nursery) -> None:
    """Interrupt at the first Ctrl-C, quit at the second. Waits as long as the answer lasts, and is cancelled then."""
    with trio.open_signal_receiver(signal.SIGINT) as signals:
        await anext(aiter(signals))
        nursery.start_soon(answer.interrupt)
        await anext(aiter(signals))
    raise KeyboardInterrupt


async def _interrupt_later(answer: ShownAnswer, asked: trio.Event, seconds: float) -> None:
    await asked.wait()  # bounded by the length of the sound file
    await trio.sleep(seconds)
    await answer.interrupt()


async def _spoken(voice: bytes, asked: trio.Event) -> AsyncIterator[bytes]:
    """Yield the voice as fast as it was spoken: a recogniser need not keep up with more, and partial results show."""
    piece = MICROPHONE.bytes(PIECE_MS)
    began = trio.current_time()
    for sent in range(0, len(voice), piece):
        await trio.sleep_until(began + MICROPHONE.bytes_ms(sent) / 1000)
        yield voice[sent : sent + piece]
    asked.set()
