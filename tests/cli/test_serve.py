"""`voxint serve` as a process: what it says, what it obeys, and when it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.cli.process import LIMIT_S, Running, run_cli, start_cli
from voxint.cli.outside import HUNG, SAME_S
from voxint.client import Client, connect
from voxint.core.events import Ended

STAGES = """
import time
import trio
from voxint import Delta

class Model:
    def __init__(self, text: str = "word ", times: int = 1, hangs: bool = False, blocks: bool = False) -> None:
        self.text, self.times, self.hangs, self.blocks = text, times, hangs, blocks

    async def generate(self, turn, out):
        try:
            for _ in range(self.times):
                await out.send(Delta(self.text))
                await trio.sleep(0.02)
        finally:
            if self.blocks:
                time.sleep(1000)
            with trio.CancelScope(shield=self.hangs):
                if self.hangs:
                    await trio.sleep_forever()

class LeavesSlowly(Model):
    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        with trio.CancelScope(shield=True):
            await trio.sleep_forever()
"""

CONFIG = """
[server]
port = 0
drain_s = 0.2
close_s = 0.2
[llm]
provider = "stages:Model"
"""

FOREVER = "times=1000000"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A working directory with a configuration and its model."""
    (tmp_path / "stages.py").write_text(STAGES)
    (tmp_path / "voxint.toml").write_text(CONFIG)
    return tmp_path


@asynccontextmanager
async def serving(here: Path, *arguments: str, **env: str) -> AsyncGenerator[tuple[Running, str]]:
    """Run a server; give it and the address of its WebSocket."""
    async with start_cli("serve", *arguments, cwd=here, env=env) as server:
        output = await server.wait_for('"started"')
        found = re.search(r"ws://127\.0\.0\.1:\d+/ws/agent/stream", output)
        assert found is not None
        yield server, found[0]


async def ask(client: Client) -> None:
    """Ask, and wait until the answer has begun."""
    await anext(await client.send_text("Hello"))


def lines(server: Running) -> list[dict[str, Any]]:
    """Return what was logged."""
    return [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]


async def test_it_serves_what_the_file_the_environment_and_the_flags_say(here: Path) -> None:
    """./voxint.toml is found by itself; the first line of the log says where and that it is open."""
    async with serving(here, "--set", "llm.times=2", VOXINT_LLM_TEXT="ja ") as (server, url):
        async with connect(url) as client:
            assert await (await client.send_text("Hello")).text() == "ja ja "
        started = lines(server)[0]
        assert started["url"] == url
        assert started["page"] == url.replace("ws://", "http://").replace("/ws/agent/stream", "/")
        assert started["access"] == "open to anyone on this machine: no api_keys are configured"
        assert started["llm"] == "stages:Model"
        await server.wait_for('"request finished"')
        server.send(signal.SIGTERM)
        assert await server.wait() == 0
    assert [line["event"] for line in lines(server)][-3:] == ["request finished", "draining", "stopped"]


async def test_nothing_personal_is_logged_at_any_level(here: Path) -> None:
    """Not what was said, not what was answered, not the prompt, not a key."""
    secret = "persimmon"
    arguments = ("--log-level", "debug", "--set", f"agent.prompt={secret}", "--set", f"llm.text={secret} ")
    async with serving(here, *arguments, VOXINT_API_KEYS=f"k-{secret}") as (server, url):
        async with connect(url, api_key=f"k-{secret}", system_prompt=secret) as client:
            assert secret in await (await client.send_text(secret)).text()
        server.send(signal.SIGTERM)
        assert await server.wait() == 0
        assert lines(server)[0]["access"] == "with an api key or an account"
        assert "request finished" in server.output
        assert secret not in server.output


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_the_first_signal_lets_a_live_answer_end(here: Path, signum: signal.Signals) -> None:
    """Within drain_s; the client reads it to its end."""
    async with serving(here, "--set", "llm.times=50", "--set", "server.drain_s=30") as (server, url):
        async with connect(url) as client:
            reply = await client.send_text("Hello")
            await anext(reply)
            server.send(signum)
            events = [event async for event in reply]
        assert events[-1] == Ended(False)
        assert await server.wait() == 0


async def test_an_answer_that_outlasts_the_drain_is_interrupted(here: Path) -> None:
    """With the reason SHUTDOWN, and the server ends well."""
    async with serving(here, "--set", f"llm.{FOREVER}") as (server, url):
        async with connect(url) as client:
            reply = await client.send_text("Hello")
            await anext(reply)
            server.send(signal.SIGTERM)
            events = [event async for event in reply]
        assert events[-1] == Ended(True, "SHUTDOWN")
        assert await server.wait() == 0


async def test_a_later_signal_ends_it_at_once(here: Path) -> None:
    """Although an answer is live and the drain would last; those that come together with the first do not."""
    flags = ("--set", f"llm.{FOREVER}", "--set", "server.drain_s=1000")
    async with serving(here, *flags) as (server, url), connect(url) as client:
        await ask(client)
        server.send(signal.SIGTERM)
        await server.wait_for('"draining"')
        began = time.monotonic()
        with trio.fail_after(LIMIT_S):
            while server.process.poll() is None:
                server.send(signal.SIGTERM)
                await trio.sleep(0.02)
        assert await server.wait() == -signal.SIGTERM
        assert SAME_S - 0.2 < time.monotonic() - began < SAME_S + 3  # the log is a little late, and a busy machine more


async def test_two_signals_at_once_are_one(here: Path) -> None:
    """As `timeout` sends them, to its child and then to the group: the server drains, and says that it stopped."""
    flags = ("--set", f"llm.{FOREVER}", "--set", "server.drain_s=1")
    async with serving(here, *flags) as (server, url), connect(url) as client:
        await ask(client)
        server.send(signal.SIGTERM)
        server.send(signal.SIGINT)
        assert await server.wait() == 0
    assert [line["event"] for line in lines(server)][-1] == "stopped"


@pytest.mark.parametrize("setting", ["llm.hangs=true", "llm.blocks=true", "llm.provider=stages:LeavesSlowly"])
async def test_it_ends_in_time_although_something_hangs(here: Path, setting: str) -> None:
    """A stage that shields itself, one that blocks the event loop, a provider that does not close.

    drain_s, interrupt_s and close_s are 0.65 s here, and half a second is the grace. The line that blocks is logged.
    """
    flags = [flag for each in (f"llm.{FOREVER}", setting) for flag in ("--set", each)]
    async with serving(here, *flags) as (server, url):
        async with connect(url) as client:
            await ask(client)
            server.send(signal.SIGTERM)
            began = time.monotonic()
            assert await server.wait() == HUNG
            assert time.monotonic() - began < 0.65 + 0.5 + 3  # the last for a busy machine
        assert '"exit_code": 70' in server.output
        assert ('"by": "stages.py:' in server.output) is (setting == "llm.blocks=true")


async def test_a_taken_port_is_one_line(here: Path) -> None:
    """With what to do about it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = await run_cli("serve", "--port", str(port), cwd=here)
    assert done.code == 1
    expected = (
        f"voxint: 127.0.0.1 port {port} is taken: stop what runs there, or choose another by --port (0: any free one)\n"
    )
    assert done.err == expected


@pytest.mark.parametrize(("arguments", "words"), [
    (("none.toml",),
     "voxint: {here}/none.toml: the file can't be read (No such file or directory): is its name right?\n"),
    (("--set", "server.prot=1"),
     "voxint: --set server.prot: this section has no key of this name; did you mean port?\n"),
    (("--set", "port"), "voxint: --set port: write it as section.key=value, such as limits.lead_ms=200\n"),
    (("--set", "llm.txet=1"), "voxint: --set llm.txet: stages:Model has no option of this name; did you mean text?\n"),
    (("--host", "0.0.0.0"), "voxint: [server] host = '0.0.0.0': this address can be reached from other machines: "
     "set api_keys or keys_file, or listen on 127.0.0.1\n"),
])  # fmt: skip
async def test_an_operators_error_is_one_line(here: Path, arguments: tuple[str, ...], words: str) -> None:
    """And exit code 2."""
    done = await run_cli("serve", *arguments, cwd=here)
    assert (done.code, done.err) == (2, words.replace("{here}", str(here)))


async def test_the_collectors_are_frozen_after_the_start(here: Path) -> None:
    """A pass over all that start-up made would stall every session."""
    (here / "frozen.py").write_text("import gc\nfrom voxint import Delta\nclass Model:\n"
                                    "    async def generate(self, turn, out):\n"
                                    "        await out.send(Delta(str(gc.get_freeze_count() > 10_000)))\n")  # fmt: skip
    async with serving(here, "--set", "llm.provider=frozen:Model") as (_, url), connect(url) as client:
        with trio.fail_after(LIMIT_S):
            assert await (await client.send_text("Hello")).text() == "True"
