"""The server's side of TLS: a certificate as a context, and a connection behind its handshake."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from voxint.errors import ConfigError
from voxint.net.tcp import TcpStream

__all__ = ["TlsStream", "server_context", "shake_hands"]


def server_context(cert: Path, key: Path) -> ssl.SSLContext:
    """Return what TLS 1.2 and later is served with, HTTP/1.1 alone. It reads both files.

    Args:
        cert: The certificate in PEM, and those between it and the authority's.
        key: Its private key in PEM.

    Raises:
        ConfigError: A file can't be read, is no PEM, the key has a password, or the two don't belong together.
    """
    for path in (cert, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise ConfigError(
                str(path), f"the file can't be read ({error.strerror}): name one in PEM that this user may read"
            ) from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # a client could ask for one handshake after the other
    context.set_alpn_protocols(["http/1.1"])
    asked: list[bool] = []

    def password() -> str:
        asked.append(True)  # else OpenSSL asks at the terminal, and everything waits
        return ""

    try:
        context.load_cert_chain(cert, key, password)
    except ssl.SSLError as error:
        if asked:
            raise ConfigError(
                str(key), "the private key has a password: write it without one, as `openssl pkey` does"
            ) from None
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(
                str(key), f"this is not the private key of the certificate in {cert}: name that one"
            ) from None
        raise ConfigError(
            f"{cert} and {key}", "these are not a certificate and its private key in PEM: name those"
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{cert} and {key}",
            f"the two can't be used as a certificate and its key ({type(error).__name__}): name others",
        ) from None
    return context


async def shake_hands(
    stream: TcpStream,
    context: ssl.SSLContext,
    seconds: float,
    turn: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint,
) -> TlsStream | None:
    """Return the connection behind its handshake; None where the client does not speak TLS, or not in time.

    A signature of it takes some milliseconds with a key of RSA: `turn` is awaited behind each read, before it is made.

    Nothing that a client does raises, and nothing is told to one that does not speak TLS: what it would understand is
    not known. Cancelled, or with None, the stream is for the caller to close.
    """
    paced = _Paced(stream, turn)
    tls = TlsStream(paced, context)
    with trio.move_on_after(seconds):
        try:
            await tls.handshake()
        except trio.BrokenResourceError:
            return None
        paced.turn = None
        return tls
    return None


class _Paced(trio.abc.HalfCloseableStream):
    """A connection of which what was read waits for its turn, as long as there is one."""

    def __init__(self, stream: TcpStream, turn: Callable[[], Awaitable[None]]) -> None:
        self._stream = stream
        self.turn: Callable[[], Awaitable[None]] | None = turn

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data = await self._stream.receive_some(max_bytes)
        if self.turn is not None:
            await self.turn()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()


class TlsStream(trio.abc.HalfCloseableStream):
    """A TLS connection that can be closed in one direction, and in both at once.

    Its end is that of the TCP connection under it, and no message of TLS's: both HTTP and WebSocket say themselves what
    is whole, so that nobody can cut anything off unseen; and closing never waits for a peer.

    Args:
        stream: The client's connection, which nobody else uses from now on.
        context: Of `server_context`.
    """

    def __init__(self, stream: trio.abc.HalfCloseableStream, context: ssl.SSLContext) -> None:
        self._tcp = stream
        self._tls: trio.SSLStream[trio.abc.HalfCloseableStream] = trio.SSLStream(
            stream, context, server_side=True, https_compatible=True
        )

    async def handshake(self) -> None:
        """Wait for the handshake.

        Raises:
            trio.BrokenResourceError: It failed.
        """
        await self._tls.do_handshake()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data` as trio does. Cancelled, an unknown part of it has been sent."""
        await self._tls.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as trio does."""
        await self._tls.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive as trio does; empty where the peer has closed in whatever way."""
        return await self._tls.receive_some(max_bytes)

    async def send_eof(self) -> None:
        """Say by TCP that nothing more comes."""
        await self._tcp.send_eof()

    async def aclose(self) -> None:
        """Close the socket now; a checkpoint, but no cancellation can cut it short."""
        await self._tcp.aclose()
