"""Where the targets' packages live: an environment for each, made by ``python -m bench install``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from voxint.children import python_environment

__all__ = ["TARGETS", "Environment", "environment_of", "install"]

ROOT = Path(__file__).parent.parent
INSTALLER = ("PIP_*", "SSL_CERT_*", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
"""What pip goes by beside: its own settings, and the way to the network."""

HOME = Path(os.environ.get("VOXINT_BENCH_HOME", ROOT / ".bench"))
"""The folder of the environments and of the runs: ignored by git; some 1 GB with every peer installed."""

ASYNCIO = ("fastapi", "uvicorn[standard]", "httpx", "aiohttp", "uvloop", "websockets")

TARGETS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "echo": ("", ()),
    "echo_asyncio": ("asyncio", ASYNCIO),
    "voxint": ("", ()),
    "asyncio_httpx": ("asyncio", ASYNCIO),
    "asyncio_aiohttp": ("asyncio", ASYNCIO),
    "flag": ("asyncio", ASYNCIO),
    "pipecat": ("pipecat", ("pipecat-ai[websocket]", "openai[aiohttp]", "uvicorn[standard]")),
    "livekit": ("livekit", ("livekit-agents", "livekit-plugins-openai", "uvloop")),
}
"""Each target's environment and what is installed there; the empty name is the benchmark's own."""


@frozen
class Environment:
    """A place with an interpreter.

    Args:
        python: Its interpreter.
        missing: Why it can't be used, or empty.
    """

    python: str
    missing: str = ""


def environment_of(target: str) -> Environment:
    """Return where a target runs."""
    name, _ = TARGETS[target]
    if not name:
        return Environment(sys.executable)
    python = HOME / name / "bin" / "python"
    return Environment(str(python), "" if python.exists() else f"not installed: python -m bench install {name}")


def install(names: list[str]) -> None:
    """Make the environments of those names, or all; one that is there is brought up to date.

    Raises:
        subprocess.CalledProcessError: A package could not be installed.
        KeyError: There is no environment of that name.
    """
    wanted = dict(value for value in TARGETS.values() if value[0])
    for name in names or sorted(wanted):
        if not (HOME / name / "bin" / "python").exists():
            subprocess.run([sys.executable, "-m", "venv", str(HOME / name)], check=True, env=python_environment())
        pip = [str(HOME / name / "bin" / "python"), "-m", "pip", "install", "--upgrade", "--quiet"]
        subprocess.run([*pip, *wanted[name]], check=True, env=python_environment(*INSTALLER))
