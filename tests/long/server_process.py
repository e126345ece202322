"""A server with all three stages on the simulated upstream, as a process of its own: run, asked, and killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import trio
from attrs import define, field

from tests.end_to_end.callers import EVERYBODY
from voxint.cli.logs import configure_logs
from voxint.core.agent import Agent
from voxint.net.http import open_http
from voxint.providers.openai_chat import OpenAIChat
from voxint.server.collector import calm_collector
from voxint.server.config import ServerConfig
from voxint.server.serve import Server, serve
from voxint.testing.upstream_stages import HttpSpeech, HttpTranscription

__all__ = ["RESUME_S", "Alive", "ServerProcess", "open_server"]

START_S = 30.0
"""For a process to listen; a cold start on a busy machine took 5 s."""

ASK_S = 20.0
"""For an answer of a process under load."""

RESUME_S = 3.0
"""How long a session is kept here for who comes back; short, so that what is left at the end can be seen soon."""


class Listening(msgspec.Struct):
    """What the process says when it listens."""

    port: int
    url: str


class Alive(msgspec.Struct):
    """What it says of itself when it is asked: the server's tasks, and connections to the upstream by their use.

    The tasks of the pool are left out: they come and go with the connections that it keeps, which are told apart.
    """

    tasks: int
    in_use: int
    warm: int


@define(eq=False)
class ServerProcess:
    """A server's process.

    Attributes:
        process: It.
        port: Where it listens.
        url: The WebSocket's address.
        log: Its standard error, a file.
    """

    process: trio.Process
    port: int
    url: str
    log: Path
    _answers: bytearray = field(factory=bytearray)

    @property
    def memory(self) -> int:
        """What it has of the machine's memory, in bytes."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def threads(self) -> int:
        """How many it has."""
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    async def held(self) -> tuple[Alive, int]:
        """Return what it says of itself, and its descriptors but for the warm connections, which go by themselves."""
        assert self.process.stdin is not None
        with trio.fail_after(ASK_S):
            await self.process.stdin.send_all(b"?\n")
            alive = msgspec.json.decode(await _line(self.process), type=Alive)
        return alive, len(os.listdir(f"/proc/{self.process.pid}/fd")) - alive.warm

    async def metrics(self) -> dict[str, float]:
        """Return its gauges and counters, by name and labels."""
        head = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        with trio.fail_after(ASK_S):
            async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
                await stream.send_all(head)
                page = b"".join([data async for data in stream]).partition(b"\r\n\r\n")[2].decode()
        lines = [line.rpartition(" ") for line in page.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in lines if name.startswith("voxint_")}

    def errors(self) -> list[str]:
        """Return the lines of its log that tell of a fault of its own, or are no lines of a log at all."""
        return [line for line in self.log.read_text().splitlines() if _tells_of_a_fault(line)]

    async def kill(self) -> None:
        """End it as a power cut would, and wait until it is gone."""
        self.process.kill()
        with trio.fail_after(ASK_S):
            await self.process.wait()


@asynccontextmanager
async def open_server(base_url: str, log: Path, *, port: int = 0) -> AsyncIterator[ServerProcess]:
    """Run the process while the block runs; then kill it.

    Args:
        base_url: The upstream's.
        log: Where its log goes, such as a file or ``/dev/full``.
        port: Where it listens; 0: anywhere.
    """
    command = [sys.executable, "-m", "tests.long.server_process", base_url, str(port)]
    with log.open("ab") as to:
        process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=to)
    try:
        with trio.fail_after(START_S):
            said = msgspec.json.decode(await _line(process), type=Listening)
        yield ServerProcess(process, said.port, said.url, log)
    finally:
        process.kill()
        with trio.CancelScope(shield=True, deadline=trio.current_time() + ASK_S):
            await process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                await trio.aclose_forcefully(stream)


def _tells_of_a_fault(line: str) -> bool:
    try:
        return msgspec.json.decode(line, type=dict[str, object])["level"] in ("error", "critical")
    except (msgspec.MsgspecError, KeyError):
        return True


async def _line(process: trio.Process) -> bytes:
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        data = await process.stdout.receive_some()
        assert data, "the server's process has ended; its log says why"
        line += data
    return line


async def _run(base_url: str, port: int) -> None:
    async with open_http() as http:
        agent = Agent(
            stt=HttpTranscription(http, base_url),
            llm=OpenAIChat(base_url, "sim", http=http),
            tts=HttpSpeech(http, base_url),
        )
        config = ServerConfig(port=port, drain_s=0, resume_s=RESUME_S)
        async with trio.open_nursery() as nursery:
            server: Server = await nursery.start(partial(serve, agent, config, quotas=EVERYBODY))
            calm_collector()
            _say(Listening(server.port, server.url))
            async with trio.lowlevel.FdStream(os.dup(0)) as questions:
                async for _ in questions:
                    pool = http.statistics()
                    _say(Alive(_tasks_beneath(nursery), pool.in_use, pool.idle + pool.spares))
            nursery.cancel_scope.cancel(reason="nobody asks any more")


def _tasks_beneath(nursery: trio.Nursery) -> int:
    inner = [each for task in nursery.child_tasks for each in task.child_nurseries]
    return len(nursery.child_tasks) + sum(map(_tasks_beneath, inner))


def _say(message: msgspec.Struct) -> None:
    os.write(1, msgspec.json.encode(message) + b"\n")


if __name__ == "__main__":
    configure_logs("info", "json")
    trio.run(_run, sys.argv[1], int(sys.argv[2]))
