"""On what, and of what, a run was made."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import psutil

from bench.closings import may_watch
from bench.environments import ROOT
from bench.processes import may_go_first
from bench.schema import Machine
from voxint.children import python_environment

__all__ = ["commit", "machine"]

GIT_S = 10.0
CPUINFO = Path("/proc/cpuinfo")


def machine() -> Machine:
    """Return this machine, and how busy it is now."""
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_mib=psutil.virtual_memory().total // 2**20,
        load=os.getloadavg()[0],
        generator_first=may_go_first(),
        kernel_stamps=may_watch(),
    )


def commit() -> str:
    """Return the commit of the working tree, with ``+`` where it holds changes; empty outside of git."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=GIT_S,
        env=python_environment("GIT_*"),
    )
    return done.stdout.strip()


def _cpu() -> str:
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
