from __future__ import annotations

import json
from contextlib import AsyncExitStack

import pytest
import trio

from tests.cli.model_server import ModelServer, listing
from tests.net.loopback import Conversation, Script, saying, serve
from voxint.cli.local_models import LOCAL, LOOPBACK, Candidate, LocalServer, find_local_servers
from voxint.net.http_request import HttpRequest
from voxint.net.httpd import serve_connection
from voxint.providers.openai_models import LIST_BYTES

LIMIT_S = 5.0
"""For what must answer: a loaded machine must not fail a test. What must not be waited for is given less."""


async def found(script: Script, *, within_s: float = LIMIT_S, owner: str = "", tags: bool = False) -> list[LocalServer]:
    """Return what is found where this script is served."""
    async with serve(script) as server:
        candidate = Candidate("Some server", server.port, owner, tags)
        return [*await find_local_servers([candidate], within_s=within_s)]


def test_the_ports_are_those_where_model_servers_listen() -> None:
    """Each once, and nobody is asked but this machine."""
    assert [(each.name, each.port) for each in LOCAL] == [
        ("Ollama", 11434),
        ("llama.cpp", 8080),
        ("LM Studio", 1234),
        ("vLLM", 8000),
    ]
    assert LOOPBACK == ("127.0.0.1", "[::1]")


async def test_a_server_is_found_with_its_models_that_can_talk() -> None:
    """The one to take first; it is asked for its list and nothing else, and sees no key."""
    model_server = ModelServer(listing("llama3.1:70b", "nomic-embed-text", "llama3.2:3b"))
    [server] = await found(model_server.script)
    assert server.name == "Some server"
    assert server.models == ("llama3.2:3b", "llama3.1:70b")
    assert server.base_url == f"http://{server.place}/v1"
    assert model_server.seen == [("/v1/models", "")]


async def test_the_sizes_that_ollama_tells_count() -> None:
    """A tag says nothing of them; and a family says what makes no conversation."""
    models = [
        {"name": "big:latest", "details": {"parameter_size": "70B", "family": "llama"}},
        {"name": "good:latest", "details": {"parameter_size": "3.2B", "family": "llama"}},
        {"name": "numbers:latest", "details": {"parameter_size": "137M", "family": "nomic-bert"}},
        {"name": "bare:latest"},
    ]
    listed = listing("big:latest", "good:latest", "numbers:latest", "bare:latest")
    [server] = await found(ModelServer(listed, json.dumps({"models": models}).encode()).script, tags=True)
    assert server.models == ("good:latest", "bare:latest", "big:latest")


@pytest.mark.parametrize("tags", [None, b"<html>", b"[]", b'{"models": 3}', b'{"models": null}', b"[" * 100_000])
async def test_sizes_in_no_form_that_is_known_are_none(tags: bytes | None) -> None:
    """The list stands without them."""
    [server] = await found(ModelServer(listing("b:latest", "a:latest"), tags).script, tags=True)
    assert server.models == ("a:latest", "b:latest")


@pytest.mark.parametrize("models", [b'{"object": "list", "data": null}', b'{"data": []}', listing("bge-m3")])
async def test_a_server_without_a_model_to_talk_with_is_found_too(models: bytes) -> None:
    """A person is told of it."""
    [server] = await found(ModelServer(models).script)
    assert server.models == ()


async def test_a_server_is_called_by_its_name_where_it_says_so() -> None:
    """Anybody may have port 8080."""
    [known] = await found(ModelServer(listing("m", owner="llamacpp")).script, owner="llamacpp")
    [unknown] = await found(ModelServer(listing("m", owner="organization")).script, owner="llamacpp")
    assert (known.name, unknown.name) == ("Some server", "a model server")


def http(head: str, body: bytes = b"") -> Script:
    """Return the script of a server that says this to everybody."""
    return saying(f"HTTP/1.1 {head}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)


GOOD = listing("llama3.2:3b")


@pytest.mark.parametrize(
    "script",
    [
        http("200 OK\r\ncontent-type: text/html", b"<!doctype html><title>It works!</title>"),
        http("200 OK\r\ncontent-type: application/json", b'{"status": "ok"}'),
        http("200 OK", b'["llama3.2:3b"]'),
        http("200 OK", b'{"data": ["llama3.2:3b"]}'),
        http("200 OK", b'{"data": [{"name": "llama3.2:3b"}]}'),
        http("200 OK", b'{"data": [{"id": 3}]}'),
        http("200 OK", b'{"data": {"id": "llama3.2:3b"}}'),
        http("200 OK", b""),
        http("200 OK", b'{"data": ' + b"[" * 100_000),
        http("204 No Content"),
        http("401 Unauthorized", GOOD),
        http("403 Forbidden", GOOD),
        http("404 Not Found", GOOD),
        http("500 Internal Server Error", GOOD),
        http("302 Found\r\nlocation: http://192.0.2.1/v1/models", GOOD),
        http("200 OK\r\ncontent-encoding: br", GOOD),
        http("200 OK", b'{"data": [{"id": "x"}], "x": "' + b" " * LIST_BYTES + b'"}'),
        saying(b"SSH-2.0-OpenSSH_9.6\r\n"),
        saying(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"),
        saying(b"", closing=True),
        saying(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{", closing=True),
    ],
)
async def test_whatever_else_listens_there_is_no_model_server(script: Script) -> None:
    """A page, JSON of another shape, a refusal, a redirect, too much, another protocol, an end in the middle."""
    assert await found(script) == []


async def silent(conversation: Conversation) -> None:
    """Say nothing."""
    await conversation.closed()


async def endless(conversation: Conversation) -> None:
    """Say a little again and again."""
    await conversation.request()
    await conversation.head(kind="application/json")
    while True:
        await conversation.chunk(b" ")
        await trio.sleep(0.01)


async def endless_head(conversation: Conversation) -> None:
    """Begin a head and never end it."""
    await conversation.request()
    await conversation.stream.send_all(b"HTTP/1.1 200 OK\r\n")
    while True:
        await conversation.stream.send_all(b"x")
        await trio.sleep(0.01)


@pytest.mark.parametrize("script", [silent, endless, endless_head])
async def test_nobody_is_waited_for_beyond_the_time(script: Script) -> None:
    """One that does not answer costs all of it, and those that do are found all the same."""
    async with serve(script) as slow, serve(ModelServer(GOOD).script) as good:
        candidates = [Candidate("Slow", slow.port), Candidate("Good", good.port)]
        begin = trio.current_time()
        servers = await find_local_servers(candidates, within_s=0.5)
        assert 0.5 <= trio.current_time() - begin < 1.5
    assert [server.name for server in servers] == ["Good"]


async def test_nobody_there_costs_no_time() -> None:
    """A closed port says so at once."""
    async with serve(silent) as gone:
        port = gone.port
    begin = trio.current_time()
    assert await find_local_servers([Candidate("Nobody", port)], within_s=LIMIT_S) == ()
    assert trio.current_time() - begin < LIMIT_S


async def test_all_are_asked_at_once_and_told_in_the_order_of_the_table() -> None:
    """Whoever answers first."""
    arrived = trio.Event()

    async def last(conversation: Conversation) -> None:
        await conversation.request()
        await arrived.wait()
        await conversation.answer(GOOD, kind="application/json")

    async def first(conversation: Conversation) -> None:
        await conversation.request()
        arrived.set()
        await conversation.answer(GOOD, kind="application/json")

    async with AsyncExitStack() as stack:
        ports = [(await stack.enter_async_context(serve(script))).port for script in (last, first)]
        candidates = [Candidate(f"n{n}", port) for n, port in enumerate(ports)]
        assert [each.name for each in await find_local_servers(candidates, within_s=LIMIT_S)] == ["n0", "n1"]


async def test_localhost_of_ipv6_is_asked_too() -> None:
    """Some servers listen there alone; one that listens at both is told once, at the first."""
    try:
        [listener] = await trio.open_tcp_listeners(0, host="::1")
    except OSError as error:
        pytest.skip(f"this machine has no ::1: {error}")

    async def answer(request: HttpRequest) -> None:
        await request.respond(200, GOOD)

    async def handle(stream: trio.SocketStream) -> None:
        await serve_connection(stream, answer)

    port = listener.socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        [server] = await find_local_servers([Candidate("Six", port)], within_s=LIMIT_S)
        assert server.base_url == f"http://[::1]:{port}/v1"
        listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handle, listeners)
        [server] = await find_local_servers([Candidate("Both", port)], within_s=LIMIT_S)
        assert server.base_url == f"http://127.0.0.1:{port}/v1"
        nursery.cancel_scope.cancel()


async def test_the_simulated_upstream_is_no_model_server() -> None:
    """Whoever runs `voxint sim` on such a port has no model by that."""
    assert await found(ModelServer(listing("sim", owner="voxint")).script) == []
