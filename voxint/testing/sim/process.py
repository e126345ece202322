"""Run the simulated upstream as a child process, and ask it for its ledger."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import trio
from attrs import frozen

from voxint.children import python_environment
from voxint.inside_trio import require_trio
from voxint.testing.sim.app import SimAddress
from voxint.testing.sim.ledger import LedgerReport

__all__ = ["Sim", "sim_process"]

START_S = 20.0  # for the process to listen: a cold interpreter on a loaded machine of two cores took 3 s
STOP_S = 5.0  # for the killed process to be gone: only the kernel is waited for
ASK_S = 10.0  # for an answer: above the 5 s that the ledger itself may wait


@frozen
class Sim:
    """A running simulated upstream.

    Args:
        address: Where it listens.
        pid: Its process, for a measurement of its CPU time.
    """

    address: SimAddress
    pid: int

    @property
    def url(self) -> str:
        """The server's root."""
        return self.address.url

    @property
    def base_url(self) -> str:
        """The root and ``/v1``, as OpenAI clients want it."""
        return self.address.base_url

    async def ledger(self, *, after: int = 0, settled: bool = False) -> LedgerReport:
        """Return what the upstream saw.

        Args:
            after: Only requests whose id is above this.
            settled: Wait, 5 s at most, until no request is under way.
        """
        target = f"/ledger?after={after}" + ("&settled=1" if settled else "")
        return msgspec.json.decode(await self._ask("GET", target), type=LedgerReport)

    async def clear(self) -> None:
        """Empty the ledger."""
        await self._ask("DELETE", "/ledger")

    async def configure(self, **settings: object) -> None:
        """Let it behave otherwise from the next request on; `stall_connect` alone is decided when it starts.

        Args:
            **settings: Fields of `SimSettings`; those not named get their defaults.

        Raises:
            ValueError: A name is unknown or a value does not fit; the text says which.
        """
        status, body = await self._exchange("PUT", "/settings", msgspec.json.encode(settings))
        if status != 200:
            raise ValueError(body.decode())

    async def _ask(self, method: str, target: str) -> bytes:
        """Return the body of an answer."""
        _, body = await self._exchange(method, target)
        return body

    async def _exchange(self, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
        """Return an answer's status and body. A socket and not `net.http`, which the ledger may be there to judge."""
        head = f"{method} {target} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        with trio.fail_after(ASK_S):
            async with await trio.open_tcp_stream("127.0.0.1", self.address.port) as stream:
                await stream.send_all(head.encode() + body)
                answer, _, told = b"".join([data async for data in stream]).partition(b"\r\n\r\n")
        return int(answer.split(b" ", 2)[1]), told


@asynccontextmanager
async def sim_process(**flags: object) -> AsyncIterator[Sim]:
    """Run ``python -m voxint.testing.sim`` on a free port while the block runs; then kill it.

    It gets of this process' environment what Python needs, and ends by itself when this process is killed.

    Args:
        **flags: Fields of `SimSettings`.

    Raises:
        trio.TooSlowError: It was not ready within 20 s.
        RuntimeError: It ended instead of listening; its standard error, which is ours too, says why.
    """
    require_trio("sim_process")
    options = [f"--{name.replace('_', '-')}={_flag(value)}" for name, value in flags.items() if value is not None]
    command = [sys.executable, "-m", "voxint.testing.sim", "--with-parent", *options]
    process = await trio.lowlevel.open_process(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=python_environment()
    )
    try:
        address = await _address(process)
        yield Sim(address, process.pid)
    finally:
        process.kill()
        with trio.CancelScope(shield=True, deadline=trio.current_time() + STOP_S):
            await process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    await stream.aclose()


async def _address(process: trio.Process) -> SimAddress:
    assert process.stdout is not None
    line = b""
    with trio.fail_after(START_S):
        while not line.endswith(b"\n"):
            data = await process.stdout.receive_some()
            if not data:
                raise RuntimeError("the simulated upstream ended before it listened; see its standard error")
            line += data
    return msgspec.json.decode(line, type=SimAddress)


def _flag(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
