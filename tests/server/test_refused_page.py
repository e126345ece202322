"""A web page's WebSocket that is refused: its page can read why, and nothing of it goes any further."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import structlog
import trio

from tests.net.websocket_client import RawClient, memory_pair
from tests.talk import OPEN as ANYBODY
from voxint.client import connect
from voxint.core.agent import Agent
from voxint.net.frames import CLOSE, PING, frame_of, make_frame
from voxint.net.http_request import RequestHead
from voxint.net.places import Places
from voxint.protocol import messages as m
from voxint.protocol.codec import encode_client
from voxint.server.auth import REASON_BYTES
from voxint.server.config import ServerConfig
from voxint.server.front import PATH, PATHS
from voxint.server.refused_page import (
    FRAMES_LOOKED_AT,
    LINE_EVERY_S,
    PageRefusal,
    RefusedPages,
    close_at_once,
    refuse_page,
)
from voxint.server.serve import Server, serve
from voxint.server.turned_away import TurnedAway
from voxint.testing.stages import FOREVER, ScriptedModel

KEYED = ServerConfig(api_keys=("one",))
CHOSEN = ServerConfig(api_keys=("one",), allowed_origins=("https://museum.example",))
EVIL = "https://evil.example"
HERE = "http://localhost:3000"


def head(origin: str | None, path: str = PATH, host: str = "127.0.0.1:8765") -> RequestHead:
    """Return a request for a WebSocket."""
    origins = () if origin is None else ((b"origin", origin.encode("latin-1")),)
    key = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")
    return RequestHead("GET", path, ((b"host", host.encode()), key, *origins))


def reason(config: ServerConfig, request: RequestHead) -> tuple[int, str] | None:
    """Return what a WebSocket is closed with, if it is."""
    refused = refuse_page(config, request, PATHS)
    return None if refused is None else (refused.code, refused.reason)


@pytest.mark.parametrize(("config", "request_head", "told"), [
    (ServerConfig(), head(HERE), None),
    (ServerConfig(), head(HERE, f"/{PATH}"), None),
    (ServerConfig(), head(EVIL), (4403, f"origin {EVIL} may not connect: set allowed_origins, or api_keys")),
    (ServerConfig(), head("null"), (4403,
        "origin null (a page from disk?) may not connect: serve it at http://localhost, or set api_keys")),
    (ServerConfig(), head(HERE, host="evil.example"), (4403,
        "by the name evil.example only with a key: set allowed_origins, or api_keys")),
    (CHOSEN, head("https://museum.example"), None),
    (CHOSEN, head(EVIL), (4403, f"origin {EVIL} may not connect: it is not in the server's allowed_origins")),
    (CHOSEN, head("null"), (4403,
        "origin null (a page from disk?) may not connect: serve the page at one of allowed_origins")),
    (CHOSEN, head(EVIL, "/"), (4403, f"origin {EVIL} may not connect: it is not in the server's allowed_origins")),
    (KEYED, head("null"), None),
    (KEYED, head(EVIL), None),
    (KEYED, head(EVIL, "/ws"), (4404, "there is no WebSocket at /ws: it is at /ws/agent/stream")),
])  # fmt: skip
def test_a_page_is_told_what_to_set_or_where_to_go(
    config: ServerConfig, request_head: RequestHead, told: tuple[int, str] | None
) -> None:
    """The reason names its origin and the setting, and never which origins are allowed."""
    assert reason(config, request_head) == told


def test_of_two_origins_none_is_named() -> None:
    """No browser sends two."""
    both = ((b"origin", HERE.encode()), (b"origin", EVIL.encode()))
    assert reason(ServerConfig(), RequestHead("GET", PATH, both)) == (4403, "a page has one origin")


@pytest.mark.parametrize("config", [ServerConfig(), CHOSEN])
@pytest.mark.parametrize("long", ["https://" + "a" * 300, "https://" + "\xe9" * 300, "https://\x1b]0;x\x07" * 40])
def test_a_reason_fits_a_close_whatever_the_page_is_called(config: ServerConfig, long: str) -> None:
    """123 bytes of UTF-8, one line, and nothing that commands a terminal; the end, which says what to do, stays."""
    for request in (head(long), head(HERE, "/" + "x" * 300), head(HERE, host="\xe9" * 300)):
        told = reason(config, request)
        if told is not None:
            assert len(told[1].encode()) <= REASON_BYTES
            assert told[1].isprintable()
            assert told[1].endswith(("api_keys", "allowed_origins", PATH))
            assert "…" in told[1] or config is CHOSEN


async def test_a_line_is_logged_and_then_one_in_ten_seconds(autojump_clock: trio.testing.MockClock) -> None:
    """Each is counted; the lines say who, where, what to do and how many came since; each kind has its own."""
    counted: list[TurnedAway] = []
    pages = RefusedPages(counted.append)
    foreign = refuse_page(ServerConfig(), head(EVIL), PATHS)
    nowhere = refuse_page(KEYED, head(EVIL, "/ws"), PATHS)
    assert foreign is not None
    assert nowhere is not None
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            pages.tell(foreign, head(EVIL))
        pages.tell(nowhere, head(EVIL, "/ws"))
        await trio.sleep(LINE_EVERY_S)
        pages.tell(foreign, head(EVIL))
    assert counted == ["origin"] * 3 + ["path", "origin"]
    assert [(line["path"], line["more"]) for line in logs] == [(PATH, 0), ("/ws", 0), (PATH, 2)]
    assert logs[0] == {
        "event": "a WebSocket is refused",
        "log_level": "warning",
        "origin": EVIL,
        "path": PATH,
        "reason": foreign.reason,
        "remedy": "if the page is yours, name its origin in allowed_origins",
        "more": 0,
    }


async def test_what_a_refused_page_sends_is_not_looked_at(autojump_clock: trio.testing.MockClock) -> None:
    """Neither what came with its request nor what comes behind: not even a ping is answered. Its Close ends it."""
    near, far = memory_pair()
    client = RawClient(far)
    register = frame_of(encode_client(m.Register(auth=ANYBODY), None, 0), masked=True)
    async with near, far, Places(2, 2, 2).taken("127.0.0.1") as place, trio.open_nursery() as nursery:
        assert place is not None

        async def refuse() -> None:
            refused = PageRefusal("origin", 4403, "no", "")
            await close_at_once(refused, head(EVIL), near, register, place=place, close_s=1.0)
            await near.aclose()

        nursery.start_soon(refuse)
        await client.opened()
        await client.send(make_frame(PING, b"?", masked=True), register, b"\xff" * 5000)
        assert await client.frame() == (CLOSE, b"\x11\x33no")
        await client.send(make_frame(CLOSE, b"\x11\x33", masked=True))
        began = trio.current_time()
        assert await client.frame() is None
        # What was no frame at all passes for a long one, so its Close is not seen: then the time is over.
        assert trio.current_time() - began <= 2.0


@pytest.mark.parametrize(("said", "seen"), [(FRAMES_LOOKED_AT - 1, True), (FRAMES_LOOKED_AT, False)])
async def test_a_close_is_looked_for_behind_few_frames(
    autojump_clock: trio.testing.MockClock, said: int, seen: bool
) -> None:
    """A page that floods is no longer read, and waits for the end of its time; each read waits for its turn."""
    near, far = memory_pair()
    client, places = RawClient(far), Places(2, 2, 2)
    turns = 0

    async def counted() -> None:
        nonlocal turns
        turns += 1

    places.turn = counted  # type: ignore[method-assign]  # how often it is waited for is the test
    async with near, far, places.taken("127.0.0.1") as place, trio.open_nursery() as nursery:
        assert place is not None

        async def refuse() -> None:
            await close_at_once(PageRefusal("origin", 4403, "no", ""), head(EVIL), near, b"", place=place, close_s=1.0)
            await near.aclose()

        nursery.start_soon(refuse)
        await client.opened()
        assert await client.close_code(answer=False) == 4403
        began = trio.current_time()
        await client.send(frame_of("", masked=True) * said, make_frame(CLOSE, b"\x11\x33", masked=True))
        await trio.testing.wait_all_tasks_blocked()
        assert turns == 1
        assert await client.frame() is None
        assert trio.current_time() - began == (0.0 if seen else 1.0)
        await far.aclose()


@pytest.mark.parametrize("others", [False, True])
async def test_a_refused_page_that_does_not_answer_keeps_its_place_shortly(
    autojump_clock: trio.testing.MockClock, others: bool
) -> None:
    """`close_s`, and no more than half a second where others want the place."""
    near, far = memory_pair()
    places = Places(1, 5, 2)
    left_at = -1.0

    async def refuse() -> None:
        nonlocal left_at
        async with places.taken("127.0.0.1") as place:
            assert place is not None
            refused = PageRefusal("origin", 4403, "no", "")
            await close_at_once(refused, head(EVIL), near, b"", place=place, close_s=1.0)
        left_at = trio.current_time() - began

    async with near, far:
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(refuse)
            await trio.testing.wait_all_tasks_blocked()
            if others:
                async with places.taken("127.0.0.2") as place:
                    assert place is not None
    assert left_at == (0.5 if others else 1.0)


@asynccontextmanager
async def dialled(
    server: Server, origin: str | None, path: str = PATH, behind: bytes = b""
) -> AsyncIterator[RawClient]:
    """Ask for a WebSocket over a socket, with more behind the request in the same segment."""
    line = "" if origin is None else f"Origin: {origin}\r\n"
    asking = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{line}"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with trio.fail_after(10):
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as stream:
            client = RawClient(stream)
            await client.send(asking.encode(), behind)
            yield client


async def test_a_foreign_page_is_refused_over_a_socket_and_leaves_nothing(nursery: trio.Nursery) -> None:
    """With a REGISTER at once: no session, no connection, one count; and its own page is let in at both paths."""
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), ServerConfig(port=0))
    register = frame_of(encode_client(m.Register(auth=ANYBODY), None, 0), masked=True)
    async with dialled(server, EVIL, behind=register) as client:
        await client.opened()
        close = await client.frame()
        assert close == (
            CLOSE,
            b"\x11\x33" + f"origin {EVIL} may not connect: set allowed_origins, or api_keys".encode(),
        )
        async with httpx.AsyncClient(trust_env=False) as http:
            numbers = (await http.get(f"http://127.0.0.1:{server.port}/metrics")).text
        for line in ("voxint_sessions 0.0", "voxint_connections 0.0", 'voxint_turned_away_total{reason="origin"} 1.0'):
            assert f"\n{line}\n" in numbers
        await client.send(make_frame(CLOSE, close[1][:2], masked=True))
        assert await client.frame() is None
    for path in PATHS:
        async with dialled(server, f"http://127.0.0.1:{server.port}", path, register) as client:
            await client.opened()
            answer = await client.frame()
            assert answer is not None
            assert b"REGISTER_ACK" in answer[1]
    server.shut_down()


async def test_a_client_that_is_no_page_reads_the_status(nursery: trio.Nursery) -> None:
    """A wrong path is 404, a wrong name 403, as a probe or a proxy understands them; a page gets 4404."""
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), ServerConfig(port=0))
    async with dialled(server, None, "/ws") as client:
        assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 404 ")
    async with dialled(server, HERE, "/ws") as client:
        await client.opened()
        assert await client.close_code() == 4404
    upgrade = {
        "host": "evil.example",
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}{PATH}", headers=upgrade)
    assert (answer.status_code, "by the name evil.example only with a key" in answer.text) == (403, True)
    server.shut_down()


@pytest.mark.parametrize("origin", [EVIL, None])
async def test_a_malformed_request_is_no_refused_page(nursery: trio.Nursery, origin: str | None) -> None:
    """It could be no WebSocket whoever asked: it is told that, and nothing is counted or logged."""
    server: Server = await nursery.start(serve, Agent(llm=ScriptedModel("Yes.")), ServerConfig(port=0))
    url, headers = f"http://127.0.0.1:{server.port}", {"host": "evil.example", "connection": "upgrade"}
    headers |= {"upgrade": "websocket"} | ({} if origin is None else {"origin": origin})
    with structlog.testing.capture_logs() as logs:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(url + PATH, headers=headers)
            numbers = (await http.get(f"{url}/metrics")).text
    assert (answer.status_code, answer.text) == (400, "a request for a WebSocket must have Sec-WebSocket-Version\n")
    assert 'voxint_turned_away_total{reason="origin"} 0.0' in numbers
    assert "a WebSocket is refused" not in {line["event"] for line in logs}
    server.shut_down()


async def test_a_server_that_drains_says_503_to_pages_too(nursery: trio.Nursery) -> None:
    """A proxy tries another server then, which it could not behind an opened WebSocket."""
    agent, config = Agent(llm=ScriptedModel("Well, ", FOREVER)), ServerConfig(port=0, drain_s=30)
    server: Server = await nursery.start(serve, agent, config)
    async with connect(server.url) as client:
        reply = await client.send_text("Are you there?")
        await anext(reply)
        server.shut_down()
        for origin in (HERE, EVIL, None):
            status: bytes | bytearray = b""
            while not status.startswith(b"HTTP/1.1 503 "):  # there is no event for the drain at this end of the socket
                async with dialled(server, origin) as asking:
                    status = await asking.stream.receive_some()
        await reply.interrupt()
