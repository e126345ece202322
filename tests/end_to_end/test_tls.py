"""The server speaks TLS itself: what is promised of interruptions holds, closing does not hang, certificates change."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import structlog
import trio
import trustme
from attrs import frozen

from tests.end_to_end.callers import no_descriptor_left, no_request_left, serving
from tests.end_to_end.wire import Wire, open_wire
from tests.talk import SPOKEN, WRITTEN
from voxint.client import connect
from voxint.core.agent import Agent, Limits
from voxint.core.settings import SettingsChange
from voxint.protocol import messages as m
from voxint.server.config import ServerConfig
from voxint.server.serve import Server
from voxint.testing.stages import FOREVER, ScriptedModel, ScriptedVoice

CLOSE_S = 5.0
"""Of a server of these tests: a close that waits for it fails its test."""


@frozen
class Files:
    """A certificate and its key on disk, and what trusts them."""

    cert: Path
    key: Path
    client: ssl.SSLContext

    def issue(self, authority: trustme.CA) -> None:
        """Write another certificate."""
        issued = authority.issue_cert("localhost", "127.0.0.1")
        issued.private_key_pem.write_to_path(self.key)
        issued.cert_chain_pems[0].write_to_path(self.cert)


@pytest.fixture
def authority() -> trustme.CA:
    """Who signs."""
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> Files:
    """A certificate of this machine's."""
    client = ssl.create_default_context()
    authority.configure_trust(client)
    files = Files(tmp_path / "cert.pem", tmp_path / "key.pem", client)
    files.issue(authority)
    return files


@pytest.fixture
def logged() -> Iterator[list[dict[str, object]]]:
    """What is logged."""
    lines: list[dict[str, object]] = []

    def keep(logger: object, level: str, line: dict[str, object]) -> dict[str, object]:
        lines.append({**line, "level": level})
        raise structlog.DropEvent

    informed = structlog.make_filtering_bound_logger(20)  # from info on
    structlog.configure(processors=[keep], wrapper_class=informed)  # type: ignore[list-item]  # a MutableMapping
    yield lines
    structlog.reset_defaults()


@asynccontextmanager
async def serving_tls(files: Files, agent: Agent | None = None, **settings: object) -> AsyncIterator[Server]:
    """Serve with TLS."""
    changes = {"port": 0, "drain_s": 0, "close_s": CLOSE_S, **settings}
    config = ServerConfig(tls_cert=str(files.cert), tls_key=str(files.key), **changes)  # type: ignore[arg-type]  # attrs
    async with serving(agent or Agent(llm=ScriptedModel("Yes.")), config) as server:
        yield server


@asynccontextmanager
async def registered(server: Server, files: Files, patch: SettingsChange = WRITTEN) -> AsyncIterator[Wire]:
    """Connect a client that has registered."""
    async with open_wire(server.url, tls=files.client) as wire:
        wire.register(patch)
        await wire.until(lambda: wire.session_id is not None)
        yield wire


async def test_the_client_talks_over_tls(files: Files) -> None:
    """By the address that the server says; pages go out with a header that keeps browsers to TLS."""
    with no_descriptor_left():
        async with serving_tls(files) as server, httpx.AsyncClient(verify=files.client, trust_env=False) as http:
            assert server.url.startswith("wss://127.0.0.1:")
            async with connect(server.url, ssl_context=files.client) as client:
                assert await (await client.send_text("Are you there?")).text() == "Yes."
            page = await http.get(f"https://127.0.0.1:{server.port}/")
            assert f" wss://127.0.0.1:{server.port};" in page.headers["content-security-policy"]
            assert page.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("patch", [WRITTEN, SPOKEN])
async def test_an_interruption_holds_over_tls(files: Files, patch: SettingsChange) -> None:
    """Nothing of an answer comes after its acknowledgement, time after time; the wire's checker looks at each frame."""
    model = ScriptedModel("Well, this is a long answer. ", FOREVER)
    async with serving_tls(files, Agent(llm=model, tts=ScriptedVoice())) as server:
        async with registered(server, files, patch) as wire:
            for number in range(30):
                name = f"r{number}"
                wire.ask(name)
                await wire.until(lambda name=name: bool(wire.responses(name)))  # type: ignore[misc]  # mypy sees no default
                wire.interrupt(name)
                await wire.until(lambda number=number: len(wire.acks) == number + 1)  # type: ignore[misc]  # as above
            assert [ack.status for _, ack in wire.acks] == ["SUCCESS"] * 30
            wire.ask("last")  # which nobody hears to its end: the client goes without a word
            await wire.until(lambda: bool(wire.responses("last")))
        await no_request_left()
    assert model.running == 0


async def test_much_is_sent_whole_to_a_client_that_reads_late(files: Files) -> None:
    """What the kernel does not take at once goes out in order."""
    words = [f"{number} {'x' * 20_000} " for number in range(300)]
    async with (
        serving_tls(files, Agent(llm=ScriptedModel.says(*words), limits=Limits(answer_chars=10_000_000))) as server,
        open_wire(server.url, narrow=True, tls=files.client) as wire,
    ):
        wire.register(WRITTEN)
        await wire.until(lambda: wire.session_id is not None)
        wire.stop_reading()
        wire.ask("r1")
        await trio.sleep(0.3)
        wire.read_on()
        await wire.until(lambda: any(frame.text_stream_seq == -1 for frame in wire.responses("r1")), 30)
        assert "".join(frame.text or "" for frame in wire.responses("r1")) == "".join(words)


@pytest.mark.parametrize("who", ["client", "server", "nobody"])
async def test_a_close_is_over_at_once(files: Files, who: str) -> None:
    """Whoever begins it, and where the client just goes: nobody waits for a goodbye of TLS."""
    began = trio.current_time()
    with no_descriptor_left():
        async with serving_tls(files) as server, registered(server, files) as wire:
            if who == "client":
                wire.say(m.Shutdown())
                assert (await wire.until_closed()).code == 1000
            elif who == "server":
                server.shut_down()
                assert (await wire.until_closed()).code == 1001
    assert trio.current_time() - began < CLOSE_S - 1


async def test_the_server_ends_a_connection_that_is_closed(files: Files) -> None:
    """A client that has said goodbye waits for the server to end the connection (RFC 6455, 7.1.1)."""
    upgrade = (
        b"GET /ws/agent/stream HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with serving_tls(files) as server:
        tcp = await trio.open_tcp_stream("127.0.0.1", server.port)
        stream = trio.SSLStream(tcp, files.client, server_hostname="localhost", https_compatible=True)
        await stream.send_all(upgrade + b"\x88\x82\0\0\0\0\x03\xe8")
        heard = b""
        with trio.fail_after(CLOSE_S - 1):
            while data := await stream.receive_some():
                heard += data
        assert heard.endswith(b"\x88\x02\x03\xe8")
        await trio.aclose_forcefully(tcp)


async def test_plain_http_ends_at_once_and_quietly(files: Files, logged: list[dict[str, object]]) -> None:
    """And noise, and one who hangs up in the middle: no answer, no line in the log, and the next client is served."""
    async with serving_tls(files) as server:
        for said in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100, b"\x16\x03\x01\x02\x00\x01", b""):
            stream = await trio.open_tcp_stream("127.0.0.1", server.port)
            async with stream:
                await stream.send_all(said)
                if said in (b"", b"\x16\x03\x01\x02\x00\x01"):
                    await stream.send_eof()
                with trio.fail_after(2):
                    answer = await stream.receive_some()
                    assert b"HTTP" not in answer
                    while answer:
                        answer = await stream.receive_some()
        async with connect(server.url, ssl_context=files.client) as client:
            assert await (await client.send_text("Are you there?")).text() == "Yes."
    assert [line["event"] for line in logged if line["level"] != "info"] == []


async def test_who_does_not_shake_hands_is_let_go(files: Files) -> None:
    """Within the time that a stranger has."""
    async with serving_tls(files, register_s=0.1) as server:
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        with trio.fail_after(3):
            assert await stream.receive_some() == b""
        await stream.aclose()


async def test_who_shakes_hands_gives_way(files: Files) -> None:
    """A stranger in the middle of its handshake costs nobody a place."""
    async with (
        serving_tls(files, max_strangers=1) as server,
        await trio.open_tcp_stream("127.0.0.1", server.port) as stranger,
        registered(server, files),
        registered(server, files),
    ):
        with trio.fail_after(2):
            assert await stranger.receive_some() == b""


@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_tls_1_2_is_the_oldest(files: Files, most: ssl.TLSVersion) -> None:
    """And HTTP/1.1 is all that is spoken inside."""
    files.client.minimum_version = files.client.maximum_version = most
    files.client.set_alpn_protocols(["h2", "http/1.1"])
    async with serving_tls(files) as server:
        tcp = await trio.open_tcp_stream("127.0.0.1", server.port)
        stream = trio.SSLStream(tcp, files.client, server_hostname="localhost", https_compatible=True)
        if most == ssl.TLSVersion.TLSv1_1:
            with pytest.raises(trio.BrokenResourceError):
                await stream.do_handshake()
        else:
            await stream.do_handshake()
            assert stream.selected_alpn_protocol() == "http/1.1"
        await trio.aclose_forcefully(tcp)


async def test_another_certificate_is_shown_without_a_restart(files: Files, logged: list[dict[str, object]]) -> None:
    """To new clients, while the old connection goes on; a pair that does not fit leaves the one before."""
    elsewhere = trustme.CA()
    trusting = ssl.create_default_context()
    elsewhere.configure_trust(trusting)
    async with serving_tls(files) as server, registered(server, files) as wire:
        await server.reload()  # which finds nothing new
        files.issue(elsewhere)
        await server.reload()
        async with connect(server.url, ssl_context=trusting) as client:
            assert await (await client.send_text("Are you there?")).text() == "Yes."
        elsewhere.issue_cert("localhost").private_key_pem.write_to_path(files.key)
        await server.reload()
        files.cert.write_text("persimmon")
        await server.reload()
        async with connect(server.url, ssl_context=trusting) as client:
            assert await (await client.send_text("Are you there?")).text() == "Yes."
        wire.ask("r1")
        await wire.until(lambda: bool(wire.responses("r1")))
    reloads = [line for line in logged if line.get("what") == "certificate"]
    assert [(line["event"], line.get("expected")) for line in reloads] == [
        ("changed files read", None),
        ("changed files not used", f"this is not the private key of the certificate in {files.cert}: name that one"),
        ("changed files not used", "these are not a certificate and its private key in PEM: name those"),
    ]
