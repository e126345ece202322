"""What it means to who connects that a server can't be reached, refuses the WebSocket, or closes it."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from voxint.net.link import reason

__all__ = ["MOST_WORDS", "no_websocket", "refused", "tls_failed", "unreachable", "why_closed"]

PATH = "/ws/agent/stream"

MOST_WORDS = 200
"""Characters of a server's own words; ours: a sentence, and no page."""

REDIRECTS = (301, 302, 303, 307, 308)

STATUSES = {
    400: "it takes this for no request for a WebSocket: does a proxy in between pass WebSockets on?",
    401: "a proxy in front of the server asks for a login, which this client can't give: connect past it",
    403: "it lets nobody in by this address: ask its operator, who sets allowed_origins and api_keys",
    404: f"there is nothing at this path: voxint's is {PATH}",
    405: f"there is no WebSocket at this path: voxint's is {PATH}",
    407: "this is the port of a proxy that asks for a login: give the server's own address",
    408: "the request came too slowly: is the network slow? Try again",
    413: "the request is too large for it: is the url too long?",
    414: "the url is too long for it: shorten it",
    421: "it serves another host than this: is the host's name right?",
    426: "it wants another version of HTTP or of WebSocket: is this a voxint server's port?",
    429: "too many connections were asked for: wait, and try again",
    431: "the request's head is too large for it: is the url too long?",
    500: "it failed, and its log says how: try again, or tell its operator",
    502: "a proxy answered that can't reach the server behind it: is that running?",
    503: "it is full, or shutting down: try again later",
    504: "a proxy answered that has waited for the server behind it in vain: is that running?",
}
"""What to do about an HTTP status in place of a WebSocket. A sentence of the server's own is shown behind it."""

CLOSES = {
    1000: "the session is over",
    1001: "the server is going down: connect again in a moment",
    1002: "one side broke the WebSocket's protocol: is a proxy in between?",
    1003: "a message was of a kind that it does not take: is this a voxint server?",
    1005: "it gave no reason: connect again",
    1007: "a text was no valid UTF-8: send Unicode",
    1008: "a rule of the server was broken: its log says which",
    1009: "a message was larger than the server takes: send less at a time",
    1011: "the server failed, and its log says how: connect again",
    1012: "the server starts again: connect again in a moment",
    1013: "the server is busy: try again later",
    1014: "a proxy in between had no good answer of the server: is that running?",
}
"""What a close code means where no reason came with it; the codes and their names are those of IANA's registry."""

NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)


def refused(status: int, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes | None = None) -> str:
    """Return what an answer of HTTP in place of a WebSocket means, and what to do.

    Args:
        status: Its status.
        headers: Its headers, with their names in lower case.
        body: Its body, or the beginning; None: it has not come.
    """
    known = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    name = f"HTTP status {status}"
    if 200 <= status < 300:
        return f"a web page answered ({name}), and no WebSocket: is the path right? voxint's is {PATH}"
    if status in REDIRECTS:
        return f"the server leads elsewhere ({name}): give the address {_leads_to(known.get('location', ''))}"
    plain = known.get("content-type", "text/plain").startswith("text/plain")
    words = _sentence(body or b"") if plain else ""
    meaning = STATUSES.get(status, f"is this a voxint server, and its path {PATH}?")
    if status not in STATUSES and status in set(HTTPStatus):
        meaning = f"{HTTPStatus(status).phrase}; {meaning}"
    said = f". It says: {words}" if words else ""
    return f"the server refused the WebSocket ({name}). {meaning[0].upper()}{meaning[1:]}{said}"


def why_closed(code: int, words: str) -> str:
    """Return what a close code means; where the server gave a reason, that is shown.

    Args:
        code: The close code.
        words: The reason; empty where none came.
    """
    if said := _sentence(words.encode(errors="replace")):
        return f"the server closed the connection ({code}) and says: {said}"
    meaning = CLOSES.get(code, "it gave no reason: look at its log")
    return f"the server closed the connection ({code}). {meaning[0].upper()}{meaning[1:]}"


def unreachable(error: BaseException) -> str:
    """Return why no connection came about, and what to look at."""
    inner = _innermost(error)
    match inner:
        case socket.gaierror():
            return "this host's name is not known: is it spelt right, and is the network up?"
        case ConnectionRefusedError():
            return "nothing listens at this address: is the server running, and is the port right?"
        case ConnectionResetError() | ConnectionAbortedError() | BrokenPipeError():
            return "the server broke the connection off at once: is the port right?"
        case TimeoutError():
            return "nothing answers at this address: is it right, and does a firewall stand in between?"
        case OSError(errno=int(code)) if code in NO_ROUTE:
            return "no way leads to this address: is the network up?"
    return f"can't be reached ({reason(error)}): is the server running, and is this its address?"


def tls_failed(error: BaseException) -> str:
    """Return why a TLS handshake failed, and what to do: wss:// against a plain server, or a certificate."""
    inner = _innermost(error)
    match inner:
        case ssl.SSLCertVerificationError():
            return (
                f"the server's certificate is not trusted ({inner.verify_message}): give `ssl_context` one that trusts"
                " it, or set SSL_CERT_FILE to its authority's"
            )
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "RECORD_LAYER_FAILURE" | "HTTP_REQUEST" | "UNKNOWN_PROTOCOL"):
            return "the server speaks no TLS at this port: is its address ws:// and not wss://?"
        case ssl.SSLError():
            words = (inner.reason or "of no known reason").replace("_", " ").lower()
            return f"the TLS handshake failed ({words}): is this the port of a wss:// server?"
    return "the server ended the connection in the TLS handshake: is it full, or its address ws:// and not wss://?"


def no_websocket(*, secure: bool, answered: bool) -> str:
    """Return what it means that a connection came about and no WebSocket.

    Args:
        secure: Whether it was over TLS.
        answered: Whether something came that is no HTTP; else the server has closed the connection without a word.
    """
    hint = "is this a voxint server's port" + ("?" if secure else ", and is ws:// right, or does it want wss://?")
    if answered:
        return f"what answers here speaks no WebSocket: {hint}"
    return f"the server closed the connection before it was a WebSocket: is it full? If not, {hint}"


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) or error.__cause__ is not None:
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error
    return error


def _sentence(body: bytes) -> str:
    """Return the first line of what a server says, if a person can read it."""
    line = body.decode(errors="replace").strip().partition("\n")[0].strip()[:MOST_WORDS]
    return line if line.isprintable() else ""


def _leads_to(location: str) -> str:
    """Return where a redirect leads as a WebSocket's address, without query and user, where keys may stand."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "that it leads to"
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    authority = parts.netloc.rpartition("@")[2]
    shown = f"{scheme}://{authority}{parts.path}" if scheme and authority else parts.path
    return shown if shown and shown.isprintable() else "that it leads to"
