"""`voxint demo` as a process."""

from __future__ import annotations

import signal
import socket
import sys
import wave
from pathlib import Path

from tests.cli.demo_process import READY, path_with, url_in
from tests.cli.process import run_cli, start_cli
from tests.docs.pages import ROOT
from tests.needs import needs_light_speech
from tests.providers.spoken import speak
from voxint.cli.sound import WavWriter
from voxint.client import connect
from voxint.providers.espeak import Espeak

NO_EXTRA = """
import importlib.util

found = importlib.util.find_spec
missing = {"pocketsphinx", "espeakng_loader", "onnxruntime"}
importlib.util.find_spec = lambda name, package=None: None if name in missing else found(name, package)
"""
"""A sitecustomize.py, which Python imports at its start: nothing that speaks or listens is installed."""

LIGHT = ("demo", "--port", "0", "--light", "--llm", "sim")
"""What every machine has, whatever else there is on it."""


@needs_light_speech
async def test_the_demo_is_a_whole_server_in_one_command(tmp_path: Path) -> None:
    """It listens, understands, answers and speaks, and says what each part of it is, in two languages."""
    # Without `voxint` on the search path: what it says to type works all the same.
    async with start_cli(*LIGHT, cwd=tmp_path, env={"PATH": "/nonexistent"}) as demo:
        output = await demo.wait_for(READY)
        url = url_in(output)
        assert f'  {sys.executable} -m voxint say --url {url} "Tell me a story"' in output
        assert "给我讲个故事" in output
        assert "  ears   pocketsphinx (" in output
        assert "  voice  espeak-ng (GPL-3.0)" in output
        assert "  model  the stand-in (no language model" in output
        assert "tell me a story ·" in output
        assert "can't be used" not in output
        assert output.index("loading voice: espeak-ng") < output.index("voice ready after") < output.index(url)
        asked = await run_cli(
            "say", "--url", url, "--interrupt-after", "1", "--out", "a.wav", "Tell me a story", cwd=tmp_path
        )
        assert asked.code == 0
        assert "Once there was a lighthouse keeper" in asked.out
        assert "interrupted (USER_STOP)" in asked.err
        with wave.open(str(tmp_path / "a.wav")) as file:
            assert file.getnframes() > 0
        demo.send(signal.SIGINT)
        assert await demo.wait() == 0


async def record(words: str, path: Path) -> None:
    """Have the demo's synthesizer say the words into a WAV file, with a little silence round them."""
    async with Espeak(voice="en-us") as voice:
        spoken = await speak(voice, words)
    writer = WavWriter(path, voice.audio_format.rate)
    writer.write(bytes(voice.audio_format.bytes(400)))
    for speech in spoken:
        writer.write(speech.audio)
    writer.write(bytes(voice.audio_format.bytes(600)))
    writer.close()


@needs_light_speech
async def test_the_demo_understands_a_sentence_of_its_grammar(tmp_path: Path) -> None:
    """Spoken by its own synthesizer, and said to it from a WAV file."""
    await record("tell me a story", tmp_path / "question.wav")
    async with start_cli(*LIGHT, cwd=tmp_path) as demo:
        url = url_in(await demo.wait_for(READY))
        arguments = ("say", "--url", url, "--no-voice", "--interrupt-after", "0.5", "question.wav")
        asked = await run_cli(*arguments, cwd=tmp_path)
    assert "understood: tell me a story" in asked.err
    assert asked.out.startswith("Once there was")


async def test_without_the_extra_the_demo_is_text_and_says_how_to_get_speech(tmp_path: Path) -> None:
    """One command to install it."""
    (tmp_path / "sitecustomize.py").write_text(NO_EXTRA)
    arguments = ("demo", "--port", "0", "--llm", "sim")
    async with start_cli(*arguments, cwd=tmp_path, env={"PYTHONPATH": path_with(tmp_path)}) as demo:
        output = await demo.wait_for(READY)
        assert f"without onnxruntime: pip install '{ROOT}[speech]'" in output
        assert "Text only" in output
        assert "FILE.wav" not in output
        async with connect(url_in(output), require_tts=True) as client:
            assert "I am only a stand-in" in await (await client.send_text("What time is it?")).text()
            heard = await (await client.send_text("Rain in Spain, they say?")).text()
            assert heard.startswith("This is what I heard: Rain in Spain, they say? ")


async def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    """As with serve, and before a person has waited for anything."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = await run_cli("demo", "--port", str(port), *LIGHT[3:], cwd=tmp_path)
    assert done.code == 1
    assert f"voxint: 127.0.0.1 port {port} is taken" in done.err
    assert done.out == ""
    assert "Traceback" not in done.err
