"""Where an answer's speech goes: into a player that is installed, into a WAV file, or nowhere."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import trio

from voxint.children import session_environment
from voxint.cli.sound import WavWriter

__all__ = ["PLAYERS", "Mute", "PlayerGone", "Speaker", "find_player", "open_speaker"]

PLAYERS: dict[str, Sequence[str]] = {
    "paplay": ("--raw", "--format=s16le", "--rate={rate}", "--channels=1"),
    "aplay": ("-q", "-t", "raw", "-f", "S16_LE", "-r", "{rate}", "-c", "1", "-"),
    "ffplay": ("-nodisp", "-autoexit", "-loglevel", "error", "-f", "s16le", "-ar", "{rate}", "-i", "-"),
    "play": ("-q", "-t", "raw", "-r", "{rate}", "-e", "signed-integer", "-b", "16", "-c", "1", "-"),
}
"""Programs that play raw PCM from standard input, and how. macOS' afplay is none: it plays files only."""

FINISH_S = 5.0
"""Seconds that a player has to play what it still holds: the server's lead, its own buffer, and a slow start."""

BEGIN_S = 0.3
"""Seconds in which a player ends that finds no sound device; ours: it only has to start. Nobody waits for them."""

STUCK_S = 5.0
"""Seconds in which a player takes a piece; ours: a server sends 0.3 s ahead, and the rest is for a slow start."""

KILL_S = 1.0  # seconds for a killed player to be gone: only the kernel is waited for


class PlayerGone(Exception):
    """The player has ended before the speech did; the text says why."""


class Speaker(Protocol):
    """Takes the speech of one answer."""

    @property
    def played_ms(self) -> float | None:
        """Milliseconds of it that have been heard; None where nobody knows."""

    async def early_end(self) -> PlayerGone | None:
        """Return why it plays nothing where that shows soon after its start, and None where it seems to play."""

    async def play(self, audio: bytes) -> None:
        """Take a piece of speech; raises `PlayerGone`."""

    async def finish(self) -> None:
        """Wait until all the speech has been played."""

    def silence(self) -> None:
        """Fall silent at once; pieces that come later are dropped."""


class Mute:
    """Takes no speech."""

    @property
    def played_ms(self) -> None:
        """None: nobody hears it, or a program that does not tell."""

    async def early_end(self) -> PlayerGone | None:
        """Return None: there is nothing that could end."""
        return None

    async def play(self, audio: bytes) -> None:
        """Drop the piece."""

    async def finish(self) -> None:
        """Do nothing."""

    def silence(self) -> None:
        """Do nothing."""


class _File(Mute):
    """Writes the speech down; silenced, it keeps what came before."""

    def __init__(self, writer: WavWriter) -> None:
        self._writer = writer
        self._silent = False

    async def play(self, audio: bytes) -> None:
        if not self._silent:
            self._writer.write(audio)

    def silence(self) -> None:
        self._silent = True


class _Player(Mute):
    """Plays through a subprocess, which a silence kills: its buffers are not played to their end."""

    def __init__(self, name: str, process: trio.Process) -> None:
        assert process.stdin is not None
        self._name = name
        self._process = process
        self._stdin = process.stdin
        self._silent = False

    async def early_end(self) -> PlayerGone | None:
        """Return why it has ended, if it does within `BEGIN_S` and nobody else has told that."""
        with trio.move_on_after(BEGIN_S) as alive:
            await self._process.wait()
        if alive.cancelled_caught or self._silent:
            return None
        self._silent = True
        return PlayerGone(await self._why())

    async def play(self, audio: bytes) -> None:
        if self._silent:
            return
        try:
            with trio.move_on_after(STUCK_S) as stuck:
                await self._stdin.send_all(audio)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            if not self._silent:
                self._silent = True
                raise PlayerGone(await self._why()) from None
        if stuck.cancelled_caught:
            self.silence()
            raise PlayerGone(f"{self._name} takes no more sound")

    async def finish(self) -> None:
        if not self._silent:
            await self._stdin.aclose()
            with trio.move_on_after(FINISH_S):
                await self._process.wait()

    def silence(self) -> None:
        self._silent = True
        self._process.kill()

    async def _why(self) -> str:
        words = b""
        with trio.move_on_after(KILL_S):
            await self._process.wait()
            if self._process.stderr is not None:
                words = bytes(await self._process.stderr.receive_some())
        lines = words.decode(errors="replace").strip().splitlines()
        return f"{self._name} has stopped" + (f" ({lines[0].strip()})" if lines else "")


def find_player() -> str | None:
    """Return the path of the first player that is installed."""
    return next((path for name in PLAYERS if (path := shutil.which(name))), None)


@asynccontextmanager
async def open_speaker(rate: int, *, out: Path | None = None, player: str | None = None) -> AsyncGenerator[Speaker]:
    """Open a file, or start a player, or neither; at the end of the block it is closed, or killed.

    Raises:
        ConfigError: The file can't be written.
    """
    if out is not None:
        writer = WavWriter(out, rate)
        try:
            yield _File(writer)
        finally:
            writer.close()
    elif player is not None:
        name = Path(player).stem  # on Windows it ends in .exe
        command = [player, *(part.format(rate=rate) for part in PLAYERS[name])]
        # The player gets a session of its own: Ctrl-C is for this program, which silences the player when it is time.
        process = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=session_environment(),
        )
        try:
            yield _Player(name, process)
        finally:
            await _kill(process)
    else:
        yield Mute()


async def _kill(process: trio.Process) -> None:
    process.kill()
    with trio.move_on_after(KILL_S, shield=True):
        await process.wait()
    for stream in (process.stdin, process.stderr):
        if stream is not None:
            with trio.CancelScope(shield=True):  # closing forcefully never blocks
                await trio.aclose_forcefully(stream)
