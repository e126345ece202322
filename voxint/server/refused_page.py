"""A WebSocket that a web page asks for and may not have: refused so that the page can read why.

JavaScript is not shown how an upgrade was refused over HTTP: neither status nor words, whatever they are. So a page's
WebSocket is opened and closed at once, with a code and a reason. Nothing stands behind it: no session, no listener, and
of what the page sends not one byte is looked at but for the Close that ends it. All a strange page learns is that a
voxint server is here, and its own origin.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import inf

import trio
from attrs import frozen

from voxint.logs import get_logger
from voxint.net.http_request import RequestHead
from voxint.net.places import Place, Refusal
from voxint.net.websocket import ServerWebSocket
from voxint.printable import printable
from voxint.server.auth import OriginFault, origin_fault
from voxint.server.config import ServerConfig

__all__ = [
    "FOREIGN",
    "LINE_EVERY_S",
    "MOST_SKIPPED",
    "NO_SUCH_PATH",
    "REASON_BYTES",
    "Teller",
    "Unwelcome",
    "close_at_once",
    "unwelcome",
]

FOREIGN = 4403
NO_SUCH_PATH = 4404
"""Close codes: the numbers of HTTP's statuses for the same, in the range that applications have."""

REASON_BYTES = 123
"""Longest reason of a Close frame, in UTF-8 (RFC 6455, 5.5)."""

MOST_SKIPPED = 64
"""Frames of such a page that are looked at for its Close; ours: it has said REGISTER by then, and little more."""

LINE_EVERY_S = 10.0
"""Of the lines about one kind; ours: a page that comes again and again must not fill the log."""

log = get_logger()


@frozen
class Unwelcome:
    """Why a WebSocket is refused.

    Args:
        why: What it is counted as.
        code: What it is closed with.
        reason: The same in words, for whoever looks at the page's console.
        remedy: What the operator can do, for the log.
    """

    why: Refusal
    code: int
    reason: str
    remedy: str


def unwelcome(config: ServerConfig, head: RequestHead, paths: Collection[str]) -> Unwelcome | None:
    """Return why this request gets no WebSocket; None: it may have one.

    Args:
        config: The server's settings.
        head: The request.
        paths: Where the WebSocket is; the first is the one to tell.
    """
    fault = origin_fault(config, head)
    if fault is not None:
        return _foreign(fault, head)
    if head.path in paths:
        return None
    here = next(iter(paths))
    reason = _reason("there is no WebSocket at ", head.path, f": it is at {here}")
    return Unwelcome("path", NO_SUCH_PATH, reason, f"connect to {here}")


def _foreign(fault: OriginFault, head: RequestHead) -> Unwelcome:
    origin, host = head.header("origin"), head.header("host")
    remedy = "if the page is yours, name its origin in allowed_origins"
    match fault:
        case "several":
            reason, remedy = "a page has one origin", "none: no browser sends two"
        case "unlisted" if origin == "null":
            reason = "origin null (a page from disk?) may not connect: serve the page at one of allowed_origins"
            remedy = "serve the page over HTTP, at one of allowed_origins"
        case "unlisted":
            reason = _reason("origin ", origin, " may not connect: it is not in the server's allowed_origins")
        case "foreign" if origin == "null":
            reason = "origin null (a page from disk?) may not connect: serve it at http://localhost, or set api_keys"
            remedy = "serve the page over HTTP on this machine, or set api_keys"
        case "foreign":
            reason = _reason("origin ", origin, " may not connect: set allowed_origins, or api_keys")
        case "misnamed":
            reason = _reason("by the name ", host, " only with a key: set allowed_origins, or api_keys")
            remedy = "connect by localhost, or set api_keys or allowed_origins"
    return Unwelcome("origin", FOREIGN, reason, remedy)


def _reason(before: str, shown: str, after: str) -> str:
    """Return a reason of which `shown`, whoever wrote it, is cut and spelt out as far as it has to be."""
    room = REASON_BYTES - len((before + after).encode())
    words = printable(shown)
    if len(words.encode()) > room:
        words = words.encode()[: room - len("…".encode())].decode(errors="ignore") + "…"
    return before + words + after


class Teller:
    """Counts and logs those who are unwelcome.

    Args:
        turned_away: Told of each, and why; must not raise.
    """

    def __init__(self, turned_away: Callable[[Refusal], None]) -> None:
        self._turned_away = turned_away
        self._told_at: dict[Refusal, float] = {}
        self._untold: dict[Refusal, int] = {}

    def tell(self, refused: Unwelcome, head: RequestHead) -> None:
        """Count one, and log it where there was no line about its kind lately."""
        why = refused.why
        self._turned_away(why)
        now = trio.current_time()
        if now - self._told_at.get(why, -inf) < LINE_EVERY_S:
            self._untold[why] = self._untold.get(why, 0) + 1
            return
        self._told_at[why] = now
        log.warning(
            "a WebSocket is refused",
            origin=head.header("origin"),
            path=head.path,
            reason=refused.reason,
            remedy=refused.remedy,
            more=self._untold.pop(why, 0),
        )


async def close_at_once(
    refused: Unwelcome, head: RequestHead, stream: trio.abc.Stream, ahead: bytes, *, place: Place, close_s: float
) -> None:
    """Open the WebSocket, close it, and let its page answer that; others may have its place meanwhile.

    Args:
        refused: Why.
        head: The request for it.
        stream: The connection; the caller closes it.
        ahead: What was read of the stream already.
        place: What the connection takes up.
        close_s: Seconds for the page to answer, and again for it to close the connection.
    """
    ws = ServerWebSocket(stream, head, ahead, max_message_bytes=0, close_s=close_s, most_skipped=MOST_SKIPPED)
    ws.turn = place.turn
    ws.close(refused.code, refused.reason)
    with place.waiting():
        await ws.read(_unread)


def _unread(message: str | bytes) -> int:
    raise AssertionError("what is said on a refused WebSocket is not delivered")
