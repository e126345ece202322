"""Strangers in numbers, against a server in a process of its own: callers come in, and little is held."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
import trio

from tests.cli.process import LIMIT_S, Running, start_cli
from tests.end_to_end.test_strangers import OPEN, frame
from tests.net.websocket_client import RawClient
from voxint.client import connect
from voxint.errors import Disconnected
from voxint.net.frames import frame_of
from voxint.protocol import messages as m
from voxint.protocol.codec import encode_client

MODEL = """
from voxint import Delta

class Model:
    async def generate(self, turn, out):
        await out.send(Delta("word"))
"""

CONFIG = """
[server]
port = 0
drain_s = 0.2
max_connections = 50
api_keys = ["right"]
[llm]
provider = "stages:Model"
"""


@asynccontextmanager
async def serving(here: Path, *settings: str) -> AsyncIterator[tuple[Running, int]]:
    """Run a server that serves however busy the machine is; give it and its port."""
    (here / "stages.py").write_text(MODEL)
    (here / "voxint.toml").write_text(CONFIG)
    flags = [flag for setting in ("quotas.busy_share=1", *settings) for flag in ("--set", setting)]
    async with start_cli("serve", *flags, cwd=here) as server:
        found = re.search(r"ws://127\.0\.0\.1:(\d+)/", await server.wait_for('"started"'))
        assert found is not None
        yield server, int(found[1])


async def come_and_say_nothing(port: int) -> None:
    """Connect, become a WebSocket, and stay as long as one may; then again."""
    while True:
        with suppress(OSError, trio.BrokenResourceError):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(OPEN)
                while await stream.receive_some():
                    pass


@pytest.mark.parametrize("places", [50, 128])
async def test_the_right_key_comes_in_among_strangers(tmp_path: Path, places: int) -> None:
    """20 of 20 times, while 60 strangers of the same address want 50 places, or more than there are of them."""
    settings = (f"server.max_strangers={places}", f"server.max_strangers_per_address={places}")
    admitted = 0
    async with serving(tmp_path, *settings) as (_, port), trio.open_nursery() as nursery:
        for _ in range(60):
            nursery.start_soon(come_and_say_nothing, port)
        await trio.sleep(0.5)
        for _ in range(20):
            async with connect(f"ws://127.0.0.1:{port}/ws/agent/stream", api_key="right") as client:
                assert await (await client.send_text("Hello")).text() == "word"
                admitted += 1
        nursery.cancel_scope.cancel()
    assert admitted == 20


def memory_of(server: Running) -> int:
    """Return the resident memory of a process, in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [kib] = re.findall(r"^VmRSS:\s+(\d+) kB", status, re.M)
    return int(kib) * 1024


async def test_what_strangers_leave_unfinished_is_little(tmp_path: Path) -> None:
    """200 of them with a quarter of a megabyte each, of a message without an end: within 20 MB of before."""

    async def leave_unfinished(port: int) -> None:
        with suppress(OSError, trio.BrokenResourceError):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(OPEN)
                await stream.send_all(frame_of("x" * 250_000, masked=True)[:-1])
                while await stream.receive_some():
                    pass

    async with serving(tmp_path) as (server, port):
        async with connect(f"ws://127.0.0.1:{port}/ws/agent/stream", api_key="right") as client:
            await (await client.send_text("Hello")).text()
        before = memory_of(server)
        async with trio.open_nursery() as nursery:
            for _ in range(200):
                nursery.start_soon(leave_unfinished, port)
            await trio.sleep(2)
            held = memory_of(server) - before
            nursery.cancel_scope.cancel()
        assert held < 20_000_000


async def test_guessing_is_slow(tmp_path: Path) -> None:
    """32 connections guess as fast as they can, of one address: soon sixteen answers a second at most.

    Each gets the same answer in the end, and one line in the log tells of them all.
    """
    register = m.Register(auth=m.Auth(type="API_KEY", api_key="wrong"))
    guess = frame_of(encode_client(register, None, 0), masked=True)
    answers: Counter[int] = Counter()

    async def guess_on(port: int) -> None:
        while True:
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                client = RawClient(stream)
                await client.send(OPEN)
                await client.opened()
                await client.send(guess)
                answers[await client.close_code()] += 1

    async with serving(tmp_path) as (server, port):
        with trio.move_on_after(6):
            async with trio.open_nursery() as nursery:
                for _ in range(32):
                    nursery.start_soon(guess_on, port)
        assert set(answers) == {4401}
        assert 16 <= answers[4401] <= 32 * 4
        assert server.output.count('"a wrong key"') == 1


async def test_a_stranger_who_asks_and_asks_is_closed(tmp_path: Path) -> None:
    """A HEALTH_CHECK is answered without a key; some dozens of them are enough."""
    check = frame_of(encode_client(m.HealthCheck(), None, 0), masked=True)
    with trio.fail_after(LIMIT_S):
        async with serving(tmp_path) as (_, port), await trio.open_tcp_stream("127.0.0.1", port) as stream:
            client = RawClient(stream)
            await client.send(OPEN)
            await client.opened()
            await client.send(check * 40)
            answered = 0
            while (got := await client.frame()) is not None and got[0] == 1:
                answered += b"HEALTH_CHECK_ACK" in got[1]
            assert answered == 32
            assert got is not None
            assert int.from_bytes(got[1][:2], "big") == 1008
            await client.send(frame(8, got[1][:2]))


async def comes_in(port: int) -> None:
    """Come in with the right key, as soon as there is a place: those of wrong keys are paid for up to two seconds."""
    with trio.fail_after(5):
        while True:
            with suppress(Disconnected):
                async with connect(f"ws://127.0.0.1:{port}/ws/agent/stream", api_key="right") as client:
                    assert await (await client.send_text("Hello")).text() == "word"
                    return
            await trio.sleep(0.1)


async def test_guessing_by_the_pages_is_as_slow(tmp_path: Path) -> None:
    """Who leaves before the answer keeps the place taken all the same; a right key is answered meanwhile."""
    answered = 0

    async def guess_on(port: int) -> None:
        nonlocal answered
        while True:
            with suppress(OSError, trio.BrokenResourceError), trio.move_on_after(0.2):
                async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                    await stream.send_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n\r\n")
                    await stream.receive_some()
                    answered += 1

    settings = ("server.max_strangers_per_address=16", "server.trusted_proxies=127.0.0.9")
    async with serving(tmp_path, *settings) as (server, port):
        with trio.move_on_after(4):
            async with trio.open_nursery() as nursery:
                for _ in range(32):
                    nursery.start_soon(guess_on, port)
        await comes_in(port)
        async with httpx.AsyncClient() as http:
            right = {"authorization": "Bearer right"}
            text = (await http.get(f"http://127.0.0.1:{port}/metrics", headers=right)).text
        [guesses] = re.findall(r'^voxint_turned_away_total\{reason="key"\} (\S+)$', text, re.M)
        assert 16 <= float(guesses) <= 16 * 5
        assert server.output.count('"a wrong key"') == 1


async def test_who_reads_no_page_keeps_nobody_out(tmp_path: Path) -> None:
    """As many as there are places ask for pages without end and read nothing: a right key comes in all the same."""

    async def ask_and_not_read(port: int) -> None:
        sock = trio.socket.socket()
        sock.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 4096)
        await sock.connect(("127.0.0.1", port))
        async with trio.SocketStream(sock) as stream:
            with suppress(trio.BrokenResourceError):
                await stream.send_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000)
            await trio.sleep_forever()

    async with serving(tmp_path, "server.max_strangers=8") as (_, port), trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(ask_and_not_read, port)
        await trio.sleep(1)
        with trio.fail_after(5):
            async with connect(f"ws://127.0.0.1:{port}/ws/agent/stream", api_key="right") as client:
                assert await (await client.send_text("Hello")).text() == "word"
        nursery.cancel_scope.cancel()
