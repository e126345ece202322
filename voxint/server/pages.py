"""What a browser, a load balancer and Prometheus find on the WebSocket's port."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import trio
from attrs import define, evolve, field
from prometheus_client import CONTENT_TYPE_LATEST

from voxint.core.offers import Offers, offers
from voxint.net.http_request import HttpRequest, RequestHead
from voxint.net.places import Place
from voxint.server.agent_page import PATH as AGENT_PATH
from voxint.server.agent_page import agent_facts
from voxint.server.auth import check_origin, host_fault, is_open
from voxint.server.host import Host
from voxint.server.page import ANY_ORIGIN, Page, front_policy, json_page, security_headers
from voxint.server.readiness import readiness
from voxint.server.telemetry import Telemetry
from voxint.server.tokens_page import CHALLENGE, TokensPage, bearer_of
from voxint.server.tokens_page import PATH as TOKENS_PATH
from voxint.server.web_files import WEB, WebFile, file_page, front_page, web_files

__all__ = ["ALIVE", "Pages"]

ALIVE = b"alive\n"
"""What /healthz says while the process lives."""

AUTHORITY = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?")
"""What of a Host header is repeated in a policy, which has no form for an address of IPv6."""

UNCHECKED = ("/healthz", TOKENS_PATH, AGENT_PATH)
"""Pages that refuse in their own form, or nobody."""

FIXED = ("/", "/healthz", "/readyz", "/metrics", AGENT_PATH)
"""What is there beside the WebSocket, the files and the tokens."""


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
    _offered: Offers = field(init=False)
    _files: Mapping[str, WebFile] = field(init=False, factory=web_files)
    _front: WebFile = field(init=False, factory=front_page)

    def __attrs_post_init__(self) -> None:
        self._tokens = TokensPage(self.host, self.telemetry.metrics)
        self._offered = offers(self.host.agent)  # once: what a stage says wrong of itself is logged each time

    async def answer(self, request: HttpRequest, address: str = "", place: Place | None = None) -> None:
        """Answer one request; who may not open a WebSocket sees no page either, but /healthz and what is for all.

        A wrong key is answered as late as one that comes by the WebSocket, and keeps its place as long.

        Args:
            request: What is asked.
            address: Where it comes from.
            place: What its connection takes up.

        Raises:
            HttpError: 403.
        """
        if request.head.path not in UNCHECKED and not request.head.path.startswith(WEB):
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
        """Return all headers of an answer: its own, and of those that every page has the others."""
        own = (("content-type", page.media_type), *page.headers)
        names = {name for name, _ in own}
        every = security_headers(tls=bool(self.host.config.tls_cert), part=page.part)
        return (*own, *(header for header in every if header[0] not in names))

    def page(self, head: RequestHead) -> Page:
        """Return the answer to a request with this head."""
        public = head.path == AGENT_PATH or head.path.startswith(WEB)
        headers = ANY_ORIGIN if public else ()
        if head.path not in self._files and head.path not in (*FIXED, urlsplit(self.ws_url).path):
            return Page(404, b"there is no such page; / says what there is\n", headers=headers)
        if head.method not in ("GET", "HEAD"):
            headers = (*headers, ("allow", "GET, HEAD"))
            return Page(405, b"only GET and HEAD are understood here\n", headers=headers)
        return self._for_all(head) if public else self._own(head)

    def _for_all(self, head: RequestHead) -> Page:
        """Return what a page of any origin may read.

        By a stranger's name an open server says nothing of itself, although a page may ask by the right one: who came
        by that name can't connect either, and is told why.
        """
        if head.path != AGENT_PATH:
            return evolve(file_page(self._files[head.path], head, ANY_ORIGIN), part=True)
        if (fault := host_fault(self.host.config, head)) is not None:
            return Page(403, f"{fault.reason}\n".encode(), headers=ANY_ORIGIN)
        return json_page(200, agent_facts(self.host, urlsplit(self.ws_url).path, self._offered), ANY_ORIGIN)

    def _own(self, head: RequestHead) -> Page:
        """Return what only this server's own pages may read, and who is no browser."""
        match head.path:
            case "/healthz":
                return Page(200, ALIVE)
            case "/readyz":
                ready = readiness(self.host)
                return Page(200 if ready.state == "ready" else 503, f"{ready.words}\n".encode())
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
                seen = head.header("host")
                return file_page(self._front, head, (front_policy(seen if AUTHORITY.fullmatch(seen) else ""),))
        upgrade = (("upgrade", "websocket"), ("connection", "upgrade"))
        return Page(426, b"this address speaks WebSocket: connect to it by ws:// or wss://\n", headers=upgrade)

    def _refused_numbers(self, head: RequestHead) -> Page | None:
        """Return what is answered to who may not see the numbers; None: it may."""
        config = self.host.config
        if config.open_metrics or is_open(config):
            return None
        who = bearer_of(self.host, head)
        if who is None:
            return Page(
                401,
                b"the metrics need the header `Authorization: Bearer KEY`, with a key of the scope observe\n",
                headers=CHALLENGE,
            )
        return None if who.may("observe") else Page(403, b"this key lacks the scope observe: use one that has it\n")
