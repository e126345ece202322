"""A server that has no file descriptor left: strangers make room, nobody is left waiting, the log stays calm."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import trio

from tests.cli.process import LIMIT_S, Running
from tests.end_to_end.test_flood import CONFIG, MODEL, come_and_say_nothing
from voxint.client import connect
from voxint.errors import Disconnected

DESCRIPTORS = 40
"""That the server may have; it needs some fifteen for itself."""


@asynccontextmanager
async def short_of_descriptors(here: Path) -> AsyncIterator[tuple[Running, int]]:
    """Run a server that may have few descriptors; give it and its port."""
    (here / "stages.py").write_text(MODEL)
    (here / "voxint.toml").write_text(CONFIG)
    serve = f"ulimit -n {DESCRIPTORS}; exec {sys.executable} -m voxint serve --log-format json"
    process = await trio.lowlevel.open_process(
        ["/bin/sh", "-c", serve], cwd=here, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with trio.open_nursery() as nursery:
            running = Running(process, nursery)
            nursery.start_soon(running.read, process.stdout)
            nursery.start_soon(running.read, process.stderr)
            found = re.search(r"ws://127\.0\.0\.1:(\d+)/", await running.wait_for('"started"'))
            assert found is not None
            yield running, int(found[1])
            nursery.cancel_scope.cancel()
    finally:
        process.kill()
        with trio.move_on_after(LIMIT_S, shield=True):
            await process.wait()
        for stream in (process.stdout, process.stderr):
            await stream.aclose()


async def test_strangers_make_room_for_a_caller(tmp_path: Path) -> None:
    """Sixty of them take every descriptor: a caller comes in all the same, five of five times, and is answered."""
    with trio.fail_after(LIMIT_S):
        async with short_of_descriptors(tmp_path) as (server, port), trio.open_nursery() as nursery:
            for _ in range(60):
                nursery.start_soon(come_and_say_nothing, port)
            await server.wait_for('"no file descriptor is left"')
            for _ in range(5):
                async with connect(f"ws://127.0.0.1:{port}/ws/agent/stream", api_key="right") as client:
                    assert await (await client.send_text("Hello")).text() == "word"
            nursery.cancel_scope.cancel()


async def test_where_callers_have_them_all_a_newcomer_is_told(tmp_path: Path) -> None:
    """It is closed at once, and comes in when one has left; each line of the log is JSON, and they are few."""
    url = "ws://127.0.0.1:{}/ws/agent/stream"
    with trio.fail_after(LIMIT_S):
        async with short_of_descriptors(tmp_path) as (server, port), AsyncExitStack() as callers:
            inside = 0
            with suppress(Disconnected):
                while inside < DESCRIPTORS:
                    await callers.enter_async_context(connect(url.format(port), api_key="right"))
                    inside += 1
            assert 10 < inside < DESCRIPTORS
            closed = 0
            for _ in range(20):
                with trio.move_on_after(2) as scope, suppress(trio.BrokenResourceError):
                    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                        assert await stream.receive_some() == b""
                closed += not scope.cancelled_caught
            assert closed >= 19  # one may get the descriptor of the caller who was told before
            await callers.aclose()
            async with connect(url.format(port), api_key="right") as client:
                assert await (await client.send_text("Hello")).text() == "word"
            lines = [json.loads(line) for line in server.output.splitlines()]
    assert len([line for line in lines if line["event"] == "no file descriptor is left"]) <= 3
    assert len(lines) < 4 * DESCRIPTORS
