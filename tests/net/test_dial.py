from __future__ import annotations

import gc

import httpx
import pytest

from tests.net.loopback import AUTHORITY, Conversation, serve, server_tls, until
from voxint.net.dial import Dialer
from voxint.net.link import Origin


async def silent(conversation: Conversation) -> None:
    """Say nothing."""
    await conversation.closed()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_names_and_addresses_are_dialed(host: str) -> None:
    """A name may have several addresses that are raced, an address is dialed as it is."""
    async with serve(silent) as server:
        link = await Dialer().open(Origin("http", host, server.port))
        await until(lambda: server.accepted == 1)
        link.close()


async def test_an_address_where_nobody_listens_is_an_error() -> None:
    """It says why, and leaves no socket: the collector would warn of one."""
    async with serve(silent) as server:
        pass
    with pytest.raises(httpx.ConnectError, match="refused"):
        await Dialer().open(Origin("http", "127.0.0.1", server.port))
    gc.collect()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://a.example/x?y", Origin("http", "a.example", 80)),
        ("https://a.example:8443", Origin("https", "a.example", 8443)),
        ("https://[::1]/", Origin("https", "::1", 443)),
        ("https://bücher.example/", Origin("https", "xn--bcher-kva.example", 443)),
    ],
)
def test_where_a_url_leads(url: str, origin: Origin) -> None:
    """Scheme, name in ASCII and port, the scheme's own where the URL names none."""
    assert Origin.of(httpx.URL(url)) == origin


@pytest.mark.parametrize("url", ["ftp://host/", "/path", "http:///path"])
def test_a_url_that_leads_nowhere(url: str) -> None:
    """It is httpx's error for what a transport cannot do."""
    with pytest.raises(httpx.UnsupportedProtocol):
        Origin.of(httpx.URL(url))


async def test_the_environments_authorities_are_followed(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`SSL_CERT_FILE` says whom to trust, where no context is given."""
    bundle = tmp_path_factory.mktemp("tls") / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    async with serve(silent, server_tls()) as server:
        link = await Dialer().open(Origin("https", "127.0.0.1", server.port))
        link.close()
