"""The way to a server through the proxy that the environment names: for what a person fetches, not for providers.

A provider's streams take no proxy, since one between hides whether a cancelled stream was really closed. A download
loses nothing by it, and in many a company it is the only way out.
"""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import h11
import httpx
import trio

from voxint.net.dial import Dialer
from voxint.net.link import Origin, reason

__all__ = ["ProxyDialer"]


class ProxyDialer(Dialer):
    """Dials an https server through ``HTTPS_PROXY`` or ``ALL_PROXY``, where ``NO_PROXY`` does not name its host.

    The proxy opens a way by CONNECT, and TLS is spoken with the server itself, so it sees no more than the host's name.
    It is spoken to over plain HTTP; a proxy of another kind is refused.
    """

    async def connect(self, origin: Origin) -> trio.SocketStream:
        """Connect to a server, or to the proxy before it, which has opened the way then.

        Raises:
            OSError: There is no such host, or nobody listens there.
            httpx.ProxyError: The proxy can't be reached, refused, or is of a kind that is not spoken.
        """
        address = None if proxy_bypass(origin.host) else _proxy()
        if address is None:
            return await super().connect(origin)
        place = urlsplit(address if "://" in address else f"http://{address}")
        try:
            host, port = place.hostname, place.port or 80
        except ValueError:
            host, port = None, 0
        if place.scheme != "http" or not host:
            raise httpx.ProxyError("only an address of the form http://host:port is understood")
        try:
            stream = await super().connect(Origin("http", host, port))
        except OSError as error:
            raise httpx.ProxyError(f"{host}:{port} can't be reached: {reason(error)}") from None
        try:
            await _open_way(stream, origin, _authorization(place.username, place.password))
        except BaseException:  # cancellation above all; nothing is swallowed
            stream.socket.close()
            raise
        return stream


def _proxy() -> str | None:
    proxies = getproxies()
    return proxies.get("https") or proxies.get("all") or None


def _authorization(user: str | None, password: str | None) -> list[tuple[str, str]]:
    if user is None:
        return []
    secret = b64encode(f"{unquote(user)}:{unquote(password or '')}".encode()).decode()
    return [("proxy-authorization", f"Basic {secret}")]


async def _open_way(stream: trio.SocketStream, origin: Origin, more: list[tuple[str, str]]) -> None:
    """Have the proxy connect to a server; the dial's own bound bounds this too."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = f"{host}:{origin.port}"
    http = h11.Connection(h11.CLIENT)
    data = http.send(h11.Request(method="CONNECT", target=target, headers=[("host", target), *more]))
    data = (data or b"") + (http.send(h11.EndOfMessage()) or b"")
    try:
        await stream.send_all(data)
        while not isinstance(event := http.next_event(), h11.Response):
            if event is h11.NEED_DATA:
                http.receive_data(bytes(await stream.receive_some()))
    except (trio.BrokenResourceError, h11.RemoteProtocolError):
        raise httpx.ProxyError("it broke off or does not speak HTTP") from None
    if not 200 <= event.status_code < 300:
        raise httpx.ProxyError(f"it answered with status {event.status_code}")
