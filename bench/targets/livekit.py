"""livekit-agents without a room: one `AgentSession` for each WebSocket, its outputs connected to the socket."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from functools import partial
from time import time

import aiohttp
import openai
import uvloop
from aiohttp import web
from livekit import rtc
from livekit.agents import Agent, AgentSession, APIConnectionError, APIConnectOptions, APIStatusError, tokenize, tts
from livekit.agents.utils import aio, shortuuid
from livekit.agents.voice import SpeechHandle, io
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.plugins import openai as livekit_openai

from bench.targets.plain import FRAME_BYTES, FRAME_S, RATE, Tell, Upstream, calm_collector

__all__ = ["CANNOT", "DIALECT", "NOTES", "PACKAGES", "run"]

DIALECT = "plain"
PACKAGES = ("livekit-agents", "livekit-plugins-openai", "openai", "aiohttp", "uvloop")
NOTES = (
    "an AgentSession for each WebSocket, without room or job, one process on uvloop behind an aiohttp server; outputs "
    "of its own that hold nothing back; no voice activity detection, turn detection, preemptive generation, aligned "
    "transcript or text transforms. The model is its OpenAI plugin over one aiohttp client for all sessions (the SDK's "
    "own, a tenth lighter than its httpx), and more than half of the CPU time goes into that SDK's reading of tokens; "
    "synthesis is a plugin over aiohttp, which cuts sentences by livekit's tokenizer and acknowledges an interrupt "
    "some 3 ms earlier than its OpenAI one. No retries, timeouts of 60 s. A question behind an interrupt waits for it, "
    "as in livekit's own text input: asked at once, it is prepared in between, and the acknowledgement comes after 16 "
    "to 30 ms instead of 4. An interrupt that takes longer than 5 s, as it can on a full core, is given up by livekit "
    "and counted as done."
)
SEGMENTED = (
    "its OpenAI recogniser sends a segment that voice activity detection has found the end of, "
    "so nothing is on its way upstream during an upload"
)
CANNOT = dict.fromkeys(("upload", "voice", "upload_capacity"), SEGMENTED)

LEAD_S = 0.2
"""What livekit's own output to a room queues (`queue_size_ms` of its room_io)."""

PATIENT = APIConnectOptions(max_retry=0, timeout=60.0)
"""Options of each call. By default livekit gives up after 10 s and tries again three times; a stall has to last as long
as it does for others."""


async def _send(socket: web.WebSocketResponse, message: str | bytes) -> None:
    # a client that has left ends its session in _connected; until then there is nobody to tell
    with suppress(ConnectionError):
        if isinstance(message, str):
            await socket.send_str(message)
        else:
            await socket.send_bytes(message)


class _Speaker(io.AudioOutput):
    """What the session speaks, sent to the client as it plays.

    Frames leave so far ahead of playback as livekit's own output to a room buffers, and are taken when they may leave:
    nothing waits here, and what waits is the session's own.
    """

    def __init__(self, socket: web.WebSocketResponse) -> None:
        super().__init__(label="websocket", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=RATE)
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._rest = bytearray()
        self._due = 0.0
        self._played = 0.0
        self._speaking = False
        self._ending: asyncio.Task[None] | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take more of a segment; returns when all but the last part of a frame has been sent."""
        await super().capture_frame(frame)
        self._speaking = True
        self._rest += frame.data.cast("B")
        while len(self._rest) >= FRAME_BYTES:
            piece = bytes(self._rest[:FRAME_BYTES])
            del self._rest[:FRAME_BYTES]
            await self._play(piece)

    async def _play(self, piece: bytes) -> None:
        wait = self._due - LEAD_S - self._loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        elif wait < -LEAD_S - FRAME_S:  # the first one, or the synthesis was slower than speech
            self._due = self._loop.time()
        await _send(self._socket, piece)
        if not self._played:
            self.on_playback_started(created_at=time())
        seconds = len(piece) / (2 * RATE)
        self._due += seconds
        self._played += seconds

    def flush(self) -> None:
        """End the segment when it has played."""
        super().flush()
        if self._speaking and self._ending is None:
            self._ending = self._loop.create_task(self._end())

    async def _end(self) -> None:
        if self._rest:
            await self._play(bytes(self._rest))
        await asyncio.sleep(max(0.0, self._due - self._loop.time()))
        self._finish(interrupted=False)

    def clear_buffer(self) -> None:
        """End the segment now."""
        if self._ending is not None:
            self._ending.cancel()
        if self._speaking:
            self._finish(interrupted=True)

    def _finish(self, *, interrupted: bool) -> None:
        played = max(0.0, self._played - max(0.0, self._due - self._loop.time()))
        self._played = 0.0
        self._ending, self._speaking = None, False
        self._rest.clear()
        self.on_playback_finished(playback_position=played, interrupted=interrupted)


class _Writer(io.TextOutput):
    """What the model writes, sent as it comes."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        super().__init__(label="websocket", next_in_chain=None)
        self._socket = socket

    async def capture_text(self, text: str) -> None:
        """Send a delta."""
        await _send(self._socket, json.dumps({"text": text}))

    def flush(self) -> None:
        """Nothing is held back."""


class _Speech(tts.TTS):
    """Synthesis over aiohttp, as livekit's own plugins do it where they bring no SDK."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=True), sample_rate=RATE, num_channels=1)
        self.url = url
        self.http = http

    def synthesize(self, text: str, *, conn_options: APIConnectOptions = PATIENT) -> tts.ChunkedStream:
        """Speak a whole text."""
        return self._synthesize_with_stream(text, conn_options=conn_options)

    def stream(self, *, conn_options: APIConnectOptions = PATIENT) -> tts.SynthesizeStream:
        """Speak a text that is still being written."""
        return _SpeechStream(tts=self, conn_options=conn_options)


class _SpeechStream(tts.SynthesizeStream):
    """One answer's synthesis: a request for each sentence, one after the other."""

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=shortuuid(),
            sample_rate=RATE,
            num_channels=1,
            mime_type="audio/pcm",
            frame_size_ms=80,
            stream=True,
        )
        output_emitter.start_segment(segment_id=shortuuid())
        sentences = tokenize.blingfire.SentenceTokenizer(retain_format=True).stream()
        cutting = asyncio.create_task(self._cut(sentences))
        try:
            async for sentence in sentences:
                if text := sentence.token.strip():
                    self._mark_started()
                    await self._say(text, output_emitter)
        finally:
            await aio.cancel_and_wait(cutting)

    async def _cut(self, sentences: tokenize.SentenceStream) -> None:
        async for text in self._input_ch:
            if isinstance(text, str):
                sentences.push_text(text)
            else:
                sentences.flush()
        sentences.end_input()

    async def _say(self, text: str, output_emitter: tts.AudioEmitter) -> None:
        body = {"model": "sim", "voice": "sim", "input": text, "response_format": "pcm"}
        try:
            async with self._tts.http.post(self._tts.url, json=body) as response:
                if response.status != 200:
                    raise APIStatusError(f"synthesis answered {response.status}", status_code=response.status)
                async for chunk in response.content.iter_any():
                    output_emitter.push(chunk)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise APIConnectionError from error


class _Server:
    """The WebSocket in front, and what the sessions share."""

    def __init__(self, upstream: Upstream, tell: Tell) -> None:
        self._speech_url = f"{upstream.speech}/audio/speech"
        self._tell = tell
        # no limits: by default livekit's plugins share 50 connections, and a session needs two
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None, sock_read=60.0)
        )
        self._openai = openai.AsyncClient(
            api_key="none", base_url=upstream.llm, max_retries=0, http_client=openai.DefaultAioHttpClient()
        )

    async def serve(self) -> None:
        app = web.Application()
        app.router.add_get("/", self._connected)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        self._tell.ready(f"ws://{host}:{port}/")
        await asyncio.Event().wait()

    async def _connected(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        llm = livekit_openai.LLM(model="sim", client=self._openai)
        session: AgentSession[None] = AgentSession(
            llm=llm,
            tts=_Speech(self._speech_url, self._http),
            stt=None,
            vad=None,
            turn_handling={
                "turn_detection": "manual",
                "interruption": {"resume_false_interruption": False, "false_interruption_timeout": None},
                "preemptive_generation": {"enabled": False},
            },
            tts_text_transforms=None,
            use_tts_aligned_transcript=False,
            user_away_timeout=None,
            aec_warmup_duration=None,
            conn_options=SessionConnectOptions(llm_conn_options=PATIENT, tts_conn_options=PATIENT),
        )
        session.output.audio = _Speaker(socket)
        session.output.transcription = _Writer(socket)
        await session.start(Agent(instructions=""), record=False)
        try:
            await _Caller(socket, session, self._tell).listen()
        finally:
            await session.aclose()
            await llm.aclose()
        return socket


class _Caller:
    """One WebSocket and its turns."""

    def __init__(self, socket: web.WebSocketResponse, session: AgentSession[None], tell: Tell) -> None:
        self._socket = socket
        self._session = session
        self._tell = tell
        self._turns: dict[int, SpeechHandle] = {}
        self._stopping: set[int] = set()
        self._waiting: dict[int, str] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Do what the client says, until it leaves."""
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            match json.loads(message.data):
                case {"ask": int(turn), "text": str(text)} if self._stopping:
                    self._waiting[turn] = text
                case {"ask": int(turn), "text": str(text)}:
                    self._answer(turn, text)
                case {"stop": int(turn)}:
                    self._stop(turn)

    def _answer(self, turn: int, text: str) -> None:
        try:
            handle = self._session.generate_reply(user_input=text)
        except RuntimeError as error:  # livekit has closed the session, as it does after some errors
            self._say({"failed": turn, "why": str(error)})
            return
        self._turns[turn] = handle
        handle.add_done_callback(partial(self._done, turn))

    def _stop(self, turn: int) -> None:
        handle = self._turns.get(turn)
        if handle is None:
            self._waiting.pop(turn, None)
            self._say({"stopped": turn})
            return
        # of the handle and not session.interrupt(), which stops the turns that wait behind it too
        handle.interrupt(force=True)
        self._tell.cancelled(turn)
        self._stopping.add(turn)

    def _done(self, turn: int, handle: SpeechHandle) -> None:
        del self._turns[turn]
        if handle.interrupted:
            self._say({"stopped": turn})
        elif error := handle.exception():
            self._say({"failed": turn, "why": str(error)})
        else:
            self._say({"done": turn})
        self._stopping.discard(turn)
        if not self._stopping:
            # as livekit's own text input does: await session.interrupt(), then generate_reply()
            waiting, self._waiting = self._waiting, {}
            for each, text in waiting.items():
                self._answer(each, text)

    def _say(self, data: dict[str, object]) -> None:
        task = asyncio.create_task(_send(self._socket, json.dumps(data)))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


def run(upstream: Upstream, tell: Tell) -> None:
    """Serve on a free port of 127.0.0.1 until killed."""
    logging.disable(logging.WARNING)
    calm_collector()

    async def serve() -> None:
        await _Server(upstream, tell).serve()

    uvloop.run(serve())
