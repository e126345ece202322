"""Open a session with a server, and close it whatever happens inside."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager

import trio

from voxint.arguments import check_all, check_arguments
from voxint.background import open_background
from voxint.client.client import Client
from voxint.client.client_socket import Address, ClientSocket
from voxint.client.resume import Progress, ResumePoint
from voxint.client.traffic import Notice, Traffic
from voxint.client.waiting import Waiters
from voxint.core.settings import OnDisconnect, Platform, SettingsChange
from voxint.core.tools import Tool
from voxint.inside_trio import require_trio
from voxint.protocol import messages as m

__all__ = ["connect"]

UNREAD_LIMIT_BYTES = 32 * 1024 * 1024
"""What a reply may hold unread: eleven minutes of 24 kHz speech, chosen so that only a reader who has gone meets it."""


@check_arguments
@asynccontextmanager
async def connect(
    url: str,
    *,
    api_key: str | None = None,
    account: str | None = None,
    password: str | None = None,
    platform: Platform = "WEB",
    require_tts: bool = False,
    enable_srs: bool | None = None,
    features: Iterable[str] = (),
    input_rate: int | None = None,
    output_rate: int | None = None,
    system_prompt: str | None = None,
    scene_context: str | None = None,
    tools: Iterable[Tool] = (),
    voice: str | None = None,
    language: str | None = None,
    on_disconnect: OnDisconnect = "interrupt",
    resume: ResumePoint | None = None,
    connect_timeout_s: float = 5.0,
    answer_timeout_s: float = 10.0,
    unread_limit_bytes: int = UNREAD_LIMIT_BYTES,
    ssl_context: ssl.SSLContext | None = None,
    on_frame: Callable[[m.ServerMessage, float], None] | None = None,
    on_notice: Callable[[Notice], None] | None = None,
) -> AsyncGenerator[Client]:
    """Connect, register, and give the `Client` for the block.

    Leaving the block sends what waits and closes the connection, within a second; the server then does what
    `on_disconnect` says. Cancelled, it drops the connection at once. An exception of the block comes out as it is, in
    no group.

    Args:
        url: ``ws://HOST:PORT/ws/agent/stream``, or ``wss://`` for TLS.
        api_key: The key, where the server wants one.
        account: The other way to register, with `password`.
        password: The account's.
        platform: What kind of client this is.
        require_tts: Whether replies are spoken.
        enable_srs: A session setting that the server keeps; None: its default.
        features: Extensions to ask for: ``transcripts``, ``binary_audio``, ``hold``, ``server_vad``, ``marks``;
            `Client.registered` says which were granted.
        input_rate: Of the audio sent, in Hz; None: 16,000.
        output_rate: Of the audio received, in Hz; None: 16,000.
        system_prompt: Who the agent is; None: the server's own prompt.
        scene_context: Where the user is; None: nothing.
        tools: Functions the model may call.
        voice: Who speaks, by a name that the server offers; None: the server's own.
        language: What is spoken to the server, as a tag that it offers, such as ``zh``; None: it finds out.
        on_disconnect: What becomes of live replies when the session's last connection is lost: ``interrupt``, or
            ``keep``, so that who resumes gets all of them.
        resume: Where a client before this one was: its `Client.resume_point`, once it is lost. The session goes on as
            it is: what is said here of its settings, of `require_tts` to `language`, and of `on_disconnect` is for a
            new one.
        connect_timeout_s: For dialling, both handshakes and the registration together.
        answer_timeout_s: For an acknowledgement, a query, an update.
        unread_limit_bytes: What a reply may hold unread before it fails with `ReplyOverflow` and is interrupted.
        ssl_context: For ``wss://``; None: the system's certificates.
        on_frame: Called with every frame and the instant it was read, before the client looks at it. It must not wait.
        on_notice: Called with what the server says of its own accord. It must not wait. An exception of either hook
            ends the connection and comes out of the block.

    Raises:
        Disconnected: The server can't be reached, refused the connection, or took too long.
        ServerError: The server refused the registration: with ``AUTH_FAILED``, with ``SESSION_INVALID`` where it has no
            such session to resume, or with ``MALFORMED_PAYLOAD`` where it offers no such voice or language.
        ConfigError: The url is not a WebSocket's.
        TypeError: An argument is of another type.
        ValueError: There is a password without its account, an account without its password, or a key beside them.
    """
    require_trio("connect")
    register = m.Register(
        auth=_auth(api_key, account, password),
        platform=platform,
        patch=SettingsChange(
            require_tts=require_tts,
            enable_srs=enable_srs,
            system_prompt=system_prompt,
            scene_context=scene_context,
            function_calling=check_all(tools, Tool, "tools") or None,
            voice=voice,
            language=language,
        ),
        features=check_all(features, str, "features"),
        audio=m.Audio(input_rate=input_rate, output_rate=output_rate),
        resume=None if resume is None else resume.message,
        on_disconnect=on_disconnect,
    )
    socket = ClientSocket(Address.of(url), ssl_context)
    traffic = Traffic(socket, Waiters(answer_timeout_s), on_frame, on_notice, Progress(resume))
    try:
        async with open_background() as nursery:
            client = Client(socket, nursery, traffic, register, resume, unread_limit_bytes)
            try:
                await _open(socket, client, traffic, nursery, connect_timeout_s)
                yield client
            finally:
                await socket.close()
            nursery.cancel_scope.cancel(reason="the block of connect() has ended")
    finally:
        socket.raise_fault()


async def _open(
    socket: ClientSocket, client: Client, traffic: Traffic, nursery: trio.Nursery, timeout_s: float
) -> None:
    with trio.move_on_after(timeout_s) as scope:
        await nursery.start(socket.run, traffic.receive, traffic.fail_all)
        await client._register()
    if scope.cancelled_caught:
        raise socket.disconnected(
            f"the server opened no session within {timeout_s:g} s: is this a voxint server's port, or is it busy?"
        )


def _auth(api_key: str | None, account: str | None, password: str | None) -> m.Auth:
    if (account is None) != (password is None):
        raise ValueError("account and password go together: give both, or an api_key")
    if account is not None and api_key:
        raise ValueError("api_key and account are two ways to register: give one of them")
    if account is not None:
        return m.Auth(type="ACCOUNT", account=account, password=password)
    return m.Auth(type="API_KEY", api_key=api_key or "")
