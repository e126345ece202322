"""One session with a server: requests out, replies and answers in."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Literal

import trio

from voxint.arguments import Audio, check_all, check_arguments, check_not_negative, check_text, check_type
from voxint.client.client_socket import ClientSocket
from voxint.client.microphone import RemoteMicrophone
from voxint.client.reply import RemoteReply, VoiceUpload
from voxint.client.resume import ResumePoint
from voxint.client.traffic import Traffic
from voxint.core.audio import AudioFormat, check_audio
from voxint.core.settings import SettingsChange
from voxint.core.tools import FunctionOp, Tool
from voxint.inside_trio import within_block, within_trio
from voxint.protocol import messages as m

__all__ = ["Client"]

MAX_ID_CHARS = 128  # wire.md


class Client:
    """A session with a server; made by `connect`.

    Any task may call it. Every method raises `Disconnected` once the connection is lost.

    Attributes:
        registered: The server's REGISTER_ACK: session id, granted features, the sample rates in Hz.
        resumed: The replies that go on from the client before, by their ids; empty for a new session. They are kept
            until you take them out.
    """

    registered: m.RegisterAck

    def __init__(
        self,
        socket: ClientSocket,
        nursery: trio.Nursery,
        traffic: Traffic,
        register: m.Register,
        resume: ResumePoint | None,
        unread_limit_bytes: int,
    ) -> None:
        self._socket = socket
        self._nursery = nursery
        self._block = socket.block
        self._traffic = traffic
        self._unread_limit_bytes = unread_limit_bytes
        self._upload: VoiceUpload | None = None
        self._traffic.spoken = bool(register.patch.require_tts)
        self._register_as = register
        self._listening = False
        by_voice = None if resume is None else resume.by_voice
        self._has_listened = by_voice is not None and "server_vad" in register.features
        if self._has_listened:  # what comes before `listen_always` is called belongs to it
            self._traffic.microphone = RemoteMicrophone(self, unread_limit_bytes)
        asked = set(self._traffic.progress.seen).difference(by_voice or ())
        self.resumed = {each: RemoteReply(self, each, unread_limit_bytes) for each in sorted(asked)}
        self._traffic.replies.update(self.resumed)

    @property
    def resume_point(self) -> ResumePoint | None:
        """Where the next client goes on when this one is lost; None: the server resumes nothing.

        It is good for one `connect`. What this client's replies have not been read of stays with them; in the next
        client they go on behind it.
        """
        token, progress = self.registered.resume_token, self._traffic.progress
        if token is None:
            return None
        by_voice = progress.by_voice if self._has_listened else None
        return ResumePoint(self.registered.session_id, token, progress.seen, by_voice)

    @within_block
    @check_arguments
    async def send_text(
        self, text: str, *, request_id: str | None = None, require_tts: bool | None = None
    ) -> RemoteReply:
        """Ask in text. What is live in the session is interrupted by it, with the reason ``USER_NEW_INPUT``.

        Args:
            text: The user's words, not empty.
            request_id: The request's id on the wire, 1 to 128 characters, new for each request; None makes one. It is
                not your user interface's message id: see `RemoteReply`.
            require_tts: Whether this and later replies are spoken; None leaves it as it is.

        Returns:
            The reply, at once: its `request_id` can be interrupted before anything has come. Cancelled, the request
            was not sent.

        Raises:
            ValueError: The text is empty, or the id is too long or that of a live reply.
        """
        text = check_text(text, "text")
        return await self._request(request_id, "TEXT", m.Content(text=text), SettingsChange(require_tts=require_tts))

    @within_block
    @check_arguments
    async def send_voice(
        self,
        audio: Audio | AsyncIterable[bytes],
        *,
        request_id: str | None = None,
        require_tts: bool | None = None,
    ) -> RemoteReply:
        """Ask in voice that is here already, or that an iterable gives as it comes.

        Args:
            audio: PCM, s16le mono at the session's input rate. As bytes it is sent whole. An iterable is read by a
                task of the client's, until its end or the reply's; where it raises, the request is interrupted with
                ``CLIENT_ERROR`` and the reply raises the error.
            request_id: As in `send_text`.
            require_tts: As in `send_text`.

        Returns:
            The reply, at once: also while the voice is still being sent.

        Raises:
            ValueError: The audio is empty, not whole samples or a WAV file, or the id is as in `send_text`.
        """
        if isinstance(audio, Audio):
            if not (voice := check_audio(audio, "audio")) or len(voice) % 2:
                raise ValueError("the audio is empty, or an odd number of bytes: give whole 16-bit samples")
            content = m.Content(voice_mode="BASE64", voice=voice, audio_format="pcm")
            return await self._request(request_id, "VOICE", content, SettingsChange(require_tts=require_tts))
        upload = await self.open_voice(request_id=request_id, require_tts=require_tts)
        self._nursery.start_soon(self._send_all, upload, audio)
        return upload.reply

    @within_block
    @check_arguments
    async def open_voice(self, *, request_id: str | None = None, require_tts: bool | None = None) -> VoiceUpload:
        """Begin to ask in live voice: `send` what the microphone gives, then `end`.

        A connection carries one upload at a time: opening another interrupts the one that is open.

        Args:
            request_id: As in `send_text`.
            require_tts: As in `send_text`.

        Raises:
            ValueError: The id is as in `send_text`.
        """
        content = m.Content(voice_mode="BINARY", audio_format="pcm")
        patch = SettingsChange(require_tts=require_tts)
        self._upload = VoiceUpload(self, await self._request(request_id, "VOICE", content, patch, stream=True))
        return self._upload

    @within_block
    @check_arguments
    async def interrupt(
        self, request_id: str | None = None, *, reason: str = "USER_STOP", played_ms: float | None = None
    ) -> m.InterruptAck:
        """Interrupt a request by its id, or with None every live one, and wait for the acknowledgement.

        The replies it names fall silent as `RemoteReply.interrupt` says. Nothing to interrupt is no error: `status` is
        ``FAILED`` then and `outcomes` says why. Cancelled, the INTERRUPT is sent all the same.

        Raises:
            ServerError: The server did not acknowledge in time.
            ValueError: `played_ms` is negative.
        """
        waiter = self._traffic.post_interrupt(request_id or None, reason, played_ms)
        self._traffic.silence(request_id or None, reason)
        return (await self._traffic.waiters.answer(waiter, "an INTERRUPT"))[0]

    @within_block
    @asynccontextmanager
    async def listen_always(self) -> AsyncGenerator[RemoteMicrophone]:
        """Keep the microphone open for the block: the server hears when somebody speaks, and what is meant by it.

        An utterance is a request that the server makes. It interrupts what it has to, and is answered; how the
        server's agent is set decides that. One client of a session has the microphone, the latest that was granted it.

        Leaving the block interrupts nothing. The server takes what it has heard for over, and goes on with an answer;
        what comes of it while no microphone is open is thrown away. `interrupt` stops it.

        Raises:
            RuntimeError: The server has not granted the feature ``server_vad``, or a microphone is open already.
        """
        self._check_granted(
            "server_vad", 'its agent has no voice detector or no recogniser; its log says under "listens" what to do'
        )
        if self._listening:
            raise RuntimeError("the microphone is open already: use the one that listen_always() gave")
        traffic = self._traffic
        if traffic.microphone is None:
            traffic.microphone = RemoteMicrophone(self, self._unread_limit_bytes)
        self._listening = self._has_listened = True
        microphone = traffic.microphone
        try:
            yield microphone
        finally:
            microphone._end_block()
            self._listening, traffic.microphone = False, None

    @within_block
    @check_arguments
    async def hold(self, request_id: str | None = None) -> m.InterruptAck:
        """Have the server hold a reply by its id, or with None every live one, until `release`.

        `outcomes` of the acknowledgement says which are ``held``. Nothing to hold is no error: `status` is ``FAILED``
        then. The server releases what is held by itself after its limit, 2 s unless configured. What was sent already
        is for the application's player to pause. Cancelled, it is held all the same.

        Raises:
            RuntimeError: The server has not granted the feature ``hold``.
            ServerError: The server did not acknowledge in time.
        """
        return await self._pause(request_id, "hold")

    @within_block
    @check_arguments
    async def release(self, request_id: str | None = None) -> m.InterruptAck:
        """Have the server go on with a reply that is held, or with None with every one.

        Raises:
            As `hold`.
        """
        return await self._pause(request_id, "release")

    async def _pause(self, request_id: str | None, mode: m.Pause) -> m.InterruptAck:
        self._check_granted("hold", "it is older than this client")
        waiter = self._traffic.post_interrupt(request_id or None, "USER_STOP", mode=mode)
        return (await self._traffic.waiters.answer(waiter, "an INTERRUPT"))[0]

    def _check_granted(self, feature: str, why: str) -> None:
        if feature in self.registered.features:
            return
        if feature not in self._register_as.features:
            raise RuntimeError(f'{feature} was not asked for: connect(..., features=["{feature}"])')
        raise RuntimeError(f"the server has not granted {feature}: {why}")

    @within_block
    def played(self, request_id: str, played_ms: float) -> None:
        """Report how much of a reply's audio was heard; see `RemoteReply.played`."""
        self._report(request_id, played_ms)

    def _report(self, request_id: str, played_ms: float) -> None:
        check_type(request_id, str, "request_id")
        played_ms = check_not_negative(played_ms, "played_ms")
        if self._socket.lost is None and not self._socket.congested:
            self._traffic.post(m.Played(request_id=request_id, played_ms=played_ms))

    @within_block
    @check_arguments
    async def update(
        self,
        *,
        require_tts: bool | None = None,
        enable_srs: bool | None = None,
        system_prompt: str | None = None,
        scene_context: str | None = None,
        tools: Iterable[Tool] | None = None,
        tools_op: FunctionOp = "REPLACE",
        voice: str | None = None,
        language: str | None = None,
    ) -> None:
        """Change the session, and wait until the server has. What is not given stays; live replies go on.

        A `voice` or `language` of "" is the server's own again.

        Raises:
            ServerError: The server refused, or did not answer in time.
            ValueError: Nothing was given.
        """
        patch = SettingsChange(
            require_tts=require_tts,
            enable_srs=enable_srs,
            system_prompt=system_prompt,
            scene_context=scene_context,
            function_calling=None if tools is None else check_all(tools, Tool, "tools"),
            function_calling_op=tools_op,
            voice=voice,
            language=language,
        )
        if patch == SettingsChange(function_calling_op=tools_op):
            raise ValueError("nothing to update: give at least one setting")
        with self._traffic.waiters.in_time("a session update"):
            await (await self._request(None, "TEXT", m.Content(text=""), patch)).text()

    @within_block
    @check_arguments
    async def session_info(self, *fields: str) -> dict[str, Any]:
        """Return the session's data: all of it, or the fields named."""
        waiter = self._traffic.post_query(m.SessionQuery(query_fields=fields), m.SessionInfo)
        return (await self._traffic.waiters.answer(waiter, "a SESSION_QUERY"))[0].session_data

    @within_block
    async def join_point(self) -> ResumePoint:
        """Return where another client can join this session: `connect(url, resume=point)`, with the same key.

        It asks and interrupts like this one; what others have asked comes to its `on_frame`. The point is good once,
        and this client's own `resume_point` stays as it is. A session has the latest 16. Cancelled, one is made.

        Raises:
            RuntimeError: The server is older than this client.
            ServerError: The server did not answer in time.
        """
        token = (await self.session_info("join_token")).get("join_token")
        if token is None:
            raise RuntimeError("the server gives no token to join by: it is older than this client")
        return ResumePoint(self.registered.session_id, token, joins=True)

    @within_block
    @check_arguments
    async def health(self, *fields: str) -> m.HealthStatus:
        """Return how the server is: all of it, or the fields named."""
        waiter = self._traffic.post_query(m.HealthCheck(check_fields=fields), m.HealthCheckAck)
        return (await self._traffic.waiters.answer(waiter, "a HEALTH_CHECK"))[0].health_status

    @within_trio
    async def wait_disconnected(self) -> None:
        """Wait until the connection is lost, for an application that is idle; without bound, that is its use."""
        await self._socket.wait_lost()

    async def _send_audio(self, upload: VoiceUpload, audio: bytes) -> None:
        """Send audio of an upload; see `VoiceUpload.send`."""
        await self._socket.room()
        # Audio belongs to whichever upload is open: that of an older one would be heard as the newer one's.
        if audio and self._upload is upload and not upload.reply._input.cancel_called:
            self._socket.post(audio)

    async def _send_sound(self, audio: bytes) -> None:
        """Send audio of the open microphone; see `RemoteMicrophone.send`."""
        await self._socket.room()
        self._socket.post(audio)

    @property
    def _sound(self) -> AudioFormat:
        return AudioFormat(self.registered.audio.input_rate or AudioFormat().rate)

    async def _end_upload(self, upload: VoiceUpload) -> None:
        """End an upload; see `VoiceUpload.end`."""
        await self._socket.room()
        if self._upload is upload and not upload.reply._input.cancel_called:
            self._upload = None
            request_id = upload.reply.request_id
            self._traffic.post(
                m.RequestMessage(request_id=request_id, data_type="VOICE", stream_flag=True, stream_seq=-1)
            )
            upload.reply.t_input_end = trio.current_time()

    async def _request(
        self,
        request_id: str | None,
        data_type: Literal["TEXT", "VOICE"],
        content: m.Content,
        patch: SettingsChange,
        *,
        stream: bool = False,
    ) -> RemoteReply:
        await self._socket.room()
        request_id = f"req_{uuid.uuid4().hex}" if request_id is None else request_id
        if not 0 < len(request_id) <= MAX_ID_CHARS:
            raise ValueError(f"request_id has {len(request_id)} characters: give 1 to {MAX_ID_CHARS}")
        known = self._traffic.replies.get(request_id)
        if known is not None and not known.ended:
            raise ValueError(f"request_id {request_id} is that of a live reply: each request needs its own")
        reply = RemoteReply(self, request_id, self._unread_limit_bytes)
        message = m.RequestMessage(
            request_id=request_id, data_type=data_type, stream_flag=stream, content=content, patch=patch
        )
        self._traffic.post(message)
        reply.t_input_end = None if stream else reply.t_sent
        self._traffic.replies[request_id] = reply
        self._traffic.progress.asked(request_id)
        if patch.require_tts is not None:
            self._traffic.spoken = patch.require_tts
        return reply

    async def _send_all(self, upload: VoiceUpload, audio: AsyncIterable[bytes]) -> None:
        reply = upload.reply
        try:
            with reply._input:
                await upload.send_all(audio)
        except Exception as error:  # noqa: BLE001 - the application's own iterable: the reply hands it back
            if not reply.ended:  # else nobody is left to tell
                reply._fail(error)
                self._traffic.post_interrupt(reply.request_id, "CLIENT_ERROR")

    async def _interrupt(
        self, reply: RemoteReply, reason: str, played_ms: float | None
    ) -> tuple[m.InterruptAck, float]:
        """Return the acknowledgement with the instant it was read."""
        waiter = self._traffic.post_interrupt(reply.request_id, reason, played_ms)
        self._traffic.silence(reply.request_id, reason)
        return await self._traffic.waiters.answer(waiter, "an INTERRUPT")

    async def _register(self) -> None:
        waiter = self._traffic.post_query(self._register_as, m.RegisterAck)
        self.registered = (await self._traffic.waiters.answer(waiter, "REGISTER"))[0]
