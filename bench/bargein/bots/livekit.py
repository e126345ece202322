"""livekit-agents as a server that listens all the time: one `AgentSession` for each WebSocket, without room or job.

Its own: the session with its detector of speech, its turn detector, its handling of interruptions, the cutting of
utterances for a recogniser that hears them whole and of sentences for a voice that says them whole, the OpenAI model.
Ours: the socket in place of a room, and two plugins that speak to the benchmark's voice and recogniser.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from time import time

import aiohttp
import uvloop
from aiohttp import web
from livekit import rtc
from livekit.agents import (
    Agent,
    AgentSession,
    APIConnectionError,
    APIConnectOptions,
    ConversationItemAddedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    stt,
    tts,
)
from livekit.agents.language import LanguageCode
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.utils import aio, merge_frames, shortuuid
from livekit.agents.voice import io
from livekit.plugins import openai as livekit_openai

from bench.bargein.bots.wire import (
    FRAME_BYTES,
    FRAME_S,
    RATE,
    Given,
    event,
    speech_body,
    speech_url,
    transcription_url,
)

__all__ = ["run"]

LEAD_S = 0.2
"""What livekit's own output to a room queues (`queue_size_ms` of its room_io)."""

BLINK_S = 0.02
"""livekit lets its output go on an instant before it clears what was interrupted while it paused. Its output to a room
says nothing in that instant, since a pause has emptied the queue; ours waits so long before it tells the player."""


class _Out:
    """All that goes to the caller, in its order."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._queue: asyncio.Queue[str | bytes] = asyncio.Queue()

    def put(self, message: str | bytes) -> None:
        self._queue.put_nowait(message)

    async def run(self) -> None:
        """Send, until the caller has left; `_connected` ends the session then."""
        with suppress(ConnectionError):
            while True:
                match await self._queue.get():
                    case str(text):
                        await self._socket.send_str(text)
                    case bytes(pcm):
                        await self._socket.send_bytes(pcm)


class _Microphone(io.AudioInput):
    """What the caller's microphone takes up."""

    def __init__(self) -> None:
        super().__init__(label="websocket")
        self.pieces: aio.Chan[bytes] = aio.Chan()

    async def __anext__(self) -> rtc.AudioFrame:
        """Return the next piece."""
        piece = await self.pieces.__anext__()
        return rtc.AudioFrame(piece, sample_rate=RATE, num_channels=1, samples_per_channel=len(piece) // 2)


class _Speaker(io.AudioOutput):
    """What the session speaks, as its output to a room handles it: taken at once, sent as it plays, with the same lead.

    Another than that one, it drops nothing at a pause: the player keeps what it has, and goes on there.
    """

    def __init__(self, out: _Out) -> None:
        super().__init__(label="websocket", capabilities=io.AudioOutputCapabilities(pause=True), sample_rate=RATE)
        self._out = out
        self._loop = asyncio.get_running_loop()
        self._rest = bytearray()
        self._whole = False
        self._speaking = False
        self._sent_s = 0.0
        self._due = 0.0
        self._paused_at: float | None = None
        self._resuming: asyncio.TimerHandle | None = None
        self._woken = asyncio.Event()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take more of a segment."""
        await super().capture_frame(frame)
        self._speaking, self._whole = True, False
        self._rest += frame.data.cast("B")
        self._woken.set()

    def flush(self) -> None:
        """Take it that the segment is whole."""
        super().flush()
        self._whole = self._speaking
        self._woken.set()

    def clear_buffer(self) -> None:
        """End the segment now."""
        if self._speaking:
            self._out.put(event("flushed"))
            self._finish(interrupted=True)

    def pause(self) -> None:
        """Stop sending, and have the player stop where it is."""
        super().pause()
        if self._resuming is not None:
            self._resuming.cancel()
            self._resuming = None
        elif self._paused_at is None:
            self._paused_at = self._loop.time()
            self._out.put(event("paused"))

    def resume(self) -> None:
        """Go on, unless what was paused is cleared in the same instant."""
        super().resume()
        if self._paused_at is not None and self._resuming is None:
            self._resuming = self._loop.call_later(BLINK_S, self._go_on)

    def _go_on(self) -> None:
        assert self._paused_at is not None
        self._due += self._loop.time() - self._paused_at
        self._paused_at = self._resuming = None
        self._out.put(event("resumed"))
        self._woken.set()

    async def run(self) -> None:
        """Send and end segments, until cancelled."""
        while True:
            self._woken.clear()
            now = self._loop.time()
            if self._paused_at is not None or not self._speaking:
                await self._woken.wait()
            elif len(self._rest) >= FRAME_BYTES or (self._whole and self._rest):
                if self._due < now - FRAME_S:  # the first one, or the voice was slower than speech
                    self._due = now
                if await self._slept(self._due - LEAD_S - now):
                    self._play()
            elif self._whole:
                if await self._slept(self._due - now):
                    self._finish(interrupted=False)
            else:
                await self._woken.wait()

    async def _slept(self, seconds: float) -> bool:
        """Sleep and say so, or return False where something has changed meanwhile."""
        if seconds <= 0:
            return True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed(), seconds)
            return False
        return True

    async def _changed(self) -> None:
        """Wait for a pause, or an end; more sound changes nothing."""
        while self._paused_at is None and self._speaking:
            self._woken.clear()
            await self._woken.wait()

    def _play(self) -> None:
        piece = bytes(self._rest[:FRAME_BYTES])
        del self._rest[:FRAME_BYTES]
        if not self._sent_s:
            self.on_playback_started(created_at=time())
        self._out.put(piece)
        seconds = len(piece) / (2 * RATE)
        self._sent_s += seconds
        self._due += seconds
        if self._whole and not self._rest:
            self._out.put(event("ended"))

    def _finish(self, *, interrupted: bool) -> None:
        now = self._loop.time() if self._paused_at is None else self._paused_at
        played = max(0.0, self._sent_s - max(0.0, self._due - now))
        self._rest.clear()
        self._speaking = self._whole = False
        self._sent_s = 0.0
        self._due = 0.0
        self._woken.set()
        self.on_playback_finished(playback_position=played, interrupted=interrupted)


class _Recogniser(stt.STT):
    """A recogniser that hears an utterance as a whole: livekit's detector cuts it out."""

    def __init__(self, given: Given, http: aiohttp.ClientSession) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._given = given
        self._http = http

    async def _recognize_impl(
        self, buffer: rtc.AudioFrame | list[rtc.AudioFrame], *, language: object, conn_options: APIConnectOptions
    ) -> stt.SpeechEvent:
        frame = merge_frames(buffer)
        url = transcription_url(self._given.base_url, frame.sample_rate)
        headers = {"content-type": "audio/pcm"}
        try:
            async with self._http.post(url, data=bytes(frame.data.cast("B")), headers=headers) as response:
                response.raise_for_status()
                text = (await response.json())["text"].strip()
        except aiohttp.ClientError as error:
            raise APIConnectionError from error
        said = stt.SpeechData(text=text, language=LanguageCode(self._given.language))
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[said])


class _Voice(tts.TTS):
    """A voice that says a sentence as a whole: livekit cuts them."""

    def __init__(self, base_url: str, http: aiohttp.ClientSession) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE, num_channels=1)
        self.url = speech_url(base_url)
        self.http = http

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        """Speak a sentence."""
        return _Sentence(tts=self, input_text=text, conn_options=conn_options)


class _Sentence(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(request_id=shortuuid(), sample_rate=RATE, num_channels=1, mime_type="audio/pcm")
        try:
            async with self._tts.http.post(self._tts.url, json=speech_body(self._input_text)) as response:
                response.raise_for_status()
                async for chunk in response.content.iter_any():
                    output_emitter.push(chunk)
        except aiohttp.ClientError as error:
            raise APIConnectionError from error
        output_emitter.flush()


def _tell(session: AgentSession[None], out: _Out) -> None:
    """Have the session tell the caller what it makes of the microphone."""

    def changed(state: UserStateChangedEvent) -> None:
        if state.new_state == "speaking":
            out.put(event("onset"))

    def transcribed(heard: UserInputTranscribedEvent) -> None:
        out.put(event("transcribed", text=heard.transcript, final=heard.is_final))

    def added(told: ConversationItemAddedEvent) -> None:
        if getattr(told.item, "role", "") == "user":
            out.put(event("endpoint"))

    session.on("user_state_changed", changed)
    session.on("user_input_transcribed", transcribed)
    session.on("conversation_item_added", added)


class _Server:
    """The WebSocket in front, and what the calls share."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._http = aiohttp.ClientSession()

    async def serve(self) -> None:
        app = web.Application()
        app.router.add_get("/", self._connected)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        self._given.ready(f"ws://{host}:{port}/")
        await asyncio.Event().wait()

    async def _connected(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        out = _Out(socket)
        speaker, microphone = _Speaker(out), _Microphone()
        session: AgentSession[None] = AgentSession(
            stt=_Recogniser(self._given, self._http),
            llm=livekit_openai.LLM(model="simulated", base_url=self._given.base_url, api_key="none"),
            tts=_Voice(self._given.base_url, self._http),
            # By default whoever interrupts the first answer within its first 3 s goes unheard, while the echo canceller
            # of a browser learns. There is none here, nor on a telephone, for which livekit sets the same.
            aec_warmup_duration=None,
        )
        _tell(session, out)
        session.input.audio = microphone
        session.output.audio = speaker
        tasks = [asyncio.create_task(out.run()), asyncio.create_task(speaker.run())]
        await session.start(Agent(instructions=""), record=False)
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.BINARY:
                    microphone.pieces.send_nowait(message.data)
        finally:
            await session.aclose()
            await aio.cancel_and_wait(*tasks)
        return socket


def run(given: Given) -> None:
    """Serve on a free port of 127.0.0.1 until killed."""
    logging.disable(logging.WARNING)

    async def serve() -> None:
        await _Server(given).serve()

    uvloop.run(serve())
