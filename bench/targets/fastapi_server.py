"""A voice server by hand on FastAPI: the targets that use it differ in the HTTP client and in how a turn is stopped.

Of a turn, one task reads the model, one the synthesis, and its own plays: text goes out as it comes, the next sentence
is synthesized while the one before it plays, and audio leaves on an absolute timetable.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Protocol

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketDisconnected

from bench.targets.plain import FRAME_BYTES, RATE, SENTENCE_END, Tell, calm_collector

__all__ = ["LEAD_S", "TIMEOUT_S", "Client", "Messages", "Stop", "Turn", "serve"]

LEAD_S = 0.12
"""Seconds of audio sent ahead: three frames, for a network's jitter; what is sent ahead no interrupt can recall."""

FRAMES_AHEAD = 25
"""Synthesized audio that may wait, a second of it; beyond that the synthesis is not read."""

PIECE_BYTES = 640
"""Bytes of a chunk of an upload, 20 ms at 16 kHz: quanta of 2.7 ms are not worth a chunk of HTTP each."""

TIMEOUT_S = 60.0
"""Seconds that the HTTP clients wait: a stall of the benchmark lasts until somebody interrupts."""

CONNECTIONS_WAITING = 2048

LEFT = (WebSocketDisconnect, WebSocketDisconnected)
"""What the first send to a client that has left raises, and the next; no turn fails of it, since `Session.run` cancels
them all, and `Turn.cancel` says why twice would be too much."""

Messages = list[dict[str, str]]


class Client(Protocol):
    """The three upstreams through an HTTP client; closing a stream before its end closes the connection."""

    errors: tuple[type[Exception], ...]
    """What it raises where an upstream fails, or answers what is not the protocol."""

    def chat(self, messages: Messages) -> AsyncGenerator[str, None]:
        """Yield the model's text as it comes."""

    def speech(self, text: str) -> AsyncGenerator[bytes, None]:
        """Yield the audio of a sentence as it comes."""

    async def transcribe(self, pieces: AsyncIterator[bytes]) -> str:
        """Send audio while it is spoken, and return what was said."""

    async def close(self) -> None:
        """Close every connection."""


class Stopped(Exception):
    """The turn's flag was seen in the middle of an upload."""


class Turn:
    """One question and its answer.

    Args:
        number: By which the caller knows it.
        session: The connection.
        text: The question; None: what `mic` brings is transcribed.

    `flag` says that the turn is to stop. It is looked at between chunks, and only flag.py sets it: the others cancel.
    """

    def __init__(self, number: int, session: Session, text: str | None) -> None:
        self.number = number
        self.flag = asyncio.Event()
        self.mic: asyncio.Queue[bytes | None] = asyncio.Queue()  # the client's timeout is what bounds it
        self._session = session
        self._sentences: asyncio.Queue[str | None] = asyncio.Queue()  # at most the model's whole answer
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(FRAMES_AHEAD)
        self.task = asyncio.create_task(self._run(text))

    def cancel(self) -> None:
        """Cancel the turn, once: httpx, cancelled while it unwinds, leaves a connection that nobody closes."""
        if not self.task.cancelling():
            self.task.cancel()

    async def _run(self, text: str | None) -> None:
        session = self._session
        try:
            if text is None:
                async with aclosing(self._spoken()) as pieces:
                    text = await session.client.transcribe(pieces)
            if not self.flag.is_set():
                await self._answer(text)
            if not self.flag.is_set():
                await session.say({"done": self.number})
        except* Stopped:
            pass
        except* session.client.errors as group:
            why = "; ".join(f"{type(error).__name__}: {error}" for error in group.exceptions)
            await session.say({"failed": self.number, "why": why})

    async def _spoken(self) -> AsyncGenerator[bytes, None]:
        while True:
            piece = await self.mic.get()
            if self.flag.is_set():
                raise Stopped
            if piece is None:
                return
            yield piece

    async def _answer(self, text: str) -> None:
        history = self._session.history
        history.append({"role": "user", "content": text})
        messages = history.copy()
        history.append(reply := {"role": "assistant", "content": ""})
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._think(messages, reply))
            tasks.create_task(self._synthesize())
            await self._play()

    async def _think(self, messages: Messages, reply: dict[str, str]) -> None:
        session = self._session
        pending = ""
        async with aclosing(session.client.chat(messages)) as deltas:
            async for delta in deltas:
                if self.flag.is_set():
                    break
                await session.say({"text": delta})
                reply["content"] += delta
                pending += delta
                if SENTENCE_END in delta:
                    sentence, _, pending = pending.rpartition(SENTENCE_END)
                    self._sentences.put_nowait(sentence + SENTENCE_END)
        if pending.strip():
            self._sentences.put_nowait(pending)
        self._sentences.put_nowait(None)

    async def _synthesize(self) -> None:
        while (sentence := await self._sentences.get()) is not None and not self.flag.is_set():
            rest = bytearray()
            async with aclosing(self._session.client.speech(sentence)) as chunks:
                async for chunk in chunks:
                    if self.flag.is_set():
                        break
                    rest += chunk
                    while len(rest) >= FRAME_BYTES:
                        await self._frames.put(bytes(rest[:FRAME_BYTES]))
                        del rest[:FRAME_BYTES]
            if len(rest) > 1:
                await self._frames.put(bytes(rest[: len(rest) // 2 * 2]))
        await self._frames.put(None)

    async def _play(self) -> None:
        now = asyncio.get_running_loop().time
        due = 0.0
        while (frame := await self._frames.get()) is not None:
            if self.flag.is_set():
                continue  # the synthesis may be waiting for room
            due = max(due, now() - LEAD_S)  # late by more than the lead: the listener has played all there was
            if (wait_s := due - now()) > 0:
                await asyncio.sleep(wait_s)
                if self.flag.is_set():
                    continue
            await self._session.play(frame)
            due += len(frame) / 2 / RATE


Stop = Callable[[Turn, Tell], Awaitable[None]]
"""How a target stops a turn; the acknowledgement follows when it returns."""


class Session:
    """One connection: its conversation, and the turns under way."""

    def __init__(self, websocket: WebSocket, client: Client, stop: Stop, tell: Tell) -> None:
        self._websocket = websocket
        self.client = client
        self.history: Messages = []
        self._stop = stop
        self._tell = tell
        self._turns: dict[int, Turn] = {}
        self._hearing: Turn | None = None
        self._heard = bytearray()

    async def run(self) -> None:
        """Serve until the client leaves, then end what is under way."""
        receive = self._websocket.receive
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                if (audio := message.get("bytes")) is not None:
                    self._hear(audio)
                else:
                    await self._obey(json.loads(message["text"]))
        finally:
            turns = list(self._turns.values())
            for turn in turns:
                turn.cancel()
            await asyncio.gather(*(turn.task for turn in turns), return_exceptions=True)

    async def say(self, event: dict[str, object]) -> None:
        """Send an event; a client that doesn't read makes this wait, so that nothing piles up."""
        with suppress(*LEFT):
            await self._websocket.send_text(json.dumps(event))

    async def play(self, frame: bytes) -> None:
        """Send audio; as `say`."""
        with suppress(*LEFT):
            await self._websocket.send_bytes(frame)

    async def _obey(self, command: dict[str, object]) -> None:
        match command:
            case {"ask": int(number), "text": str(text)}:
                self._begin(number, text)
            case {"stop": int(number)}:
                if (turn := self._turns.get(number)) is not None:
                    if turn is self._hearing:
                        self._hearing = None  # what still comes of it is swallowed
                    await self._stop(turn, self._tell)
                await self.say({"stopped": number})
            case {"hear": int(number)}:
                self._hearing = self._begin(number, None)
                self._heard.clear()
            case {"heard": int(number)}:
                if (turn := self._hearing) is not None and turn.number == number:
                    self._hearing = None
                    turn.mic.put_nowait(bytes(self._heard))
                    turn.mic.put_nowait(None)

    def _begin(self, number: int, text: str | None) -> Turn:
        turn = self._turns[number] = Turn(number, self, text)
        turn.task.add_done_callback(lambda _: self._turns.pop(number, None))
        return turn

    def _hear(self, audio: bytes) -> None:
        if self._hearing is None:
            return
        self._heard += audio
        if len(self._heard) >= PIECE_BYTES:
            self._hearing.mic.put_nowait(bytes(self._heard))
            self._heard.clear()


def serve(new_client: Callable[[], Client], stop: Stop, tell: Tell) -> None:
    """Serve on a free port of 127.0.0.1 until killed.

    Args:
        new_client: Called once, inside the event loop.
        stop: How a turn is stopped.
        tell: The benchmark.
    """
    # The socket listens before uvicorn has it: callers that come early wait in its queue.
    listener = socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS_WAITING)
    clients: list[Client] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        clients.append(client := new_client())
        calm_collector()
        tell.ready(f"ws://127.0.0.1:{listener.getsockname()[1]}/")
        yield
        await client.close()

    async def session(websocket: WebSocket) -> None:
        await websocket.accept()
        await Session(websocket, clients[0], stop, tell).run()

    app = FastAPI(lifespan=lifespan)
    app.add_api_websocket_route("/", session)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        backlog=CONNECTIONS_WAITING,
        ws_per_message_deflate=False,  # audio does not shrink
        ws_ping_interval=None,
    )
    uvicorn.Server(config).run(sockets=[listener])
