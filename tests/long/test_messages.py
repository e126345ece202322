"""Whatever clients send: the server lives on, keeps its promises and its memory, and answers who asks next."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import structlog
import trio

from tests.end_to_end.callers import no_descriptor_left, serving
from tests.end_to_end.wire import open_wire
from tests.long.messages import many_messages
from tests.long.mutator import Mutator
from tests.net.websocket_client import OPEN, RawClient
from tests.talk import WRITTEN
from voxint.core.agent import Agent
from voxint.net.frames import frame_of
from voxint.protocol import messages as m
from voxint.protocol.codec import encode_client
from voxint.server.config import ServerConfig
from voxint.server.serve import PATH
from voxint.testing.stages import ScriptedModel

SEED = 9
"""Of what runs each time; `python -m tests.long messages` takes another for each run."""

COUNT = 100_000
UPGRADE = OPEN.replace(b"/ws", PATH.encode(), 1).replace(b"Host: x", b"Host: localhost")
CLIENTS = 60
FRAMES = 40


def test_mutated_messages() -> None:
    """A hundred thousand, in any order: no error is logged, no promise broken, and memory stays as it is."""
    assert many_messages(SEED, COUNT) >= COUNT


def test_the_mutator_meets_all_there_is() -> None:
    """Each kind of message is among the sound ones, many are no messages, and chance is all in the seed."""
    first, again = Mutator(Random(1)), Mutator(Random(1))
    frames = [first.frame("s") for _ in range(3000)]
    assert frames == [again.frame("s") for _ in range(3000)]
    kinds: Counter[str] = Counter()
    for frame in frames:
        try:
            kinds[str(json.loads(frame)["msg_type"]) if isinstance(frame, str) else "audio"] += 1
        except (ValueError, KeyError, TypeError, IndexError, RecursionError):
            kinds["nonsense"] += 1
    common = ("REGISTER", "REQUEST", "INTERRUPT", "PLAYED", "FUNCTION_RESULT", "SESSION_QUERY", "HEALTH_CHECK")
    assert all(kinds[kind] > 20 for kind in (*common, "HEARTBEAT_REPLY", "audio", "nonsense"))


def scratched(rng: Random, data: bytes) -> bytes:
    """Return bytes of WebSocket frames with some of their bits turned, cut, repeated or put in."""
    bent = bytearray(data)
    for _ in range(rng.choice((0, 1, 1, 2, 6))):
        at = rng.randrange(len(bent) + 1)
        match rng.randrange(4):
            case 0 if at < len(bent):
                bent[at] ^= 1 << rng.randrange(8)
            case 1:
                bent[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 2:
                del bent[at : at + rng.randrange(9)]
            case _:
                bent[at:at] = bent[:14]
    return bytes(bent)


async def hostile(port: int, number: int) -> None:
    """Register and send frames that the network, or their sender, has bent, until the server has had enough."""
    rng = Random(f"{SEED}/{number}")
    mutator = Mutator(rng, soundness=0.7)
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        client = RawClient(stream)
        register = m.Register(auth=m.Auth(type="API_KEY", api_key=""), patch=WRITTEN)
        await client.send(UPGRADE, frame_of(encode_client(register, None, 0), masked=True))
        await client.opened()

        async def listen() -> None:
            while await stream.receive_some():
                pass

        async with trio.open_nursery() as nursery:
            with trio.move_on_after(3):  # a frame that claims more than ever comes keeps both waiting
                nursery.start_soon(listen)
                for _ in range(FRAMES):
                    whole = frame_of(mutator.frame("sess"), masked=True)
                    await client.send(scratched(rng, whole))
            nursery.cancel_scope.cancel()


async def visit(port: int, number: int) -> None:
    """Be hostile, and mind no end that the server makes of it."""
    try:
        await hostile(port, number)
    except* (trio.BrokenResourceError, trio.ClosedResourceError):
        pass


async def test_mutated_frames_of_websockets() -> None:
    """Bits turned in the frames themselves, over sockets: who sends them loses the connection, and nobody else does."""
    config = ServerConfig(port=0, drain_s=0, close_s=0.25)
    with trio.fail_after(60), no_descriptor_left(), structlog.testing.capture_logs() as logs:
        async with serving(Agent(llm=ScriptedModel("Yes.")), config) as server, open_wire(server.url) as neighbour:
            neighbour.register(WRITTEN)
            await neighbour.until(lambda: neighbour.session_id is not None)
            async with trio.open_nursery() as nursery:
                for number in range(CLIENTS):
                    nursery.start_soon(visit, server.port, number)
            neighbour.ask("r1")
            await neighbour.until(lambda: len(neighbour.responses("r1")) == 2)
    assert [entry for entry in logs if entry["log_level"] not in ("debug", "info")] == []
