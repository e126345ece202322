from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import ANY

import httpx
import pytest
import trio

from tests.credentials import add_key, cheap_hash
from voxint.client import connect
from voxint.core.agent import Agent
from voxint.errors import Disconnected
from voxint.net.httpd import RequestHead
from voxint.server.config import ServerConfig
from voxint.server.host import Host
from voxint.server.page import Page
from voxint.server.pages import Pages
from voxint.server.serve import Server, serve
from voxint.server.telemetry import Telemetry
from voxint.testing.stages import FOREVER, ScriptedModel

WS_URL = "ws://127.0.0.1:8765/ws/agent/stream"


PROTECTED = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), payment=(), usb=(), microphone=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""What every page tells a browser not to do with it."""


class Site:
    """The pages of a server without a socket."""

    def __init__(self, nursery: trio.Nursery, agent: Agent, config: ServerConfig) -> None:
        self.host = Host(agent, config, nursery, observer=None)  # type: ignore[arg-type]  # no request is made
        self.pages = Pages(self.host, Telemetry(), WS_URL)

    def get(self, path: str, method: str = "GET", **headers: str) -> Page:
        """Return the answer to a request."""
        pairs = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
        return self.pages.page(RequestHead(method, path, pairs))


@pytest.fixture
def site(nursery: trio.Nursery) -> Site:
    """A server that writes only, open to this machine."""
    return Site(nursery, Agent(llm=ScriptedModel("Yes.")), ServerConfig())


async def test_healthz_says_that_the_process_lives_also_while_it_drains(site: Site) -> None:
    """A supervisor must not kill a server that is going down politely."""
    assert site.get("/healthz").status == 200
    site.host.draining = True
    assert site.get("/healthz").status == 200


async def test_readyz_says_503_while_draining(site: Site) -> None:
    """A load balancer sends nobody any more."""
    assert (site.get("/readyz").status, site.get("/readyz").body) == (200, b"ready\n")
    site.host.draining = True
    assert (site.get("/readyz").status, site.get("/readyz").body) == (503, b"draining\n")


async def test_metrics_are_in_prometheus_text_format(site: Site) -> None:
    """Every label value is there from the start, so that a rate sees the first event."""
    page = site.get("/metrics")
    assert page.media_type.startswith("text/plain; version=")
    assert b"\nvoxint_connections 0.0\n" in page.body
    assert b'\nvoxint_interrupts_total{reason="USER_STOP"} 0.0\n' in page.body


@pytest.mark.parametrize(("path", "method", "status"), [
    ("/nothing", "GET", 404),
    ("/nothing", "POST", 404),
    ("/healthz/", "GET", 404),
    ("/metrics", "POST", 405),
    ("/", "DELETE", 405),
    ("/", "HEAD", 200),
    ("/?utm=1", "GET", 200),
    ("/v1/agent", "PUT", 405),
    ("/web/client/errors.js", "GET", 200),
    ("/web/client/errors.js", "POST", 405),
    ("/web/nothing.js", "GET", 404),
    ("/ws/agent/stream", "GET", 426),
])  # fmt: skip
async def test_other_requests_get_the_right_status(site: Site, path: str, method: str, status: int) -> None:
    """Unknown paths 404, other methods 405, a WebSocket's path without its upgrade 426."""
    page = site.get(path, method)
    assert page.status == status
    assert dict(page.headers).get("allow") == ("GET, HEAD" if status == 405 else None)
    assert dict(page.headers).get("upgrade") == ("websocket" if status == 426 else None)


FRONT_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'{sockets}; font-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize(("seen", "sockets"), [
    ("museum.example:9000", " ws://museum.example:9000 wss://museum.example:9000"),
    ("127.0.0.1:8765", " ws://127.0.0.1:8765 wss://127.0.0.1:8765"),
    ("[::1]:8765", ""),
    ("museum.example; script-src *", ""),
    ("museum.example 'unsafe-inline'", ""),
    ("museum.example:9000\n", ""),
    ("", ""),
])  # fmt: skip
async def test_the_front_page_has_a_strict_policy(site: Site, seen: str, sockets: str) -> None:
    """It allows what is this server's own, and its WebSocket by the name that the visitor has written; no more."""
    page = site.get("/", host=seen)
    assert dict(page.headers)["content-security-policy"] == FRONT_POLICY.format(sockets=sockets)
    assert dict(site.pages.headers(page))["content-security-policy"] == FRONT_POLICY.format(sockets=sockets)
    assert [name for name, _ in site.pages.headers(page)].count("content-security-policy") == 1


async def test_the_front_page_is_one_file_with_nothing_inline(site: Site) -> None:
    """Its policy would keep a style or a script in it from working; and it speaks English and Chinese."""
    page = site.get("/")
    assert page.media_type == "text/html; charset=utf-8"
    text = page.body.decode()
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|(?:src|href)=\"(?:[a-z]+:|//)", text)
    assert re.search("[一-鿿]", text)


async def test_one_port_serves_pages_and_websocket(nursery: trio.Nursery) -> None:
    """Over sockets: the pages with their headers, while a WebSocket is open and counted."""
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), ServerConfig(port=0))
    root = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(trust_env=False) as http:
        async with connect(server.url) as client:
            assert await (await client.send_text("Are you there?")).text() == "Yes."
            metrics = (await http.get(f"{root}/metrics")).text
            assert "\nvoxint_connections 1.0\n" in metrics
            assert '\nvoxint_requests_total{outcome="complete"} 1.0\n' in metrics
        front = await http.get(root)
        own = {"cache-control": "no-cache", "content-security-policy": ANY}
        assert dict(front.headers.items()).items() >= (PROTECTED | own).items()
        assert "strict-transport-security" not in front.headers
        head = await http.head(root)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == front.headers["content-length"]
    server.shut_down()


async def test_every_answer_is_protected(nursery: trio.Nursery) -> None:
    """Also one that there is no page for, one that is no HTTP, and a WebSocket that is refused; none may be framed."""
    config = ServerConfig(port=0, api_keys=("one",), allowed_origins=("https://museum.example",))
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), config)
    root = f"http://127.0.0.1:{server.port}"
    upgrade = {"connection": "upgrade", "upgrade": "websocket", "origin": "https://evil.example"}
    asked = [
        ("GET", "/healthz", {}, 200),
        ("GET", "/nothing", {}, 404),
        ("GET", "/metrics", {}, 401),
        ("PUT", "/", {}, 405),
        ("POST", "/v1/tokens", {}, 401),
        ("GET", "/ws/agent/stream", {}, 426),
        ("GET", "/ws/agent/stream", upgrade, 400),
        ("GET", "/", {"x": "y" * 40_000}, 431),
    ]
    async with httpx.AsyncClient(trust_env=False) as http:
        for method, path, headers, status in asked:
            answer = await http.request(method, f"{root}{path}", headers=headers)
            assert answer.status_code == status
            assert dict(answer.headers.items()).items() >= PROTECTED.items(), path
    server.shut_down()


@pytest.mark.parametrize(("config", "scope", "status"), [
    (ServerConfig(), "", 200),
    (ServerConfig(api_keys=("one",)), "", 401),
    (ServerConfig(api_keys=("one",)), "Bearer one", 200),
    (ServerConfig(api_keys=("one",)), "bearer  one ", 200),
    (ServerConfig(api_keys=("one",)), "Bearer two", 401),
    (ServerConfig(api_keys=("one",)), "Basic one", 401),
    (ServerConfig(api_keys=("one",)), "one", 401),
    (ServerConfig(api_keys=("one",), open_metrics=True), "", 200),
    (ServerConfig(accounts={"ann": cheap_hash("pass")}), "Bearer ", 401),
])  # fmt: skip
async def test_the_numbers_take_a_key_where_there_are_keys(
    nursery: trio.Nursery, config: ServerConfig, scope: str, status: int
) -> None:
    """One with the scope observe; what a health check asks for takes none."""
    site = Site(nursery, Agent(llm=ScriptedModel("Yes.")), config)
    page = site.get("/metrics", authorization=scope) if scope else site.get("/metrics")
    assert page.status == status
    assert dict(page.headers).get("www-authenticate") == ('Bearer realm="voxint"' if status == 401 else None)
    assert [site.get(path).status for path in ("/", "/healthz", "/readyz")] == [200] * 3


async def test_the_numbers_take_a_key_of_the_right_scope(nursery: trio.Nursery, tmp_path: Path) -> None:
    """A key of the file that may only talk is told so; of two keys in one request none is believed."""
    path = tmp_path / "keys"
    (talk, _), (observe, _), (admin, _) = add_key(path, "talk"), add_key(path, "observe"), add_key(path, "admin")
    site = Site(nursery, Agent(llm=ScriptedModel("Yes.")), ServerConfig(keys_file=str(path)))
    statuses = [site.get("/metrics", authorization=f"Bearer {key}").status for key in (talk, observe, admin)]
    assert statuses == [403, 200, 200]
    both = ((b"authorization", f"Bearer {observe}".encode()), (b"authorization", b"Bearer x"))
    assert site.pages.page(RequestHead("GET", "/metrics", both)).status == 401


@pytest.mark.parametrize("path", ["/", "/metrics", "/readyz", "/v1/tokens"])
async def test_an_open_server_shows_no_page_to_strangers(nursery: trio.Nursery, path: str) -> None:
    """Neither by a foreign name, which may lead a visitor's browser here, nor to a foreign page; but /healthz."""
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), ServerConfig(port=0))
    root = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(trust_env=False) as http:
        for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
            assert (await http.get(root + path, headers=headers)).status_code == 403
            assert (await http.get(root + "/healthz", headers=headers)).status_code == 200
        assert (await http.get(root + path)).status_code != 403
    server.shut_down()


async def test_a_draining_server_still_answers_pages_and_takes_no_caller(nursery: trio.Nursery) -> None:
    """/readyz says 503 and a WebSocket is refused while a live request keeps the server from its end."""
    config = ServerConfig(port=0, drain_s=30)
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Well, ", FOREVER)), config)
    root = f"http://127.0.0.1:{server.port}"
    async with connect(server.url) as client, httpx.AsyncClient(trust_env=False) as http:
        reply = await client.send_text("Are you there?")
        await anext(reply)
        server.shut_down()
        with trio.fail_after(5):
            while (await http.get(f"{root}/readyz")).status_code == 200:
                pass  # there is no event for it at this end of the socket
            assert (await http.get(f"{root}/readyz")).status_code == 503
            assert (await http.get(f"{root}/healthz")).status_code == 200
            with pytest.raises(Disconnected, match="503"):
                async with connect(server.url):
                    pass
            await reply.interrupt()


async def test_an_idle_http_connection_does_not_hold_the_shutdown(nursery: trio.Nursery) -> None:
    """A scraper keeps its connection open; the server is down within close_s all the same."""
    down = trio.Event()

    async def run(task_status: trio.TaskStatus[Server]) -> None:
        config = ServerConfig(port=0, close_s=0.1)
        await serve(Agent(llm=ScriptedModel("Yes.")), config, task_status=task_status)
        down.set()

    server: Server = await nursery.start(run)
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"http://127.0.0.1:{server.port}/healthz")).status_code == 200
        server.shut_down()
        with trio.fail_after(5):
            await down.wait()
