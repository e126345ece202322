"""A WebSocket that a web page asks for and may not have: refused so that the page can read why.

JavaScript is not shown how an upgrade was refused over HTTP: neither status nor words, whatever they are. So a page's
WebSocket is opened and closed at once, with a code and a reason. Nothing stands behind it: no session, no listener, and
of what the page sends not one byte is looked at but for the Close that ends it. All a strange page learns is that a
voxint server is here, and its own origin.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import trio
from attrs import frozen

from voxint.logs import Seldom, get_logger
from voxint.net.http_request import RequestHead
from voxint.net.places import Place
from voxint.net.websocket import ServerWebSocket
from voxint.server.auth import origin_fault, reason_with
from voxint.server.config import ServerConfig
from voxint.server.turned_away import TurnedAway

__all__ = [
    "FOREIGN",
    "FRAMES_LOOKED_AT",
    "LINE_EVERY_S",
    "NO_SUCH_PATH",
    "PageRefusal",
    "RefusedPages",
    "close_at_once",
    "refuse_page",
]

FOREIGN = 4403
NO_SUCH_PATH = 4404
"""Close codes: the numbers of HTTP's statuses for the same, in the range that applications have."""

FRAMES_LOOKED_AT = 64
"""Frames of such a page that are looked at for its Close; ours: it has said REGISTER by then, and little more."""

LINE_EVERY_S = 10.0
"""Of the lines about one kind; ours: a page that comes again and again must not fill the log."""

log = get_logger()


@frozen
class PageRefusal:
    """Why a WebSocket is refused.

    Args:
        why: What it is counted as.
        code: What it is closed with.
        reason: The same in words, for whoever looks at the page's console.
        remedy: What the operator can do, for the log.
    """

    why: TurnedAway
    code: int
    reason: str
    remedy: str


def refuse_page(config: ServerConfig, head: RequestHead, paths: Collection[str]) -> PageRefusal | None:
    """Return why this request gets no WebSocket; None: it may have one.

    Args:
        config: The server's settings.
        head: The request.
        paths: Where the WebSocket is; the first is the one to tell.
    """
    fault = origin_fault(config, head)
    if fault is not None:
        return PageRefusal("origin", FOREIGN, fault.reason, fault.remedy)
    if head.path in paths:
        return None
    here = next(iter(paths))
    reason = reason_with("there is no WebSocket at ", head.path, f": it is at {here}")
    return PageRefusal("path", NO_SUCH_PATH, reason, f"connect to {here}")


class RefusedPages:
    """Counts and logs the pages that are refused.

    Args:
        turned_away: Told of each, and why; must not raise.
    """

    def __init__(self, turned_away: Callable[[TurnedAway], None]) -> None:
        self._turned_away = turned_away
        self._seldom = Seldom(LINE_EVERY_S)

    def tell(self, refused: PageRefusal, head: RequestHead) -> None:
        """Count one, and log it where there was no line about its kind lately."""
        self._turned_away(refused.why)
        if (more := self._seldom.due(refused.why, trio.current_time())) is not None:
            log.warning(
                "a WebSocket is refused",
                origin=head.header("origin"),
                path=head.path,
                reason=refused.reason,
                remedy=refused.remedy,
                more=more,
            )


async def close_at_once(
    refused: PageRefusal, head: RequestHead, stream: trio.abc.Stream, ahead: bytes, *, place: Place, close_s: float
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
    ws = ServerWebSocket(stream, head, ahead, max_message_bytes=0, close_s=close_s, most_skipped=FRAMES_LOOKED_AT)
    ws.turn = place.turn
    ws.close(refused.code, refused.reason)
    with place.waiting():
        await ws.read(_unread)


def _unread(message: str | bytes) -> int:
    raise AssertionError("what is said on a refused WebSocket is not delivered")
