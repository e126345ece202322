"""`voxint demo` as a process: its model, the parts that can't be had, and its end while it loads."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.cli.demo_process import READY, path_with, url_in
from tests.cli.model_server import ModelServer, listing
from tests.cli.process import run_cli, start_cli
from tests.conftest import ABSENT
from tests.net.loopback import saying, serve
from tests.providers.kokoro_there import needs_kokoro
from voxint.assets import is_there
from voxint.client import connect
from voxint.providers.moonshine import FILES

TABLE = """
from voxint.cli import local_models

local_models.LOCAL = (local_models.Candidate("Some server", {port}),)
local_models.WITHIN_S = 20.0
"""
"""A sitecustomize.py: what a machine has that runs a model server at this port, and nothing else."""

PARTS = """
import trio
from attrs import evolve
from voxint.cli import demo_stages
from voxint.errors import ConfigError

class Slow:
    async def __aenter__(self):
        print("it loads", flush=True)
        await trio.sleep(60)

    async def __aexit__(self, *error): ...

class Broken(Slow):
    async def __aenter__(self):
        raise ConfigError("kokoro", "its model is not here: voxint models pull kokoro")

voice = demo_stages.demo_stage("tts", "sitecustomize:{voice}", {{}})
demo_stages.KOKORO = evolve(demo_stages.KOKORO, stage=voice, modules=frozenset())
demo_stages.MOONSHINE = demo_stages.POCKETSPHINX
"""
"""A sitecustomize.py: the demo's voice is one of these."""


async def test_a_model_on_this_machine_answers(tmp_path: Path) -> None:
    """It is found, woken before the server listens, named, and asked in the demo's words."""
    model_server = ModelServer(listing("big-70b", "small-3b"))
    async with serve(model_server.script) as upstream:
        (tmp_path / "sitecustomize.py").write_text(TABLE.format(port=upstream.port))
        arguments, env = ("demo", "--port", "0", "--light"), {"PYTHONPATH": path_with(tmp_path)}
        async with start_cli(*arguments, cwd=tmp_path, env=env) as demo:
            output = await demo.wait_for(READY)
            assert f"  model  small-3b (Some server at 127.0.0.1:{upstream.port})" in output
            assert "Another model (big-70b): --model NAME" in output
            assert len(model_server.asked) == 1
            async with connect(url_in(output)) as client:
                assert await (await client.send_text("Who are you?")).text() == "I am a real one."
    for asked in model_server.asked:
        assert asked["model"] == "small-3b"
        messages = asked["messages"]
        assert isinstance(messages, list)
        assert "without Markdown" in messages[0]["content"]
    assert {key for _, key in model_server.seen} == {""}


async def test_a_model_that_does_not_answer_gives_way_to_the_stand_in(tmp_path: Path) -> None:
    """It was found and not chosen; the demo says why."""
    model_server = ModelServer(listing("small-3b"), status=500)
    async with serve(model_server.script) as upstream:
        (tmp_path / "sitecustomize.py").write_text(TABLE.format(port=upstream.port))
        arguments, env = ("demo", "--port", "0", "--light"), {"PYTHONPATH": path_with(tmp_path)}
        async with start_cli(*arguments, cwd=tmp_path, env=env) as demo:
            output = await demo.wait_for(READY)
    assert "  model  the stand-in" in output
    assert "small-3b can't be used: the model's provider" in output
    assert f"127.0.0.1:{upstream.port} answered 500" in output


async def test_a_chosen_model_that_fails_is_an_error(tmp_path: Path) -> None:
    """One line, before anything listens; nothing takes its place."""
    async with serve(ModelServer(listing("m"), status=404).script) as upstream:
        done = await run_cli("demo", "--port", "0", "--light", "--llm", upstream.url, "--model", "m", cwd=tmp_path)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert f"127.0.0.1:{upstream.port} answered 404: it does not know the URL or the model m" in done.err
    assert "is ready" not in done.out


async def test_a_chosen_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """One line, and nothing has been loaded."""
    async with serve(saying(b"")) as gone:
        url = gone.url
    done = await run_cli("demo", "--port", "0", "--light", "--llm", url, cwd=tmp_path)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "cannot be reached" in done.err
    assert "espeak" not in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--llm", "sim", "--model", "m"), "leave out --model"),
        (("--llm", "11434"), "voxint: --llm: write an http or https URL"),
    ],
)
async def test_a_bad_flag_is_told_as_one(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    """With the code of those."""
    done = await run_cli("demo", "--port", "0", "--light", *arguments, cwd=tmp_path)
    assert done.code == 2
    assert words in done.err


async def test_a_voice_that_cannot_be_had_gives_way_to_the_next(tmp_path: Path) -> None:
    """With the words of who knows why."""
    pytest.importorskip("pocketsphinx")
    pytest.importorskip("espeakng_loader")
    (tmp_path / "sitecustomize.py").write_text(PARTS.format(voice="Broken"))
    arguments, env = ("demo", "--port", "0", "--llm", "sim"), {"PYTHONPATH": path_with(tmp_path)}
    async with start_cli(*arguments, cwd=tmp_path, env=env) as demo:
        output = await demo.wait_for(READY)
        await demo.wait_for('"tts": "espeak"')  # of the log, which comes by another way
    assert "  voice  espeak-ng (GPL-3.0)" in output
    assert "\nKokoro-82M can't be used: kokoro: its model is not here: voxint models pull kokoro\n" in output


async def test_a_demo_that_loads_ends_by_a_signal_at_once(tmp_path: Path) -> None:
    """As any program; what was started before is gone with it."""
    (tmp_path / "sitecustomize.py").write_text(PARTS.format(voice="Slow"))
    arguments, env = ("demo", "--port", "0", "--llm", "sim"), {"PYTHONPATH": path_with(tmp_path)}
    async with start_cli(*arguments, cwd=tmp_path, env=env) as demo:
        await demo.wait_for("it loads")
        demo.send(signal.SIGINT)
        with trio.fail_after(5):
            assert await demo.wait() == -signal.SIGINT
    assert "Traceback" not in demo.output


def test_on_a_terminal_something_moves_while_it_loads(tmp_path: Path) -> None:
    """And the cursor is there when it ends in the middle."""
    (tmp_path / "sitecustomize.py").write_text(PARTS.format(voice="Slow"))
    near, far = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VOXINT_")}
    env = kept | {"PYTHONPATH": path_with(tmp_path), "TERM": "xterm", "PYTHONUTF8": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "voxint", "demo", "--port", "0", "--llm", "sim"],
        cwd=tmp_path,
        env=env,
        stdin=far,
        stdout=far,
        stderr=far,
    )
    os.close(far)
    shown = b""
    try:
        while shown.count(b"voice") < 5:  # frames; the test's own time bounds it
            shown += os.read(near, 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT
    finally:
        process.kill()
        process.wait()
        os.close(near)
    assert b"Kokoro-82M" in shown
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")


@needs_kokoro
@pytest.mark.skipif(not all(map(is_there, FILES)), reason=f"the model Moonshine is {ABSENT}")
async def test_the_demo_speaks_and_listens_with_models(tmp_path: Path) -> None:
    """By default: Kokoro's voice says a question, and Moonshine's ears understand it, whatever the question is."""
    question = "The quick brown fox jumps over the lazy dog."
    async with start_cli("demo", "--port", "0", "--llm", "sim", cwd=tmp_path) as demo:
        output = await demo.wait_for(READY)
        assert "  ears   Moonshine tiny (English, MIT)" in output
        assert "  voice  Kokoro-82M" in output
        url = url_in(output)
        async with connect(url, require_tts=True) as client:
            reply = await client.send_text(question)
            assert (await reply.text()).startswith(f"This is what I heard: {question} ")
        spoken = await run_cli("say", "--url", url, "--out", "said.wav", "Can you hear me?", cwd=tmp_path)
        assert spoken.code == 0
        asked = await run_cli("say", "--url", url, "--no-voice", "said.wav", cwd=tmp_path)
    assert "can you hear me" in asked.out.lower()
