"""The page over a real demo server, with a microphone that says what it is told to: for pictures of what happens."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import trio
from playwright.sync_api import Page

from tests.providers.spoken import speak
from voxint.providers.kokoro import Kokoro

__all__ = ["Sounds", "demo_server", "give_voice", "say", "spoken_by_a_person"]

Sounds = dict[str, tuple[bytes, int]]
"""What can be said, by its name: PCM and its rate."""

PERSON = "am_michael"
"""Who asks: another voice than that of the answers."""

MICROPHONE = """() => {
  // One context for the whole page, which plays what is said into the stream that the page takes for a microphone.
  const context = new AudioContext();
  const heard = context.createMediaStreamDestination();
  const floor = context.createOscillator();
  const quiet = context.createGain();
  quiet.gain.value = 1e-4;
  floor.connect(quiet).connect(heard);
  floor.start();
  navigator.mediaDevices.getUserMedia = async () => (await context.resume(), heard.stream.clone());
  window.says = async (base64, rate) => {
    const samples = new Int16Array(Uint8Array.from(atob(base64), (each) => each.charCodeAt(0)).buffer);
    const buffer = context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32768), 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(heard);
    source.start();
  };
}"""


@contextmanager
def demo_server() -> Iterator[str]:
    """Run the demo with its stand-in model, and its real voice and ears; gives the page's address."""
    command = [sys.executable, "-m", "voxint", "demo", "--llm", "sim", "--port", "0", "--log-level", "error"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            told = (re.search(r"Open (http\S+) in a browser", line) for line in server.stdout)  # until it has ended
            yield next(found[1] for found in told if found)
        finally:
            server.terminate()


def spoken_by_a_person(texts: Mapping[str, str]) -> Sounds:
    """Say texts in a voice that isn't the answers'."""

    async def all_of_them() -> Sounds:
        async with Kokoro(PERSON) as stage:
            return {
                name: (b"".join([piece.audio for piece in await speak(stage, text)]), stage.audio_format.rate)
                for name, text in texts.items()
            }

    return trio.run(all_of_them)


def give_voice(page: Page) -> None:
    """Have the page take what `say` says for its microphone."""
    page.add_init_script(f"({MICROPHONE})()")


def say(page: Page, sound: tuple[bytes, int]) -> None:
    """Say something into the page's microphone, from now on."""
    pcm, rate = sound
    page.evaluate("([base64, rate]) => says(base64, rate)", [base64.b64encode(pcm).decode(), rate])
