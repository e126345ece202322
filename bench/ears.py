"""What open microphones cost while nobody speaks: ``python -m bench ears``.

They are fed in this process as a browser's audio worklet sends them, with the detector's model and without a server:
what sockets and frames cost is the same whether or not anybody hears them.
"""

from __future__ import annotations

import random
import time
from array import array
from collections.abc import Iterator, Sequence
from typing import Literal, cast, get_args

import click
import msgspec
import trio
from attrs import frozen
from rich.console import Console
from rich.table import Table

from voxint.core.audio import BYTES_PER_SAMPLE, AudioFormat
from voxint.core.ears.sound import MicrophoneSound
from voxint.core.voice_activity import VoiceDetector
from voxint.errors import ConfigError
from voxint.printable import printable
from voxint.providers.silero import Silero

__all__ = ["Cost", "cost", "ears"]

RATES = (16_000, 48_000)
"""The detector's own, and a browser's."""

FRAME_BYTES = 86
"""Of a live microphone's frame, 2.7 ms at 16 kHz: the tiniest that `measuring.md` has."""

KEPT_MS = 3_000.0
"""Of its sound that a microphone keeps here."""

ROOM = 10
"""The largest sample of a quiet room, some 70 dB below full scale."""

Sound = Literal["room", "zeros"]


@frozen
class Cost:
    """What some microphones cost.

    Args:
        rate: Their sample rate.
        sound: A quiet room's, or that of a microphone that is switched off.
        microphones: How many.
        window_us: Microseconds of processor time for a window of the detector, with all that led to it.
        cores: Of one core, how much they need all together; 1: the whole of it.
    """

    rate: int
    sound: Sound
    microphones: int
    window_us: float
    cores: float


def cost(detector: VoiceDetector, rate: int, sound: Sound, microphones: int, seconds: float) -> Cost:
    """Measure what microphones cost of this process's time, fed in turn, a frame each.

    Args:
        detector: Entered.
        rate: Of the microphones.
        sound: What they hear.
        microphones: How many.
        seconds: Of sound that each of them is fed.
    """
    source = AudioFormat(rate)
    pcm = _pcm(sound, source.samples(seconds * 1000))
    frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
    opened = [MicrophoneSound(detector, source, kept_ms=KEPT_MS) for _ in range(microphones)]
    for offset, each in enumerate(opened):  # so that their windows don't end together
        each.feed(bytes(BYTES_PER_SAMPLE * (offset * source.samples(32) // microphones)))
    windows, began = 0, time.process_time()
    for frame in frames:
        for each in opened:
            windows += len(each.feed(frame))
    took_s = time.process_time() - began
    for each in opened:
        each.close()
    return Cost(rate, sound, microphones, round(took_s / windows * 1e6, 1), round(took_s / seconds, 3))


def _pcm(sound: Sound, samples: int) -> bytes:
    if sound == "zeros":
        return bytes(BYTES_PER_SAMPLE * samples)
    noise = random.Random(1)
    return array("h", (noise.randint(-ROOM, ROOM) for _ in range(samples))).tobytes()


async def _costs(microphones: int, seconds: float) -> list[Cost]:
    async with Silero() as detector:
        return [cost(detector, rate, sound, microphones, seconds) for rate in RATES for sound in SOUNDS]


SOUNDS = cast("Sequence[Sound]", get_args(Sound))


@click.command()
@click.option("--microphones", default=100, show_default=True, type=click.IntRange(1), help="That are open at once.")
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(1), help="Of sound for each.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def ears(microphones: int, seconds: float, *, as_json: bool) -> None:
    """Measure what open microphones cost while nobody speaks. Half a minute."""
    try:
        costs = trio.run(_costs, microphones, seconds)
    except ConfigError as error:
        raise click.ClickException(printable(str(error))) from error
    if as_json:
        click.echo(msgspec.json.encode(costs))
    else:
        Console().print(_table(costs))


def _table(costs: Sequence[Cost]) -> Table:
    table = Table()
    for column in ("microphones", "rate", "sound", "µs for a window", "cores"):
        table.add_column(column, justify="left" if column == "sound" else "right")
    for row in _rows(costs):
        table.add_row(*row)
    return table


def _rows(costs: Sequence[Cost]) -> Iterator[tuple[str, ...]]:
    for each in costs:
        yield (str(each.microphones), str(each.rate), each.sound, f"{each.window_us:.0f}", f"{each.cores:.2f}")
