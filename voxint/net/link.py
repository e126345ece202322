"""The bytes of one connection to a server: with TLS or without, cheap to read, closed at once and without ceremony."""

from __future__ import annotations

import math
import os
import ssl

import httpx
import trio
from attrs import frozen

from voxint.net.tcp import TcpStream

__all__ = ["READ_BYTES", "Link", "Origin", "reason"]

READ_BYTES = 65_536
"""Of a response at a time: a model's chunk is far smaller, and of a large body each read costs a system call."""


@frozen
class Origin:
    """Where a connection leads.

    Args:
        scheme: ``http`` or ``https``.
        host: A name in ASCII, or an address.
        port: Its TCP port.
    """

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: httpx.URL) -> Origin:
        """Return where `url` leads.

        Raises:
            httpx.UnsupportedProtocol: It is no http or https URL that names a host.
        """
        if url.scheme not in ("http", "https") or not url.host:
            raise httpx.UnsupportedProtocol("the URL does not begin with http:// or https:// and a host")
        port = url.port or (443 if url.scheme == "https" else 80)
        return cls(url.scheme, url.raw_host.decode("ascii"), port)


class Link:
    """A TCP connection to `origin`, which `secure` puts TLS over.

    Args:
        origin: Where it leads.
        tcp: The connection, which nobody else uses from now on.

    Attributes:
        read_s: How long one read may take, in seconds; None, the default, leaves the bound to the caller's scope.
        write_s: The same of one write.
    """

    def __init__(self, origin: Origin, tcp: TcpStream) -> None:
        self.origin = origin
        self.read_s: float | None = None
        self.write_s: float | None = None
        self._tcp = tcp
        self._gate = _Gate(tcp)
        self._tls: trio.SSLStream[_Gate] | None = None
        self._stream: TcpStream | trio.SSLStream[_Gate] = tcp

    async def secure(self, context: ssl.SSLContext) -> None:
        """Shake hands; cancelled or failed, the link is of no more use and has to be closed.

        Raises:
            httpx.ConnectError: The server has no TLS, or a certificate that is not trusted.
        """
        tls = trio.SSLStream(self._gate, context, server_hostname=self.origin.host, https_compatible=True)
        try:
            await tls.do_handshake()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpx.ConnectError(reason(error)) from error
        self._tls = self._stream = tls

    async def receive(self) -> bytes:
        """Wait until something has come and return it; empty at the end. Cancelled, nothing is lost.

        Raises:
            httpx.ReadError: The connection was lost, or closed here.
            httpx.ReadTimeout: Nothing came within `read_s`.
        """
        try:
            if self.read_s is None:
                data = await self._stream.receive_some(READ_BYTES)
            else:
                with trio.fail_after(self.read_s):
                    data = await self._stream.receive_some(READ_BYTES)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpx.ReadError(reason(error)) from error
        except trio.TooSlowError as error:
            raise httpx.ReadTimeout(f"nothing came for {self.read_s:g} s") from error
        return data if isinstance(data, bytes) else bytes(data)

    async def send(self, data: bytes) -> None:
        """Send all of `data`; no checkpoint where the kernel takes it at once. Cancelled, a part of it has been sent.

        Raises:
            httpx.WriteError: The connection was lost, or closed here.
            httpx.WriteTimeout: It was not taken within `write_s`.
        """
        sent = self._tcp.send_now(data) if self._tls is None else 0
        if sent == len(data):
            return
        try:
            with trio.fail_after(math.inf if self.write_s is None else self.write_s):
                await self._stream.send_all(memoryview(data)[sent:])
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpx.WriteError(reason(error)) from error
        except trio.TooSlowError as error:
            raise httpx.WriteTimeout(f"it took nothing more for {self.write_s:g} s") from error

    @property
    def dead(self) -> bool:
        """Whether a link that no request uses is of no more use: closed by a side, or something came unasked."""
        return self._tcp.closed or self._tcp.readable

    async def quiet(self) -> bool:
        """Return whether a link that no request uses is not `dead`, and nothing waits for decryption either.

        Bytes that came behind a response over TLS may have left the socket with it.
        """
        if self.dead:
            return False
        if self._tls is None:
            return True
        self._gate.shut = True
        try:
            await self._tls.receive_some(1)
        except _NothingThereError:
            return True
        except trio.BrokenResourceError:
            return False
        finally:
            self._gate.shut = False
        return False

    def close(self) -> None:
        """Close the socket now, in this very step.

        No TLS farewell: it would be one more write that a peer which does not read can hold up, and HTTP marks the
        end of its messages itself.
        """
        self._tcp.close()


class _NothingThereError(Exception):
    """TLS asked for more than has come."""


class _Gate(trio.abc.Stream):
    """What TLS reads from: the connection, or, while `shut`, nothing beyond what TLS has taken in already."""

    def __init__(self, tcp: TcpStream) -> None:
        self._tcp = tcp
        self.shut = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self.shut:
            raise _NothingThereError
        return await self._tcp.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._tcp.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._tcp.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._tcp.aclose()


def reason(error: BaseException) -> str:
    """Return the system's or TLS's own short words, from the innermost cause."""
    while isinstance(error, BaseExceptionGroup) or error.__cause__ is not None:
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return f"TLS failed ({(error.reason or 'unknown').replace('_', ' ').lower()})"
        case OSError(errno=int(code)) if code > 0:
            return os.strerror(code)
        case trio.BrokenResourceError() | trio.ClosedResourceError():
            return str(error) or "it is closed"
        case _:
            return str(error) or type(error).__name__
