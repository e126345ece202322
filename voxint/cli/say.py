"""`voxint say`: talk to any voxint server from a terminal."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import click
import trio
from attrs import define, evolve, field, frozen

from voxint.cli.failures import FAILED, run, tell
from voxint.cli.reaching import checked_url, place_of_url, refused_key
from voxint.cli.shown_answer import ShownAnswer, Sound
from voxint.cli.sound import names_sound, read_sound
from voxint.cli.sound_card.loudspeaker import Output, find_output, open_loudspeaker
from voxint.cli.speakers import PLAYERS, PlayerGone, Speaker, find_player, open_speaker
from voxint.cli.terminal import note
from voxint.client import Client, connect
from voxint.core.audio import AudioFormat
from voxint.core.encodable import encodable
from voxint.errors import ConfigError, ServerError

__all__ = ["DEFAULT_URL", "MICROPHONE", "VOICE_RATE", "prompt_for", "say"]

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
        url: The server's WebSocket.
        api_key: The key, if there is one.
        prompt: What the model is told of the answer's language.
        text: The words to say, or None where `voice` is sent.
        voice: PCM in the format of `MICROPHONE`.
        spoken: Whether the answer is to be spoken.
        insists: Whether an answer without speech is a failure.
        out: The WAV file for the answer's speech.
        output: The loudspeaker that plays it.
        player: The program that plays it where there is no such.
        interrupt_after_s: Seconds from the end of the question to an interruption.
    """

    url: str
    api_key: str | None = field(repr=False)
    prompt: str | None
    text: str | None
    voice: bytes
    spoken: bool
    insists: bool
    out: Path | None
    output: Output | None
    player: str | None
    interrupt_after_s: float | None


def prompt_for(lang: str | None) -> str | None:
    """Return what a model is told of the language of its answers, by a code such as ``en``."""
    return None if lang is None else ANSWER_IN.get(lang, f"Answer in the language with the code {lang}.")


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
    output = None if out or voice is False else find_output()
    player = None if out or voice is False else find_player()
    place = place_of_url("--url")

    async def main() -> int:
        _check(what, voice=voice, out=out, can_play=output is not None or player is not None)
        is_sound = names_sound(what)
        options = SayOptions(
            url=checked_url(url, place),
            api_key=api_key,
            prompt=prompt_for(lang),
            text=None if is_sound else what,
            voice=read_sound(Path(what), MICROPHONE.rate) if is_sound else b"",
            spoken=out is not None or output is not None or player is not None,
            insists=voice is True,
            out=out,
            output=output,
            player=player,
            interrupt_after_s=interrupt_after,
        )
        code = await _say(options)
        if code is None:  # in another session: the model is to read nothing of a question that was asked before
            code = await _say(evolve(options, spoken=False, output=None, player=None))
        return FAILED if code is None else code

    run(main)


def _check(what: str, *, voice: bool | None, out: Path | None, can_play: bool) -> None:
    """Refuse what can't be done, before anybody is asked anything."""
    if not what.strip():
        raise ConfigError("TEXT|FILE", "there is nothing to say: write some words, or the name of a sound file")
    if not names_sound(what) and encodable(what) != what:
        raise ConfigError("TEXT|FILE", "the text is not in the encoding of this terminal: write it in UTF-8")
    if out is not None and voice is False:
        raise ConfigError("--out", "this writes speech to a file, and --no-voice asks for none: leave one of them out")
    if out is not None and names_sound(out.name) and out.suffix.lower() != ".wav":
        raise ConfigError("--out", f"{out}: speech is written as WAV alone: name a file that ends in .wav")
    if voice and out is None and not can_play:
        raise ConfigError("--voice", f"there is no player here ({', '.join(PLAYERS)}): add --out FILE, or --no-voice")


async def _say(options: SayOptions) -> int | None:
    """Open a session and converse; otherwise as `_converse`."""
    try:
        async with connect(
            options.url,
            api_key=options.api_key,
            require_tts=options.spoken,
            features=("transcripts", "binary_audio"),
            input_rate=MICROPHONE.rate,
            output_rate=VOICE_RATE,
            system_prompt=options.prompt,
        ) as client:
            return await _converse(client, options)
    except ServerError as error:
        raise refused_key(error, given=bool(options.api_key)) from error


async def _converse(client: Client, options: SayOptions) -> int | None:
    """Ask, and attend to the answer until its end or its interruption.

    Returns:
        The exit code; None where there turned out to be no sound before anything of the answer was there: it is to
        be asked for as text.
    """
    audio_format = AudioFormat(client.registered.audio.output_rate or VOICE_RATE)
    code: int | None = None
    async with _open_speaker(options, audio_format) as speaker:
        async with trio.open_nursery() as nursery:
            asked = trio.Event()
            if options.text is not None:
                reply = await client.send_text(options.text, require_tts=options.spoken)
                asked.set()
            else:
                reply = await client.send_voice(_spoken(options.voice, asked), require_tts=options.spoken)
            answer = ShownAnswer(reply, speaker, _sound(options, audio_format))
            silence = _Silence(speaker, answer, options.insists)
            nursery.start_soon(silence.watch, nursery.cancel_scope)
            nursery.start_soon(_obey_ctrl_c, answer, nursery)
            nursery.start_soon(answer.tell_time)
            if options.interrupt_after_s is not None:
                nursery.start_soon(_interrupt_later, answer, asked, options.interrupt_after_s)
            code = await answer.attend()
            nursery.cancel_scope.cancel(reason="the answer is over")
        if silence.gone is None:
            return code
        if options.insists:
            tell(f"{silence.gone}: add --out FILE, or --no-voice")
            return FAILED
        note(f"{silence.gone}: no sound here, so the answer is text only (--out FILE writes its speech down)")
        return None


@asynccontextmanager
async def _open_speaker(options: SayOptions, audio_format: AudioFormat) -> AsyncGenerator[Speaker]:
    """Open what takes the speech: a file, the sound card, or a player where its device can't be had."""
    async with AsyncExitStack() as stack:
        speaker: Speaker | None = None
        if options.output is not None:
            try:
                opened = open_loudspeaker(options.output.card, options.output.device, audio_format)
                speaker = await stack.enter_async_context(opened)
            except ConfigError:
                if options.player is None:
                    raise
        if speaker is None:
            opening = open_speaker(audio_format.rate, out=options.out, player=options.player)
            speaker = await stack.enter_async_context(opening)
        yield speaker


@define(eq=False)
class _Silence:
    """Whether an answer is spoken for nobody, which shows while it is asked for.

    Args:
        speaker: What plays it.
        answer: The answer.
        insists: Whether it is of no use then.
    """

    _speaker: Speaker
    _answer: ShownAnswer
    _insists: bool
    gone: PlayerGone | None = None
    """Why it was given up."""

    async def watch(self, scope: trio.CancelScope) -> None:
        """Give the answer up where the player ends before any of it was there; once it is, its text goes on."""
        gone = await self._speaker.early_end()
        if gone is None:
            return
        if self._answer.begun and not self._insists:
            self._answer.go_on_without_sound(gone)
            return
        self.gone = gone
        scope.cancel(reason="there is no sound")


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
