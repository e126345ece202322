"""Attack after attack, each with a server of its own: quiet first, then attacked, then stopped."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import trio
from attrs import define, evolve, field, frozen

from bench.attacks.attack import Attack, Sections
from bench.attacks.attacker import launch
from bench.attacks.bystanders import is_served, watch_bystanders
from bench.attacks.catalogue import CATALOGUE
from bench.attacks.hostile_answers import SECRETS
from bench.attacks.keys import ALL_KEYS
from bench.attacks.results import Attacked, Seen
from bench.attacks.served import EXIT_BOUND_S, Served, ServeFailed, ServerPlace, serve_attacked
from bench.attacks.site import AttackJob, AttackReport
from bench.attacks.verdict import broken_bounds, doubt
from bench.environments import ROOT
from bench.generator import Window
from bench.processes import Cores, GeneratorFailed, go_second
from bench.scenarios import LOADS
from bench.slot import stolen_s
from voxint.background import open_background
from voxint.children import python_environment
from voxint.testing.sim.process import Sim, sim_process

__all__ = ["log_faults", "run_attacks"]

QUIET_SHARE = 0.5
"""Of the attack's seconds, before it."""

TRIES = 3
"""Of an attack whose figures have a problem; chosen here."""

SETTLE_S = 1.0
LOOK_S = 0.05
FIRST_TURN, SECOND_TURN = 1, 4001
START_S = 30.0


@frozen
class _Ground:
    """What all attacks of a run share."""

    sim: Sim
    hostile_url: str
    cores: Cores
    place: ServerPlace


async def run_attacks(
    names: Sequence[str], seconds: float, more: Sections, first: bool, done: Callable[[Attacked], None]
) -> list[Attacked]:
    """Run attacks, one after another.

    Args:
        names: Which.
        seconds: How long each goes on.
        more: Settings of the servers beside the attack's own.
        first: Whether a server goes before all else on its core.
        done: Called with each as it is done.
    """
    cores = Cores.of_machine()
    found: list[Attacked] = []
    with cores.kept():
        async with sim_process() as sim, _hostile(cores) as hostile_url:
            go_second(sim.pid, cores.rest)
            await sim.configure(**LOADS["streaming"].sim)
            ground = _Ground(sim, hostile_url, cores, ServerPlace(cores.target, more, first))
            for name in names:
                found.append(await _undoubted(name, seconds, ground))
                done(found[-1])
    return found


@asynccontextmanager
async def _hostile(cores: Cores) -> AsyncIterator[str]:
    """Run the hostile upstream while the block runs; give its base URL."""
    command = [sys.executable, "-m", "bench.attacks.hostile"]
    process = await trio.lowlevel.open_process(command, cwd=ROOT, stdout=subprocess.PIPE, env=python_environment())
    try:
        go_second(process.pid, cores.rest)
        assert process.stdout is not None
        with trio.fail_after(START_S):
            said = await process.stdout.receive_some()
        yield f"http://127.0.0.1:{int(said)}/v1"
    finally:
        process.kill()
        with trio.CancelScope(shield=True):  # it has been killed: only the kernel is waited for
            await process.wait()


async def _undoubted(name: str, seconds: float, ground: _Ground) -> Attacked:
    """Return what came of an attack, measured anew while the machine was measured instead."""
    for _ in range(TRIES - 1):
        found = await _try_attack(name, seconds, ground)
        if not found.problem:
            return found
    return await _try_attack(name, seconds, ground)


async def _try_attack(name: str, seconds: float, ground: _Ground) -> Attacked:
    """Return what came of an attack, or why it could not be measured."""
    attack = CATALOGUE[name]
    try:
        seen = await _attack(name, attack, seconds, ground)
    except (ServeFailed, GeneratorFailed) as error:
        return Attacked(name, attack.item, None, problem=str(error))
    broken = [*broken_bounds(seen), *attack.judge(seen)]
    problem = "; ".join(filter(None, [doubt(seen), *seen.attacker.errors]))
    return Attacked(name, attack.item, seen, tuple(broken), problem)


async def _attack(name: str, attack: Attack, seconds: float, ground: _Ground) -> Seen:
    model = ground.hostile_url if attack.hostile else ground.sim.base_url
    async with serve_attacked(attack, model, ground.sim.base_url, ground.place) as served:
        quiet = await watch_bystanders(served, ground.cores, QUIET_SHARE * seconds, FIRST_TURN)
        await ground.sim.clear()
        log_before = _size(served)
        watched = _Watched(served.rss())
        async with open_background() as nursery:
            over = trio.Event()

            async def beside(window: Window) -> None:
                await _beside(name, window, served, ground, watched)
                over.set()

            under = await watch_bystanders(
                served, ground.cores, seconds, SECOND_TURN, lambda window: nursery.start_soon(beside, window)
            )
            await over.wait()  # bounded: the attacker is killed 10 s after its time
        seen = Seen(seconds, quiet, under, rss_before=watched.before)
        calls = await _calls(ground.sim, watched)
        gone = served.gone
        serves = not gone and await is_served(served)
        log_at = _size(served)
        exit_s = await served.stop()
        seen = evolve(
            seen,
            attacker=watched.report,
            rss_peak=watched.peak,
            rss_after=watched.after,
            cpu_share=watched.cpu_s / seconds,
            waited_share=max(0.0, watched.waited_s) / seconds,
            stolen_share=watched.stolen_s / seconds,
            upstream_calls=max(0, calls - under.turns),
            serves=serves,
            exit_s=exit_s,
            exit_bound_s=EXIT_BOUND_S,
            exit_code=served.process.returncode if exit_s is not None else None,
            ended_early=gone,
        )
        return _with_log(seen, served, log_before, log_at)


@define
class _Watched:
    """What was seen of the server's process under attack."""

    before: int
    peak: int = 0
    after: int = 0
    cpu_s: float = 0.0
    waited_s: float = 0.0
    stolen_s: float = 0.0
    counted_from: float = 0.0
    until: float = 0.0
    report: AttackReport = field(factory=AttackReport)


async def _beside(name: str, window: Window, served: Served, ground: _Ground, watched: _Watched) -> None:
    """Launch the attacker for the span that counts, and watch the server's memory and processor time meanwhile."""
    seconds = window.until - window.counted_from
    job = AttackJob(name, served.port, served.process.pid, window.counted_from, seconds)
    watched.counted_from, watched.until = window.counted_from, window.until

    async def attack() -> None:
        watched.report = await launch(job, ground.cores)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(attack)
        await trio.sleep(max(0.0, window.counted_from - time.monotonic()))
        watched.before, cpu_before = served.rss(), served.cpu_s()
        waited_before, stolen_before = served.waited_s(), stolen_s()
        while time.monotonic() < window.until:
            watched.peak = max(watched.peak, served.rss())
            await trio.sleep(LOOK_S)
        watched.waited_s, watched.stolen_s = served.waited_s() - waited_before, stolen_s() - stolen_before
        watched.cpu_s = max(0.0, served.cpu_s() - cpu_before)
    await trio.sleep(SETTLE_S)
    watched.after = served.rss()


async def _calls(sim: Sim, watched: _Watched) -> int:
    """Return how many chat requests the simulated upstream had while it went on."""
    report = await sim.ledger()
    began, until = watched.counted_from, watched.until
    return sum("chat" in each.endpoint and began <= each.t_received < until for each in report.requests)


def _size(served: Served) -> int:
    return served.log.stat().st_size if served.log.is_file() else 0


def _with_log(seen: Seen, served: Served, begin: int, end: int) -> Seen:
    """Add what is in the log; of all of it, how much is wrong, of the attack's part, how much there is."""
    if not served.log.is_file():
        return seen
    whole = served.log.read_bytes()
    unreadable, secrets = log_faults(whole)
    lines = whole[begin:end].count(b"\n")
    return evolve(seen, log_lines=lines, log_bytes=end - begin, unreadable=unreadable, secrets=secrets)


def log_faults(log: bytes) -> tuple[int, tuple[str, ...]]:
    """Return how many lines of a log are no JSON, and which secrets it holds, by their names."""
    unreadable = 0
    for line in log.splitlines():
        try:
            json.loads(line)
        except ValueError:
            unreadable += 1
    text = log.decode(errors="replace")
    held = [name for name, secret in SECRETS.items() if secret in text]
    others = sum(key in text for key in ALL_KEYS if key not in SECRETS.values())
    return unreadable, (*held, *([f"{others} keys of callers"] if others else []))
