"""`voxint say` as a process, against a server of this process with scripted stages."""

from __future__ import annotations

import re
import signal
import wave
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.cli.process import LIMIT_S, run_cli, start_cli
from voxint.core.agent import Agent, Limits
from voxint.core.stages import Delta, ModelOutput, Turn
from voxint.server.config import ServerConfig
from voxint.server.serve import Server, serve
from voxint.testing.stages import FOREVER, HEAR, REPEAT, ScriptedEars, ScriptedModel, ScriptedVoice

NO_PLAYER = {"PATH": "/nonexistent"}


@asynccontextmanager
async def serving(agent: Agent, config: ServerConfig = ServerConfig(port=0)) -> AsyncGenerator[Server]:
    """Serve while the block runs."""
    async with trio.open_nursery() as nursery:

        async def start(task_status: trio.TaskStatus[Server]) -> None:
            await serve(agent, config, task_status=task_status)

        yield await nursery.start(start)
        nursery.cancel_scope.cancel()


async def test_text_is_answered_on_standard_output(tmp_path: Path) -> None:
    """And nothing else is there, so that it can be piped on; how fast it was stands on standard error."""
    async with serving(Agent(llm=ScriptedModel("It is ", "half past nine."))) as server:
        done = await run_cli("say", "--url", server.url, "What time is it?", cwd=tmp_path, env=NO_PLAYER)
    assert (done.code, done.out) == (0, "It is half past nine.\n")
    assert "first text after" in done.err


async def test_speech_is_written_to_a_wav_file(tmp_path: Path) -> None:
    """At the rate that was agreed on; the scripted voice speaks 16 characters a second."""
    async with serving(Agent(llm=ScriptedModel("Good evening all."), tts=ScriptedVoice())) as server:
        done = await run_cli("say", "--url", server.url, "--out", "answer.wav", "Hello", cwd=tmp_path)
    assert done.code == 0
    with wave.open(str(tmp_path / "answer.wav")) as file:
        assert (file.getframerate(), file.getnframes()) == (24_000, 17 * 24_000 // 16)


async def test_speech_goes_to_a_player_that_is_installed(tmp_path: Path) -> None:
    """As PCM on its standard input."""
    env = install(tmp_path, f"exec /bin/cat > {tmp_path}/played")
    async with serving(Agent(llm=ScriptedModel("Good evening all."), tts=ScriptedVoice())) as server:
        done = await run_cli("say", "--url", server.url, "Hello", cwd=tmp_path, env=env)
    assert (done.code, done.out) == (0, "Good evening all.\n")
    assert re.fullmatch(r"first text after \d+ ms, first speech after \d+ ms\n", done.err)  # and no running line
    assert (tmp_path / "played").stat().st_size == 2 * 17 * 24_000 // 16


def install(folder: Path, script: str) -> dict[str, str]:
    """Put a player there that does what the shell script says; return the environment in which it is found."""
    player = folder / "paplay"
    player.write_text(f"#!/bin/sh\n{script}\n")
    player.chmod(0o755)
    return {"PATH": str(folder)}


async def test_without_a_sound_device_the_answer_is_text(tmp_path: Path) -> None:
    """It says why, and nothing is spoken for nobody; whoever wants to hear it is told that it can't be.

    The answer is asked for in a session of its own, where the model reads nothing of the one that was given up.
    """
    env = install(tmp_path, "echo 'no such device' >&2; exit 1")
    voice, model = ScriptedVoice(), ScriptedModel(2.0, "Good evening all.")
    async with serving(Agent(llm=model, tts=voice)) as server:
        done = await run_cli("say", "--url", server.url, "Hello", cwd=tmp_path, env=env)
        assert (done.code, done.out) == (0, "Good evening all.\n")
        assert "paplay has stopped (no such device): no sound here, so the answer is text only" in done.err
        assert not any(call.given for call in voice.calls)
        assert model.calls
        assert all([each.content for each in call.given[0].messages] == ["Hello"] for call in model.calls)
        done = await run_cli("say", "--url", server.url, "--voice", "Hello", cwd=tmp_path, env=env)
        assert (done.code, done.out) == (1, "")
        assert done.err == "voxint: paplay has stopped (no such device): add --out FILE, or --no-voice\n"


async def test_speech_that_was_asked_for_and_did_not_come_is_a_failure(tmp_path: Path) -> None:
    """The text is printed; no empty file is written, and an old one stands."""
    (tmp_path / "old.wav").write_text("old")
    env = install(tmp_path, "exec /bin/cat > /dev/null")
    async with serving(Agent(llm=ScriptedModel("Good evening all."))) as server:
        for out in ("new.wav", "old.wav"):
            done = await run_cli("say", "--url", server.url, "--out", out, "Hello", cwd=tmp_path, env=env)
            assert (done.code, done.out) == (1, "Good evening all.\n")
            said = f"voxint: the answer came without speech, so nothing is written to {out}: the server has no voice"
            assert said in done.err
        assert not (tmp_path / "new.wav").exists()
        assert (tmp_path / "old.wav").read_text() == "old"
        done = await run_cli("say", "--url", server.url, "--voice", "Hello", cwd=tmp_path, env=env)
        assert (done.code, done.out) == (1, "Good evening all.\n")
        assert "voxint: the answer came without speech: the server has no voice (no [tts] in its" in done.err
        done = await run_cli("say", "--url", server.url, "Hello", cwd=tmp_path, env=env)
        assert (done.code, done.out) == (0, "Good evening all.\n")


async def test_a_wav_file_is_said_as_it_was_spoken(tmp_path: Path) -> None:
    """The recogniser gets all of it, resampled; what it understood is shown."""
    with wave.open(str(tmp_path / "question.wav"), "wb") as file:
        file.setparams((2, 2, 44_100, 0, "NONE", ""))
        file.writeframes(bytes(4 * 22_050))
    ears = ScriptedEars(HEAR, "tell me a story")
    async with serving(Agent(llm=ScriptedModel("Once."), stt=ears)) as server:
        done = await run_cli("say", "--url", server.url, "question.wav", cwd=tmp_path, env=NO_PLAYER)
    assert (done.code, done.out) == (0, "Once.\n")
    assert "understood: tell me a story" in done.err
    assert sum(map(len, ears.calls[0].given)) == 16_000


async def test_ctrl_c_interrupts_and_shows_the_receipt(tmp_path: Path) -> None:
    """The model has stopped when it is shown; the program has done what it was asked to."""
    model = ScriptedModel("word ", 0.05, REPEAT)
    async with serving(Agent(llm=model, tts=ScriptedVoice())) as server:
        async with start_cli("say", "--url", server.url, "--out", "a.wav", "Hello", cwd=tmp_path) as say:
            await say.wait_for("word word")
            say.send(signal.SIGINT)
            assert await say.wait() == 0
            assert "interrupted (USER_STOP): stopped in " in say.output
            assert "stages  llm closed, tts " in say.output
            assert "heard: " in say.output
        assert model.running == 0


class Stubborn:
    """A model that stops when it is released, not when it is told."""

    def __init__(self) -> None:
        self.told = trio.Event()
        self.released = trio.Event()

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Say a word."""
        await out.send(Delta("word "))
        try:
            await trio.sleep_forever()
        finally:
            self.told.set()
            with trio.CancelScope(shield=True):
                await self.released.wait()


async def test_a_second_ctrl_c_quits(tmp_path: Path) -> None:
    """Also while the acknowledgement of the first is still to come."""
    model = Stubborn()
    agent = Agent(llm=model, limits=Limits(interrupt_s=LIMIT_S))
    async with (
        serving(agent) as server,
        start_cli("say", "--url", server.url, "Hello", cwd=tmp_path, env=NO_PLAYER) as say,
    ):
        await say.wait_for("word")
        say.send(signal.SIGINT)
        with trio.fail_after(LIMIT_S):
            await model.told.wait()
        say.send(signal.SIGINT)
        assert await say.wait() == 130
        assert "Traceback" not in say.output
        model.released.set()


async def test_an_answer_is_interrupted_after_a_time(tmp_path: Path) -> None:
    """Counted from the question, so that it works on a model that says nothing as well."""
    async with serving(Agent(llm=ScriptedModel(FOREVER))) as server:
        arguments = ("say", "--url", server.url, "--interrupt-after", "0.2", "Hello")
        done = await run_cli(*arguments, cwd=tmp_path, env=NO_PLAYER)
    assert done.code == 0
    assert "interrupted (USER_STOP)" in done.err
    assert "stages  llm closed" in done.err


async def test_the_key_comes_from_a_flag_or_the_environment(tmp_path: Path) -> None:
    """Without one the server refuses, and the error says how to give it."""
    config = ServerConfig(port=0, api_keys=("k-1",))
    async with serving(Agent(llm=ScriptedModel("Yes.")), config) as server:
        refused = await run_cli("say", "--url", server.url, "Hello", cwd=tmp_path, env=NO_PLAYER)
        assert refused.code == 2
        assert refused.err == ("voxint: --api-key: the server wants a key: give it by --api-key, or VOXINT_API_KEY\n")
        refused = await run_cli("say", "--url", server.url, "--api-key", "persimmon", "Hello", cwd=tmp_path)
        assert refused.code == 2
        assert refused.err == (
            "voxint: --api-key: the server does not know what was given, or it has expired, or may not talk "
            "(scope `talk`): ask its operator, and give another by --api-key, or VOXINT_API_KEY\n"
        )
        for arguments, env in ((("--api-key", "k-1"), {}), ((), {"VOXINT_API_KEY": "k-1"})):
            done = await run_cli("say", "--url", server.url, *arguments, "Hello", cwd=tmp_path, env=NO_PLAYER | env)
            assert (done.code, done.out) == (0, "Yes.\n")


async def test_a_language_is_asked_for_in_the_prompt(tmp_path: Path) -> None:
    """In words that the model understands."""
    model = ScriptedModel("好。")
    async with serving(Agent(llm=model)) as server:
        done = await run_cli("say", "--url", server.url, "--lang", "zh", "Hello", cwd=tmp_path, env=NO_PLAYER)
    assert done.out == "好。\n"
    assert "请用中文回答。" in model.calls[0].given[0].messages[0].content


async def test_a_server_that_goes_down_is_told_and_is_a_failure(tmp_path: Path) -> None:
    """The answer was not whole."""
    agent = Agent(llm=ScriptedModel("word ", FOREVER))
    async with (
        serving(agent, ServerConfig(port=0, drain_s=0)) as server,
        start_cli("say", "--url", server.url, "Hello", cwd=tmp_path, env=NO_PLAYER) as say,
    ):
        await say.wait_for("word")
        server.shut_down()
        assert await say.wait() == 1
        assert "the server ended the answer: SHUTDOWN" in say.output


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (("  ",), 2, "there is nothing to say"),
    (("\udcff Hello",), 2, "voxint: TEXT|FILE: the text is not in the encoding of this terminal: write it in UTF-8"),
    (("none.wav",), 2, "voxint: none.wav: the file can't be read (No such file"),
    (("--voice", "Hello"), 2, "there is no player here (paplay, aplay, ffplay, play): add --out FILE"),
    (("--url", "http://127.0.0.1:1", "Hello"), 2,
     "voxint: --url: http://127.0.0.1:1 is no WebSocket's address: write ws://HOST:PORT/ws/agent/stream, or wss://"),
    (("--url", "127.0.0.1:8765", "Hello"), 2, "voxint: --url: 127.0.0.1:8765 has no ws:// in front: write ws://HOST:"),
    (("--url", "ws://127.0.0.1:99999", "Hello"), 2,
     "voxint: --url: ws://127.0.0.1:99999 has no port that can be: write one from 1 to 65535"),
    (("--url", "ws:///ws", "Hello"), 2, "voxint: --url: ws://… names no host"),
    (("--out", "answer.mp3", "Hello"), 2, "voxint: --out: answer.mp3: speech is written as WAV alone: name a file"),
    (("--out", "a.wav", "--no-voice", "Hello"), 2, "voxint: --out: this writes speech to a file, and --no-voice asks"),
    (("--url", "ws://127.0.0.1:1/ws/agent/stream", "Hello"), 1, "nothing listens at this address"),
])  # fmt: skip
async def test_an_error_is_a_line_without_a_traceback(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """It says what to do."""
    done = await run_cli("say", *arguments, cwd=tmp_path, env=NO_PLAYER)
    assert done.code == code
    [line] = done.err.splitlines()
    assert words in line


async def test_an_address_is_shown_without_what_may_be_secret(tmp_path: Path) -> None:
    """And with where it was given."""
    for url, words in (
        ("http://ann:persimmon@127.0.0.1:1", "http://… is no WebSocket's address"),
        ("ws://ann:persimmon@127.0.0.1:99999", "ws://… has no port that can be"),
        ("http://127.0.0.1/?key=persimmon", "http://… is no WebSocket's address"),
        ("ann:persimmon@127.0.0.1", "what is given has no ws:// in front"),
        ("sk-persimmon", "what is given has no ws:// in front"),
    ):
        for command, env in ((("say", "Hello"), {"VOXINT_URL": url}), (("bench",), {"VOXINT_URL": url})):
            done = await run_cli(*command, cwd=tmp_path, env=NO_PLAYER | env)
            assert (done.code, done.out) == (2, "")
            assert done.err.startswith(f"voxint: environment VOXINT_URL: {words}")
            assert "persimmon" not in done.err
