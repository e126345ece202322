"""pipecat-ai as a server that listens all the time: a pipeline for each WebSocket, as its quickstart has it.

Its own: the transport, the Silero detector, the turn strategies with Smart Turn, the recovery from empty turns, the
aggregators, the OpenAI model. Ours: the serializer, and two services that speak to the benchmark's voice and
recogniser, built on pipecat's classes for such services.
"""

# pipecat's packages are not installed where this file is checked.
# mypy: disable-error-code="import-not-found", disallow-subclassing-any=False, disallow-untyped-decorators=False

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.settings import STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

from bench.bargein.bots.wire import FRAME_BYTES, RATE, Given, event, speech_body, speech_url, transcription_url

__all__ = ["run"]

Say = Callable[[str], Awaitable[None]]


class Plain(FrameSerializer):
    """Microphone in, answer out, and what becomes of it (wire.py)."""

    async def serialize(self, frame: Frame) -> str | bytes | None:
        """Return what the caller gets for a frame that has come to the output transport, if anything."""
        if isinstance(frame, OutputAudioRawFrame):
            audio: bytes = frame.audio
            return audio
        if isinstance(frame, OutputTransportMessageFrame | OutputTransportMessageUrgentFrame):
            message: str = frame.message
            return message
        if isinstance(frame, InterruptionFrame):
            # The transport has emptied its queue: where pipecat's own serializers have a telephone's player clear its.
            return event("flushed")
        return None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """Return the piece of microphone in a binary frame."""
        return InputAudioRawFrame(audio=data, sample_rate=RATE, num_channels=1) if isinstance(data, bytes) else None


class Recogniser(SegmentedSTTService):
    """An utterance of the microphone at a time, cut out by pipecat's detector: its own way for local models."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, say: Say) -> None:
        # its settings name a model and a language; the recogniser has one of each
        super().__init__(settings=STTSettings(model=None, language=None))
        self._http = http
        self._url = transcription_url(base_url)
        self._say = say

    @property
    def wants_wav_segments(self) -> bool:
        """Say no: the recogniser takes samples."""
        return False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame, None]:
        """Transcribe an utterance; without words there is no frame, as in pipecat's own services."""
        try:
            async with self._http.post(self._url, data=audio, headers={"content-type": "audio/pcm"}) as response:
                response.raise_for_status()
                text: str = (await response.json())["text"].strip()
        except aiohttp.ClientError as error:
            yield ErrorFrame(error=f"the recogniser failed: {error}")
            return
        await self._say(event("transcribed", text=text, final=True))
        if text:
            yield TranscriptionFrame(text, self._user_id, time_now_iso8601())


class Voice(TTSService):
    """A sentence at a time, as pipecat cuts them."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str) -> None:
        # the frames that begin and end an answer are left to pipecat, as its own services over HTTP do
        super().__init__(
            sample_rate=RATE,
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model=None, voice=None, language=None),
        )
        self._http = http
        self._url = speech_url(base_url)

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        """Speak a sentence, passed on in pieces of 80 ms."""
        try:
            async with self._http.post(self._url, json=speech_body(text)) as response:
                response.raise_for_status()
                rest = b""
                async for chunk in response.content.iter_any():
                    rest += chunk
                    whole = len(rest) // (2 * FRAME_BYTES) * 2 * FRAME_BYTES
                    if whole:
                        yield TTSAudioRawFrame(rest[:whole], RATE, 1, context_id=context_id)
                        rest = rest[whole:]
                if rest:
                    yield TTSAudioRawFrame(rest, RATE, 1, context_id=context_id)
        except aiohttp.ClientError as error:
            yield ErrorFrame(error=f"the voice failed: {error}")


class Ends(FrameProcessor):
    """Behind the model: tell the caller where an answer ends. In direct mode, so that it holds no frame up."""

    def __init__(self) -> None:
        super().__init__(enable_direct_mode=True)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass every frame on, and behind an answer's last word the message of its end."""
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, LLMFullResponseEndFrame) and not _cancelled():
            # It waits behind the answer's sound, and an interruption drops it.
            await self.push_frame(OutputTransportMessageFrame(message=event("ended")))


def _cancelled() -> bool:
    """Say whether the task this runs in, the model's, is being cancelled: it says that it ended then, too."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _converse(websocket: WebSocket, given: Given, http: aiohttp.ClientSession) -> None:
    """Hold one call, until the caller leaves."""

    async def say(message: str) -> None:
        # a caller who has left ends the pipeline; until then there is nobody to tell
        with suppress(WebSocketDisconnect, RuntimeError):
            await websocket.send_text(message)

    params = FastAPIWebsocketParams(
        serializer=Plain(),
        audio_in_enabled=True,
        audio_in_sample_rate=RATE,
        audio_out_enabled=True,
        audio_out_sample_rate=RATE,
    )
    transport = FastAPIWebsocketTransport(websocket, params)
    history = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    pipeline = Pipeline(
        [
            transport.input(),
            Recogniser(http, given.base_url, say),
            history.user(),
            OpenAILLMService(
                api_key="none", base_url=given.base_url, settings=OpenAILLMService.Settings(model="simulated")
            ),
            Ends(),
            Voice(http, given.base_url),
            transport.output(),
            history.assistant(),
        ]
    )
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
        enable_rtvi=False,
    )

    @transport.event_handler("on_client_disconnected")
    async def left(_transport: object, _websocket: object) -> None:
        await worker.cancel()

    @history.user().event_handler("on_user_turn_started")
    async def begun(*_: object) -> None:
        await say(event("onset"))

    @history.user().event_handler("on_user_turn_stopped")
    async def ended(*_: object) -> None:
        await say(event("endpoint"))

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def run(given: Given) -> None:
    """Serve on a free port of 127.0.0.1 until killed."""
    listening = socket.create_server(("127.0.0.1", 0))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as app.state.http:
            given.ready(f"ws://127.0.0.1:{listening.getsockname()[1]}/")
            yield

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/")
    async def call(websocket: WebSocket) -> None:
        await websocket.accept()
        await _converse(websocket, given, app.state.http)

    config = uvicorn.Config(app, loop="uvloop", ws_per_message_deflate=False, access_log=False, log_level="error")
    uvicorn.Server(config).run(sockets=[listening])
