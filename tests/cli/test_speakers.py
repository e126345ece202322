from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest
import trio
import trio.testing

from voxint.cli.speakers import PLAYERS, PlayerGone, find_player, open_speaker

LIMIT_S = 30.0


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in front of the system's own on the search path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def install(folder: Path, name: str, script: str) -> str:
    """Put a player there that does what the shell script says."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_the_first_player_of_the_list_is_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None where none is installed."""
    monkeypatch.setenv("PATH", str(path))
    assert find_player() is None
    for name in reversed(PLAYERS):
        assert find_player() != install(path, name, "")
        assert find_player() == str(path / name)


async def test_a_player_gets_the_sound_and_its_rate(path: Path) -> None:
    """`finish` waits until the player has played it all."""
    player = install(path, "aplay", f'echo "$@" > {path}/arguments; cat > {path}/heard')
    with trio.fail_after(LIMIT_S):
        async with open_speaker(24_000, player=player) as speaker:
            await speaker.play(b"\1\2")
            await speaker.play(b"\3\4")
            await speaker.finish()
            assert (path / "heard").read_bytes() == b"\1\2\3\4"
    assert "-r 24000" in (path / "arguments").read_text()


async def test_a_player_gets_the_session_and_no_key(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where to play, and nothing that belongs to a server or a provider; no signal is blocked in it."""
    for name in ("VOXINT_API_KEY", "OPENAI_API_KEY", "ANYTHING"):
        monkeypatch.setenv(name, "persimmon")
    monkeypatch.setenv("PULSE_SERVER", "unix:/run/pulse")
    player = install(
        path, "aplay", f"env > {path}/env; grep SigBlk /proc/self/status > {path}/blocked; cat > /dev/null"
    )
    with trio.fail_after(LIMIT_S):
        async with open_speaker(24_000, player=player) as speaker:
            await speaker.play(b"\1\2")
            await speaker.finish()
    told = (path / "env").read_text()
    assert "persimmon" not in told
    assert "PULSE_SERVER=unix:/run/pulse" in told
    assert int((path / "blocked").read_text().split()[1], 16) == 0


PARENT = """
import sys, trio
from voxint.cli.speakers import open_speaker
async def main():
    async with open_speaker(24_000, player=sys.argv[1]) as speaker:
        await speaker.play(bytes(2))
        await trio.sleep_forever()
trio.run(main)
"""


def plays(parent: int) -> bool:
    """Return whether the child of a process is the player, and no longer the copy that becomes it."""
    return any(child.cmdline()[:1] not in ([], [sys.executable]) for child in psutil.Process(parent).children())


async def test_a_player_ends_when_its_parent_is_killed(path: Path) -> None:
    """By SIGKILL, which lets nobody clean up: its standard input ends."""
    os.mkfifo(path / "told")
    player = install(path, "aplay", f"cat > /dev/null; echo ended > {path}/told")
    with trio.fail_after(LIMIT_S):
        process = await trio.lowlevel.open_process([sys.executable, "-c", PARENT, player])
        async with trio.open_nursery() as nursery:
            told: list[str] = []

            async def read() -> None:
                told.append(await trio.to_thread.run_sync((path / "told").read_text, abandon_on_cancel=True))

            nursery.start_soon(read)
            while not plays(process.pid):  # noqa: ASYNC110  # the event is in another process
                await trio.sleep(0.01)
            process.kill()
            await process.wait()
    assert told == ["ended\n"]


async def test_silence_is_at_once_and_for_good(path: Path) -> None:
    """The player is killed with all it has buffered; what comes later is dropped, and finishing waits for nothing."""
    os.mkfifo(path / "pid")
    player = install(path, "paplay", f"echo $$ > {path}/pid; exec sleep 1000")
    with trio.fail_after(LIMIT_S):
        async with open_speaker(24_000, player=player) as speaker:
            await speaker.play(b"\1\2")
            pid = int(await trio.to_thread.run_sync((path / "pid").read_text, abandon_on_cancel=True))
            speaker.silence()
            await speaker.play(bytes(1_000_000))
            await speaker.finish()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_write_that_waits_for_a_stuck_player_ends_with_its_silence(path: Path) -> None:
    """A player that does not read holds up nothing but itself."""
    player = install(path, "paplay", "exec sleep 1000")
    with trio.fail_after(LIMIT_S):
        async with open_speaker(24_000, player=player) as speaker, trio.open_nursery() as nursery:
            nursery.start_soon(speaker.play, bytes(1_000_000))
            await trio.testing.wait_all_tasks_blocked()
            speaker.silence()


async def test_a_player_that_ends_at_once_says_why(path: Path) -> None:
    """Such as one that finds no sound card; the answer need not be spoken then."""
    player = install(path, "play", "echo 'no sound card' >&2; exit 1")
    with trio.fail_after(LIMIT_S):
        async with open_speaker(24_000, player=player) as speaker:
            gone = await speaker.early_end()
            assert str(gone) == "play has stopped (no sound card)"
            await speaker.play(b"\1\2")
            await speaker.finish()


async def test_a_player_that_lives_is_not_waited_for(path: Path) -> None:
    """Nor is one that was silenced told of, and neither a file nor nothing can end early."""
    player = install(path, "play", "exec cat > /dev/null")
    with trio.fail_after(LIMIT_S):
        async with open_speaker(24_000, player=player) as speaker, trio.open_nursery() as nursery:
            ends: list[PlayerGone | None] = []

            async def watch() -> None:
                ends.append(await speaker.early_end())

            nursery.start_soon(watch)
            await speaker.play(b"\1\2")
            assert not ends
            speaker.silence()
        for out in (None, path / "a.wav"):
            async with open_speaker(24_000, out=out) as speaker:
                assert await speaker.early_end() is None
    assert ends == [None]


async def test_a_player_that_ends_early_says_why(path: Path) -> None:
    """Such as one whose sound card is unplugged; the answer can go on without it."""
    player = install(path, "play", "head -c 2 > /dev/null; echo 'no sound card' >&2; exit 1")
    with trio.fail_after(LIMIT_S):
        async with open_speaker(24_000, player=player) as speaker:
            with pytest.raises(PlayerGone, match=r"^play has stopped \(no sound card\)$"):
                await speaker.play(bytes(1_000_000))
            await speaker.play(b"\1\2")
            await speaker.finish()


async def test_a_player_that_takes_nothing_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of the answer comes behind its sound, and would wait for it."""
    monkeypatch.setattr("voxint.cli.speakers.STUCK_S", 0.1)
    player = install(path, "ffplay", "exec sleep 1000")
    with trio.fail_after(LIMIT_S):
        async with open_speaker(24_000, player=player) as speaker:
            with pytest.raises(PlayerGone, match=r"^ffplay takes no more sound$"):
                await speaker.play(bytes(1_000_000))
            await speaker.play(b"\1\2")
            await speaker.finish()


async def test_nobody_listens_where_there_is_neither_file_nor_player() -> None:
    """All of it is dropped."""
    async with open_speaker(24_000) as speaker:
        await speaker.play(b"\1\2")
        speaker.silence()
        await speaker.finish()
