"""`voxint talk`: a conversation by voice with any voxint server, from a terminal."""

from __future__ import annotations

from contextlib import AsyncExitStack, nullcontext

import click
import trio
from attrs import field, frozen

from voxint.cli.failures import run
from voxint.cli.reaching import checked_url, place_of_url, refused_key
from voxint.cli.say import DEFAULT_URL, MICROPHONE, VOICE_RATE, prompt_for
from voxint.cli.sound_card.loudspeaker import open_loudspeaker
from voxint.cli.sound_card.microphone import open_microphone
from voxint.cli.sound_card.portaudio import Device, PortAudio, device_lines, find_device, load_portaudio
from voxint.cli.speakers import PlayerGone
from voxint.cli.talking.conversation import Talk
from voxint.cli.talking.hearing import Hearing
from voxint.cli.talking.keys import has_keys, read_keys, single_keys, watch_signals
from voxint.cli.talking.screen import Screen, draw, open_screen
from voxint.cli.terminal import echo
from voxint.client import Client, connect
from voxint.client.traffic import Notice
from voxint.core.audio import AudioFormat
from voxint.core.voice_activity import VoiceDetector
from voxint.errors import ConfigError, ServerError, VoxintError
from voxint.logs import leaves
from voxint.protocol.messages import SessionWarn, Shutdown

__all__ = ["Devices", "TalkOptions", "converse", "talk"]


@frozen
class TalkOptions:
    """What the command line asked for.

    Args:
        url: The server's WebSocket.
        api_key: The key, if there is one.
        prompt: What the model is told of the answer's language.
        push_to_talk: Whether a key says when the person speaks.
        headphones: Whether the microphone does not hear the loudspeaker.
        keys: Whether single keys can be read.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    prompt: str | None = None
    push_to_talk: bool = False
    headphones: bool = False
    keys: bool = False

    @property
    def how(self) -> str:
        """What can be done, as the screen tells it."""
        return "push to talk" if self.push_to_talk else "hands free" if self.keys else "no keys"


@frozen
class Devices:
    """The devices of a conversation.

    Args:
        card: Whose they are.
        input: The microphone.
        output: The loudspeaker.
    """

    card: PortAudio
    input: Device
    output: Device


@click.command()
@click.option("--url", default=DEFAULT_URL, envvar="VOXINT_URL", show_default=True, help="The server's WebSocket.")
@click.option("--push-to-talk", is_flag=True, help="Space begins to talk, and space again ends it.")
@click.option("--headphones", is_flag=True, help="The microphone does not hear the loudspeaker: interrupt at a word.")
@click.option("--input", "microphone", metavar="DEVICE", help="The microphone: a number, or a part of its name.")
@click.option("--output", "loudspeaker", metavar="DEVICE", help="The loudspeaker, likewise.")
@click.option("--devices", is_flag=True, help="List the devices, and end.")
@click.option("--api-key", envvar="VOXINT_API_KEY", show_envvar=True, help="The key, where the server wants one.")
@click.option("--lang", metavar="CODE", help="Ask for answers in a language: en, zh or another code.")
def talk(
    url: str,
    push_to_talk: bool,
    headphones: bool,
    microphone: str | None,
    loudspeaker: str | None,
    devices: bool,
    api_key: str | None,
    lang: str | None,
) -> None:
    """Talk with a server, hands free: speak, listen, and speak again to interrupt the answer.

    Space or Ctrl-C interrupts too, and shows the receipt; Ctrl-C while nothing is spoken quits, and so does q.

    There is no echo canceller here. While an answer plays, a voice has to be louder than the loudspeaker and last a
    quarter of a second to interrupt; with --headphones a word is enough. Where the answer interrupts itself, use
    headphones, turn it down, or --push-to-talk. Needs the extra `audio`, and `speech` for hands free.
    """
    place = place_of_url("--url")

    async def main() -> int:
        card = load_portaudio()
        if devices:
            lines = device_lines(card)
            echo("\n".join(lines) if lines else "no devices")
            return 0
        options = TalkOptions(
            checked_url(url, place), api_key, prompt_for(lang), push_to_talk, headphones, keys=has_keys()
        )
        if push_to_talk and not options.keys:
            raise ConfigError("--push-to-talk", "keys are read from a terminal, and this is none: talk hands free")
        chosen = Devices(card, find_device(card, "input", microphone), find_device(card, "output", loudspeaker))
        async with AsyncExitStack() as stack:
            detector = None if push_to_talk else await _detector(stack)
            stack.enter_context(single_keys() if options.keys else nullcontext())
            return await converse(options, chosen, detector, stack.enter_context(open_screen()))

    run(main)


async def _detector(stack: AsyncExitStack) -> VoiceDetector:
    """Load the voice detector, for as long as the stack is open."""
    from voxint.providers.silero import Silero  # imported here: onnxruntime is not needed to push to talk

    try:
        return await stack.enter_async_context(Silero())
    except ConfigError as error:
        raise ConfigError(
            "voice detector", f"talking hands free needs one, or use --push-to-talk: {error.expected}"
        ) from error


async def converse(options: TalkOptions, devices: Devices, detector: VoiceDetector | None, screen: Screen) -> int:
    """Connect, and converse until a key or a signal ends it.

    Args:
        options: What was asked for.
        devices: Where the person is heard, and the answers.
        detector: Says when the person speaks; None: a key does.
        screen: Where it is shown.

    Returns:
        The exit code.

    Raises:
        VoxintError: The server can't be reached or refuses, the connection was lost, or a device can't be opened.
        OSError: A device is gone.
    """

    def tell_notice(notice: Notice) -> None:
        screen.say("note", f"the server says: {_words(notice)}")

    try:
        async with connect(
            options.url,
            api_key=options.api_key,
            require_tts=True,
            features=("transcripts", "binary_audio"),
            input_rate=MICROPHONE.rate,
            output_rate=VOICE_RATE,
            system_prompt=options.prompt,
            on_notice=tell_notice,
        ) as client:
            return await _hold(client, options, devices, detector, screen)
    except* PlayerGone as group:
        raise OSError(f"{next(leaves(group))} Connect it, and start again.") from None
    except* ServerError as refused:
        raise _first(refused, options) from None


async def _hold(
    client: Client, options: TalkOptions, devices: Devices, detector: VoiceDetector | None, screen: Screen
) -> int:
    """Open the devices, and hold the conversation."""
    voice = AudioFormat(client.registered.audio.output_rate or VOICE_RATE)
    async with AsyncExitStack() as stack:
        speaker = await stack.enter_async_context(open_loudspeaker(devices.card, devices.output, voice))
        microphone = await stack.enter_async_context(open_microphone(devices.card, devices.input, MICROPHONE))
        hearing = None
        if detector is not None:
            hearing = Hearing(detector, guarded=not options.headphones)
            stack.callback(hearing.close)
        conversation = Talk(client, microphone, speaker, hearing, screen, options.how)
        async with trio.open_nursery() as nursery:
            await nursery.start(conversation.run)
            nursery.start_soon(draw, screen, lambda: conversation.view)
            nursery.start_soon(watch_signals, conversation.obey)
            if options.keys:
                nursery.start_soon(read_keys, conversation.press)
            await conversation.ended.wait()  # as long as the person likes
            nursery.cancel_scope.cancel(reason="the conversation is over")
        return conversation.code


def _first(group: BaseExceptionGroup[ServerError], options: TalkOptions) -> VoxintError:
    error = next(leaves(group))
    assert isinstance(error, ServerError)
    return refused_key(error, given=bool(options.api_key))


def _words(notice: Notice) -> str:
    """Return what a server said of its own accord, as a person reads it."""
    match notice:
        case Shutdown(reason=reason):
            return f"it goes down ({reason})"
        case SessionWarn(message=message):
            return message
    return f"{notice.error_code}: {notice.error_msg}"
