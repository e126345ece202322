"""pipecat-ai as a target: a pipeline for each WebSocket, all of them in one process under uvicorn and uvloop."""

# pipecat's packages are not installed where this file is checked.
# mypy: disable-error-code="import-not-found", disallow-subclassing-any=False, disallow-untyped-decorators=False

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from openai import AsyncOpenAI, DefaultAioHttpClient
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMMessagesAppendFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies
from pipecat.utils.http import connection_limits
from pipecat.workers.runner import WorkerRunner

from bench.targets.plain import FRAME_BYTES, RATE, Tell, Upstream, calm_collector

__all__ = ["CANNOT", "DIALECT", "NOTES", "PACKAGES", "run"]

DIALECT = "plain"
PACKAGES = ("pipecat-ai", "openai", "aiohttp", "fastapi", "uvicorn", "uvloop", "websockets")
NOTES = (
    "FastAPIWebsocketTransport under uvicorn and uvloop, a pipeline for each connection, one process; its OpenAI "
    "services for model and synthesis over one aiohttp client for all sessions (the SDK's own, lighter than its "
    "httpx), synthesis passed on in pieces of 80 ms where its default is 500 ms; no voice activity detection, metrics, "
    "observers, RTVI or idle timers; what start-up made is frozen for the garbage collector, as in the other targets; "
    "text is shown as the model writes it. "
    "pipecat's output still sends the one frame that it had taken from its queue when the interruption came, so under "
    "load 40 ms of stale audio follow some acknowledgements; what was said of an interrupted turn may enter the "
    "history behind the next question; and in a session that is still being set up, an interruption overtakes its "
    "question, which is answered all the same."
)
SEGMENTED = (
    "its HTTP recognisers collect speech until voice activity detection says that it ended, "
    "so nothing is on its way upstream during an upload"
)
CANNOT = dict.fromkeys(("upload", "voice", "upload_capacity"), SEGMENTED)

JSON = json.JSONEncoder(separators=(",", ":")).encode


class Plain(FrameSerializer):
    """The plain protocol. Interruption frames come from the client as they do in pipecat's own protobuf serializer.

    Args:
        asked: Where the numbers of questions go, for `Show`.
    """

    def __init__(self, asked: deque[int]) -> None:
        super().__init__()
        self._asked = asked

    async def serialize(self, frame: Frame) -> str | bytes | None:
        """Return what the client gets for a frame that has come to the output transport, if anything."""
        if isinstance(frame, OutputAudioRawFrame):
            audio: bytes = frame.audio
            return audio
        if isinstance(frame, OutputTransportMessageFrame | OutputTransportMessageUrgentFrame):
            return JSON(frame.message)
        if isinstance(frame, InterruptionFrame):
            # The transport has emptied its queue: the moment at which pipecat's own serializers tell a client.
            return JSON({"stopped": frame.metadata["turn"]})
        return None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """Return the frame that a message of the client's stands for."""
        message = json.loads(data)
        if "ask" in message:
            self._asked.append(message["ask"])
            return LLMMessagesAppendFrame(messages=[{"role": "user", "content": message["text"]}], run_llm=True)
        frame = InterruptionFrame()
        frame.metadata["turn"] = message["stop"]
        return frame


class Show(FrameProcessor):
    """Between model and synthesis: tell the client what the model writes.

    In direct mode, so that it adds no queue and no task to the way of a frame.

    Args:
        asked: Numbers of questions that the model has not begun to answer.
    """

    def __init__(self, asked: deque[int]) -> None:
        super().__init__(enable_direct_mode=True)
        self._asked = asked
        self.turn = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass every frame on, and what the client is to know with it."""
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, LLMTextFrame):
            # Urgent messages don't wait for the audio of what was said before.
            await self.push_frame(OutputTransportMessageUrgentFrame(message={"text": frame.text}))
        elif isinstance(frame, LLMFullResponseStartFrame) and self._asked:
            # None is left where the interruption overtook its question, which pipecat then answers all the same.
            self.turn = self._asked.popleft()
        elif isinstance(frame, LLMFullResponseEndFrame) and not _cancelled():
            # Other messages wait for it, so this one follows the turn's last audio; an interruption drops it.
            await self.push_frame(OutputTransportMessageFrame(message={"done": self.turn}))
        elif isinstance(frame, InterruptionFrame):
            while self._asked and self._asked[0] <= frame.metadata["turn"]:
                self._asked.popleft()


def _cancelled() -> bool:
    """Say whether the task this runs in, the model's, is being cancelled: it says that it ended then, too."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Model(OpenAILLMService):
    """pipecat's own, over the HTTP client that all sessions share: one each would cost an SSL context each."""

    def __init__(self, http: object, base_url: str) -> None:
        self._http = http
        super().__init__(api_key="none", base_url=base_url, settings=OpenAILLMService.Settings(model="simulated"))

    def create_client(self, api_key: str, base_url: str, **_: object) -> AsyncOpenAI:
        """Return the SDK's client, over the shared one."""
        return AsyncOpenAI(api_key=api_key, base_url=base_url, http_client=self._http)


class Voice(OpenAITTSService):
    """pipecat's own, which otherwise waits for half a second of audio before it passes any on."""

    chunk_size = 2 * FRAME_BYTES
    """Little enough not to be waited for, and twice what one frame takes."""

    def __init__(self, http: object, base_url: str, cancelled: Callable[[int], None]) -> None:
        super().__init__(api_key="none", base_url=base_url, http_client=http, sample_rate=RATE)
        self._cancelled = cancelled

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Work as every service does; once it has handled an interruption, model and synthesis are cancelled."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self._cancelled(frame.metadata["turn"])


async def _converse(websocket: WebSocket, upstream: Upstream, http: object, tell: Tell) -> None:
    """Hold one session, until the client leaves."""
    asked: deque[int] = deque()
    # 40 ms a frame is what pipecat sends by default; audio_out_10ms_chunks says it all the same.
    params = FastAPIWebsocketParams(
        serializer=Plain(asked), audio_out_enabled=True, audio_out_10ms_chunks=4, audio_out_sample_rate=RATE
    )
    transport = FastAPIWebsocketTransport(websocket, params)
    # External strategies: nothing listens for speech, and no turn detection model is loaded.
    user = LLMUserAggregatorParams(user_turn_strategies=ExternalUserTurnStrategies())
    history = LLMContextAggregatorPair(LLMContext(), user_params=user)
    show = Show(asked)
    pipeline = Pipeline(
        [
            transport.input(),
            history.user(),
            Model(http, upstream.llm),
            show,
            Voice(http, upstream.speech, tell.cancelled),
            transport.output(),
            history.assistant(),
        ]
    )
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(audio_out_sample_rate=RATE),
        enable_rtvi=False,
        enable_turn_tracking=False,
        idle_timeout_secs=None,
    )

    @transport.event_handler("on_client_disconnected")
    async def left(_transport: object, _websocket: object) -> None:
        await worker.cancel()

    @worker.event_handler("on_pipeline_error")
    async def failed(_worker: object, frame: ErrorFrame) -> None:
        message = {"failed": show.turn, "why": frame.error}
        await worker.queue_frame(OutputTransportMessageUrgentFrame(message=message))

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def run(upstream: Upstream, tell: Tell) -> None:
    """Serve on a free port of 127.0.0.1 until killed."""
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        limits = connection_limits(max_connections=10_000, max_keepalive_connections=100, keepalive_expiry=None)
        async with DefaultAioHttpClient(limits=limits) as app.state.http:
            calm_collector()
            tell.ready(f"ws://127.0.0.1:{listening.getsockname()[1]}/")
            yield

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/")
    async def session(websocket: WebSocket) -> None:
        await websocket.accept()
        await _converse(websocket, upstream, app.state.http, tell)

    config = uvicorn.Config(
        app, loop="uvloop", ws="websockets-sansio", ws_per_message_deflate=False, access_log=False, log_level="error"
    )
    uvicorn.Server(config).run(sockets=[listening])
