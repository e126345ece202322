"""What holds the event loop is told in the log, with its line."""

from __future__ import annotations

import gc
import sys
import threading
import time
from contextlib import ExitStack
from functools import partial
from unittest import mock

import trio
from structlog.testing import capture_logs

from tests.blocky import BLOCKS, block
from voxint.core.agent import Agent
from voxint.core.conversation import open_conversation
from voxint.lag import BUCKETS_S
from voxint.loop_watch import LINE_EVERY_S, STUCK_S, watched_loop
from voxint.server.config import ServerConfig
from voxint.server.serve import serve
from voxint.testing.stages import ScriptedModel


def watchers() -> list[threading.Thread]:
    """Return the threads that look where a loop is held."""
    return [thread for thread in threading.enumerate() if thread.name == "voxint loop watch"]


async def test_a_pass_that_is_held_up_is_told_with_its_place() -> None:
    """What a provider blocks the loop with is in the metrics, and its line is in the log; quiet passes are not."""
    with capture_logs() as logs, watched_loop() as watch:
        await trio.sleep(0.01)
        block(0.3)
        await trio.lowlevel.checkpoint()
    [line] = [each for each in logs if each["event"] == "the loop was held"]
    assert line["log_level"] == "warning"
    assert line["for_s"] >= 0.3
    assert line["by"] == BLOCKS
    assert sum(watch.lag.counts[len(BUCKETS_S) - 2 :]) == 1
    assert watch.lag.longest_s >= 0.3


async def test_how_loud_a_line_is_goes_by_how_long_the_loop_was_held() -> None:
    """50 ms are worth a line, 100 ms a warning, which is told although the other was told in the same second."""
    with capture_logs() as logs, watched_loop():
        for seconds in (0.02, 0.06, 0.15):
            await trio.lowlevel.checkpoint()
            block(seconds)
        await trio.lowlevel.checkpoint()
    told = [(each["log_level"], each["by"]) for each in logs if each["event"] == "the loop was held"]
    assert told[-1] == ("warning", BLOCKS)
    assert told[:-1] in ([], [("info", BLOCKS)], [("warning", BLOCKS)])  # of the first two a busy machine makes more


async def test_a_loop_that_never_comes_back_is_told_while_it_hangs() -> None:
    """By the thread beside it, with the place: nobody in the loop could."""
    with capture_logs() as logs, watched_loop():
        await trio.lowlevel.checkpoint()
        block(STUCK_S + 0.5)
        told = [each for each in logs if each["event"] == "the loop is held"]
        await trio.lowlevel.checkpoint()
    assert [each["log_level"] for each in told] == ["error"]
    assert told[0]["by"] == BLOCKS


async def test_a_loop_that_is_held_up_all_the_time_does_not_fill_the_log() -> None:
    """A line a second at most, or two where the second is louder; each counts those that were left out before it."""
    holds, began = 15, time.perf_counter()
    with capture_logs() as logs, watched_loop():
        await trio.lowlevel.checkpoint()
        for _ in range(holds):
            block(0.08)
            await trio.lowlevel.checkpoint()
        await trio.sleep(LINE_EVERY_S)
        block(0.08)  # it is told, or another of this second was, and whichever it is counts all before it
        await trio.lowlevel.checkpoint()
    told = [each for each in logs if each["event"] == "the loop was held"]
    assert len(told) <= 2 + 2 * (time.perf_counter() - began) / LINE_EVERY_S
    assert len(told) + sum(each["more"] for each in told) >= holds


async def test_a_server_measures_and_tells(nursery: trio.Nursery) -> None:
    """/metrics has a histogram of the passes; the thread is gone when the server is."""
    server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), ServerConfig(port=0, drain_s=0))
    assert watchers()
    await trio.sleep(0.01)
    server.shut_down()
    with trio.fail_after(5):
        while watchers():  # noqa: ASYNC110 - a thread
            await trio.sleep(0.01)


async def test_a_server_does_not_watch_where_it_is_told_not_to(nursery: trio.Nursery) -> None:
    """Its host may have a watch of its own; no thread looks, and the histogram stays empty."""
    agent = Agent(llm=ScriptedModel("Yes."))
    server = await nursery.start(partial(serve, agent, ServerConfig(port=0, drain_s=0), watch_loop=False))
    assert not watchers()
    server.shut_down()


async def test_one_thread_watches_for_all_who_want_it() -> None:
    """However many conversations a loop has, and in whatever order they end."""
    agent = Agent(llm=ScriptedModel("Yes."))
    async with open_conversation(agent, watch_loop=False):
        assert not watchers()
    first, second = watched_loop(), watched_loop()
    with ExitStack() as others:
        watch = first.__enter__()
        assert others.enter_context(second) is watch
        async with open_conversation(agent):
            assert len(watchers()) == 1
        first.__exit__(None, None, None)
        assert len(watchers()) == 1
    with trio.fail_after(5):
        while watchers():  # noqa: ASYNC110 - a thread
            await trio.sleep(0.01)


def test_a_block_that_is_never_left_ends_quietly_with_its_loop() -> None:
    """It is collected when the loop is gone, or in the middle of another one, whose watch it leaves alone."""
    lost: list[object] = []

    async def begin() -> None:
        block = watched_loop()
        block.__enter__()
        lost.append(block)

    async def collect() -> None:
        with watched_loop() as watch:
            lost.clear()
            gc.collect()
            with watched_loop() as same:
                assert same is watch

    with mock.patch.object(sys, "unraisablehook") as unraisable:
        trio.run(begin)
        lost.clear()
        gc.collect()
        trio.run(begin)
        trio.run(collect)
        unraisable.assert_not_called()
    deadline = time.perf_counter() + 5
    while watchers() and time.perf_counter() < deadline:
        time.sleep(0.01)
    assert not watchers()
