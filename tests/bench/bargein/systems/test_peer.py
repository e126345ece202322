"""A peer as a system under test: what its server says, and a line over a socket."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

import bench.environments
from bench.bargein.bots import wire
from bench.bargein.line import Audio, Ended, Flushed, Heard, LineEvent, Paused, Resumed, Transcribed
from bench.bargein.systems import PLACES, system
from bench.bargein.systems.livekit import SYSTEM as LIVEKIT
from bench.bargein.systems.peer import Peer, read
from bench.bargein.systems.pipecat import SYSTEM as PIPECAT
from bench.processes import TargetFailed
from voxint.errors import WireError

PEERS = (PIPECAT, LIVEKIT)

SAID: tuple[tuple[str | bytes, LineEvent], ...] = (
    (b"\1\0" * 320, Audio(b"\1\0" * 320)),
    (wire.event("paused"), Paused()),
    (wire.event("resumed"), Resumed()),
    (wire.event("flushed"), Flushed()),
    (wire.event("ended"), Ended()),
    (wire.event("onset"), Heard("onset")),
    (wire.event("endpoint"), Heard("endpoint")),
    (wire.event("transcribed", text="等一下", final=True), Transcribed("等一下", is_final=True)),
)


@asynccontextmanager
async def served(frames: list[str | bytes], got: list[str | bytes]) -> AsyncIterator[str]:
    """Serve one call: take one message, say `frames`, and wait for the caller to leave; give the URL."""

    async def answer(request: WebSocketRequest) -> None:
        socket: WebSocketConnection = await request.accept()
        got.append(await socket.get_message())
        for frame in frames:
            await socket.send_message(frame)
        with suppress(ConnectionClosed):
            await socket.get_message()

    async with trio.open_nursery() as nursery:
        server = await nursery.start(partial(serve_websocket, answer, "127.0.0.1", 0, ssl_context=None))
        yield f"ws://127.0.0.1:{server.port}/"
        nursery.cancel_scope.cancel(reason="the call is over")


@pytest.mark.parametrize(("frame", "event"), SAID)
def test_every_frame_is_an_event(frame: str | bytes, event: LineEvent) -> None:
    """What wire.py has is what line.py has."""
    assert read(frame) == event


def test_the_protocols_page_has_every_event() -> None:
    """wire.py tells of every event that is read, and of no other."""
    assert wire.__doc__ is not None
    told = set(re.findall(r'"event": "(\w+)"', wire.__doc__))
    assert told == {re.findall(r'"event": "(\w+)"', frame)[0] for frame, _ in SAID if isinstance(frame, str)}


@pytest.mark.parametrize("frame", ["{}", "paused", '{"event": "interrupted"}', '{"event": "transcribed", "text": 1}'])
def test_nothing_else_is_taken(frame: str) -> None:
    """A frame that is none of wire.py's is an error, without what it said."""
    with pytest.raises(WireError, match=r"bots/wire\.py") as caught:
        read(frame)
    assert "interrupted" not in str(caught.value)


async def test_a_line_says_and_hears() -> None:
    """The microphone goes out as it is, events come in their order, and the call's end is told to both sides."""
    got: list[str | bytes] = []
    piece = b"\2\0" * 320
    with trio.fail_after(10):
        async with served([frame for frame, _ in SAID], got) as url:
            async with PIPECAT.connect(url, "en") as line:
                await line.send(piece)
                assert [await line.receive() for _ in SAID] == [event for _, event in SAID]
            with pytest.raises(trio.EndOfChannel):
                await line.receive()
            with pytest.raises(trio.BrokenResourceError):
                await line.send(piece)
    assert got == [piece]


@pytest.mark.parametrize("peer", PEERS)
async def test_a_peer_that_is_not_installed_says_how_to(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its environment it does not start; the error names the command, and there are no versions."""
    monkeypatch.setattr(bench.environments, "HOME", tmp_path)
    with pytest.raises(TargetFailed, match=f"python -m bench install {peer.name}"):
        async with peer.serve("http://127.0.0.1:1/v1", "en"):
            pass
    assert peer.versions() == {}


def test_versions_are_those_of_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read from the peer's packages, not from ours; what is not there is left out."""
    monkeypatch.setattr(bench.environments, "HOME", tmp_path)
    told = tmp_path / "pipecat" / "lib" / "python3.11" / "site-packages" / "pipecat_ai-9.8.7.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: pipecat-ai\nVersion: 9.8.7\n")
    assert PIPECAT.versions() == {"pipecat-ai": "9.8.7"}


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_has_its_place(peer: Peer) -> None:
    """It is found by its name, which is its environment's and its server's; its notes tell of its detector."""
    assert PLACES[peer.name].endswith(f"{peer.name}:SYSTEM")
    assert system(peer.name) is peer
    assert peer.name in bench.environments.TARGETS
    assert Path(wire.__file__).with_name(f"{peer.name}.py").exists()
    assert "Silero" in peer.notes
    assert "defaults" in peer.notes
