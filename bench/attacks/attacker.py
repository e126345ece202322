"""The attacker, a process of its own: a job as JSON on standard input, what it saw as JSON on standard output."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import msgspec
import trio

from bench.attacks.catalogue import CATALOGUE
from bench.attacks.site import AttackJob, AttackReport, Site
from bench.environments import ROOT
from bench.processes import Cores
from voxint.children import python_environment

__all__ = ["attack_from_here", "launch"]

NICE = 5
"""The bystanders and the upstreams share the core, and go first; chosen here."""

ENDS_S = 10.0
"""Seconds after its time at which an attacker that has not ended is killed."""


async def attack_from_here(job: AttackJob) -> AttackReport:
    """Attack in this process for as long as the job says."""
    site = Site(job)
    await trio.sleep(max(0.0, job.begins - time.monotonic()))
    began = time.process_time()
    with trio.move_on_after(site.left_s):
        await CATALOGUE[job.name].client(site)
    return AttackReport(dict(site.totals), dict(site.took_ms), (), time.process_time() - began)


async def launch(job: AttackJob, cores: Cores) -> AttackReport:
    """Run an attack in a process of its own, beside all that measures, but behind it."""
    command = [sys.executable, "-m", "bench.attacks.attacker"]
    process = await trio.lowlevel.open_process(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=python_environment()
    )
    try:
        os.sched_setaffinity(process.pid, cores.rest)
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
        assert process.stdin is not None
        assert process.stdout is not None
        with trio.move_on_after(max(0.0, job.begins - time.monotonic()) + job.seconds + ENDS_S):
            await process.stdin.send_all(msgspec.json.encode(job))
            await process.stdin.aclose()
            said = b"".join([data async for data in process.stdout])
            if not said:
                return AttackReport(errors=("the attacker failed; its standard error says how",))
            return msgspec.json.decode(said, type=AttackReport)
        return AttackReport(errors=("it did not end in time",))
    finally:
        process.kill()
        with trio.CancelScope(shield=True):  # it has been killed: only the kernel is waited for
            await process.wait()


if __name__ == "__main__":
    seen = trio.run(attack_from_here, msgspec.json.decode(sys.stdin.buffer.read(), type=AttackJob))
    sys.stdout.buffer.write(msgspec.json.encode(seen))
