"""`voxint demo`, `voxint sim` and `voxint --version` as processes."""

from __future__ import annotations

import json
import re
import signal
import socket
import wave
from pathlib import Path

import pytest
import trio

from tests.cli.process import run_cli, start_cli
from voxint import __version__
from voxint.cli.sound import WavWriter
from voxint.client import connect
from voxint.core.stages import Speech
from voxint.providers.espeak import Espeak

NO_EXTRA = """
import importlib.util

found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "pocketsphinx" else found(name, package)
"""
"""A sitecustomize.py: Python imports it at its start."""


def url_in(output: str) -> str:
    """Return the address of the WebSocket that the demo printed."""
    found = re.search(r"is ready at (ws://\S+)", output)
    assert found is not None
    return found[1]


async def test_the_demo_is_a_whole_server_in_one_command(tmp_path: Path) -> None:
    """It listens, understands, answers and speaks, and says what it is: two stand-ins, in two languages."""
    pytest.importorskip("pocketsphinx")
    pytest.importorskip("espeakng_loader")
    async with start_cli("demo", "--port", "0", cwd=tmp_path) as demo:
        output = await demo.wait_for("Ctrl-C here ends the demo.")
        url = url_in(output)
        assert f'voxint say --url {url} "Tell me a story"' in output
        assert "给我讲个故事" in output
        assert "stand-in that answers from a script" in output
        assert "tell me a story · " in output
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


async def speak(words: str, path: Path) -> None:
    """Have the demo's synthesizer say the words into a WAV file, with a little silence round them."""
    text_in, text_out = trio.open_memory_channel[str](1)
    speech_in, speech_out = trio.open_memory_channel[Speech](1000)
    text_in.send_nowait(words)
    text_in.close()
    voice = Espeak(voice="en-us")
    await voice.synthesize(text_out, speech_in)
    speech_in.close()
    writer = WavWriter(path, voice.audio_format.rate)
    writer.write(bytes(voice.audio_format.bytes(400)))
    async for speech in speech_out:
        writer.write(speech.audio)
    writer.write(bytes(voice.audio_format.bytes(600)))
    writer.close()


async def test_the_demo_understands_a_sentence_of_its_grammar(tmp_path: Path) -> None:
    """Spoken by its own synthesizer, and said to it from a WAV file."""
    pytest.importorskip("pocketsphinx")
    pytest.importorskip("espeakng_loader")
    await speak("tell me a story", tmp_path / "question.wav")
    async with start_cli("demo", "--port", "0", cwd=tmp_path) as demo:
        url = url_in(await demo.wait_for("Ctrl-C here ends the demo."))
        arguments = ("say", "--url", url, "--no-voice", "--interrupt-after", "0.5", "question.wav")
        asked = await run_cli(*arguments, cwd=tmp_path)
    assert "understood: tell me a story" in asked.err
    assert asked.out.startswith("Once there was")


async def test_without_the_extra_the_demo_is_text_and_says_how_to_get_speech(tmp_path: Path) -> None:
    """One command to install it."""
    (tmp_path / "sitecustomize.py").write_text(NO_EXTRA)
    async with start_cli("demo", "--port", "0", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}) as demo:
        output = await demo.wait_for("Ctrl-C here ends the demo.")
        assert "pip install 'voxint[speech]'" in output
        assert "recogniser" not in output
        async with connect(url_in(output), require_tts=True) as client:
            assert "I am only a stand-in" in await (await client.send_text("What time is it?")).text()


async def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    """As with serve."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = await run_cli("demo", "--port", str(port), cwd=tmp_path)
    assert done.code == 1
    assert f"voxint: 127.0.0.1 port {port} is taken" in done.err
    assert "Traceback" not in done.err


async def test_check_reaches_every_provider(tmp_path: Path) -> None:
    """One line each; exit code 1 as soon as one fails, the others are tried all the same."""
    (tmp_path / "voice.py").write_text(
        "from voxint import AudioFormat\n"
        "class Voice:\n"
        "    audio_format = AudioFormat(16_000)\n"
        "    async def synthesize(self, text, out): ...\n"
    )
    async with start_cli("sim", cwd=tmp_path) as sim:
        base_url = json.loads((await sim.wait_for("}\n")).strip())["base_url"]
        llm = f'[llm]\nprovider = "openai_chat"\nmodel = "sim"\nbase_url = "{base_url}"\n'
        (tmp_path / "good.toml").write_text(f'{llm}[tts]\nprovider = "voice:Voice"\n')
        good = await run_cli("check", "good.toml", cwd=tmp_path)
        sim.send(signal.SIGINT)
        assert await sim.wait() == 0
    assert good.code == 0
    assert [line.split()[:2] for line in good.out.splitlines()] == [["config", "ok"], ["llm", "ok"], ["tts", "ok"]]
    bad = await run_cli("check", "good.toml", cwd=tmp_path)
    assert bad.code == 1
    assert [line.split()[:2] for line in bad.out.splitlines()] == [["config", "ok"], ["llm", "FAILED"], ["tts", "ok"]]
    assert "cannot be reached" in bad.out
    wrong = await run_cli("check", "good.toml", "--set", "server.port=x", cwd=tmp_path)
    assert (wrong.code, wrong.err) == (2, "voxint: --set server.port: write a whole number\n")


async def test_the_version_is_told(tmp_path: Path) -> None:
    """By the program's name."""
    done = await run_cli("--version", cwd=tmp_path)
    assert (done.code, done.out) == (0, f"voxint {__version__}\n")
