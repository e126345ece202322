"""What all end-to-end tests share: the simulated upstream in a process of its own, and a log that keeps to warnings."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest
import structlog

from voxint.testing.sim import Sim, SimAddress

for helper in ("callers", "operations", "turns", "upstream", "wire"):
    pytest.register_assert_rewrite(f"tests.end_to_end.{helper}")


@pytest.fixture(scope="session")
def sim() -> Iterator[Sim]:
    """Return a simulator whose every answer is set by the request's `X-Sim`; it also has the port of no connect.

    Started without trio, because each test has a run of its own and the process outlives them.
    """
    command = [sys.executable, "-m", "voxint.testing.sim", "--stall-connect=true", "--content=numbered"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()  # empty if it died; its standard error, which is ours, says why
            yield Sim(msgspec.json.decode(line, type=SimAddress), process.pid)
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Log warnings and worse: a line for each of thousands of requests would cost what is being tested."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()
