"""What a browser, a load balancer and Prometheus find on the WebSocket's port."""

from __future__ import annotations

import html
import re
import string
from importlib import resources
from urllib.parse import urlsplit

import trio
from attrs import define, field
from prometheus_client import CONTENT_TYPE_LATEST

from voxint._version import __version__
from voxint.net.http_request import HttpRequest, RequestHead
from voxint.net.places import Place
from voxint.server.auth import check_origin, is_open
from voxint.server.host import Host
from voxint.server.page import Page, security_headers
from voxint.server.telemetry import Telemetry
from voxint.server.tokens_page import CHALLENGE, TokensPage, bearer_of
from voxint.server.tokens_page import PATH as TOKENS_PATH

__all__ = ["ALIVE", "Pages"]

ALIVE = b"alive\n"
"""What /healthz says while the process lives."""

AUTHORITY = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?")
"""What a Host header may be; the landing page repeats no other."""


@define(eq=False)
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
    _tokens: TokensPage = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._tokens = TokensPage(self.host, self.telemetry.metrics)

    async def answer(self, request: HttpRequest, address: str = "", place: Place | None = None) -> None:
        """Answer one request; who may not open a WebSocket sees no page either, but /healthz.

        A wrong key is answered as late as one that comes by the WebSocket, and keeps its place as long.

        Args:
            request: What is asked.
            address: Where it comes from.
            place: What its connection takes up.

        Raises:
            HttpError: 403.
        """
        if request.head.path not in ("/healthz", TOKENS_PATH):  # which refuses in its own form
            check_origin(self.host.config, request.head)
        page = await self._tokens.answer(request) if request.head.path == TOKENS_PATH else self.page(request.head)
        if page.status == 401 and request.head.values("authorization"):
            self.host.turned_away("key")
            pause_s = self.host.guesses.failed(address)
            if place is not None:
                place.keep_until(trio.current_time() + pause_s)  # also where it leaves before
            await trio.sleep(pause_s)
        await request.respond(page.status, page.body, headers=self.headers(page))

    def headers(self, page: Page) -> tuple[tuple[str, str], ...]:
        """Return all headers of an answer."""
        return (
            ("content-type", page.media_type),
            *page.headers,
            *security_headers(tls=bool(self.host.config.tls_cert)),
        )

    def page(self, head: RequestHead) -> Page:
        """Return the answer to a request with this head."""
        ws_path = urlsplit(self.ws_url).path
        if head.path not in ("/", "/healthz", "/readyz", "/metrics", ws_path):
            return Page(404, b"there is no such page; / says what there is\n")
        if head.method not in ("GET", "HEAD"):
            return Page(405, b"GET and HEAD are all that is understood here\n", headers=(("allow", "GET, HEAD"),))
        match head.path:
            case "/healthz":
                return Page(200, ALIVE)
            case "/readyz":
                return self._ready()
            case "/metrics" if (refusal := self._refused_numbers(head)) is not None:
                return refusal
            case "/metrics":
                # Synchronous: it takes about a millisecond, every some ten seconds.
                return Page(
                    200,
                    self.telemetry.exposition(
                        len(self.host.connections), self.host.places.strangers, len(self.host.store)
                    ),
                    CONTENT_TYPE_LATEST,
                )
            case "/":
                return Page(200, self._landing(head), "text/html; charset=utf-8")
        upgrade = (("upgrade", "websocket"), ("connection", "upgrade"))
        return Page(426, b"this address speaks WebSocket\n", headers=upgrade)

    def _refused_numbers(self, head: RequestHead) -> Page | None:
        """Return what is answered to who may not see the numbers; None: it may."""
        config = self.host.config
        if config.open_metrics or is_open(config):
            return None
        who = bearer_of(self.host, head)
        if who is None:
            return Page(401, b"the numbers take a key with the scope observe\n", headers=CHALLENGE)
        return None if who.may("observe") else Page(403, b"this key has not the scope observe\n")

    def _ready(self) -> Page:
        """Say whether somebody new would be taken."""
        if self.host.draining:
            return Page(503, b"draining\n")
        if self.host.places.full:
            return Page(503, b"busy: there are as many callers as there may be (max_connections)\n")
        busy = self.host.meter.refuse_anybody(trio.current_time())
        if busy is not None and not self.host.store.has_alone:
            return Page(503, f"busy: {busy.message} (quota {busy.quota})\n".encode())
        return Page(200, b"ready\n")

    def _landing(self, head: RequestHead) -> bytes:
        agent = self.host.agent
        asked = "nothing: it is open" if is_open(self.host.config) else "a key or an account"
        page = TEMPLATE.substitute(
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
        secure = self.host.config.tls_cert or head.header("x-forwarded-proto") == "https"
        scheme = "wss" if secure else "ws"
        return f"{scheme}://{seen}{urlsplit(self.ws_url).path}"


TEMPLATE = string.Template((resources.files("voxint.server") / "landing.html").read_text(encoding="utf-8"))
"""Read when the server starts: a file may keep whoever reads it waiting."""
