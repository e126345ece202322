"""The echo floor and the server under test, each a process of its own, pinned to a core where there are two.

``python -m bench.processes echo`` and ``... voxint BASE_URL`` print their WebSocket's URL when they listen.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import structlog
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket

from voxint.core.agent import Agent
from voxint.net.http import open_http
from voxint.protocol.audio import AudioFormat
from voxint.providers.openai_chat import OpenAIChat
from voxint.server.collector import calm_collector
from voxint.server.config import ServerConfig
from voxint.server.serve import serve
from voxint.testing.upstream_stages import HttpSpeech

__all__ = ["Child", "child"]

START_S = 20.0
MODULE = "bench.processes"


class Child:
    """A process that listens.

    Args:
        url: Its WebSocket.
        pid: Its id.
    """

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self._process = psutil.Process(pid)

    def cpu_s(self) -> float:
        """Return the CPU seconds it has used so far."""
        times = self._process.cpu_times()
        return float(times.user + times.system)


@asynccontextmanager
async def child(*arguments: str, core: int | None = None) -> AsyncIterator[Child]:
    """Run this module as a process while the block runs, on one core if `core` says which."""
    command = [sys.executable, "-m", MODULE, *arguments]
    process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE)
    try:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        line = b""
        with trio.fail_after(START_S):
            while not line.endswith(b"\n"):
                data = await process.stdout.receive_some()
                if not data:
                    raise RuntimeError(f"{' '.join(arguments)} ended before it listened; its standard error says why")
                line += data
        yield Child(line.decode().strip(), process.pid)
    finally:
        process.kill()
        with trio.CancelScope(shield=True):  # after SIGKILL only the kernel is waited for
            await process.wait()


async def _echo() -> None:
    async def echo(request: WebSocketRequest) -> None:
        ws = await request.accept()
        try:
            while True:
                await ws.send_message(await ws.get_message())
        except ConnectionClosed:
            pass

    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, echo, "127.0.0.1", 0, None)
        _ready(f"ws://127.0.0.1:{server.port}/")


async def _voxint(base_url: str) -> None:
    # One line a request is the operator's choice; standard output is where the URL goes, and nobody reads it after.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    async with open_http() as http, trio.open_nursery() as nursery:
        agent = Agent(
            llm=OpenAIChat(base_url=base_url, model="sim", http=http),
            tts=HttpSpeech(http, base_url, AudioFormat(16_000)),
        )
        server = await nursery.start(serve, agent, ServerConfig(port=0))
        calm_collector()
        _ready(server.url)


def _ready(url: str) -> None:
    sys.stdout.write(url + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    trio.run(_voxint, sys.argv[2]) if sys.argv[1] == "voxint" else trio.run(_echo)
