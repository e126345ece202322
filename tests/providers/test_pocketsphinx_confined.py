"""A recogniser's process: it holds nothing of the server's, and has no way out."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.processes import every_child
from tests.providers.confined import assert_confined
from tests.providers.spoken import QUIET, hear, say
from voxint.children import bare_environment, confined_command
from voxint.providers._pocketsphinx_worker import AUDIO, END
from voxint.providers.pocketsphinx import WORKER, PocketSphinx
from voxint.workers import frames

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

LIMIT_S = 60.0


@pytest.mark.parametrize("grammar", ["demo", "general"])
async def test_it_holds_nothing_and_hears_all_the_same(grammar: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable (the upstream's key stands in the server's), no file but its pipes, its limits; and it works."""
    monkeypatch.setenv("OPENAI_API_KEY", "persimmon")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    before = every_child()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.set_inheritable(listener.fileno(), True)
        async with PocketSphinx(grammar) as stt:
            [pid] = every_child() - before
            assert_confined(pid, WORKER.memory_mib)
            (*_, final) = await hear(stt, await say("tell me a story"))
            assert "story" in final.text or grammar == "general"  # which is less reliable, and is said to be
            assert final.text


HANGS = """
class Decoder:
    def __init__(self, **options): pass
    def get_cmn(self, update): return ""
    def set_cmn(self, cmn): pass
    def start_utt(self): pass
    def process_raw(self, audio):
        while True: pass
    def add_word(self, *word, update): pass
    def add_jsgf_string(self, name, source): pass
    def activate_search(self, name): pass
def get_model_path(name): return "/dev/null"
"""


@asynccontextmanager
async def started() -> AsyncGenerator[trio.Process]:
    """Run a worker whose alarm comes after a second, until the end of the block."""
    command = confined_command(
        WORKER.script, "1", "0", "", memory_mib=WORKER.memory_mib, packages=("voxint", "pocketsphinx")
    )
    with trio.fail_after(LIMIT_S):
        process = await trio.lowlevel.open_process(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=bare_environment()
        )
        assert process.stdin is not None
        assert process.stdout is not None
        async with process.stdin, process.stdout:
            try:
                yield process
            finally:
                process.kill()
                await process.wait()


async def send(process: trio.Process, kind: int, payload: bytes = b"") -> None:
    """Send a worker a frame."""
    assert process.stdin is not None
    await process.stdin.send_all(frames.packed(kind, 1, payload))


async def answer(process: trio.Process) -> int:
    """Return the kind of a worker's next answer."""
    assert process.stdout is not None
    return (await process.stdout.receive_some())[0]


async def test_an_engine_that_hangs_ends_without_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads no pipe whose end would tell it that the parent was killed; the system's alarm ends it."""
    (tmp_path / "pocketsphinx.py").write_text(HANGS)
    monkeypatch.delitem(sys.modules, "pocketsphinx", raising=False)  # another test may have loaded the real one
    monkeypatch.syspath_prepend(tmp_path)
    async with started() as process:
        assert await answer(process) == frames.READY
        await send(process, AUDIO, QUIET[:640])
        assert await process.wait() == -signal.SIGALRM


async def test_an_idle_process_lives_on() -> None:
    """The alarm is for an answer that does not come, not for silence between frames."""
    async with started() as process:
        assert await answer(process) == frames.READY
        for kind, payload in ((AUDIO, QUIET[:640]), (END, b"")):
            with trio.move_on_after(1.2):  # longer than the alarm, which must not come
                await process.wait()
            assert process.returncode is None
            await send(process, kind, payload)
            assert await answer(process) == frames.DONE
