"""Bytes on the network, and nothing of voice.

HTTP to providers:

    http.py          the client of all providers: a stream ends with its block, foreign errors become voxint's
    transport.py     HTTP/1.1 behind httpx's transport seam, safe to cancel at any instant
    pool.py          which connection a request gets, and what becomes of it
    spares.py        connections dialed ahead of the request that will need one
    dial.py          opening connections; whoever dials closes what was not used
    proxy.py         the way through a proxy, for what a person fetches
    link.py          the bytes of one connection, with TLS or without, closed at once
    exchange.py      one request and the head of its response
    request_body.py  the body of a request, and whether it can be sent once more
    framing.py       where the body of a response ends
    chunked.py       the chunked transfer coding
    coding.py        bodies that come compressed although nobody asked for it
    sse.py           server-sent events

The one port of a server:

    httpd.py         a small HTTP/1.1 server: one function serves one connection
    accept.py        taking connections in, also where no file descriptor is left
    places.py        who may be connected: strangers and callers, each with a quota of their own
    http_head.py     the head of a request, bounded before it is parsed
    http_request.py  what a handler sees: the request, its body, and the two ways to answer
    upgrade.py       the upgrade to a WebSocket: refused, or granted
    websocket.py     the server's end of a WebSocket, over wsproto's engine
    frames.py        WebSocket frames: made, measured, and taken out of what a client sends
    tls.py           the server's side of TLS: a certificate, and a connection behind its handshake
    tcp.py           a connection whose socket is at hand, to send or read without a wait
"""

from __future__ import annotations

__all__: list[str] = []
