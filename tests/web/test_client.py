"""The browser client in Node, against a real server: what it asks, how it comes back, and why it may not connect."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from tests.web.nodes import SECONDS, WEB, needs_node, node
from voxint.core.agent import Agent
from voxint.server.config import ServerConfig
from voxint.server.quotas import Quotas
from voxint.server.serve import Server, serve
from voxint.testing.chaos import open_chaos
from voxint.testing.stages import FOREVER, HEAR, SPEAK, ScriptedEars, ScriptedModel, ScriptedVoice

pytestmark = needs_node

ANSWER = "A keeper lived here with his family. "


PATIENT = Quotas(session_requests_per_minute=6000, session_upstream_calls_per_minute=6000)
"""A test asks more often than a person."""


def an_agent(*script: str | float, model: ScriptedModel | None = None) -> Agent:
    """Return one that hears, answers by a script, and says 64 characters a second."""
    return Agent(
        llm=model or ScriptedModel(*script),
        tts=ScriptedVoice(SPEAK, seconds_per_char=1 / 64),
        stt=ScriptedEars(HEAR, "who lived here"),
    )


@asynccontextmanager
async def serving(agent: Agent, **settings: object) -> AsyncIterator[Server]:
    """Serve an agent on loopback."""
    config = ServerConfig(**{"port": 0, "drain_s": 0, **settings})  # type: ignore[arg-type]  # checked by the class
    async with trio.open_nursery() as nursery:
        server: Server = await nursery.start(partial(serve, quotas=PATIENT), agent, config)
        yield server
        server.shut_down()


class Program:
    """A program of Node's that runs: its lines as they come."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._read = ""

    async def line(self) -> str:
        """Return the next line; the caller bounds the wait."""
        assert self._process.stdout is not None
        while "\n" not in self._read:
            data = await self._process.stdout.receive_some()
            if not data:
                assert self._process.stderr is not None
                raise AssertionError((await self._process.stderr.receive_some()).decode())
            self._read += data.decode()
        line, _, self._read = self._read.partition("\n")
        return line


@asynccontextmanager
async def running(name: str, *arguments: str) -> AsyncIterator[Program]:
    """Run a program while the block does, which waits for its end."""
    command = [*node(), str(WEB / "programs" / f"{name}.js"), *arguments]
    with trio.fail_after(SECONDS):
        process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            yield Program(process)
            assert await process.wait() == 0
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()  # at once: it was killed


async def printed(name: str, *arguments: str) -> list[str]:
    """Return what a program prints until it ends."""
    with trio.fail_after(SECONDS):
        done = await trio.run_process(
            [*node(), str(WEB / "programs" / f"{name}.js"), *arguments],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().splitlines()


async def test_old_pages_ask_in_text_and_voice_and_stop() -> None:
    """A question, an upload, a voice in one piece, a change of the session and a stop with its receipt."""
    endless = ScriptedModel(ANSWER, FOREVER)
    model = ScriptedModel.turns(*(ScriptedModel(ANSWER) for _ in range(3)), endless)
    async with serving(an_agent(model=model)) as server:
        lines = await printed("old-pages", server.url)
    told = ANSWER.strip()
    assert [line.strip() for line in lines] == [
        told,
        "who lived here",
        told,
        "who lived here",
        told,
        "SUCCESS stopped USER_STOP true",
    ]


async def test_an_answer_survives_three_lost_connections() -> None:
    """Nothing of it comes twice and nothing is missing, with `on_disconnect: keep`."""
    answer = ANSWER * 4
    async with (
        serving(an_agent(answer)) as server,
        open_chaos("127.0.0.1", server.port) as chaos,
        running("comes-back", server.url.replace(str(server.port), str(chaos.port))) as program,
    ):
        cuts = 0
        while (line := await program.line()) == "cut":
            cuts += 1
            chaos.reset()
    told = json.loads(line)
    assert cuts == 3
    assert told["opened"] == [False, True, True, True]
    assert (told["answer"].strip(), told["interrupted"], told["lost"]) == (answer.strip(), False, [])
    assert told["errors"] == ["lost"] * 3
    assert told["text"] == list(range(len(told["text"])))
    assert told["audio"] == list(range(len(told["audio"])))
    assert told["samples"] == pytest.approx(len(answer) * 16_000 / 64, abs=16 * len(answer))


async def test_the_server_is_killed_and_comes_back() -> None:
    """The client goes on trying, finds its session gone, says so of what was live, and opens a new one."""
    agent = an_agent(ANSWER, FOREVER)
    async with serving(agent) as server, trio.open_nursery() as nursery:
        port = 0
        killed = trio.CancelScope()

        async def mortal(task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
            with killed:
                async with serving(agent) as first:
                    task_status.started(first.port)
                    await trio.sleep_forever()  # until it is killed

        port = await nursery.start(mortal)
        async with running("outlives", server.url.replace(str(server.port), str(port))) as program:
            assert [await program.line() for _ in range(2)] == ["open false false", "asked"]
            killed.cancel()
            assert [await program.line() for _ in range(3)] == ["waiting 1", "waiting 2", "waiting 3"]
            async with serving(agent, port=port):
                lines = [await program.line()]
                while lines[-1] != "SUCCESS":
                    lines.append(await program.line())
    assert [line for line in lines if not line.startswith("waiting")] == [
        "session_gone",
        "open true false",
        "SUCCESS",
    ]


@pytest.mark.parametrize(
    ("origin", "key", "keys", "path", "told"),
    [
        ("", "wrong", ("the server's own",), "", "key_refused false closed"),
        ("", "", ("the server's own",), "", "key_needed false closed"),
        ("https://kiosk.example", "", (), "", "origin_refused false closed"),
        ("http://localhost:3000", "", (), "/elsewhere", "no_such_path false closed"),
    ],
)
async def test_who_may_not_connect_reads_why_and_stops(
    origin: str, key: str, keys: tuple[str, ...], path: str, told: str
) -> None:
    """By a code of the closed set; what was asked fails with it, and nothing is tried again."""
    async with serving(an_agent(ANSWER), api_keys=keys) as server:
        assert await printed("refused", server.url + path, origin, key) == [told]


async def test_a_full_server_is_tried_again() -> None:
    """Until it has room; what was asked meanwhile is asked then."""
    async with serving(an_agent(ANSWER), max_connections=1) as server:
        lines = await printed("waits-for-room", server.url)
    assert [line.strip() for line in lines] == ["busy true waiting", ANSWER.strip()]


async def test_heartbeats_are_answered() -> None:
    """A client that says nothing else stays for longer than the server's patience with silence."""
    async with serving(an_agent(ANSWER), heartbeat_s=0.2, session_timeout_s=1.0, warn_s=0.1) as server:
        assert await printed("beats", server.url) == ["connecting,open,rtt true"]


async def test_two_hundred_interruptions_leave_nothing_stale() -> None:
    """Before anything has come, at the first word and at the first sound; each is stopped, with its receipt."""
    async with serving(an_agent(ANSWER, FOREVER)) as server:
        [line] = await printed("interrupts", server.url)
    told = json.loads(line)
    assert (told["outcomes"], told["errors"]) == ({"stopped": 200}, [])
    assert (told["stale"], told["interruptions"], told["messages"]) == (0, 200, 400)
    assert (told["split"], told["played"]) == (True, True)
