"""What a browser, a load balancer and Prometheus find on the WebSocket's port."""

from __future__ import annotations

import html
import re
import string
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

import trio
from attrs import frozen
from prometheus_client import CONTENT_TYPE_LATEST

from voxint._version import __version__
from voxint.net.http_request import HttpRequest, RequestHead
from voxint.server.host import Host
from voxint.server.telemetry import Telemetry

__all__ = ["Page", "Pages"]

TEXT = "text/plain; charset=utf-8"

AUTHORITY = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?")
"""What a Host header may be; the landing page repeats no other."""

HEADERS = (
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
)


@frozen
class Page:
    """An answer: its status, body, media type and further headers."""

    status: int
    body: bytes
    media_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()


@frozen(eq=False)
class Pages:
    """Answers every HTTP request that opens no WebSocket.

    Args:
        host: The server.
        telemetry: Its numbers.
        ws_url: The WebSocket's address, as the machine that serves it knows it.
    """

    host: Host
    telemetry: Telemetry
    ws_url: str

    async def answer(self, request: HttpRequest) -> None:
        """Answer one request."""
        page = self.page(request.head)
        headers = (("content-type", page.media_type), *page.headers, *HEADERS)
        await request.respond(page.status, page.body, headers=headers)

    def page(self, head: RequestHead) -> Page:
        """Return the answer to a request with this head."""
        ws_path = urlsplit(self.ws_url).path
        if head.path not in ("/", "/healthz", "/readyz", "/metrics", ws_path):
            return Page(404, b"there is no such page; / says what there is\n")
        if head.method not in ("GET", "HEAD"):
            return Page(405, b"GET and HEAD are all that is understood here\n", headers=(("allow", "GET, HEAD"),))
        match head.path:
            case "/healthz":
                return Page(200, b"alive\n")
            case "/readyz":
                return self._ready()
            case "/metrics":
                # Synchronous: it takes about a millisecond, every some ten seconds.
                return Page(
                    200,
                    self.telemetry.exposition(len(self.host.connections), len(self.host.store)),
                    CONTENT_TYPE_LATEST,
                )
            case "/":
                return Page(200, self._landing(head), "text/html; charset=utf-8")
        upgrade = (("upgrade", "websocket"), ("connection", "upgrade"))
        return Page(426, b"this address speaks WebSocket\n", headers=upgrade)

    def _ready(self) -> Page:
        """Say whether somebody new would be taken."""
        if self.host.draining:
            return Page(503, b"draining\n")
        busy = self.host.meter.refuse_anybody(trio.current_time())
        if busy is not None and not self.host.store.has_alone:
            return Page(503, f"busy: {busy.message} (quota {busy.quota})\n".encode())
        return Page(200, b"ready\n")

    def _landing(self, head: RequestHead) -> bytes:
        agent, config = self.host.agent, self.host.config
        asked = "a key or an account" if config.api_keys or config.accounts else "nothing: it is open"
        page = _template().substitute(
            version=html.escape(__version__),
            ws_url=html.escape(self._seen_url(head)),
            voice_in="yes" if agent.stt is not None else "no, text only",
            voice_out="yes" if agent.tts is not None else "no, text only",
            asked=asked,
            state="draining" if self.host.draining else "ready",
        )
        return page.encode()

    def _seen_url(self, head: RequestHead) -> str:
        """Return the WebSocket's address as the visitor has to write it, who may have come through a proxy."""
        seen = head.header("host")
        if AUTHORITY.fullmatch(seen) is None:
            return self.ws_url
        scheme = "wss" if head.header("x-forwarded-proto") == "https" else "ws"
        return f"{scheme}://{seen}{urlsplit(self.ws_url).path}"


@cache
def _template() -> string.Template:
    return string.Template((resources.files("voxint.server") / "landing.html").read_text(encoding="utf-8"))
