"""What is outside of a server's event loop: readers that do not read, signals, and a server that has failed."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trio

from tests.cli.process import LIMIT_S, run_cli, start_cli
from tests.cli.test_serve import CONFIG
from voxint.cli.outside import FALL_S
from voxint.client import connect
from voxint.errors import Disconnected

STAGES = """
import sys
import trio
from contextlib import asynccontextmanager
from voxint import Delta

class Model:
    '''Says a word, and more than anybody reads on both standard streams.'''

    def __init__(self, talks: bool = False):
        self.talks = talks

    async def generate(self, turn, out):
        if self.talks:
            print("x" * 4000)
            print("x" * 4000, file=sys.stderr)
        await out.send(Delta("word"))

class Falls:
    '''A provider whose background task fails at the first request, while that one can't be stopped.'''

    async def generate(self, turn, out):
        await out.send(Delta("word"))
        self.asked.set()
        with trio.CancelScope(shield=True):
            await trio.sleep_forever()

    async def __aenter__(self):
        self.asked = trio.Event()
        self.manager = trio.open_nursery()
        nursery = await self.manager.__aenter__()
        nursery.start_soon(self.fall)
        return self

    async def __aexit__(self, *error):
        return await self.manager.__aexit__(*error)

    async def fall(self):
        await self.asked.wait()
        raise MemoryError
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A working directory with a configuration and its models."""
    (tmp_path / "stages.py").write_text(STAGES)
    (tmp_path / "voxint.toml").write_text(CONFIG)
    return tmp_path


@asynccontextmanager
async def unread(here: Path, *arguments: str) -> AsyncIterator[tuple[trio.Process, int]]:
    """Run a server whose standard streams are small pipes that nobody reads but for the begin; give its port."""
    streams = [os.pipe() for _ in range(2)]
    for reader, _ in streams:
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    command = [sys.executable, "-m", "voxint", "serve", "--log-level", "debug", "--log-format", "json", *arguments]
    process = await trio.lowlevel.open_process(
        command, cwd=here, stdin=subprocess.DEVNULL, stdout=streams[0][1], stderr=streams[1][1]
    )
    try:
        with trio.fail_after(LIMIT_S):
            begin = await trio.to_thread.run_sync(os.read, streams[1][0], 4096)
            while b'"started"' not in begin:
                begin += await trio.to_thread.run_sync(os.read, streams[1][0], 4096)
        yield process, int(begin.partition(b"ws://127.0.0.1:")[2].partition(b"/")[0])
    finally:
        process.kill()
        with trio.move_on_after(LIMIT_S, shield=True):
            await process.wait()
        for descriptor in (each for pair in streams for each in pair):
            os.close(descriptor)


@pytest.mark.parametrize("talks", [False, True], ids=["its log", "what a provider prints"])
async def test_readers_that_do_not_read_hold_nothing_up(here: Path, talks: bool) -> None:
    """The log, or what a provider prints, fills a pipe: callers are served, SIGTERM drains, the lost are counted."""
    flags = ("--set", f"llm.talks={str(talks).lower()}", "--set", "quotas.session_requests_per_minute=0")
    async with unread(here, *flags, "--set", "quotas.session_upstream_calls_per_minute=0") as (process, port):
        with trio.fail_after(LIMIT_S):
            async with connect(f"ws://127.0.0.1:{port}/ws/agent/stream") as client:
                for _ in range(600):
                    assert await (await client.send_text("Hello")).text() == "word"
            async with httpx.AsyncClient() as http:
                metrics = (await http.get(f"http://127.0.0.1:{port}/metrics")).text if not talks else ""
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert await process.wait() == 0
    assert time.monotonic() - began < 0.4 + 4  # drain_s and close_s, and a busy machine
    assert "voxint_log_lines_lost_total" in metrics or talks


async def test_a_server_that_fails_ends_the_process_soon(here: Path) -> None:
    """A background task has run out of memory and a stage will not stop: a supervisor sees an exit code, not a wait."""
    async with start_cli("serve", "--set", "llm.provider=stages:Falls", cwd=here) as server:
        output = await server.wait_for('"started"')
        url = "ws://" + output.partition("ws://")[2].partition('"')[0]
        with trio.move_on_after(LIMIT_S):
            async with connect(url) as client:
                await anext(await client.send_text("Hello"))
                await server.wait_for('"the server has failed"')
                began = time.monotonic()
                assert await server.wait() not in (0, -signal.SIGKILL)
        assert time.monotonic() - began < FALL_S + 0.5 + 3  # half a second for the log, and a busy machine


ENDS_LATE = """
import atexit, threading, time
import voxint.cli.outside
from voxint.cli import main

class Slow:
    def __del__(self, sleep=time.sleep):
        sleep(0.5)

voxint.cli.outside.LAST_S = 0.05
{}
main()
"""


@pytest.mark.parametrize("late", [
    "slow = Slow()",
    "atexit.register(time.sleep, 600)",
    "threading.Thread(target=time.sleep, args=(600,)).start()",
], ids=["it is slow", "a handler hangs", "a thread is left"])  # fmt: skip
async def test_a_late_end_does_not_change_the_exit_code(here: Path, late: str) -> None:
    """The interpreter takes long to end, as on a loaded machine, or something keeps it: who started it is told why."""
    program = ENDS_LATE.format(late)
    done = await run_cli("serve", "--set", "llm.provider=none:Model", cwd=here, program=program)
    assert done.code == 2
    assert done.err.startswith("voxint: ")


async def test_a_hang_up_does_not_kill(here: Path) -> None:
    """A terminal that is closed, or an operator who wants new keys: the server goes on, and drains when it is told."""
    async with start_cli("serve", cwd=here) as server:
        output = await server.wait_for('"started"')
        server.send(signal.SIGHUP)
        await server.wait_for('"reloading"')
        async with connect("ws://" + output.partition("ws://")[2].partition('"')[0]) as client:
            assert await (await client.send_text("Hello")).text() == "word"
        server.send(signal.SIGTERM)
        assert await server.wait() == 0


HOARDS = """
import os
from voxint import Delta

class Model:
    async def generate(self, turn, out):
        try:
            while True:
                os.open(os.devnull, os.O_RDONLY)
        except OSError:
            await out.send(Delta("none left"))
"""


async def test_a_server_without_descriptors_drains_all_the_same(here: Path) -> None:
    """What a signal needs is open before it comes."""
    (here / "hoards.py").write_text(HOARDS)
    async with start_cli("serve", "--set", "llm.provider=hoards:Model", cwd=here) as server:
        output = await server.wait_for('"started"')
        async with connect("ws://" + output.partition("ws://")[2].partition('"')[0]) as client:
            assert await (await client.send_text("Hello")).text() == "none left"
            server.send(signal.SIGTERM)
            assert await server.wait() == 0
    assert '"draining"' in server.output


async def test_a_server_in_a_terminal_ends_with_it(here: Path) -> None:
    """Closed, it would go on unseen and hold its port; the demo and a server alike drain."""
    near, far = os.openpty()
    process = await trio.lowlevel.open_process(
        [sys.executable, "-c", IN_TERMINAL, sys.executable, "-m", "voxint", "serve"],
        cwd=here,
        stdin=far,
        stdout=far,
        stderr=far,
        start_new_session=True,
    )
    try:
        os.close(far)
        with trio.fail_after(LIMIT_S):
            said = b""
            while b"started" not in said:
                said += await trio.to_thread.run_sync(os.read, near, 4096)
            os.close(near)
            assert await process.wait() == 0
    finally:
        process.kill()


IN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes what it is connected to its terminal, then becomes what it is told."""


@pytest.mark.parametrize("closed", ["1", "2", "1,2"])
async def test_closed_streams_are_nobodys_concern(here: Path, closed: str) -> None:
    """Whoever starts a server without standard output or error wants to hear nothing: it serves."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    closes = " ".join(f"{number}>&-" for number in closed.split(","))
    command = f"exec {sys.executable} -m voxint serve --port {port} {closes}"
    process = await trio.lowlevel.open_process(
        ["/bin/sh", "-c", command], cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with trio.fail_after(LIMIT_S):
            while True:
                try:
                    async with connect(f"ws://127.0.0.1:{port}/ws/agent/stream") as client:
                        assert await (await client.send_text("Hello")).text() == "word"
                        break
                except Disconnected:
                    assert process.poll() is None
                    await trio.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        process.kill()
