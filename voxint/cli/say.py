"""`voxint say`: talk to any voxint server from a terminal."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import click
import trio
from attrs import frozen

from voxint.cli.failures import FAILED, run, tell
from voxint.cli.shown_answer import ShownAnswer, Sound
from voxint.cli.sound import names_sound, read_sound
from voxint.cli.speakers import PLAYERS, Mute, PlayerGone, Speaker, find_player, open_speaker
from voxint.cli.terminal import note
from voxint.client import Client, connect
from voxint.core.audio import AudioFormat
from voxint.errors import ServerError

__all__ = ["DEFAULT_URL", "say"]

DEFAULT_URL = "ws://127.0.0.1:8765/ws/agent/stream"

MICROPHONE = AudioFormat(16_000)
VOICE_RATE = 24_000  # in Hz, most synthesizers' own rate; what is made at a lower one loses nothing by it
PIECE_MS = 20.0

NO_SPEECH = "the server has no voice (no [tts] in its configuration), or found nothing in it to say aloud"

ANSWER_IN = {"en": "Answer in English.", "zh": "请用中文回答。"}


@frozen
class SayOptions:
    """What the command line asked for.

    Args:
        text: The words to say, or None where `voice` is sent.
        voice: PCM in the format of `MICROPHONE`.
        spoken: Whether the answer is to be spoken.
        insists: Whether an answer without speech is a failure.
        out: The WAV file for the answer's speech.
        player: The program that plays it.
        interrupt_after_s: Seconds from the end of the question to an interruption.
    """

    text: str | None
    voice: bytes
    spoken: bool
    insists: bool
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
            insists=voice is True,
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
    audio_format = AudioFormat(client.registered.audio.output_rate or VOICE_RATE)
    async with AsyncExitStack() as stack:
        spoken = options.spoken
        speaker: Speaker = Mute()
        try:
            opened = open_speaker(audio_format.rate, out=options.out, player=options.player)
            speaker = await stack.enter_async_context(opened)
        except PlayerGone as gone:
            if options.insists:
                tell(f"{gone}: add --out FILE, or --no-voice")
                return FAILED
            note(f"{gone}: no sound here, so the answer is text only (--out FILE writes its speech down)")
            spoken = False
        nursery = await stack.enter_async_context(trio.open_nursery())
        asked = trio.Event()
        if options.text is not None:
            reply = await client.send_text(options.text, require_tts=spoken)
            asked.set()
        else:
            reply = await client.send_voice(_spoken(options.voice, asked), require_tts=spoken)
        answer = ShownAnswer(reply, speaker, _sound(options, audio_format))
        nursery.start_soon(_obey_ctrl_c, answer, nursery)
        nursery.start_soon(answer.tell_time)
        if options.interrupt_after_s is not None:
            nursery.start_soon(_interrupt_later, answer, asked, options.interrupt_after_s)
        code = await answer.attend()
        nursery.cancel_scope.cancel(reason="the answer is over")
    return code


def _sound(options: SayOptions, audio_format: AudioFormat) -> Sound:
    if options.out is not None:
        missing = f"the answer came without speech, so nothing is written to {options.out}: {NO_SPEECH}"
        return Sound(f"writing {options.out}", audio_format, missing)
    return Sound("playing", audio_format, f"the answer came without speech: {NO_SPEECH}" if options.insists else "")


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
