"""The end-of-turn model in its process: what it makes of whole and of half sentences, and how it lets go."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
import trio

from tests.needs import needs_smart_turn
from tests.providers.confined import assert_confined
from tests.providers.recordings import noises, readings
from voxint.core.audio import AudioFormat
from voxint.core.ears.turn_detector import TurnDetector
from voxint.errors import ConfigError, UpstreamError
from voxint.providers.smart_turn import WORKER, SmartTurn

SECOND = 32_000
"""Bytes of a second."""


def test_it_is_a_detector() -> None:
    """At 16 kHz; it owns a process, so it is entered before it is asked."""
    detector = SmartTurn()
    assert isinstance(detector, TurnDetector)
    assert detector.audio_format == AudioFormat(16_000)


async def test_it_is_entered_first() -> None:
    """The sentence says how."""
    with pytest.raises(RuntimeError, match="enter it first"):
        await SmartTurn().complete(bytes(SECOND))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 0}, "from 1 to 32"),
        ({"threads": 33}, "from 1 to 32"),
        ({"wait_s": -1}, "from 0 to 60"),
        ({"assets": "/nowhere/at/all"}, "write the path of a folder"),
    ],
)
def test_options_are_judged(options: dict[str, object], words: str) -> None:
    """The error names the option."""
    [name] = options
    with pytest.raises(ConfigError, match=f"smart_turn option {name}.*{words}"):
        SmartTurn(**options)  # type: ignore[arg-type]  # wrong ones are meant


async def test_without_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to run, with one that is not there and with one that is another."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    with pytest.raises(ConfigError, match="voxint models pull smart-turn"):
        await SmartTurn(assets=tmp_path).check()
    (tmp_path / "smart-turn-v3.2-cpu.onnx").write_bytes(b"another")
    with pytest.raises(ConfigError, match="this is not the file smart-turn"):
        await SmartTurn(assets=tmp_path).check()


@needs_smart_turn
async def test_check() -> None:
    """It tells how long a question takes."""
    assert "the end-of-turn detector took" in await SmartTurn().check()


@needs_smart_turn
async def test_whole_and_half_sentences() -> None:
    """Of a reader's sentences more are over at their end than 60 % of the way, and none is sure of every cut."""
    async with SmartTurn() as detector:
        ends = [await detector.complete(pcm) for pcm, _ in readings()]
        cuts = [await detector.complete(pcm[: len(pcm) * 3 // 10 * 2]) for pcm, _ in readings()]
    assert all(0 <= each <= 1 for each in ends + cuts)
    assert sum(each > 0.5 for each in ends) > sum(each > 0.5 for each in cuts)
    assert sum(cuts) < sum(ends)


@needs_smart_turn
async def test_any_sound_is_answered() -> None:
    """Nothing at all, an eighth of a millisecond, noise, and what is longer than it hears: a probability each time."""
    async with SmartTurn() as detector:
        for sound in (b"", bytes(4), bytes(20 * SECOND), *noises().values()):
            assert 0 <= await detector.complete(sound) <= 1
        pcm, _ = readings()[0]
        last = pcm[-8 * SECOND :]
        assert await detector.complete(bytes(9 * SECOND) + last) == await detector.complete(bytes(8 * SECOND) + last)


@needs_smart_turn
async def test_the_loop_is_not_held() -> None:
    """While it computes, the event loop turns: the model is in another process."""
    async with SmartTurn() as detector:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:  # ends with its nursery
                await trio.lowlevel.checkpoint()
                turns += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(count)
            await detector.complete(bytes(8 * SECOND))
            nursery.cancel_scope.cancel()
        assert turns > 50


@needs_smart_turn
async def test_a_cancelled_question_is_over() -> None:
    """At any moment of it: its process lets go, is killed on a busy machine at most, and answers the next one."""
    pcm, _ = readings()[0]
    async with SmartTurn(wait_s=30) as detector:
        expected = await detector.complete(pcm)
        processes = set[int]()
        for step in range(1, 9):
            with trio.move_on_after(step / 200):
                await detector.complete(pcm)
            assert await detector.complete(pcm) == expected
            processes |= {each.pid for each in psutil.Process().children()}
        assert len(processes) <= 4


@needs_smart_turn
async def test_who_waits_too_long_is_told() -> None:
    """Where its only process is at work for longer than one may wait, the error says what to raise."""
    async with SmartTurn(wait_s=0.005) as detector:
        refused = list[UpstreamError]()

        async def ask() -> None:
            try:
                await detector.complete(bytes(8 * SECOND))
            except UpstreamError as error:
                refused.append(error)

        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(ask)
        assert len(refused) == 1
        assert "raise workers" in str(refused[0].operator_detail)


@needs_smart_turn
async def test_its_process_is_confined() -> None:
    """It has nothing of the server's, and is gone with the block."""
    before = set(psutil.Process().children())  # another test's may still be on its way out
    async with SmartTurn() as detector:
        [process] = set(psutil.Process().children()) - before
        assert_confined(process.pid, WORKER.memory_mib)
        await detector.complete(bytes(SECOND))
        assert process.memory_info().vms < WORKER.memory_mib * 2**20 / 2
    assert not psutil.pid_exists(process.pid)
