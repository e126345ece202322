"""Each attack's client, for a moment, against a server."""

from __future__ import annotations

import time

import pytest
import trio

from bench.attacks.attack import Attack
from bench.attacks.attacker import attack_from_here
from bench.attacks.catalogue import CATALOGUE
from bench.attacks.clients.loop import ask_shortly
from bench.attacks.command import ITEMS
from bench.attacks.served import ServerPlace, healthy, serve_attacked
from bench.attacks.site import AttackJob, Guest, Site, envelope
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_client
from voxint.testing.sim.process import sim_process

MOMENT_S = 0.4
LIMIT_S = 120.0
GUESSES = ("guesses", "guesses_many", "passwords")
GUESS_S = 2.5
"""The answer to a wrong key waits for two seconds, where there have been some."""

DEADLY = ("sighup",)
"""Ends the server, where that is not mended: by itself, in the run's own test."""


@pytest.mark.parametrize("item", ITEMS)
async def test_each_client_attacks(item: str) -> None:
    """It has something to tell soon, and has not failed."""
    usual = Attack(item, "", ask_shortly)
    names = [name for name, attack in CATALOGUE.items() if attack.item == item and name not in DEADLY]
    with trio.fail_after(LIMIT_S):
        async with (
            sim_process(first_token_s=0.02) as sim,
            serve_attacked(usual, sim.base_url, sim.base_url, ServerPlace(None)) as served,
        ):
            for name in names:
                assert await healthy(served.port)  # it may still be busy with the attack before
                moment_s = GUESS_S if name in GUESSES else MOMENT_S
                job = AttackJob(name, served.port, served.process.pid, time.monotonic(), moment_s)
                report = await attack_from_here(job)
                assert report.totals, name
                assert report.errors == ()


async def test_a_server_is_configured_started_and_stopped() -> None:
    """By its own file, with keys; it ends by SIGTERM, and its log is kept until the block ends."""
    with trio.fail_after(LIMIT_S):
        async with (
            sim_process(first_token_s=0.02) as sim,
            serve_attacked(CATALOGUE["silent"], sim.base_url, sim.base_url, ServerPlace(None)) as served,
        ):
            assert await healthy(served.port)
            assert served.rss() > 0
            site = Site(AttackJob("silent", served.port, served.process.pid, time.monotonic(), 10.0))
            async with site.guest() as guest:
                assert isinstance(guest, Guest)
                await guest.ask("q1", "count to ten")
                assert await guest.end_of("q1") == ""
            assert await served.stop() is not None
            assert served.gone
            assert served.log.read_bytes().startswith(b"{")


def test_a_message_is_written_by_hand() -> None:
    """With the envelope that the protocol asks for, and letters as they are."""
    text = envelope("SHUTDOWN", "s1", {"reason": "\u4e2d"})
    assert '"payload": {"reason": "\u4e2d"}' in text
    assert decode_client(text).message == m.Shutdown(reason="\u4e2d")
