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
from voxint.cli.talking.hands_free import FEATURES, HandsFree
from voxint.cli.talking.keys import has_keys, read_keys, single_keys, watch_signals
from voxint.cli.talking.push_to_talk import PushToTalk
from voxint.cli.talking.screen import Screen, draw, open_screen
from voxint.cli.terminal import echo
from voxint.client import Client, connect
from voxint.client.traffic import Notice
from voxint.core.audio import AudioFormat
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
        keys: Whether single keys can be read.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    prompt: str | None = None
    push_to_talk: bool = False
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
@click.option("--input", "microphone", metavar="DEVICE", help="The microphone: a number, or a part of its name.")
@click.option("--output", "loudspeaker", metavar="DEVICE", help="The loudspeaker, likewise.")
@click.option("--devices", is_flag=True, help="List the devices, and end.")
@click.option("--api-key", envvar="VOXINT_API_KEY", show_envvar=True, help="The key, where the server wants one.")
@click.option("--lang", metavar="CODE", help="Ask for answers in a language: en, zh or another code.")
def talk(
    url: str,
    push_to_talk: bool,
    microphone: str | None,
    loudspeaker: str | None,
    devices: bool,
    api_key: str | None,
    lang: str | None,
) -> None:
    """Talk with a server, hands free: speak, listen, and speak again to interrupt the answer.

    The microphone is always open, and the server hears when you speak. The answer pauses at once; it goes on where it
    was after a cough or a "mm-hm", and is cut off by a sentence. Space or Ctrl-C cuts it off too; Ctrl-C while nothing
    is spoken quits, and so does q. Each time the receipt is shown.

    There is no echo canceller: the server compares what it hears with the answer it speaks. Where an answer still
    interrupts itself, use headphones, turn it down, or --push-to-talk. Needs the extra `audio`.
    """
    place = place_of_url("--url")

    async def main() -> int:
        card = load_portaudio()
        if devices:
            lines = device_lines(card)
            echo("\n".join(lines) if lines else "no devices")
            return 0
        options = TalkOptions(checked_url(url, place), api_key, prompt_for(lang), push_to_talk, keys=has_keys())
        if push_to_talk and not options.keys:
            raise ConfigError("--push-to-talk", "keys are read from a terminal, and this is none: talk hands free")
        chosen = Devices(card, find_device(card, "input", microphone), find_device(card, "output", loudspeaker))
        with single_keys() if options.keys else nullcontext(), open_screen() as screen:
            return await converse(options, chosen, screen)

    run(main)


async def converse(options: TalkOptions, devices: Devices, screen: Screen) -> int:
    """Connect, and converse until a key or a signal ends it.

    Args:
        options: What was asked for.
        devices: Where the person is heard, and the answers.
        screen: Where it is shown.

    Returns:
        The exit code.

    Raises:
        VoxintError: The server can't be reached, refuses or has no ears, the connection was lost, or a device can't be
            opened.
        OSError: A device is gone.
    """

    def tell_notice(notice: Notice) -> None:
        screen.say("note", f"the server says: {_words(notice)}")

    try:
        async with connect(
            options.url,
            api_key=options.api_key,
            require_tts=True,
            features=("transcripts", "binary_audio", *(() if options.push_to_talk else FEATURES)),
            input_rate=MICROPHONE.rate,
            output_rate=VOICE_RATE,
            system_prompt=options.prompt,
            on_notice=tell_notice,
        ) as client:
            if not options.push_to_talk:
                _check_ears(client)
            return await _hold(client, options, devices, screen)
    except* PlayerGone as group:
        raise OSError(f"{next(leaves(group))} Connect it, and start again.") from None
    except* ServerError as refused:
        raise _first(refused, options) from None


def _check_ears(client: Client) -> None:
    """Check that the server listens by itself.

    Raises:
        ConfigError: It does not.
    """
    if missing := [each for each in FEATURES if each not in client.registered.features]:
        raise ConfigError(
            "--url",
            f"this server does not listen by itself (it grants no {missing[0]}): talk by a key with --push-to-talk, or "
            "give the server a voice detector ([vad] in its configuration)",
        )


async def _hold(client: Client, options: TalkOptions, devices: Devices, screen: Screen) -> int:
    """Open the devices, and hold the conversation."""
    voice = AudioFormat(client.registered.audio.output_rate or VOICE_RATE)
    async with AsyncExitStack() as stack:
        speaker = await stack.enter_async_context(open_loudspeaker(devices.card, devices.output, voice))
        microphone = await stack.enter_async_context(open_microphone(devices.card, devices.input, MICROPHONE))
        way = PushToTalk if options.push_to_talk else HandsFree
        conversation = way(client, microphone, speaker, screen, options.how)
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
