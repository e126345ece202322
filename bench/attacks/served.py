"""A `voxint serve` that is attacked: a process of its own with a configuration of its own, and the end of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psutil
import trio
from attrs import define, field, frozen

from bench.attacks.attack import Attack, Sections
from bench.attacks.keys import ATTACKER_KEYS, BYSTANDER_KEYS, RIGHT_KEY, UPSTREAM_KEY
from bench.attacks.site import CLOSED, read_head
from bench.environments import ROOT

__all__ = ["DRAIN_S", "EXIT_BOUND_S", "ServeFailed", "Served", "ServerPlace", "configuration", "serve_attacked"]

START_S = 60.0
LOOK_S = 0.05
SERVER_PRIORITY = 1
"""As a real-time process, of a server that is to go first. Its children and threads are none."""

DRAIN_S = 1.0
INTERRUPT_S = 0.25
CLOSE_S = 1.0
SLACK_S = 1.5
"""The server's own half second, and one for the interpreter's end: ours."""

EXIT_BOUND_S = DRAIN_S + INTERRUPT_S + CLOSE_S + SLACK_S
KILL_S = 25.0
"""Seconds after SIGTERM at which a process that is still there is killed. Ours: enough to tell late from never."""


class ServeFailed(Exception):
    """The server did not start; the text says what it printed last."""


def configuration(attack: Attack, port: int, llm: str, speech: str) -> Sections:
    """Return the settings of the server for an attack.

    Args:
        attack: Which.
        port: To listen on.
        llm: Base URL of the model's upstream.
        speech: Base URL of that of synthesis and recognition.
    """
    keys = {"api_keys": [*BYSTANDER_KEYS, *ATTACKER_KEYS, RIGHT_KEY]} if attack.keyed else {}
    stages = "voxint.testing.upstream_stages"
    usual: Sections = {
        "server": {"port": port, "drain_s": DRAIN_S, "close_s": CLOSE_S, **keys},
        "limits": {"interrupt_s": INTERRUPT_S},
        "llm": {"provider": "openai_chat", "base_url": llm, "model": "sim", "api_key_env": "UPSTREAM_KEY"},
        "tts": {"provider": f"{stages}:HttpSpeech", "base_url": speech},
        "stt": {"provider": f"{stages}:HttpTranscription", "base_url": speech},
    }
    changed = attack.settings
    merged: dict[str, Mapping[str, object]] = dict(usual)
    for name, section in changed.items():
        whole = "provider" in section  # another provider has options of its own
        merged[name] = section if whole else {**usual.get(name, {}), **section}
    return merged


def to_toml(sections: Sections) -> str:
    """Return settings as a TOML file; its strings, numbers and lists are written as JSON's."""
    lines: list[str] = []
    for name, section in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items()), ""]
    return "\n".join(lines)


@frozen
class ServerPlace:
    """Where the servers of a run are, and how.

    Args:
        core: The core that a server has, with its children; None: any.
        more: Settings on top of those of the attack.
        first: Whether it goes before all else on its core, on a machine that has other work: a real-time process,
            which needs root or ``CAP_SYS_NICE``.
    """

    core: int | None
    more: Sections = field(factory=dict)
    first: bool = False


@define(eq=False)
class Served:
    """The server's process.

    Args:
        process: It.
        port: Where it listens.
        log: The file that holds its standard error; empty where that is no file.
    """

    process: trio.Process
    port: int
    log: Path
    own: psutil.Process = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.own = psutil.Process(self.process.pid)

    @property
    def url(self) -> str:
        """Its WebSocket."""
        return f"ws://127.0.0.1:{self.port}/ws/agent/stream"

    @property
    def gone(self) -> bool:
        """Whether the process has ended."""
        return self.process.poll() is not None

    def rss(self) -> int:
        """Return its memory, in bytes, without its children's; 0 if it has ended."""
        try:
            return int(self.own.memory_info().rss)
        except psutil.Error:
            return 0

    def cpu_s(self) -> float:
        """Return the processor seconds that it has used; 0 if it has ended."""
        try:
            times = self.own.cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def waited_s(self) -> float:
        """Return the seconds for which it could have run and something else had its core; 0 if it has ended."""
        with suppress(OSError):
            return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[1]) / 1e9
        return 0.0

    async def stop(self) -> float | None:
        """Send SIGTERM; return the seconds to the process's end, None if it had to be killed."""
        if self.gone:
            return 0.0
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        with trio.move_on_after(KILL_S):
            await self.process.wait()
            return time.monotonic() - began
        self.process.kill()
        await self.process.wait()
        return None


@asynccontextmanager
async def serve_attacked(attack: Attack, llm: str, speech: str, place: ServerPlace) -> AsyncIterator[Served]:
    """Run the server while the block runs; kill it at the end, unless it has ended.

    Args:
        attack: What it is there for.
        llm: Base URL of the model's upstream.
        speech: Base URL of that of synthesis and recognition.
        place: Where it runs, and how otherwise than usual.

    Raises:
        ServeFailed: It did not listen within a minute.
    """
    port = _free_port()
    sections = {name: dict(section) for name, section in configuration(attack, port, llm, speech).items()}
    for name, section in place.more.items():
        sections.setdefault(name, {}).update(section)
    with tempfile.TemporaryDirectory(prefix="voxint-attacks-") as folder:
        file, log = Path(folder, "voxint.toml"), Path(folder, "log")
        file.write_text(to_toml(sections))  # noqa: ASYNC240 - a few lines, before anything is measured
        command = [sys.executable, "-m", "voxint", "serve", str(file), "--log-format", "json"]
        with _stderr(attack, log) as stderr:
            process = await trio.lowlevel.open_process(command, cwd=ROOT, env=_environment(), stderr=stderr)
            try:
                _place(process.pid, place.core, place.first)
                served = Served(process, port, log)
                await _listens(served)
                yield served
            finally:
                if process.poll() is None:
                    process.kill()
                with trio.CancelScope(shield=True):  # it has been killed: only the kernel is waited for
                    await process.wait()


@contextmanager
def _stderr(attack: Attack, log: Path) -> Iterator[int]:
    """Give the file descriptor of the server's standard error; of a pipe, the other end stays open and unread."""
    if attack.stderr == "unread":
        ends = os.pipe()
        written = ends[1]
    else:
        written = os.open("/dev/full" if attack.stderr == "full" else log, os.O_WRONLY | os.O_CREAT)
        ends = (written, written)
    try:
        yield written
    finally:
        for end in set(ends):
            os.close(end)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VOXINT_")}
    return kept | {"UPSTREAM_KEY": UPSTREAM_KEY, "PYTHONUTF8": "1"}


def _place(pid: int, core: int | None, first: bool) -> None:
    if core is not None:
        os.sched_setaffinity(pid, {core})
    if first:
        os.sched_setscheduler(pid, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(SERVER_PRIORITY))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _listens(served: Served) -> None:
    """Wait until the server answers."""
    with trio.move_on_after(START_S):
        while not served.gone:
            if await healthy(served.port):
                return
            await trio.sleep(LOOK_S)
    said = served.log.read_text(errors="replace")[-2000:] if served.log.is_file() else ""
    raise ServeFailed(f"the server did not start; it printed: {said or 'nothing that is kept'}")


async def healthy(port: int) -> bool:
    """Return whether the server answers 200 at /healthz."""
    try:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            head, _ = await read_head(stream)
            return head.startswith(b"HTTP/1.1 200")
    except CLOSED:
        return False
