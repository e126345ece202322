"""The command line as a process: run it to its end, or beside a test; every wait is bounded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define, field, frozen

__all__ = ["LIMIT_S", "Done", "Running", "run_cli", "start_cli"]

NO_SOUND = str(Path(__file__).with_name("no_sound.conf"))

LIMIT_S = 60.0
"""For anything a process is waited for; on a loaded machine of two cores a start alone took 5 s."""


@frozen
class Done:
    """A process that has ended."""

    code: int
    out: str
    err: str


@define(eq=False)
class Running:
    """A process that runs beside the test."""

    process: trio.Process
    nursery: trio.Nursery
    output: str = ""
    _news: trio.Event = field(factory=trio.Event)
    _ended: int = 0

    async def read(self, stream: trio.abc.ReceiveStream) -> None:
        """Gather one stream's output until its end."""
        async for data in stream:
            self.output += data.decode(errors="replace")
            self._tell()
        self._ended += 1
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, trio.Event()
        news.set()

    async def wait_for(self, words: str) -> str:
        """Wait until the output, of both streams, holds `words`; return all of it."""
        return await self.wait_until(lambda output: words in output, words)

    async def wait_until(self, good: Callable[[str], bool], what: str = "what was waited for") -> str:
        """Wait until the output, of both streams, is `good`; return all of it."""
        with trio.fail_after(LIMIT_S):
            while not good(self.output):
                assert self._ended < 2, f"it ended without {what!r}: {self.output}"
                await self._news.wait()
        return self.output

    def send(self, signum: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(signum)

    async def wait(self) -> int:
        """Wait for its end and that of its output; return the exit code, negative after a signal."""
        with trio.fail_after(LIMIT_S):
            code = await self.process.wait()
            while self._ended < 2:
                await self._news.wait()
        return code


def _command(arguments: tuple[str, ...], program: str | None) -> list[str]:
    return [sys.executable, *(("-m", "voxint") if program is None else ("-c", program)), *arguments]


def _environment(changes: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VOXINT_")}
    # Nor is anything played on the sound card of who runs the tests.
    return kept | {"PYTHONUTF8": "1", "ALSA_CONFIG_PATH": NO_SOUND} | dict(changes or {})


async def run_cli(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None, program: str | None = None) -> Done:
    """Run a command to its end; `program` is what runs it, where that is not voxint as it is."""
    with trio.fail_after(LIMIT_S):
        done = await trio.run_process(
            _command(arguments, program),
            cwd=cwd,
            env=_environment(env),
            check=False,
            capture_stdout=True,
            capture_stderr=True,
        )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@asynccontextmanager
async def start_cli(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, program: str | None = None
) -> AsyncGenerator[Running]:
    """Start a command, as `run_cli`; at the end of the block it is killed."""
    process = await trio.lowlevel.open_process(
        _command(arguments, program),
        cwd=cwd,
        env=_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    async with trio.open_nursery() as nursery:
        running = Running(process, nursery)
        nursery.start_soon(running.read, process.stdout)
        nursery.start_soon(running.read, process.stderr)
        try:
            yield running
        finally:
            process.kill()
            with trio.move_on_after(LIMIT_S, shield=True):
                await process.wait()
            nursery.cancel_scope.cancel()
    for stream in (process.stdout, process.stderr):
        await stream.aclose()
