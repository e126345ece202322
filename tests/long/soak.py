"""Callers that do as they like with a server's process, for as long as one likes, and what is left of them in it."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import mean

import trio
from attrs import define, field

from tests.long.server_process import RESUME_S, ServerProcess, open_server
from voxint.client import Client, ResumePoint, connect
from voxint.client.reply import RemoteReply
from voxint.core.settings import SettingsChange
from voxint.errors import ServerError
from voxint.protocol import messages as m
from voxint.testing.invariants import Checker
from voxint.testing.sim import sim_process

__all__ = ["Findings", "soak"]

CALLERS = 16
"""At a time; chosen here: they keep two cores busy, and no step of theirs waits for another's for long."""

ACK_WITHIN_S = 5.0
"""Generous, because server, upstream and callers share the machine with whoever else runs: that an acknowledgement
comes in time is measured elsewhere, that nothing follows it is what is looked at here."""

PACE = {
    "tokens": 16,
    "tokens_per_sentence": 6,
    "first_token_s": 0.02,
    "token_interval_s": 0.01,
    "first_chunk_s": 0.01,
    "chunk_interval_s": 0.01,
    "speech_s": 0.3,
    "transcript": "Tell me more",
    "transcript_delay_s": 0.05,
}

GROWTH_BYTES = 12 << 20
"""What the process may grow by between the first quarter, when it is warm, and the last; chosen here."""

LEFT_S = 30.0
"""For what the callers leave behind to go: sessions are kept for `RESUME_S`, and connections closed within 2 s."""


@define
class Findings:
    """What came of it.

    Attributes:
        done: How often the callers did what.
        violations: Promises that were broken.
        memory: Of the server, in bytes, sample by sample.
        descriptors: Open in the server, but for warm connections to the upstream: before the callers, and after.
        tasks: Likewise.
        threads: Likewise.
        left: Gauges that were not zero at the end.
        errors: Lines of the server's log that tell of a fault of its own.
    """

    done: Counter[str] = field(factory=Counter)
    violations: list[str] = field(factory=list)
    memory: list[int] = field(factory=list)
    descriptors: list[int] = field(factory=list)
    tasks: list[int] = field(factory=list)
    threads: list[int] = field(factory=list)
    left: dict[str, float] = field(factory=dict)
    errors: list[str] = field(factory=list)

    @property
    def growth(self) -> float:
        """From the mean of the first quarter behind the warm-up, itself a quarter, to that of the last, in bytes."""
        quarter = max(1, len(self.memory) // 4)
        return mean(self.memory[-quarter:]) - mean(self.memory[quarter : 2 * quarter])

    def judge(self) -> None:
        """Assert that all is as it was.

        Raises:
            AssertionError: Something is not.
        """
        assert self.violations == []
        assert self.errors == []
        assert self.left == {}
        assert self.growth < GROWTH_BYTES, f"the server grew by {self.growth / 2**20:.1f} MiB"
        assert self.descriptors[-1] <= self.descriptors[0], "descriptors are left open"
        assert self.tasks[-1] <= self.tasks[0], "tasks are left"
        assert self.threads[-1] <= self.threads[0], "threads are left"

    def __str__(self) -> str:
        first, last = (f"{size / 2**20:.1f}" for size in (self.memory[len(self.memory) // 4], self.memory[-1]))
        did = ", ".join(f"{number} {what}" for what, number in self.done.most_common())
        kept = f"descriptors {self.descriptors}, tasks {self.tasks}, threads {self.threads}"
        return f"{did}; memory {first} MiB when warm, {last} MiB at the end; {kept}"


async def soak(seconds: float, seed: int = 9, told: Callable[[Findings], None] = lambda findings: None) -> Findings:
    """Have callers talk, interrupt, upload, drop and come back at random against a server's process.

    Args:
        seconds: For how long.
        seed: Of the callers' chance.
        told: Called every so often with what was found so far.
    """
    findings = Findings()
    with tempfile.TemporaryDirectory() as folder:
        async with sim_process(**PACE) as sim, open_server(sim.base_url, Path(folder, "log")) as server:
            await _call(Random(seed), server.url, Findings(), 4)  # what a first caller makes for good is there then
            await _settled(server, findings)
            async with trio.open_nursery() as nursery:
                with trio.move_on_after(seconds):
                    for number in range(CALLERS):
                        nursery.start_soon(_caller, Random(f"{seed}/{number}"), server.url, findings, seconds)
                    while True:
                        await trio.sleep(max(0.5, seconds / 200))
                        findings.memory.append(server.memory)
                        told(findings)
            await _settled(server, findings)
            findings.errors = server.errors()
    return findings


async def _settled(server: ServerProcess, findings: Findings) -> None:
    """Wait until what callers leave behind is gone, `LEFT_S` at most, and note what is there then."""
    gauges = ("voxint_connections", "voxint_requests_live", "voxint_requests_overrunning")
    before = tuple(kept[0] for kept in (findings.descriptors, findings.tasks, findings.threads) if kept)
    now: tuple[int, ...] = ()
    await trio.sleep(RESUME_S)
    with trio.move_on_after(LEFT_S):
        while True:
            values = await server.metrics()
            alive, descriptors = await server.held()
            findings.left = {name: values[name] for name in gauges if values[name]}
            if alive.in_use:
                findings.left["upstream connections"] = alive.in_use
            last, now = now, (descriptors, alive.tasks, server.threads)
            as_before = all(has <= had for has, had in zip(now, before, strict=True)) if before else now == last
            if not findings.left and as_before:
                break
            await trio.sleep(0.5)
    for kept, each in zip((findings.descriptors, findings.tasks, findings.threads), now, strict=True):
        kept.append(each)


async def _caller(rng: Random, url: str, findings: Findings, seconds: float) -> None:
    until = trio.current_time() + seconds
    point: ResumePoint | None = None
    while trio.current_time() < until:
        point = await _call(rng, url, findings, rng.randrange(1, 8), point)
        if point is not None:
            await trio.sleep(rng.random())
            point = point if rng.random() < 0.8 else None


async def _call(
    rng: Random, url: str, findings: Findings, acts: int, point: ResumePoint | None = None
) -> ResumePoint | None:
    """Hold one connection; return where to go on, if it was dropped."""
    checker = Checker(ACK_WITHIN_S)
    keeps = rng.random() < 0.5
    auth = m.Auth(type="API_KEY", api_key="")
    resume = None if point is None else point.message
    checker.sent(m.Register(auth=auth, patch=SettingsChange(require_tts=True), resume=resume), trio.current_time())
    dropped: ResumePoint | None = None
    try:
        with trio.CancelScope() as connection:
            async with connect(
                url,
                require_tts=True,
                features=("binary_audio", "transcripts"),
                on_disconnect="keep" if keeps else "interrupt",
                resume=point,
                connect_timeout_s=30,
                answer_timeout_s=30,
                on_frame=checker.received,
            ) as client:
                findings.done["calls" if point is None else "resumed"] += 1
                caller = _Client(client, checker, rng, findings)
                for _ in range(acts):
                    await caller.act()
                if rng.random() < 0.4:
                    findings.done["dropped"] += 1
                    dropped = client.resume_point
                    connection.cancel(reason="the caller's network is gone")
                    await trio.lowlevel.checkpoint()
                await caller.rest()
                checker.settled()
    except ServerError as error:
        findings.done[f"{type(error).__name__} {error.code}"] += 1
    findings.violations += [str(broken) for broken in checker.violations]
    return dropped


@define(eq=False)
class _Client:
    """A connection, and what its caller does next."""

    client: Client
    checker: Checker
    rng: Random
    findings: Findings
    replies: list[RemoteReply] = field(factory=list)

    async def act(self) -> None:
        """Do something."""
        match self.rng.randrange(6):
            case 0 | 1 | 2:
                await self.ask()
            case 3 | 4:
                await self.speak()
            case _:
                self.findings.done["queries"] += 1
                await self.client.session_info()
        match self.rng.randrange(5):
            case 0:
                await self.rest()
            case 1 | 2:
                await trio.sleep(self.rng.random() * 0.5)
                await self.interrupt(self.replies[-1].request_id if self.replies else None)
            case 3:
                await self.interrupt(None)
            case _:
                pass  # the next one interrupts it

    async def ask(self) -> None:
        """Ask in text."""
        self.findings.done["texts"] += 1
        request_id = self.new_id()
        self.say(m.RequestMessage(request_id=request_id, data_type="TEXT", content=m.Content(text="Tell me")))
        self.replies.append(await self.client.send_text("Tell me", request_id=request_id))

    async def speak(self) -> None:
        """Ask in voice, or begin to."""
        self.findings.done["uploads"] += 1
        request_id = self.new_id()
        content = m.Content(voice_mode="BINARY", audio_format="pcm")
        self.say(m.RequestMessage(request_id=request_id, data_type="VOICE", stream_flag=True, content=content))
        upload = await self.client.open_voice(request_id=request_id)
        self.replies.append(upload.reply)
        for _ in range(self.rng.randrange(20)):
            await upload.send(bytes(640))
            await trio.sleep(0.02)
        if self.rng.random() < 0.2:
            await self.interrupt(request_id)
        await upload.end()

    async def interrupt(self, request_id: str | None) -> None:
        """Interrupt one, or all."""
        self.findings.done["interrupts"] += 1
        self.say(m.Interrupt(interrupt_request_id=request_id))
        await self.client.interrupt(request_id)

    async def rest(self) -> None:
        """Hear all to its end."""
        for reply in self.replies:
            async for _ in reply:
                pass
        self.replies.clear()

    def new_id(self) -> str:
        """Return an id that nobody has used."""
        return f"r{self.rng.randrange(2**48)}"

    def say(self, message: m.ClientMessage) -> None:
        """Tell the checker."""
        self.checker.sent(message, trio.current_time())
