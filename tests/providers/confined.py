"""What an engine's process holds and may do, as the kernel tells it."""

from __future__ import annotations

import os
from pathlib import Path

from voxint.workers.process import ENVIRONMENT

__all__ = ["assert_confined"]


def status(pid: int) -> dict[str, str]:
    """Return what the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def environment(pid: int) -> bytes:
    """Return the variables that a process was started with."""
    return Path(f"/proc/{pid}/environ").read_bytes()


def open_files(pid: int) -> dict[int, str]:
    """Return what a process has open, by the descriptor."""
    return {int(fd.name): os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}


def limit(pid: int, name: str) -> str:
    """Return a limit that a process has, as the kernel writes it."""
    [line] = [line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith(name)]
    return line.removeprefix(name).split()[0]


def assert_confined(pid: int, memory_mib: int) -> None:
    """Fail unless a process holds nothing of the server's (variables, files but its pipes), and has its limits."""
    own = {f"{name}={value}" for name, value in ENVIRONMENT.items()}
    assert set(filter(None, environment(pid).decode().split("\0"))) == own
    files = open_files(pid)
    assert files.pop(2) == "/dev/null"
    assert files.pop(1) == "/dev/null"  # what the engine prints goes nowhere; the answers' pipe is another
    assert len(files) == 2
    assert all(name.startswith(("pipe:", "socket:")) for name in files.values())
    assert limit(pid, "Max address space") == str(memory_mib * 2**20)
    assert (limit(pid, "Max file size"), limit(pid, "Max core file size")) == ("0", "0")
    found = status(pid)
    assert (found["NoNewPrivs"], int(found["SigBlk"], 16)) == ("1", 0)
    if os.uname().machine in ("x86_64", "aarch64"):
        assert found["Seccomp"] == "2"
