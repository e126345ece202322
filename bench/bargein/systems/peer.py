"""A peer as a system under test: its server in an environment of its own, and a line over the plain socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import distributions
from pathlib import Path

import msgspec
from attrs import define, field, frozen
from trio_websocket import open_websocket_url

from bench.bargein.line import Audio, Ended, Flushed, Heard, Language, LineEvent, Paused, Resumed, Transcribed
from bench.bargein.systems.socket_line import SocketLine
from bench.environments import environment_of
from bench.processes import TargetFailed, announced
from voxint.errors import WireError

__all__ = ["Peer", "PeerLine", "read"]

START_S = 90.0
"""Seconds that a server has to listen; ours: its packages import for 6 s on an idle machine, and others start too."""

MESSAGE_BYTES = 2**20
"""Largest frame that is read; ours: a second of sound has 32 kB."""


class _Said(msgspec.Struct):
    """A text frame (bench/bargein/bots/wire.py)."""

    event: str
    text: str = ""
    final: bool = False


_decode = msgspec.json.Decoder(_Said).decode

_EVENTS: Mapping[str, Callable[[_Said], LineEvent]] = {
    "paused": lambda _: Paused(),
    "resumed": lambda _: Resumed(),
    "flushed": lambda _: Flushed(),
    "ended": lambda _: Ended(),
    "onset": lambda _: Heard("onset"),
    "endpoint": lambda _: Heard("endpoint"),
    "transcribed": lambda said: Transcribed(said.text, said.final),
}


def read(frame: str | bytes) -> LineEvent:
    """Return what a frame of a peer's server says.

    Raises:
        WireError: It is none of wire.py's.
    """
    if isinstance(frame, bytes):
        return Audio(frame)
    try:
        said = _decode(frame)
        return _EVENTS[said.event](said)
    except (msgspec.MsgspecError, KeyError):
        raise WireError("MALFORMED_PAYLOAD", "the peer's server sent what is not of bots/wire.py: mend it") from None


@define(eq=False)
class PeerLine(SocketLine):
    """A call with a peer: `bench.bargein.line.Line`."""

    async def receive(self) -> LineEvent:
        """Return the next event.

        Raises:
            trio.EndOfChannel: The connection is closed.
            WireError: The server said what it must not.
        """
        return read(await self._next())


@frozen
class Peer:
    """A peer: `bench.bargein.line.System`.

    Args:
        name: As in tables, and of its file in `bench.bargein.bots` and its environment.
        notes: How it is used.
        packages: The distributions whose versions are told.
    """

    name: str
    notes: str = field(repr=False)
    packages: tuple[str, ...] = field(repr=False)

    def versions(self) -> dict[str, str]:
        """Return the versions of its packages in its environment; of one that is not there, none."""
        lib = Path(environment_of(self.name).python).parent.parent / "lib"
        found = {name: _version(name, lib) for name in self.packages}
        return {name: version for name, version in found.items() if version}

    @asynccontextmanager
    async def serve(self, base_url: str, language: Language, core: int | None = None) -> AsyncIterator[str]:
        """Run its server for the block, and give its URL.

        Args:
            base_url: Of the model, the voice and the recogniser.
            language: What the callers speak.
            core: The one that it is kept to; None: any.

        Raises:
            TargetFailed: It ended before it listened, or is not installed.
            trio.TooSlowError: It did not listen in time.
        """
        environment = environment_of(self.name)
        if environment.missing:
            raise TargetFailed(f"{self.name} is {environment.missing}")
        given = ("bench.bargein.bots", self.name, base_url, language)
        async with announced(*given, core=core, start_s=START_S, python=environment.python) as (url, _):
            yield url

    @asynccontextmanager
    async def connect(self, url: str, language: Language) -> AsyncIterator[PeerLine]:
        """Open a call for the block; the language is its server's."""
        async with open_websocket_url(url, max_message_size=MESSAGE_BYTES) as socket:
            yield PeerLine(socket)


def _version(name: str, lib: Path) -> str:
    places = [str(path) for path in lib.glob("python*/site-packages")]
    return next((found.version for found in distributions(name=name, path=places)), "")
