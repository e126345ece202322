"""Opening connections to servers. Whoever dials closes what did not come to be used, however the dial ends."""

from __future__ import annotations

import ssl
from ipaddress import ip_address

import httpx
import trio

from voxint.net.link import Link, Origin, reason
from voxint.net.tcp import TcpStream

__all__ = ["Dialer"]


class Dialer:
    """Opens a link in two steps, each of which a subclass can watch or replace.

    Args:
        verify: The TLS context; None makes httpx's default one when first needed (30 ms, in a thread), which follows
            the environment's ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``.
    """

    def __init__(self, verify: ssl.SSLContext | None = None) -> None:
        self._verify = verify

    async def open(self, origin: Origin) -> Link:
        """Connect to `origin`, with TLS where its scheme asks for it; unbounded, the caller's scope is the bound.

        Cancelled at any instant, that of success included, it leaves no socket.

        Raises:
            httpx.ConnectError: There is no such host, nobody listens there, or the handshake failed.
        """
        try:
            tcp = TcpStream(await self.connect(origin))
        except OSError as error:
            raise httpx.ConnectError(reason(error)) from error
        except UnicodeError as error:
            raise httpx.ConnectError("its name is not one a host can have") from error
        link = Link(origin, tcp)
        try:
            if origin.scheme == "https":
                await self.secure(link)
        except BaseException:  # cancellation above all; nothing is swallowed
            link.close()
            raise
        return link

    async def connect(self, origin: Origin) -> trio.SocketStream:
        """Connect to the first address of the host that answers.

        An address is dialed right away, without the tasks by which trio races those of a name.
        """
        try:
            address = ip_address(origin.host)
        except ValueError:
            return await trio.open_tcp_stream(origin.host, origin.port)
        family = trio.socket.AF_INET if address.version == 4 else trio.socket.AF_INET6
        sock = trio.socket.socket(family, trio.socket.SOCK_STREAM)
        try:
            await sock.connect((origin.host, origin.port))
        except BaseException:  # as in `open`
            sock.close()
            raise
        return trio.SocketStream(sock)

    async def secure(self, link: Link) -> None:
        """Shake hands; the caller closes the link where this fails."""
        if self._verify is None:
            self._verify = await trio.to_thread.run_sync(_default_context)  # it reads files
        await link.secure(self._verify)


def _default_context() -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
