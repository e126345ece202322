"""Letting connections in: a place, a handshake where there is TLS, and then a page or a WebSocket."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import trio

from voxint.net.accept import accept_connections, has_left, peer_of
from voxint.net.http_request import HttpError, HttpLimits, HttpRequest, RequestHead
from voxint.net.httpd import Upgrade, serve_connection
from voxint.net.places import Place
from voxint.net.tcp import TcpStream
from voxint.net.tls import shake_hands
from voxint.net.upgrade import check_upgrade
from voxint.server.address import client_address, is_trusted, one_address
from voxint.server.certificate import Certificate
from voxint.server.endpoint import serve_websocket
from voxint.server.host import Host
from voxint.server.page import security_headers
from voxint.server.pages import Pages
from voxint.server.refused_page import PageRefusal, close_at_once, refuse_page

__all__ = ["PATH", "let_in"]

PATH = "/ws/agent/stream"

PATHS = (PATH, f"/{PATH}")
"""Where the WebSocket is: an existing client doubles the slash."""


async def let_in(
    host: Host,
    pages: Pages,
    certificate: Certificate | None,
    listeners: Sequence[trio.SocketListener],
    front: trio.Nursery,
    accepting: trio.CancelScope,
) -> None:
    """Let connections in until `accepting` is cancelled; the listeners are closed then.

    Args:
        host: The server.
        pages: What it has for who opens no WebSocket.
        certificate: What it shows under TLS; None: it speaks without.
        listeners: Where they come.
        front: Where each is served.
        accepting: When it ends.
    """

    async def connected(stream: trio.SocketStream) -> None:
        peer = peer_of(stream)
        address = peer if is_trusted(peer, host.trusted) else one_address(peer)
        try:
            async with host.places.taken(address) as place:
                if place is not None and not has_left(stream):  # it may have waited for long
                    await _serve(host, pages, certificate, stream, place, peer)
        finally:
            await trio.aclose_forcefully(stream)

    refused = partial(host.turned_away, "descriptors")
    with accepting:
        async with trio.open_nursery() as nursery:
            for listener in listeners:
                nursery.start_soon(accept_connections, listener, connected, front, host.places.make_room, refused)


async def _serve(
    host: Host, pages: Pages, certificate: Certificate | None, socket: trio.SocketStream, place: Place, peer: str
) -> None:
    """Serve one connection, which has a place, to its end."""
    stream: trio.abc.Stream | None = socket
    if certificate is not None:
        stream = await _secured(socket, certificate, place, host.config.register_s)
    if stream is None:
        return

    async def page(request: HttpRequest) -> None:
        address = client_address(request.head, peer, host.trusted)
        _check_address(host, place, address)
        await pages.answer(request, address, place)

    await serve_connection(
        stream,
        page,
        upgrade=partial(_upgrade, host, place, peer),
        limits=HttpLimits(head_s=host.config.register_s, send_s=host.config.register_s),
        place=place,
        headers=security_headers(tls=certificate is not None),
    )


async def _secured(
    stream: trio.SocketStream, certificate: Certificate, place: Place, seconds: float
) -> trio.abc.Stream | None:
    """Return the connection behind its handshake, during which it gives way to others; None where it has ended."""
    tcp = TcpStream(stream)
    secured = None
    try:
        with place.waiting():
            secured = await shake_hands(tcp, certificate.context, seconds, place.turn)
    finally:
        if secured is None:
            tcp.close()
    return secured


def _upgrade(host: Host, place: Place, peer: str, head: RequestHead) -> Upgrade | None:
    """Return what serves a WebSocket, which for a page that may not have one is a close with the reason.

    What serves it runs once the head was found right: a request that can be no WebSocket is no refused page.

    A client that is no page (it sends no `Origin`) can read an HTTP refusal, and probes and proxies go by the status.
    For the latter that of a server that goes down, or has too many of an address, stays 503 for pages too: they may try
    another server then, which a WebSocket that was opened and closed would keep them from.

    Returns:
        None: the answer is that of a page, where there is none either.

    Raises:
        HttpError: 403 or 503; or as `check_upgrade`.
    """
    refused = refuse_page(host.config, head, PATHS)
    if refused is not None and not head.values("origin"):
        if refused.why == "path":
            return None
        check_upgrade(head)
        host.refused_pages.tell(refused, head)
        raise HttpError(403, refused.reason)
    if host.draining:
        raise HttpError(503, "the server is going down")
    _check_address(host, place, client_address(head, peer, host.trusted))
    if refused is None:
        return partial(serve_websocket, host, place=place)
    return partial(_refuse, host, place, refused)


async def _refuse(
    host: Host, place: Place, refused: PageRefusal, head: RequestHead, stream: trio.abc.Stream, ahead: bytes
) -> None:
    """Count and log a page that may not have a WebSocket, and tell it why."""
    host.refused_pages.tell(refused, head)
    await close_at_once(refused, head, stream, ahead, place=place, close_s=host.config.close_s)


def _check_address(host: Host, place: Place, address: str) -> None:
    """Note where a client comes from, which the head of its request may say; refuse it where too many do."""
    if not place.comes_from(address):
        host.turned_away("address")
        raise HttpError(503, "too many of this address have not registered yet; try again later")
