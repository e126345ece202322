"""What is over is let go of without the garbage collector, which a server lets look seldom."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio

from voxint import Agent, Client, Ended, ServerConfig, connect, serve
from voxint.core.session import Session
from voxint.server.connection import Connection
from voxint.testing.detector import ScriptedDetector
from voxint.testing.stages import ScriptedEars, ScriptedModel, ScriptedVoice

ENDS_WITHIN_S = 5.0  # of what takes a few milliseconds on a quiet machine


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Keep the collector from hiding what refers to itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def speak(client: Client) -> None:
    """Say something into an open microphone, and be answered."""
    async with client.listen_always() as microphone:
        for piece in (*[bytes(1024)] * 5, *[b"\x00\x10" * 512] * 20, *[bytes(1024)] * 40):
            await microphone.send(piece)
        async for said in microphone:
            if isinstance(said.event, Ended):
                return


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("features", [(), ("server_vad",)])
async def test_a_session_and_its_connection_go_with_their_end(
    features: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that was said in it: the connection when it is closed, the session when it has expired."""
    made: list[weakref.ref[object]] = []
    gone: list[object] = []
    all_gone = trio.Event()

    def went(reference: object) -> None:
        gone.append(reference)
        if len(gone) == len(made):
            all_gone.set()

    def noted(kind: type[object]) -> None:
        make: Callable[..., None] = kind.__init__

        def init(self: object, *args: Any, **kwargs: Any) -> None:
            made.append(weakref.ref(self, went))
            make(self, *args, **kwargs)

        monkeypatch.setattr(kind, "__init__", init)

    noted(Session)
    noted(Connection)
    model, voice = ScriptedModel("One sentence. ", "And another one."), ScriptedVoice(seconds_per_char=0.001)
    agent = Agent(llm=model, tts=voice, stt=ScriptedEars.hears("Hello?"), vad=ScriptedDetector())
    async with trio.open_nursery() as nursery:
        config = ServerConfig(port=0, resume_s=0.05)
        server = await nursery.start(serve, agent, config)
        async with connect(server.url, require_tts=True, features=features) as client:
            await (await client.send_text("Hello?")).text()
            if features:
                await speak(client)
        with trio.fail_after(ENDS_WITHIN_S):
            await all_gone.wait()
        server.shut_down()
    assert len(made) == 2
