"""An exchange broken at every byte of either direction by every fault: nothing hangs, nothing is left, all else works.

Ordinarily a sample of the bytes is broken, another one each day; `python -m tests.long every-byte` breaks all of them.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import pytest
import structlog
import trio
from attrs import define, field

from tests.end_to_end.breaking import Break, breaks, broken_everywhere
from tests.end_to_end.callers import EVERYBODY, no_descriptor_left, no_request_left, request_tasks
from voxint.client import Client, connect
from voxint.core.agent import Agent, Limits
from voxint.core.conversation import open_conversation
from voxint.core.events import Ended, Voice
from voxint.core.observer import NoObserver
from voxint.core.request import Request
from voxint.core.settings import SettingsChange
from voxint.core.stages import Delta, ModelOutput, Turn
from voxint.errors import RequestFailed, ServerError
from voxint.net.http import HttpClient, open_http
from voxint.protocol import messages as m
from voxint.providers.openai_chat import OpenAIChat
from voxint.server.config import ServerConfig
from voxint.server.serve import PATH, Server, serve
from voxint.server.store import SessionStore
from voxint.testing.chaos import Chaos, Faults, open_chaos
from voxint.testing.invariants import Checker
from voxint.testing.sim import Sim
from voxint.testing.stages import HEAR, ScriptedEars, ScriptedVoice
from voxint.testing.upstream_stages import HttpSpeech, HttpTranscription

SILENT_S = 1.5
"""After which client and server give a silent connection up here; ordinarily minutes. Below a second it met the pauses
of a busy machine."""

BOUND_S = 30.0
"""For one exchange, among as many others as run at once on a busy machine; what hangs, hangs for longer."""

CLIENT_BREAKS = 600
UPSTREAM_BREAKS = 450
"""Of a sample; chosen here: twenty seconds each on two cores."""

LIMITS = Limits(
    request_s=10,
    first_token_s=SILENT_S,
    token_stall_s=SILENT_S,
    transcript_s=SILENT_S,
    first_audio_s=SILENT_S,
    audio_stall_s=SILENT_S,
    upload_idle_s=SILENT_S,
)


class Model:
    """Answers with a word, or, where it is to go on, begins and never ends; for any number of calls at once."""

    async def generate(self, turn: Turn, out: trio.abc.SendChannel[ModelOutput]) -> None:
        """Answer."""
        await out.send(Delta("Yes. "))
        if "go on" in turn.messages[-1].content:
            await out.send(Delta("And so on. And "))
            await trio.sleep_forever()  # until it is interrupted, or its connection is lost


@define(eq=False)
class Ends(NoObserver):
    """An observer that sees to it that every request ends once, and keeps none: the collector would stop for them."""

    live: set[Request] = field(factory=set)
    begun: int = 0
    strange: int = 0
    """Ends of what had ended, or never begun."""

    def accepted(self, request: Request) -> None:
        """Count it."""
        self.live.add(request)
        self.begun += 1

    def finished(self, request: Request) -> None:
        """Know that it is over."""
        self.strange += request not in self.live
        self.live.discard(request)


@define(eq=False)
class House:
    """A server, and what its observer heard."""

    server: Server
    ends: Ends

    @property
    def url(self) -> str:
        """Where it is, without faults."""
        return self.server.url


def stores() -> set[SessionStore]:
    """Return every server's sessions in this process: a server shows its own to nobody."""
    return {each for each in gc.get_objects() if type(each) is SessionStore}


@asynccontextmanager
async def open_house() -> AsyncGenerator[House]:
    """Serve while the block runs; at its end no task, descriptor or session may be left."""
    agent = Agent(
        llm=Model(),
        stt=ScriptedEars(HEAR, "go on, please"),
        tts=ScriptedVoice(seconds_per_char=1 / 64, chunk_s=1 / 32),
        limits=LIMITS,
    )
    config = ServerConfig(
        port=0, drain_s=0, session_timeout_s=SILENT_S, heartbeat_s=0.2, warn_s=0.1, close_s=0.2, resume_s=0.2
    )
    ends, others = Ends(), stores()
    with no_descriptor_left():
        async with trio.open_nursery() as nursery:
            server = await nursery.start(partial(serve, agent, config, observer=ends, quotas=EVERYBODY))
            yield House(server, ends)
            await no_request_left()
            with trio.fail_after(5):
                while any(len(store) for store in stores() - others):  # noqa: ASYNC110 - it has no event
                    await trio.sleep(0.05)
            server.shut_down()
            nursery.cancel_scope.deadline = trio.current_time() + 10
        assert not nursery.cancel_scope.cancelled_caught, "the server could not stop: a task is left"


SAID = m.Register(auth=m.Auth(type="API_KEY", api_key=""), patch=SettingsChange(require_tts=True))
UPLOAD = m.Content(voice_mode="BINARY", audio_format="pcm")


async def talk(client: Client, checker: Checker) -> None:
    """Ask in text, then in voice with binary audio both ways, and interrupt an answer without an end."""

    def say(message: m.ClientMessage) -> None:
        checker.sent(message, trio.current_time())

    say(m.RequestMessage(request_id="r1", data_type="TEXT", content=m.Content(text="Hello?")))
    assert await (await client.send_text("Hello?", request_id="r1")).text() == "Yes. "
    say(m.RequestMessage(request_id="r2", data_type="VOICE", stream_flag=True, content=UPLOAD))
    upload = await client.open_voice(request_id="r2")
    for _ in range(3):
        await upload.send(bytes(64))
    await upload.end()
    async for event in upload.reply:
        if isinstance(event, Voice):
            break
    say(m.Interrupt(interrupt_request_id="r2"))
    await upload.reply.interrupt()
    ack = upload.reply.ack
    assert ack is not None
    assert "r2" in ack.outcomes


async def exchange(port: int, checker: Checker) -> str:
    """Hold the whole exchange over a connection; return what came of it: `whole`, or the client's error."""
    checker.sent(SAID, trio.current_time())
    try:
        async with connect(
            f"ws://127.0.0.1:{port}{PATH}",
            require_tts=True,
            features=("binary_audio", "transcripts", "marks"),
            output_rate=8000,
            connect_timeout_s=2 * SILENT_S,
            answer_timeout_s=2 * SILENT_S,
            on_frame=checker.received,
        ) as client:
            await talk(client, checker)
    except ServerError as error:  # Disconnected is one
        return f"{type(error).__name__} {error.code}"
    checker.settled()
    return "whole"


async def test_client_and_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both get over a connection that breaks anywhere.

    The client reads its answers whole or raises what says why, each request that began ends once, every promise is
    kept up to the break, and a fresh connection beside it is served. No fault of a network is an error in the log.
    """
    monkeypatch.setattr("voxint.client.client_socket.SILENCE_S", SILENT_S)
    came: Counter[str] = Counter()
    with structlog.testing.capture_logs() as logs:
        async with open_house() as house:
            async with open_chaos("127.0.0.1", house.server.port) as calm:
                assert await exchange(calm.port, Checker(BOUND_S)) == "whole"
                await calm.passages[0].ended.wait()
                up, down = calm.passages[0].up, calm.passages[0].down

            async def run(case: Break) -> None:
                checker = Checker(BOUND_S)
                with trio.fail_after(BOUND_S):
                    async with open_chaos("127.0.0.1", house.server.port, case.faults) as chaos:
                        came[await exchange(chaos.port, checker)] += 1
                    if case.kind not in ("flipped byte", "inserted byte"):  # else the server may have meant it so
                        assert [str(broken) for broken in checker.violations] == []
                    async with connect(house.url) as client:
                        assert await (await client.send_text("Hello?")).text() == "Yes. "

            await broken_everywhere(breaks(up, down, CLIENT_BREAKS), run)
        assert house.ends.begun > 0
        assert (house.ends.live, house.ends.strange) == (set(), 0)
    assert came["whole"] < came.total() / 2, came
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


def agent_of(http: HttpClient, port: int, limits: Limits) -> Agent:
    """Return an agent whose three stages are at that port."""
    pace = {"tokens": 6, "first_token_s": 0, "token_interval_s": 0, "first_chunk_s": 0, "chunk_interval_s": 0}
    sizes = {"chunk_ms": 10, "speech_s": 0.02, "transcript": "Hello?", "transcript_delay_s": 0, "delta_interval_s": 0}
    url, headers = f"http://127.0.0.1:{port}/v1", {"x-sim": msgspec.json.encode({**pace, **sizes}).decode()}
    return Agent(
        stt=HttpTranscription(http, url, headers=headers),
        llm=OpenAIChat(url, "sim", http=http, headers=headers),
        tts=HttpSpeech(http, url, headers=headers),
        limits=limits,
    )


async def ask_aloud(agent: Agent) -> str:
    """Ask in voice, and hear the answer; return how it ended."""
    async with open_conversation(agent) as conversation:
        asked = conversation.listen()
        asked.send(bytes(640))
        asked.end()
        try:
            events = [event async for event in asked]
        except RequestFailed as failure:
            return str(failure)
        assert [type(event) for event in events].count(Ended) == 1
        return "whole"


async def test_server_and_upstreams(sim: Sim) -> None:
    """A request whose upstreams' connections all break at that byte ends once, in time, as an answer or a failure.

    No connection stays in use, and the next request gets through to the same address with the same pool.
    """
    came: Counter[str] = Counter()
    healthy = Faults()

    async def exchange(faults: Faults) -> tuple[str, Chaos]:
        plan = faults
        async with (
            open_http() as http,
            open_chaos("127.0.0.1", sim.address.port, lambda number: plan) as chaos,
        ):
            first = await ask_aloud(agent_of(http, chaos.port, LIMITS))
            plan = healthy
            chaos.reset()  # a connection that breaks while an upload is on it can't be helped: let it be known before
            for passage in chaos.passages:
                await passage.ended.wait()
            assert await ask_aloud(agent_of(http, chaos.port, Limits())) == "whole"
            assert (http.statistics().in_use, http.statistics().waiting) == (0, 0)
        return first, chaos

    async def run(case: Break) -> None:
        with trio.fail_after(BOUND_S):
            first, _ = await exchange(case.faults)
        came[first] += 1

    with no_descriptor_left(), structlog.testing.capture_logs() as logs:
        first, chaos = await exchange(healthy)
        assert first == "whole"
        up, down = (max(getattr(each, way) for each in chaos.passages) for way in ("up", "down"))
        await broken_everywhere(breaks(up, down, UPSTREAM_BREAKS), run)
        assert request_tasks() == []
    assert came.total() > came["whole"] > 0, came
    assert [entry for entry in logs if entry["log_level"] == "error"] == []
