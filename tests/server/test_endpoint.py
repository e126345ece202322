"""One WebSocket, from the bytes that come to the bytes that go: what else runs between two frames of one segment."""

from __future__ import annotations

import socket

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.net.websocket_client import HEAD
from tests.talk import OPEN, SPOKEN, WRITTEN
from voxint.core.agent import Agent
from voxint.core.observer import Silence
from voxint.core.request import Request
from voxint.core.settings import SettingsChange
from voxint.net.frames import frame_of
from voxint.net.tcp import TcpStream
from voxint.protocol import messages as m
from voxint.protocol.codec import encode_client
from voxint.server.config import ServerConfig
from voxint.server.endpoint import serve_websocket
from voxint.server.host import Host
from voxint.testing.stages import FOREVER, ScriptedModel, ScriptedVoice

QUESTIONS = 20
"""So many, as trio runs the tasks of a pass in an order of its own each time."""

LIMIT_S = 20.0


class Client:
    """A client that looks into its socket only when it wants to: nothing of it runs meanwhile."""

    def __init__(self, bare: socket.socket) -> None:
        self._bare = bare
        self.stream = trio.SocketStream(trio.socket.from_stdlib_socket(bare))
        self._session_id: str | None = None

    async def open(self, patch: SettingsChange) -> None:
        """Open a session."""
        await self.until(b"\r\n\r\n")
        await self.say(m.Register(auth=OPEN, patch=patch))
        read = await self.until(b'"timestamp"')
        self._session_id = read.partition(b'"session_id":"')[2].partition(b'"')[0].decode()

    async def say(self, *messages: m.ClientMessage) -> None:
        """Write messages in one segment."""
        frames = [encode_client(message, self._session_id, 0) for message in messages]
        await self.stream.send_all(b"".join(frame_of(frame, masked=True) for frame in frames))

    async def until(self, words: bytes) -> bytes:
        """Read until these words have come, and return all that was read."""
        read = b""
        while words not in read:
            some = await self.stream.receive_some()
            assert some, f"the server left, {words!r} never came"
            read += some
        return read

    def lies_there(self) -> bytes:
        """Take what the server has written and nobody has read, without waiting."""
        try:
            return self._bare.recv(1 << 20)
        except BlockingIOError:
            return b""


class Watcher(Silence):
    """An observer that looks, when a request is accepted, what its client could have read by then.

    Nothing of it has run by then. Its model alone would tell too little: that waits for the request before anyway.
    """

    def __init__(self, client: Client) -> None:
        self.found: list[bytes] = []
        self.looked = trio.Event()
        self._client = client

    def accepted(self, request: Request) -> None:
        """Look."""
        self.found.append(self._client.lies_there())
        self.looked.set()


@pytest.mark.parametrize("patch", [pytest.param(WRITTEN, id="written"), pytest.param(SPOKEN, id="spoken")])
async def test_the_acknowledgement_is_written_before_the_next_question_costs_anything(patch: SettingsChange) -> None:
    """Of INTERRUPT and REQUEST in one segment the second waits until all of the first is torn down and confirmed."""
    bare, far = socket.socketpair()
    near = TcpStream(trio.SocketStream(trio.socket.from_stdlib_socket(bare)))
    client = Client(far)
    watcher = Watcher(client)
    agent = Agent(llm=ScriptedModel("Well, then. ", FOREVER), tts=ScriptedVoice())
    with trio.fail_after(LIMIT_S):
        async with near, client.stream, trio.open_nursery() as nursery:
            nursery.start_soon(serve_websocket, Host(agent, ServerConfig(), nursery, watcher), HEAD, near, b"")
            await client.open(patch)
            await client.say(_question(0))
            await client.until(b"Well, then")
            for asked in range(1, QUESTIONS + 1):
                await wait_all_tasks_blocked()  # the answer has stalled
                watcher.looked = trio.Event()
                await client.say(m.Interrupt(interrupt_request_id=f"r{asked - 1}"), _question(asked))
                await watcher.looked.wait()  # until then nobody reads
                await client.until(b"Well, then")
            nursery.cancel_scope.cancel()
    acknowledged = [
        b'"INTERRUPT_ACK"' in found and f'"r{n}"'.encode() in found for n, found in enumerate(watcher.found[1:])
    ]
    assert acknowledged == [True] * QUESTIONS


def _question(number: int) -> m.RequestMessage:
    return m.RequestMessage(request_id=f"r{number}", data_type="TEXT", content=m.Content(text="And?"))
