"""What gets no WebSocket: heads without an end, TLS, wrong names, foreign pages, and floods of connections."""

from __future__ import annotations

import os

import trio

from bench.attacks.clients.again import crowd, sources
from bench.attacks.site import LOCAL, Site, envelope, read_head
from voxint.net.frames import CLOSE, TEXT, make_frame

__all__ = ["creep", "flood_connections", "foreign_pages", "halve_heads", "speak_tls", "wrong_names"]

HEADS = 200
CREEPERS = 100
FLOODERS = 20
NAMES = ("evil.example", "evil.example:80", "127.0.0.1.evil.example")
PAGES = ("/metrics", "/", "/readyz")
OPENED = 8
"""Pages of one origin that connect at a time, each as fast as it is refused. Ours: as many tabs."""

POURED = 2_000
"""Empty messages behind a page's request: heads that a server looks at where it looks for the Close. Ours."""

HELLO = bytes.fromhex("1603010200010001fc0303")
"""How a client of TLS begins."""


async def halve_heads(site: Site) -> None:
    """Two hundred connections with the first half of a head each, 15 kB, and no more."""
    half = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 100) for n in range(130))

    async def one(number: int) -> None:
        async with site.dial(sources(number)) as stream:
            await stream.send_all(half)
            site.count("begun")
            while await stream.receive_some(65_536):
                pass

    await crowd(site, HEADS, one, pause_s=0.25)


async def creep(site: Site) -> None:
    """A hundred connections that send a byte of a head in a second."""

    async def one(number: int) -> None:
        async with site.dial(sources(number)) as stream:
            for byte in b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" * 100:
                await stream.send_all(bytes((byte,)))
                site.count("bytes")
                await trio.sleep(1)

    await crowd(site, CREEPERS, one)


async def flood_connections(site: Site) -> None:
    """Connect and close, as fast as it goes, twenty at a time."""

    async def one(number: int) -> None:
        async with site.dial(sources(number)) as stream:
            site.count("connected")
            if number % 2:
                await stream.send_all(b"GET / HTTP/1.1\r\n")

    await crowd(site, FLOODERS, one, pause_s=0.002)


async def speak_tls(site: Site) -> None:
    """Begin TLS, then noise, where plain HTTP is spoken."""

    async def one(number: int) -> None:
        async with site.dial(sources(number)) as stream:
            await stream.send_all(HELLO + os.urandom(60_000))
            site.count("begun")
            while await stream.receive_some(65_536):
                pass

    await crowd(site, FLOODERS, one)


async def wrong_names(site: Site) -> None:
    """Ask an open server for its pages by names that are not its own, as a web page that was rebound would."""

    async def one(number: int) -> None:
        page, name = PAGES[number % len(PAGES)], NAMES[number // len(PAGES) % len(NAMES)]
        async with site.dial() as stream:
            head = f"GET {page} HTTP/1.1\r\nHost: {name}\r\nOrigin: http://{name}\r\nConnection: close\r\n\r\n"
            await stream.send_all(head.encode())
            said, _ = await read_head(stream)
            site.count("asked")
            if said.startswith((b"HTTP/1.1 200", b"HTTP/1.1 503")):
                site.count(f"told {page}")

    await crowd(site, len(PAGES) * len(NAMES), one)


async def foreign_pages(site: Site) -> None:
    """Pages of a foreign origin connect, as fast as they are refused, with a REGISTER at once.

    Every second one has a flood behind that and leaves it to the server to end it; the others answer the Close.
    """
    auth = {"type": "API_KEY", "api_key": ""}
    register = envelope("REGISTER", None, {"auth": auth, "platform": "WEB"}).encode()
    said = make_frame(TEXT, register, masked=True)
    flood = make_frame(TEXT, b"", masked=True) * POURED

    async def one(number: int) -> None:
        async with site.dial(sources(number)) as stream:
            asking = (
                f"GET /ws/agent/stream HTTP/1.1\r\nHost: {LOCAL}:{site.job.port}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nOrigin: https://evil.example\r\n"
                f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            await stream.send_all(asking.encode() + said + flood * (number % 2))
            head, ahead = await read_head(stream)
            site.count("refused" if head.startswith(b"HTTP/1.1 101") else "turned away")
            if not number % 2:
                await stream.send_all(make_frame(CLOSE, b"\x11\x33", masked=True))
            while True:
                if b"REGISTER_ACK" in ahead:
                    site.count("told a session")
                if not (more := await stream.receive_some(65_536)):
                    return
                ahead += more

    await crowd(site, OPENED, one, pause_s=0.002)
