"""`voxint talk` and `voxint say` as processes with a sound card, against a server of this process."""

from __future__ import annotations

import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.cli.process import run_cli, start_cli
from tests.cli.sound_card.processes import card_env
from tests.cli.test_say import NO_PLAYER, install, serving
from tests.core.ears.coded import CodedEars, quiet, speech
from voxint.core.agent import Agent
from voxint.core.ears.echo import EchoRules
from voxint.core.ears.rules import EarRules
from voxint.server.config import ServerConfig
from voxint.testing.detector import ScriptedDetector
from voxint.testing.stages import REPEAT, ScriptedModel, ScriptedVoice

UNGUARDED = EarRules(echo=EchoRules(guard=False))
"""The coded sound is no sound, so that the guard has nothing to compare."""


def listening(model: ScriptedModel) -> Agent:
    """Return an agent with ears of its own."""
    return Agent(llm=model, stt=CodedEars(), tts=ScriptedVoice(), vad=ScriptedDetector(), ears=UNGUARDED)


def say(folder: Path, voice: bytes) -> None:
    """Have the microphone of a process hear something, at once and whole."""
    (folder / "part").write_bytes(quiet(200) + voice)
    (folder / "part").rename(folder / "said")


async def test_say_plays_through_the_sound_card(tmp_path: Path) -> None:
    """No player is needed; all of the speech is played before it ends."""
    async with serving(Agent(llm=ScriptedModel("Good evening all."), tts=ScriptedVoice())) as server:
        env = NO_PLAYER | card_env(tmp_path)
        done = await run_cli("say", "--url", server.url, "--voice", "Hello", cwd=tmp_path, env=env)
    assert (done.code, done.out) == (0, "Good evening all.\n")
    assert "first speech after" in done.err
    assert len((tmp_path / "played").read_bytes()) >= 2 * 17 * 24_000 // 16


async def test_say_tells_what_was_really_heard(tmp_path: Path) -> None:
    """A sound card knows, as no player program does."""
    model = ScriptedModel("word ", 0.05, REPEAT)
    async with (
        serving(Agent(llm=model, tts=ScriptedVoice())) as server,
        start_cli("say", "--url", server.url, "Hello", cwd=tmp_path, env=card_env(tmp_path)) as say,
    ):
        await say.wait_for("word word")
        say.send(signal.SIGINT)
        assert await say.wait() == 0
        assert " heard (client)" in say.output


async def test_say_takes_a_player_where_the_card_is_busy(tmp_path: Path) -> None:
    """As it did before there was a card."""
    env = install(tmp_path, f"exec /bin/cat > {tmp_path}/played") | card_env("busy")
    async with serving(Agent(llm=ScriptedModel("Good evening all."), tts=ScriptedVoice())) as server:
        done = await run_cli("say", "--url", server.url, "Hello", cwd=tmp_path, env=env)
        assert (done.code, done.out) == (0, "Good evening all.\n")
        assert (tmp_path / "played").stat().st_size == 2 * 17 * 24_000 // 16
        done = await run_cli("say", "--url", server.url, "Hello", cwd=tmp_path, env=NO_PLAYER | card_env("busy"))
        assert done.code == 2
        assert "the loudspeaker (Desk Loudspeaker) can't be opened" in done.err


async def test_talk_without_a_terminal_is_hands_free_in_plain_lines(tmp_path: Path) -> None:
    """Words go to standard output, receipts to standard error; Ctrl-C interrupts, and then quits.

    A backchannel only makes the answer pause, and words that mean something interrupt it.
    """
    async with (
        serving(listening(ScriptedModel("word ", 0.05, REPEAT))) as server,
        start_cli("talk", "--url", server.url, cwd=tmp_path, env=card_env(tmp_path)) as talk,
    ):
        await talk.wait_for("[listening]")
        say(tmp_path, speech(800, "tell", "me", "a", "story"))
        await talk.wait_for("[hearing you]")
        await talk.wait_for("you: tell me a story")
        await talk.wait_for("[speaking]")
        say(tmp_path, speech(400, "mm-hmm"))
        await talk.wait_for("[held]")
        await talk.wait_for("went on: backchannel")
        await talk.wait_until(lambda output: output.count("[speaking]") == 2)
        say(tmp_path, speech(800, "stop", "that", "please"))
        await talk.wait_for("interrupted (USER_VOICE_INPUT)")
        await talk.wait_for(" heard (client)")
        assert "voxint: word" in talk.output
        await talk.wait_for("you: stop that please")
        await talk.wait_until(lambda output: output.count("[speaking]") == 3)
        talk.send(signal.SIGINT)
        await talk.wait_for("interrupted (USER_STOP)")
        await talk.wait_until(lambda output: output.count("[listening]") == 2)
        talk.send(signal.SIGINT)
        assert await talk.wait() == 130
        assert "Traceback" not in talk.output


async def test_a_server_without_ears_is_told_with_what_to_do(tmp_path: Path) -> None:
    """By one line, before a device is opened."""
    async with serving(Agent(llm=ScriptedModel("Yes."))) as server:
        done = await run_cli("talk", "--url", server.url, cwd=tmp_path, env=card_env(tmp_path))
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "voxint: --url: this server does not listen by itself (it grants no server_vad): talk by a key with "
        "--push-to-talk, or give the server a voice detector ([vad] in its configuration)\n"
    )


async def test_a_device_that_is_unplugged_ends_the_conversation(tmp_path: Path) -> None:
    """By a line that names it."""
    async with (
        serving(listening(ScriptedModel("Yes."))) as server,
        start_cli("talk", "--url", server.url, cwd=tmp_path, env=card_env(tmp_path)) as talk,
    ):
        await talk.wait_for("[listening]")
        (tmp_path / "unplugged").touch()
        assert await talk.wait() == 1
        told = "the microphone (Wall Microphone) gives no more sound: was it unplugged? Connect it, and start again."
        assert talk.output.endswith(f"voxint: {told}\n")


async def test_talk_lists_the_devices(tmp_path: Path) -> None:
    """By number and name; where there are none it says so."""
    done = await run_cli("talk", "--devices", cwd=tmp_path, env=card_env(tmp_path))
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "  0  microphone*                Wall Microphone"
    done = await run_cli("talk", "--devices", cwd=tmp_path, env=card_env("none"))
    assert (done.code, done.out) == (0, "no devices\n")


@pytest.mark.parametrize(
    ("how", "arguments", "error"),
    [
        ("none", (), "--input: this machine has no microphone: connect one, and look at `voxint talk --devices`"),
        (
            "here",
            ("--output", "Door"),
            "--output: no loudspeaker, or more than one, is called Door: choose by a number",
        ),
        ("here", ("--push-to-talk",), "--push-to-talk: keys are read from a terminal, and this is none"),
        ("here", ("--url", "persimmon"), "--url: what is given has no ws:// in front"),
    ],
)
async def test_what_talk_cannot_do_is_one_line(
    how: str, arguments: tuple[str, ...], error: str, tmp_path: Path
) -> None:
    """Before anybody is asked anything; it says what to do."""
    done = await run_cli("talk", *arguments, cwd=tmp_path, env=card_env(how))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"voxint: {error}")
    assert done.err.count("\n") == 1


async def test_talk_gives_a_key_and_says_how_where_it_is_wanted(tmp_path: Path) -> None:
    """As `say` does."""
    async with serving(listening(ScriptedModel("Yes.")), ServerConfig(port=0, api_keys=("k-1",))) as server:
        done = await run_cli("talk", "--url", server.url, cwd=tmp_path, env=card_env(tmp_path))
        assert done.code == 2
        assert done.err == "voxint: --api-key: the server wants a key: give it by --api-key, or VOXINT_API_KEY\n"


async def test_a_server_that_goes_down_ends_the_conversation(tmp_path: Path) -> None:
    """Also while nobody speaks; a line says so, and one that is not there from the start gets one too."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(listening(ScriptedModel("Yes."))))
        arguments = ("talk", "--url", server.url)
        talk = await stack.enter_async_context(start_cli(*arguments, cwd=tmp_path, env=card_env(tmp_path)))
        await talk.wait_for("[listening]")
        server.shut_down()
        assert await talk.wait() == 1
        assert "voxint: " in talk.output
        assert "Traceback" not in talk.output
    done = await run_cli(*arguments, cwd=tmp_path, env=card_env(tmp_path))
    assert done.code == 1
    assert done.err.startswith("voxint: ")
    assert "nothing listens at this address" in done.err
