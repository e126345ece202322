"""The lag of the event loop: every pass is measured, and a long one is told with its place."""

from __future__ import annotations

import threading
import time

import pytest
import trio
from structlog.testing import capture_logs

from voxint.core.agent import Agent
from voxint.server.config import ServerConfig
from voxint.server.lag import BUCKETS_S, STUCK_S, LoopLag
from voxint.server.metrics import Metrics
from voxint.server.serve import serve
from voxint.testing.stages import ScriptedModel


def block(seconds: float) -> None:
    """Hold the loop up."""
    time.sleep(seconds)


async def test_a_pass_that_is_held_up_is_told_with_its_place() -> None:
    """What a provider blocks the loop with is in the metrics, and its line is in the log; quiet passes are not."""
    lag = LoopLag()
    with capture_logs() as logs, lag.measuring():
        await trio.sleep(0.01)
        block(0.3)
        await trio.lowlevel.checkpoint()
    [line] = [each for each in logs if each["event"] == "the event loop was held up"]
    assert line["log_level"] == "warning"
    assert line["lag_ms"] >= 300
    assert line["place"][0].endswith(" block")
    assert "test_a_pass_that_is_held_up" in line["place"][1]
    assert sum(lag.counts[len(BUCKETS_S) - 2 :]) == 1
    assert lag.longest_s >= 0.3


async def test_one_hiccup_is_no_load() -> None:
    """A quarter of a second in which the loop was away once has nobody refused, at the start of a server neither."""
    lag = LoopLag()
    with lag.measuring():
        block(0.26)
        await trio.lowlevel.checkpoint()
        assert lag.busy == 0
        await trio.sleep(0.8)
        assert lag.busy < 0.1


async def test_a_load_is_over_when_the_loop_was_idle() -> None:
    """What was a second ago says nothing about now."""
    lag = LoopLag()
    with lag.measuring():
        until = time.perf_counter() + 1.2
        while time.perf_counter() < until:
            block(0.02)
            await trio.lowlevel.checkpoint()
        assert lag.busy > 0.5
        await trio.sleep(1.2)
        assert lag.busy < 0.15


async def test_a_loop_that_never_comes_back_is_told_while_it_hangs() -> None:
    """By the thread beside it, with the place: nobody in the loop could."""
    with capture_logs() as logs, LoopLag().measuring():
        await trio.lowlevel.checkpoint()
        block(STUCK_S + 0.5)
        told = [each for each in logs if each["event"] == "the event loop is held up"]
        await trio.lowlevel.checkpoint()
    assert [each["log_level"] for each in told] == ["error"]
    assert told[0]["place"][0].endswith(" block")


async def test_a_loop_that_is_held_up_all_the_time_does_not_fill_the_log() -> None:
    """One line a second, which counts the others."""
    with capture_logs() as logs, LoopLag().measuring():
        await trio.lowlevel.checkpoint()
        for _ in range(15):
            block(0.08)
            await trio.lowlevel.checkpoint()
    told = [each for each in logs if each["event"] == "the event loop was held up"]
    assert len(told) == 2
    assert told[1]["more"] >= 10


async def test_a_loop_that_is_flooded_in_small_steps_is_not_busy() -> None:
    """It has no time left, and nobody waits long: who floods it must not have others refused."""
    lag = LoopLag()
    with lag.measuring():
        until = time.perf_counter() + 1.2
        while time.perf_counter() < until:
            block(0.001)
            await trio.lowlevel.checkpoint()
        assert lag.busy < 0.1
        until = time.perf_counter() + 1.2
        while time.perf_counter() < until:
            block(0.02)
            await trio.lowlevel.checkpoint()
        assert lag.busy > 0.5


async def test_a_server_measures_and_tells(nursery: trio.Nursery) -> None:
    """/metrics has a histogram of the passes; the thread is gone when the server is."""
    server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), ServerConfig(port=0, drain_s=0))
    assert any(thread.name == "voxint loop lag" for thread in threading.enumerate())
    await trio.sleep(0.01)
    server.shut_down()
    with trio.fail_after(5):
        while any(thread.name == "voxint loop lag" for thread in threading.enumerate()):  # noqa: ASYNC110 - a thread
            await trio.sleep(0.01)


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
