"""The lag of the event loop: every pass is measured."""

from __future__ import annotations

import ctypes
import socket
import subprocess
import sys
import time

import pytest
import trio
from structlog.testing import capture_logs

from tests.blocky import block
from voxint.lag import Clocks, LoopLag, Ticks
from voxint.loop_watch import watched_loop
from voxint.server.metrics import Metrics


async def test_one_hiccup_is_no_load() -> None:
    """A quarter of a second in which the loop was away once has nobody refused, at the start of a server neither."""
    with watched_loop() as watch:
        block(0.26)
        await trio.lowlevel.checkpoint()
        assert watch.lag.busy == 0
        await trio.sleep(0.8)
        assert watch.lag.busy < 0.1


async def test_a_load_is_over_when_the_loop_was_idle() -> None:
    """What was a second ago says nothing about now."""
    with watched_loop() as watch:
        until = time.perf_counter() + 1.2
        while time.perf_counter() < until:
            block(0.02)
            await trio.lowlevel.checkpoint()
        assert watch.lag.busy > 0.5
        await trio.sleep(1.2)
        assert watch.lag.busy < 0.15


async def test_a_loop_that_is_flooded_in_small_steps_is_not_busy() -> None:
    """It has no time left, and nobody waits long: who floods it must not have others refused."""
    with watched_loop() as watch:
        until = time.perf_counter() + 1.2
        while time.perf_counter() < until:
            block(0.001)
            await trio.lowlevel.checkpoint()
        assert watch.lag.busy < 0.1
        until = time.perf_counter() + 1.2
        while time.perf_counter() < until:
            block(0.02)
            await trio.lowlevel.checkpoint()
        assert watch.lag.busy > 0.5


async def test_what_is_read_late_is_known_to_be() -> None:
    """A bound: what came while the loop was held may have come at its begin, and what woke it has just come."""
    late: list[float] = []

    async def read(stream: trio.SocketStream) -> None:
        while await stream.receive_some():
            late.append(watch.lag.late_s)

    assert LoopLag().late_s == 0, "nothing measures"
    ours, theirs = socket.socketpair()
    with watched_loop() as watch:
        async with trio.SocketStream(trio.socket.from_stdlib_socket(theirs)) as stream, trio.open_nursery() as nursery:
            nursery.start_soon(read, stream)
            await trio.sleep(0.2)  # the loop is idle
            ours.send(b"x")
            await trio.sleep(0.2)
            block(0.1)
            ours.send(b"x")  # it comes 0.1 s after the begin of the pass, and 0.2 s before its end
            block(0.2)
            await trio.sleep(0.2)
            ours.close()
    at_once, held = late
    assert at_once == 0
    assert 0.2 <= held <= 0.4


@pytest.mark.virtual_time
async def test_in_virtual_time_nothing_is_late() -> None:
    """Whoever waits there waits on the other clock, which stands still while the loop is held."""
    with capture_logs() as logs, watched_loop() as watch:
        await trio.sleep(1)
        block(0.15)
        assert watch.lag.late_s == 0
        await trio.lowlevel.checkpoint()
        assert watch.lag.longest_s >= 0.15
    assert logs == []


def test_the_histogram_counts_every_pass() -> None:
    """In Prometheus' form: each bucket holds the smaller ones."""
    lag = LoopLag()
    lag.counts[0], lag.counts[3], lag.counts[-1], lag.total_s = 5, 2, 1, 2.5
    text = Metrics(lag).exposition().decode()
    values = {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("voxint_loop_lag")
    }
    assert values['voxint_loop_lag_seconds_bucket{le="0.001"}'] == 5
    assert values['voxint_loop_lag_seconds_bucket{le="0.01"}'] == 7
    assert values['voxint_loop_lag_seconds_bucket{le="+Inf"}'] == 8
    assert values["voxint_loop_lag_seconds_sum"] == pytest.approx(2.5)


def test_a_late_tick_says_since_when_the_loop_was_held() -> None:
    """Ticks that are late one behind the other are one hold; what is over for long held nobody up, nor does a rest."""
    ticks = Ticks()
    assert ticks.held_since(100.0) is None
    for now in (100.0, 100.02, 100.04):
        ticks.tick(now)
    assert ticks.held_since(100.06) is None
    assert ticks.held_since(101.04) == 100.04, "the loop goes on before the thread does"
    ticks.tick(101.04)
    assert ticks.held_since(101.041) == 100.04, "the thread did before"
    ticks.tick(101.14)
    assert ticks.held_since(101.141) == 100.04
    ticks.tick(101.16)
    assert ticks.held_since(101.17) is None
    ticks.rest()
    assert ticks.held_since(200.0) is None
    ticks.tick(200.0)
    assert ticks.held_since(200.001) is None


def test_a_look_that_lasts_beyond_its_time_was_held() -> None:
    """Also where no thread ticks: what it found may have come at any time since it began."""
    now = [100.0]
    lag = LoopLag(Clocks(lambda: now[0], lambda: now[0]))
    lag.pass_began(0.0, 100.0)
    lag.pass_ended(100.001)
    now[0] = 100.6
    assert lag.pass_began(1.0, now[0]) == 0, "something came before the time was over"
    assert lag.late_s == 0
    lag.pass_ended(100.601)
    now[0] = 102.1
    assert lag.pass_began(0.5, now[0]) == pytest.approx(0.999)
    assert lag.late_s == pytest.approx(1.499)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a C library that can be called by name")
async def test_what_comes_while_a_thread_keeps_the_interpreter_is_read_late() -> None:
    """The loop waits for its sockets all the while: a tick that is late says that it could not have gone on."""
    hold_s, comes_s = 1.2, 0.1
    ours, theirs = socket.socketpair()
    sends = f"import sys, time; time.sleep({comes_s}); sys.stdout.write('x')"

    def hold() -> None:
        time.sleep(0.1)  # the loop is idle
        ctypes.PyDLL(None).usleep(int(hold_s * 1e6))

    with ours, capture_logs() as logs, watched_loop() as watch:
        async with trio.SocketStream(trio.socket.from_stdlib_socket(theirs)) as stream, trio.open_nursery() as nursery:
            await trio.sleep(0.05)
            nursery.start_soon(trio.to_thread.run_sync, hold)
            with subprocess.Popen([sys.executable, "-c", sends], stdout=ours.fileno()):  # noqa: ASYNC220 - it begins at once
                await stream.receive_some()
                late_s = watch.lag.late_s
    assert hold_s - 0.02 <= late_s <= hold_s + 0.3
    told = [(line["log_level"], line["by"]) for line in logs if line["event"] == "the loop was held"]
    assert ("warning", "unknown") in told


def test_what_a_connection_reads_waits_for_its_turn_too() -> None:
    """From the read on, and in the kernel before it while the connection did not ask for more."""
    now = [100.0]
    lag = LoopLag(Clocks(lambda: now[0], lambda: now[0]))

    def passes(began: float, ended: float, timeout: float = 0.0) -> None:
        now[0] = began
        lag.pass_began(timeout, began)
        now[0] = ended
        lag.pass_ended(ended)

    def come(began: float, *, all_of_it: bool, timeout: float = 0.0) -> None:
        now[0] = began
        lag.pass_began(timeout, began)
        arrivals.came(all_of_it=all_of_it)

    passes(100.0, 100.01)
    arrivals = lag.arrivals()
    arrivals.asks()
    come(101.0, timeout=5.0, all_of_it=True)
    assert arrivals.late_s == 0, "it ended a look that waited"
    now[0] = 101.5
    assert arrivals.late_s == pytest.approx(0.5), "other frames of the same read come first"
    lag.pass_ended(101.5)
    passes(101.5, 102.0)
    arrivals.asks()
    come(102.0, all_of_it=False)
    assert arrivals.late_s == pytest.approx(1.0), "it was empty when it was read the last time"
    now[0] = 102.3
    arrivals.asks()
    lag.pass_ended(102.3)
    come(102.3, all_of_it=True)
    assert arrivals.late_s == pytest.approx(1.3), "the rest of what was there has waited as long"
    arrivals.asks()
    now[0] = 102.4
    lag.pass_ended(102.4)
    passes(102.4, 102.5)
    come(102.5, all_of_it=True)
    assert arrivals.late_s == pytest.approx(0.1), "the look before found nothing"
