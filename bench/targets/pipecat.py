"""pipecat-ai as a target: a pipeline for each WebSocket, all of them in one process under uvicorn and uvloop."""

# Its packages are not installed where this is checked.
# mypy: disable-error-code="import-not-found", disallow-subclassing-any=False, disallow-untyped-decorators=False

from __future__ import annotations

import json
import socket
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
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
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_turn_strategies import ExternalUserTurnStrategies
from pipecat.utils.http import connection_limits
from pipecat.workers.runner import WorkerRunner

from bench.targets.plain import RATE, Tell, Upstream

__all__ = ["CANNOT", "DIALECT", "NOTES", "PACKAGES", "run"]

DIALECT = "plain"
PACKAGES = ("pipecat-ai", "openai", "aiohttp", "fastapi", "uvicorn", "uvloop", "websockets")
NOTES = (
    "FastAPIWebsocketTransport under uvicorn and uvloop, a pipeline for each connection, one process; its OpenAI model "
    "service with one HTTP client for all sessions; an HTTP synthesis service over aiohttp as pipecat's own are "
    "written, which passes audio on as it comes (its OpenAI service waits for half a second of it); no voice activity "
    "detection, metrics, observers, RTVI or idle timers; text is shown as the model writes it."
)
SEGMENTED = (
    "its HTTP recognisers collect speech until voice activity detection says that it ended, "
    "so nothing is on its way upstream during an upload"
)
CANNOT = {"upload": SEGMENTED, "upload_capacity": SEGMENTED}

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
        self._turn = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass every frame on, and what the client is to know with it."""
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, LLMTextFrame):
            # Urgent messages don't wait for the audio of what was said before.
            await self.push_frame(OutputTransportMessageUrgentFrame(message={"text": frame.text}))
        elif isinstance(frame, LLMFullResponseStartFrame):
            self._turn = self._asked.popleft()
        elif isinstance(frame, LLMFullResponseEndFrame):
            # Other messages do, so this one follows the turn's last audio; an interruption drops it.
            await self.push_frame(OutputTransportMessageFrame(message={"done": self._turn}))
        elif isinstance(frame, InterruptionFrame):
            while self._asked and self._asked[0] <= frame.metadata["turn"]:
                self._asked.popleft()


class Model(OpenAILLMService):
    """pipecat's own, with a client that all sessions share: a client each would cost an SSL context each."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._shared = client
        super().__init__(settings=OpenAILLMService.Settings(model="simulated"))

    def create_client(self, **_: object) -> AsyncOpenAI:
        """Return the one client."""
        return self._shared


class Voice(TTSService):
    """Synthesis over HTTP, written as pipecat's services that take an `aiohttp_session` are."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, cancelled: Callable[[int], None]) -> None:
        settings = TTSSettings(model="simulated", voice="alloy", language=None)
        super().__init__(sample_rate=RATE, push_start_frame=True, push_stop_frames=True, settings=settings)
        self._http = http
        self._url = f"{base_url}/audio/speech"
        self._cancelled = cancelled

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        """Synthesise a sentence."""
        body = {"model": "simulated", "voice": "alloy", "input": text, "response_format": "pcm"}
        async with self._http.post(self._url, json=body) as answer:
            if answer.status != 200:
                yield ErrorFrame(error=f"synthesis answered {answer.status}")
                return
            audio = answer.content.iter_any()
            async for frame in self._stream_audio_frames_from_iterator(audio, context_id=context_id):
                yield frame

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Work as every service does; once it has handled an interruption, model and synthesis are cancelled."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self._cancelled(frame.metadata["turn"])


async def _converse(
    websocket: WebSocket, model: AsyncOpenAI, http: aiohttp.ClientSession, speech: str, tell: Tell
) -> None:
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
    pipeline = Pipeline(
        [
            transport.input(),
            history.user(),
            Model(model),
            Show(asked),
            Voice(http, speech, tell.cancelled),
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
        limits = connection_limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=None)
        client = AsyncOpenAI(api_key="none", base_url=upstream.llm, http_client=DefaultAsyncHttpxClient(limits=limits))
        async with client, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            app.state.model, app.state.http = client, http
            tell.ready(f"ws://127.0.0.1:{listening.getsockname()[1]}/")
            yield

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/")
    async def session(websocket: WebSocket) -> None:
        await websocket.accept()
        await _converse(websocket, app.state.model, app.state.http, upstream.speech, tell)

    config = uvicorn.Config(
        app, loop="uvloop", ws="websockets-sansio", ws_per_message_deflate=False, access_log=False, log_level="error"
    )
    uvicorn.Server(config).run(sockets=[listening])
